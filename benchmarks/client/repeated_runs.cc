// How long a client waits for a result that is made, and for one that is kept:
//   repeated_runs HOST:PORT NAME RECIPE [COUNT [KEY=VALUE…]]
// One client, one request after the other, through one connection: 5 forced runs, then COUNT (1000)
// requests that find the result. Prints the median of the first, p50 and p99 of the others in
// milliseconds, and how many times faster they are.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "host/system/clocks.h"

using namespace pixmesh;

namespace {

/// Counts the bytes and throws them away.
class Nowhere : public ByteSink {
 public:
  Result<Done> write(ByteView bytes) override {
    got_ += bytes.size();
    return Done{};
  }
  Result<Done> restart() override { return Done{}; }
  [[nodiscard]] std::uint64_t got() const { return got_; }

 private:
  std::uint64_t got_ = 0;
};

struct Sample {
  double ms = 0;
  ResultOrigin origin{};
};

Sample run_once(Client& client, const RunOptions& options) {
  Nowhere sink;
  const Instant began = monotonic_now();
  const auto receipt = client.run(options, sink, {});
  const Instant ended = monotonic_now();
  if (!receipt) {
    std::fprintf(stderr, "%s\n", receipt.error().detail.c_str());
    std::exit(1);
  }
  return {static_cast<double>((ended - began) / 1us) / 1'000, receipt->origin};
}

double part_of(std::vector<double> samples, std::size_t percent) {
  std::sort(samples.begin(), samples.end());
  return samples[std::min(samples.size() - 1, samples.size() * percent / 100)];
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) {
    std::fprintf(stderr, "repeated_runs HOST:PORT NAME RECIPE [COUNT [KEY=VALUE...]]\n");
    return 2;
  }
  ClientOptions where;
  where.nodes = {{words[1]}};
  auto client = Client::connect(where);
  if (!client) {
    std::fprintf(stderr, "%s\n", client.error().detail.c_str());
    return 1;
  }
  RunOptions options;
  options.name = words[2];
  options.recipe = words[3];
  const int repeats = count > 4 ? std::atoi(words[4]) : 1'000;
  for (int i = 5; i < count; ++i) {
    const std::string word = words[i];
    const std::size_t equals = word.find('=');
    options.arguments.push_back({word.substr(0, equals), word.substr(equals + 1)});
  }
  std::vector<double> made, kept;
  options.force = true;
  for (int i = 0; i < 5; ++i) made.push_back(run_once(*client.value(), options).ms);
  options.force = false;
  (void)run_once(*client.value(), options);  // whatever was made last is being kept
  int others = 0;
  for (int i = 0; i < repeats; ++i) {
    const Sample one = run_once(*client.value(), options);
    others += one.origin == ResultOrigin::kept ? 0 : 1;
    kept.push_back(one.ms);
  }
  const double median = part_of(made, 50);
  const double p50 = part_of(kept, 50);
  std::printf("made %.1f ms, kept p50 %.2f ms, p99 %.2f ms, %.0f times faster, not kept %d\n",
              median, p50, part_of(kept, 99), median / p50, others);
  return 0;
}
