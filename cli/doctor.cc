#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <thread>

#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/local_mesh.h"
#include "cli/node_settings.h"
#include "cli/node_tools.h"
#include "host/config/recipe_file.h"
#include "host/system/clocks.h"
#include "host/tools/memory_groups.h"
#include "host/tools/sandbox.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

enum class Verdict : std::uint8_t { fine, warning, wrong };

struct Finding {
  std::string what;
  Verdict verdict = Verdict::fine;
  std::string words;  // what was seen and, if need be, what to do
};

Finding finding(std::string what, Verdict verdict, std::string words) {
  Finding made;
  made.what = std::move(what);
  made.verdict = verdict;
  made.words = std::move(words);
  return made;
}

Finding tools(const NodeSettings& settings) {
  const Result<RecipeBook> book =
      load_recipe_book(settings.recipes, {.native_worker = native_worker_of(settings)});
  if (!book) return finding("recipes", Verdict::wrong, book.error().detail);
  std::set<std::string> missing;
  for (const auto& [name, entry] : book->entries()) {
    if (!entry.available()) missing.insert(entry.missing);
  }
  if (missing.empty()) {
    return finding("tools", Verdict::fine,
                   std::to_string(book->entries().size()) + " recipes can run here");
  }
  std::string names;
  for (const std::string& name : missing) names += (names.empty() ? "" : ", ") + name;
  return finding(
      "tools", Verdict::warning,
      "missing for some recipes: " + names +
          "; install them, as in 'apt install libvips-tools imagemagick'; a native worker "
          "needs pixmesh-vips-worker beside pixmesh, and --native not to be off");
}

Finding sandbox(const NodeSettings& settings) {
  const Result<Sandbox> tried = Sandbox::open({.folders = settings.sandbox_bind});
  if (tried) {
    const std::string who = tried->changes_user() ? "a user id of its own for each tool"
                                                  : "a user namespace for each tool";
    return finding("sandbox", settings.sandbox == "off" ? Verdict::warning : Verdict::fine,
                   "bubblewrap works, with " + who +
                       (settings.sandbox == "off" ? "; it is set to off all the same" : ""));
  }
  const bool needed = settings.sandbox != "off";
  return finding("sandbox", needed ? Verdict::wrong : Verdict::warning, tried.error().detail);
}

Finding memory_of_tools() {
  const Result<MemoryGroups> groups = MemoryGroups::open(MemoryGroups::Move::never);
  if (!groups) {
    return finding("memory of tools", Verdict::fine,
                   "each process has its own bound; " + groups.error().detail);
  }
  const std::string what = groups->quick() ? "each run, native worker and shell"
                                           : "each native worker and shell, but no single run,";
  return finding("memory of tools", Verdict::fine,
                 "a control group bounds " + what + " as a whole");
}

Finding port(const std::string& what, std::string_view endpoint, std::int64_t above) {
  const Result<std::int64_t> number = parse_integer(endpoint.substr(endpoint.rfind(':') + 1));
  const std::int64_t used = (number ? number.value() : 0) + above;
  if (used < 1 || used > 65'535) {
    return finding(what, Verdict::wrong, "no such port: " + std::to_string(used));
  }
  const bool free = port_is_free(static_cast<std::uint32_t>(used));
  return finding(what, free ? Verdict::fine : Verdict::warning,
                 std::to_string(used) + (free ? " is free" : " is in use; by a node that runs?"));
}

/// Writes 1 MiB in the folder and makes it durable.
Finding sync_time(const fs::path& folder) {
  const fs::path path = folder / (".pixmesh-doctor-" + std::to_string(::getpid()));
  const OwnedFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.fd() < 0) {
    return finding("fsync", Verdict::wrong,
                   folder.string() + " cannot be written: " + std::strerror(errno));
  }
  ::unlink(path.c_str());
  const std::vector<char> bytes(1U << 20, 'x');
  const bool written =
      ::write(file.fd(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  const Instant started = monotonic_now();
  if (!written || ::fsync(file.fd()) != 0) {
    return finding("fsync", Verdict::wrong, folder.string() + ": " + std::strerror(errno));
  }
  const Duration took = monotonic_now() - started;
  return finding("fsync", took > 100ms ? Verdict::warning : Verdict::fine,
                 "1MiB is durable in " + span_at_a_glance(took) +
                     (took > 100ms ? "; uploads wait for this disk" : ""));
}

/// The folder itself, or the nearest one above it that is there.
fs::path existing(fs::path folder) {
  std::error_code unknown;
  folder = fs::absolute(folder, unknown);
  while (!fs::exists(folder, unknown) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

std::vector<Finding> disk(const std::string& data) {
  const fs::path folder = existing(data);
  std::vector<Finding> findings;
  const bool writable = ::access(folder.c_str(), W_OK | X_OK) == 0;
  findings.push_back(finding("data folder", writable ? Verdict::fine : Verdict::wrong,
                             data + (writable ? " can be written"
                                              : " cannot be written; see "
                                                "'ls -ld' of it")));
  struct statvfs space {};
  if (::statvfs(folder.c_str(), &space) == 0) {
    const std::uint64_t free = space.f_bavail * space.f_frsize;
    const std::uint64_t total = space.f_blocks * space.f_frsize;
    const bool short_of = free < total / 20 || free < 1'000'000'000;
    findings.push_back(
        finding("disk space", short_of ? Verdict::warning : Verdict::fine,
                size_at_a_glance(free) + " of " + size_at_a_glance(total) + " free"));
  }
  if (writable) findings.push_back(sync_time(folder));
  return findings;
}

Finding open_files() {
  rlimit limit{};
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  const bool few = limit.rlim_cur < 1024;
  return finding("open files", few ? Verdict::warning : Verdict::fine,
                 std::to_string(limit.rlim_cur) + " allowed" +
                     (few ? "; raise it with 'ulimit -n 4096'" : ""));
}

/// Built after 2026-01-01; a clock before that is a clock nobody set.
Finding clock() {
  const WallTime now = wall_now();
  constexpr std::uint64_t earliest = 1'767'225'600'000'000;
  constexpr std::uint64_t latest = 4'102'444'800'000'000;  // 2100
  const bool sane = now.microseconds > earliest && now.microseconds < latest;
  return finding(
      "clock", sane ? Verdict::fine : Verdict::wrong,
      time_text(now.microseconds) + (sane ? "" : "; set it, versions of images are ordered by it"));
}

Finding cores() {
  const unsigned count = std::thread::hardware_concurrency();
  return finding("cores", count < 2 ? Verdict::warning : Verdict::fine, std::to_string(count));
}

std::vector<Finding> examine(const NodeSettings& settings) {
  std::vector<Finding> findings{tools(settings), sandbox(settings), memory_of_tools(),
                                cores(),         open_files(),      clock()};
  findings.push_back(port("control port", settings.listen, 0));
  findings.push_back(settings.bulk_listen.empty() ? port("bulk port", settings.listen, 1000)
                                                  : port("bulk port", settings.bulk_listen, 0));
  const std::vector<std::string> here{"."};
  for (const std::string& data : settings.data.empty() ? here : settings.data) {
    for (Finding& found : disk(data)) findings.push_back(std::move(found));
  }
  return findings;
}

const char* word_of(Verdict verdict) {
  constexpr std::array<const char*, 3> words{"ok", "warning", "wrong"};
  return words.at(static_cast<std::size_t>(verdict));
}

int doctor(CommandContext& context, const NodeFlags& flags) {
  const Result<Configuration> configuration = flags.read(::environ);
  if (!configuration) return context.fail(configuration.error());
  TextTable table({{"CHECK"}, {"RESULT"}, {"SEEN"}});
  Json checks = Json::array();
  bool wrong = false;
  for (const Finding& found : examine(configuration->node)) {
    const Colour colour = found.verdict == Verdict::fine      ? Colour::plain
                          : found.verdict == Verdict::warning ? Colour::yellow
                                                              : Colour::red;
    table.add({found.what, word_of(found.verdict), found.words}, colour);
    checks.push_back(
        Json{{"check", found.what}, {"result", word_of(found.verdict)}, {"seen", found.words}});
    wrong = wrong || found.verdict == Verdict::wrong;
  }
  context.output().print(table);
  context.output().object(Json{{"checks", checks}, {"fine", !wrong}});
  return wrong ? static_cast<int>(ErrorCode::failed) : exit_ok;
}

}  // namespace

void add_doctor(CommandLine& line) {
  const auto flags = std::make_shared<NodeFlags>();
  const Command app =
      line.add(machine_group, "doctor", "Check this machine and its configuration for a node",
               [flags](CommandContext& context) { return doctor(context, *flags); });
  flags->add_to(app);
}

}  // namespace pixmesh
