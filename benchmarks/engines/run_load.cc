#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "client/client.h"
#include "host/system/clocks.h"

// run_load NODE,NODE… THREADS ROUNDS RECIPE [KEY=VALUE]…: runs the recipe on every image of the
// mesh, ROUNDS times, THREADS at a time. Prints the seconds that it took, then of all runs what a
// client waits, what the tool takes of that and what is left, as p50 and p99 in milliseconds.
namespace {

using namespace pixmesh;

struct Load {
  std::vector<Endpoint> nodes;
  std::size_t rounds = 1;
  RunOptions options;
  std::vector<std::string> names;
};

struct Times {
  std::vector<Duration> waited, tool, left;
};

class Nowhere final : public ByteSink {
 public:
  Result<Done> write(ByteView) override { return Done{}; }
  Result<Done> restart() override { return Done{}; }
};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "run_load: %s\n", why.c_str());
  std::exit(1);
}

std::unique_ptr<Client> connect(const Load& load) {
  ClientOptions options;
  options.nodes = load.nodes;
  auto client = Client::connect(std::move(options));
  if (!client) give_up(client.error().detail);
  return std::move(client).value();
}

void run_some(const Load& load, std::atomic<std::size_t>& next, Times& times, std::mutex& mutex) {
  const std::unique_ptr<Client> client = connect(load);
  RunOptions options = load.options;
  for (;;) {
    const std::size_t index = next++;
    if (index >= load.names.size() * load.rounds) return;
    options.name = load.names[index % load.names.size()];
    Nowhere sink;
    const Instant began = monotonic_now();
    const auto receipt = client->run(options, sink, {});
    const Duration waited = monotonic_now() - began;
    if (!receipt) give_up(options.name + ": " + receipt.error().detail);
    const std::scoped_lock lock(mutex);
    times.waited.push_back(waited);
    times.tool.push_back(receipt->wall);
    times.left.push_back(waited - receipt->wall);
  }
}

double milliseconds(Duration span) {
  return std::chrono::duration<double, std::milli>(span).count();
}

void print(const char* what, std::vector<Duration>& spans) {
  std::ranges::sort(spans);
  const auto at = [&](std::size_t percent) {
    return milliseconds(spans[std::min(spans.size() - 1, spans.size() * percent / 100)]);
  };
  std::printf(" %s %.2f %.2f", what, at(50), at(99));
}

Load load_of(int count, char** words) {
  if (count < 6) give_up("usage: run_load NODES PREFIX THREADS ROUNDS RECIPE [KEY=VALUE]...");
  Load load;
  for (std::string left = words[1]; !left.empty();) {
    const std::size_t comma = left.find(',');
    load.nodes.push_back({left.substr(0, comma)});
    left = comma == std::string::npos ? "" : left.substr(comma + 1);
  }
  load.rounds = std::strtoul(words[4], nullptr, 10);
  load.options.recipe = words[5];
  for (int i = 6; i < count; ++i) {
    const std::string given = words[i];
    const std::size_t sign = given.find('=');
    if (sign == std::string::npos) give_up("'" + given + "' is not KEY=VALUE");
    load.options.arguments.push_back({given.substr(0, sign), given.substr(sign + 1)});
  }
  return load;
}

}  // namespace

int main(int count, char** words) {
  Load load = load_of(count, words);
  const auto listed = connect(load)->list(words[2], {}, [&](const ListEntry& entry) {
    load.names.push_back(entry.name);
    return true;
  });
  if (!listed || load.names.empty() || load.rounds == 0) give_up("there is nothing to run");
  Times times;
  std::mutex mutex;
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  const Instant began = monotonic_now();
  for (long i = std::strtol(words[3], nullptr, 10); i > 0; --i) {
    threads.emplace_back([&] { run_some(load, next, times, mutex); });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("runs %zu seconds %.3f", times.waited.size(),
              milliseconds(monotonic_now() - began) / 1'000);
  print("waited", times.waited);
  print("tool", times.tool);
  print("left", times.left);
  std::printf("\n");
}
