#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "simulations/commands.h"

namespace pixmesh {
namespace {

// Whatever may find a bug; a seed that fails without it does not count.
constexpr const char* all_faults =
    " --faults network,crash,pause,clock,disk,tool,client,membership,motion,repeat,rot,loss,"
    "restore,state,rare,bay";

struct MutantsFlags {
  std::string program;
  std::string list;
  std::string scenarios;
  std::uint64_t seeds = 500;
  std::vector<std::string> only;
  bool json = false;
};

struct Verdict {
  std::string bug;
  std::uint64_t seeds_needed = 0;  // 0: by no seed
  std::string scenario;            // that finds it when no seed does
  std::string promise;
  std::string what;
};

struct Output {
  std::string text;
  int code = 0;
};

// Names of bugs are words, and the program's path comes from whoever runs this.
Output output_of(const std::string& command) {
  Output output;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {"", -1};
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe) != nullptr) {
    output.text += buffer.data();
  }
  output.code = ::pclose(pipe);
  return output;
}

std::vector<std::string> bugs_of(const MutantsFlags& flags) {
  std::vector<std::string> bugs;
  std::ifstream list(flags.list);
  for (std::string line; std::getline(list, line);) {
    if (line.rfind("bug ", 0) == 0) bugs.push_back(line.substr(4));
  }
  if (flags.only.empty()) return bugs;
  std::erase_if(bugs, [&](const std::string& bug) {
    return std::find(flags.only.begin(), flags.only.end(), bug) == flags.only.end();
  });
  return bugs;
}

/// What a soak that ended at its first failure says about it, or a replay.
struct Failure {
  std::uint64_t seed = 0;  // 0: a scenario's
  std::string promise;
  std::string what;
};

std::optional<Failure> first_failure(const std::string& text) {
  std::optional<Failure> first;
  std::size_t at = text.find("BROKEN ");
  while (at != std::string::npos) {
    const std::size_t word = at + 7;
    const std::size_t seed = text.find("--seed ", at);
    const std::size_t colon = text.find(": ", at);
    if (colon == std::string::npos) break;
    Failure failure;
    if (seed != std::string::npos) failure.seed = std::stoull(text.substr(seed + 7));
    failure.promise = text.substr(word, text.find(' ', word) - word);
    failure.what = text.substr(colon + 2, text.find('\n', colon) - colon - 2);
    if (!first || failure.seed < first->seed) first = failure;
    at = text.find("BROKEN ", word);
  }
  return first;
}

// The scenarios are replayed by the test suite, so what one of them finds is found.
Verdict judge_by_scenarios(const MutantsFlags& flags, const std::string& bug) {
  Verdict verdict{bug, 0, {}, {}, {}};
  if (flags.scenarios.empty()) return verdict;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(flags.scenarios)) {
    if (entry.path().extension() == ".scenario") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    const std::string replay = "'" + flags.program + "' replay '" + file.string() + "' 2>&1";
    const auto failure = first_failure(output_of("PIXMESH_PLANTED=" + bug + " " + replay).text);
    if (!failure || output_of(replay).code != 0) continue;
    verdict.scenario = file.stem().string();
    verdict.promise = failure->promise;
    verdict.what = failure->what;
    return verdict;
  }
  return verdict;
}

// A failure counts only if the same seed keeps every promise without the bug.
Verdict judge(const MutantsFlags& flags, const std::string& bug) {
  for (std::uint64_t from = 1; from <= flags.seeds;) {
    const Output soak = output_of("PIXMESH_PLANTED=" + bug + " '" + flags.program +
                                  "' soak --until-broken --seeds " + std::to_string(from) + ".." +
                                  std::to_string(flags.seeds) + all_faults + " 2>&1");
    const auto failure = first_failure(soak.text);
    if (!failure) break;
    const std::string seed = std::to_string(failure->seed);
    if (output_of("'" + flags.program + "' run --seed " + seed + all_faults + " 2>&1").code == 0) {
      return {bug, failure->seed, {}, failure->promise, failure->what};
    }
    from = failure->seed + 1;
  }
  return judge_by_scenarios(flags, bug);
}

bool is_found(const Verdict& verdict) {
  return verdict.seeds_needed > 0 || !verdict.scenario.empty();
}

void print(const Verdict& verdict) {
  if (!is_found(verdict)) {
    std::printf("%-32s    -  not found\n", verdict.bug.c_str());
    return;
  }
  const std::string seeds = verdict.seeds_needed > 0 ? std::to_string(verdict.seeds_needed) : "*";
  std::printf("%-32s %4s  %-4s %s%s\n", verdict.bug.c_str(), seeds.c_str(), verdict.promise.c_str(),
              verdict.what.c_str(),
              verdict.scenario.empty() ? "" : (" (" + verdict.scenario + ")").c_str());
}

int mutants(const MutantsFlags& flags) {
  const std::vector<std::string> bugs = bugs_of(flags);
  if (bugs.empty()) {
    std::fprintf(stderr, "pixmesh-sim: no bug to plant; is %s there?\n", flags.list.c_str());
    return 2;
  }
  std::vector<std::uint64_t> needed;
  std::size_t found = 0;
  for (const std::string& bug : bugs) {
    const Verdict verdict = judge(flags, bug);
    if (flags.json) {
      const nlohmann::ordered_json object{{"bug", bug},
                                          {"found", is_found(verdict)},
                                          {"seeds", verdict.seeds_needed},
                                          {"scenario", verdict.scenario},
                                          {"promise", verdict.promise},
                                          {"what", verdict.what}};
      std::printf("%s\n", object.dump().c_str());
    } else {
      print(verdict);
    }
    std::fflush(stdout);
    found += is_found(verdict) ? 1 : 0;
    if (verdict.seeds_needed > 0) needed.push_back(verdict.seeds_needed);
  }
  std::sort(needed.begin(), needed.end());
  if (!flags.json) {
    std::printf("%zu of %zu found, %zu within %llu seeds", found, bugs.size(), needed.size(),
                static_cast<unsigned long long>(flags.seeds));
    if (!needed.empty()) {
      std::printf("; median %llu", static_cast<unsigned long long>(needed[needed.size() / 2]));
    }
    std::printf("\n");
  }
  return found == bugs.size() ? 0 : 1;
}

}  // namespace

void add_mutants(Command root, int& code) {
  auto flags = std::make_shared<MutantsFlags>();
  const Command command = root.add_command(
      "mutants", "Looks for planted bugs with a program that simulations/mutants/run has built");
  command.add_option("--program", flags->program, "The pixmesh-sim with the bugs").required();
  command.add_option("--list", flags->list, "The bugs: simulations/mutants/mutants.txt").required();
  command.add_option("--scenarios", flags->scenarios,
                     "A folder of scenarios that may find what no seed does, marked *");
  command.add_option("--seeds", flags->seeds, "At most so many for each bug")
      .shows_default()
      .within(1, 1'000'000);
  command.add_option("--only", flags->only, "These bugs, not all");
  command.add_flag("--json", flags->json, "One object a line");
  command.on_chosen([flags, &code] { code = mutants(*flags); });
}

}  // namespace pixmesh
