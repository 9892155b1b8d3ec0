#include <cstdio>
#include <ctime>
#include <memory>

#include "simulations/commands.h"
#include "simulations/draw_flags.h"
#include "simulations/trial/batch.h"

namespace pixmesh {
namespace {

struct SoakFlags {
  std::string seeds;
  double minutes = 0;
  std::uint32_t processes = 2;
  bool until_broken = false;
  DrawFlags draw;
};

// "5..90", "5" or "fresh:200": so many from one that the clock chooses.
bool parse_seeds(const std::string& text, BatchPlan& plan) {
  unsigned long long first = 0;
  unsigned long long last = 0;
  if (std::sscanf(text.c_str(), "fresh:%llu", &last) == 1) {
    constexpr std::uint64_t spread = 1'000'000;
    plan.first = static_cast<std::uint64_t>(std::time(nullptr)) * spread;
    plan.last = plan.first + last - 1;
    return last > 0;
  }
  const int count = std::sscanf(text.c_str(), "%llu..%llu", &first, &last);
  if (count < 1) return false;
  plan.first = first;
  plan.last = count == 2 ? last : first;
  return plan.last >= plan.first;
}

int soak(const SoakFlags& flags) {
  BatchPlan plan;
  const auto wishes = flags.draw.wishes();
  if (!wishes) {
    std::fprintf(stderr, "pixmesh-sim: %s\n", wishes.error().detail.c_str());
    return 2;
  }
  plan.wishes = wishes.value();
  plan.processes = flags.processes;
  plan.until_broken = flags.until_broken;
  plan.real_time = of_minutes(flags.minutes);
  const bool seeds_given = !flags.seeds.empty();
  if (seeds_given ? !parse_seeds(flags.seeds, plan) : flags.minutes <= 0) {
    std::fputs("pixmesh-sim: say --minutes M, --seeds A..B or --seeds fresh:N\n", stderr);
    return 2;
  }
  if (!seeds_given) (void)parse_seeds("fresh:1", plan), plan.last = 0;
  std::printf("seeds from %llu on\n", static_cast<unsigned long long>(plan.first));
  const std::string rest = flags.draw.text();
  const BatchResult result = run_batch(plan, [&](const BatchFailure& failure) {
    std::printf("BROKEN %s in phase '%s': %s\n  repeat with: pixmesh-sim run --seed %llu%s\n",
                failure.finding.promise.c_str(), failure.phase.c_str(),
                failure.finding.what.c_str(), static_cast<unsigned long long>(failure.seed),
                rest.c_str());
    std::fflush(stdout);
  });
  std::fputs(report_of(result).c_str(), stdout);
  return result.failures.empty() ? 0 : 1;
}

}  // namespace

void add_soak(Command root, int& code) {
  auto flags = std::make_shared<SoakFlags>();
  const Command command = root.add_command("soak", "Runs many seeds");
  command.add_option("--seeds", flags->seeds, "A..B, or fresh:N for N that nobody ran before");
  command.add_option("--minutes", flags->minutes, "Real minutes; begins no seed after that")
      .within(0.01, 10'000.0);
  command.add_option("--processes", flags->processes, "Runs at one time").within(1, 256);
  command.add_flag("--until-broken", flags->until_broken, "Begin no seed after the first failure");
  flags->draw.add_to(command, "--safety-minutes");
  command.on_chosen([flags, &code] { code = soak(*flags); });
}

}  // namespace pixmesh
