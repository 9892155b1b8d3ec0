// Runs through a mesh from many askers at a time, each with his own connections:
//   mesh_load --nodes A,B,C --prefix P --threads 6 --seconds 20                  closed loop: its
//   peak mesh_load --nodes A,B,C --prefix P --threads 130 --rate 90 --seconds 60      open loop
//   mesh_load --nodes A,B,C --prefix P --threads 200 --batch --once              each image once
//   mesh_load --nodes A,B,C --prefix P --health --seconds 60                     small questions
// In an open loop a run begins when its time has come, however many wait; with too few threads it
// begins late, and that is counted.
#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>

#include "host/system/clocks.h"
#include "load_plan.h"

namespace pixmesh {
namespace {

class NoSink : public ByteSink {
 public:
  Result<Done> write(ByteView) override { return Done{}; }
  Result<Done> restart() override { return Done{}; }
};

/// What all askers saw, added up.
struct Seen {
  std::size_t begun = 0;
  std::size_t done = 0;
  std::size_t in_time = 0;  // done while load was put on
  std::size_t refused = 0;
  std::size_t late = 0;  // begun 100 ms after their time
  std::map<std::string, std::size_t> failed;
  Spans latency;   // of what was done, from the time it should have begun
  Spans refusals;  // from the call to the answer
  std::map<std::string, Spans> health;

  void add(const Seen& other) {
    begun += other.begun;
    done += other.done;
    in_time += other.in_time;
    refused += other.refused;
    late += other.late;
    for (const auto& [text, count] : other.failed) failed[text] += count;
    latency.add(other.latency);
    refusals.add(other.refusals);
    for (const auto& [name, spans] : other.health) health[name].add(spans);
  }
};

class Load {
 public:
  explicit Load(LoadPlan plan) : plan_(std::move(plan)) {}
  int run();

 private:
  [[nodiscard]] Result<std::unique_ptr<Client>> connect(std::size_t first) const;
  void ask(std::size_t thread);
  void ask_once(Client& client, std::size_t index, Instant due, Seen& seen);
  void ask_health(Client& client, Seen& seen);
  void print(Duration took);

  LoadPlan plan_;
  std::vector<std::string> names_;
  Instant begin_{};
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  Seen seen_;
};

Result<std::unique_ptr<Client>> Load::connect(std::size_t first) const {
  ClientOptions options;
  for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
    options.nodes.push_back(plan_.nodes[(first + i) % plan_.nodes.size()]);
  }
  options.deadline = plan_.deadline;
  options.client = first + 1;
  return Client::connect(std::move(options));
}

void Load::ask_once(Client& client, std::size_t index, Instant due, Seen& seen) {
  RunOptions options;
  options.recipe = plan_.recipe;
  options.arguments = plan_.arguments;
  options.name = names_[index % names_.size()];
  options.batch = plan_.batch;
  options.force = plan_.force;
  NoSink sink;
  const Instant asked = monotonic_now();
  ++seen.begun;
  if (asked - due > 100ms) ++seen.late;
  const auto receipt = client.run(options, sink, {});
  const Instant ended = monotonic_now();
  if (receipt) {
    ++seen.done;
    if (plan_.once || ended <= begin_ + plan_.length) ++seen.in_time;
    seen.latency.add(ended - due);
  } else if (receipt.error().code == ErrorCode::overloaded) {
    ++seen.refused;
    seen.refusals.add(ended - asked);
  } else {
    ++seen.failed[receipt.error().detail.substr(0, 100)];
  }
}

void Load::ask_health(Client& client, Seen& seen) {
  const auto timed = [&seen](const std::string& name, const auto& call) {
    const Instant asked = monotonic_now();
    if (!call()) ++seen.failed[name];
    seen.health[name].add(monotonic_now() - asked);
  };
  RunOptions options;
  options.recipe = plan_.recipe;
  options.name = names_.front();
  timed("status of all nodes", [&] { return client.status().has_value(); });
  timed("lookup", [&] { return client.stat(names_.front(), false).has_value(); });
  timed("probes of all holders", [&] {
    const auto answer = client.plan(options);
    return answer || answer.error().code == ErrorCode::overloaded;
  });
}

void Load::ask(std::size_t thread) {
  auto client = connect(thread);
  Seen seen;
  while (client) {
    const std::size_t index = next_++;
    if (plan_.once && index >= names_.size() * plan_.times) break;
    const auto nth = static_cast<double>(index);
    const bool open = plan_.rate > 0;
    const Instant due = open ? begin_ + Duration(static_cast<std::int64_t>(nth * 1e9 / plan_.rate))
                             : monotonic_now();
    if (!plan_.once && due >= begin_ + plan_.length) break;
    std::this_thread::sleep_for(due - monotonic_now());
    if (plan_.health) {
      ask_health(*client.value(), seen);
      std::this_thread::sleep_for(100ms);
    } else {
      ask_once(*client.value(), index, due, seen);
    }
  }
  const std::lock_guard lock(mutex_);
  if (!client) ++seen.failed[client.error().detail];
  seen_.add(seen);
}

int Load::run() {
  auto client = connect(0);
  if (!client) {
    std::fprintf(stderr, "mesh_load: %s\n", client.error().detail.c_str());
    return 1;
  }
  const auto listed = client.value()->list(plan_.prefix, {}, [this](const ListEntry& entry) {
    names_.push_back(entry.name);
    return true;
  });
  if (!listed || names_.empty()) {
    std::fprintf(stderr, "mesh_load: no images below '%s'\n", plan_.prefix.c_str());
    return 1;
  }
  begin_ = monotonic_now() + 500ms;  // all are connected by then
  std::vector<std::thread> askers;
  for (int i = 0; i < plan_.threads; ++i) {
    askers.emplace_back([this, i] { ask(static_cast<std::size_t>(i)); });
  }
  for (std::thread& asker : askers) asker.join();
  print(monotonic_now() - begin_);
  return seen_.failed.empty() ? 0 : 3;
}

void Load::print(Duration took) {
  const double seconds = std::chrono::duration<double>(plan_.once ? took : plan_.length).count();
  for (auto& [name, spans] : seen_.health) {
    std::printf("%s: %zu asked, %s\n", name.c_str(), spans.count(), spans.text().c_str());
  }
  if (!plan_.health) {
    std::printf("begun %zu done %zu goodput %.2f/s refused %zu late %zu\n", seen_.begun, seen_.done,
                static_cast<double>(seen_.in_time) / seconds, seen_.refused, seen_.late);
    std::printf("latency %s; refusals %s\n", seen_.latency.text().c_str(),
                seen_.refusals.text().c_str());
  }
  for (const auto& [text, count] : seen_.failed) {
    std::printf("failed %zu: %s\n", count, text.c_str());
  }
}

}  // namespace
}  // namespace pixmesh

int main(int argc, char** argv) {
  const auto plan = pixmesh::parse_load_plan({argv + 1, argv + argc});
  if (!plan) {
    std::fprintf(stderr, "%s\n", plan.error().detail.c_str());
    return 2;
  }
  return pixmesh::Load(plan.value()).run();
}
