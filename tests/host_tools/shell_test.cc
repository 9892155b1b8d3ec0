#include <doctest/doctest.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <system_error>

#include "host/tools/process_executor.h"
#include "host/tools/shell_process.h"
#include "tool_bench.h"

using namespace pixmesh;
namespace fs = std::filesystem;

namespace {

/// Shells over one stored file, and all that they say.
class ShellBench final : public EventSink {
 public:
  explicit ShellBench(std::optional<Sandbox> sandbox) {
    write_text(folder_.path() / "disk/images/stored.bin", "stored bytes");
    ProcessExecutorOptions options;
    options.disks = {folder_.path() / "disk"};
    options.scratch = scratch();
    options.sandbox = std::move(sandbox);
    auto opened = ProcessExecutor::open(std::move(options), *this);
    REQUIRE(opened.has_value());
    executor_ = std::move(opened).value();
  }
  ~ShellBench() override { executor_.reset(); }

  void post(HostEvent event) override {
    const std::scoped_lock lock(mutex_);
    const ShellNews& news = std::get<ShellNews>(event);
    if (const auto* said = std::get_if<ShellSaid>(&news.what)) {
      ++pieces_;
      (said->is_error ? errors_ : output_) += said->bytes;
    } else if (std::holds_alternative<ShellTook>(news.what)) {
      ++took_;
    } else {
      over_ = std::get<ShellOver>(news.what);
    }
    changed_.notify_all();
  }

  RunId open(std::vector<std::string> words, std::optional<ShellTerminal> terminal = {}) {
    ShellStart start;
    start.shell = RunId{shell_numbers + 1};
    start.words = std::move(words);
    start.terminal = std::move(terminal);
    start.input_path = "images/stored.bin";
    start.input_extension = "bin";
    executor_->open_shell(start);
    return start.shell;
  }
  /// Waits for it, 30 s at most; the condition is asked under the lock.
  bool comes_true(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), condition);
  }
  ShellOver end() {
    REQUIRE(comes_true([this] { return over_.has_value(); }));
    return *over_;
  }
  bool prints(const std::string& text) {
    const bool came = comes_true([&] { return output_.find(text) != std::string::npos; });
    const std::string all = output();
    CHECK_MESSAGE(came, all);
    return came;
  }
  bool says(std::uint64_t pieces) {
    return comes_true([&] { return pieces_ >= pieces; });
  }
  std::string output() {
    const std::scoped_lock lock(mutex_);
    return output_;
  }
  std::string errors() {
    const std::scoped_lock lock(mutex_);
    return errors_;
  }
  std::uint64_t pieces() {
    const std::scoped_lock lock(mutex_);
    return pieces_;
  }
  /// What stands in the executor's queue has been done when this returns.
  void drain(RunId shell) {
    std::uint64_t before = 0;
    REQUIRE(comes_true([&] { return (before = took_, true); }));
    executor().feed_shell(shell, "x");
    REQUIRE(comes_true([&] { return took_ > before; }));
  }
  ProcessExecutor& executor() { return *executor_; }
  fs::path scratch() const { return folder_.path() / "scratch"; }
  fs::path stored() const { return folder_.path() / "disk/images/stored.bin"; }

 private:
  TestFolder folder_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string output_;
  std::string errors_;
  std::uint64_t pieces_ = 0;
  std::uint64_t took_ = 0;
  std::optional<ShellOver> over_;
  std::unique_ptr<ProcessExecutor> executor_;
};

/// Whether a program outside of the sandbox has this in its command line.
bool stands_outside(const std::string& mark) {
  std::error_code gone;
  return std::ranges::any_of(fs::directory_iterator("/proc", gone), [&](const auto& entry) {
    const std::string line = read_text(entry.path() / "cmdline");
    const bool outside =
        line.find("bwrap") != std::string::npos || line.find("pixmesh-launch") != std::string::npos;
    return outside && line.find(mark) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("host_tools: every word of a shell's command stands in quotes") {
  ShellStart start;
  start.words = {"echo", "it's", "$(id); `x` \\ \"*\"\n"};
  CHECK(shell_script(start) == "cd /job\nexec 'echo' 'it'\\''s' '$(id); `x` \\ \"*\"\n'\n");
}

TEST_CASE("host_tools: a shell's command gets its words, its input, and two outputs") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ShellBench bench(sandbox);
  const RunId shell = bench.open(
      {"sh", "-c", "cat; printf '%s|' \"$@\" >&2; exit 3", "sh", "a b", "it's", "$(id)", "*", ""});
  bench.executor().feed_shell(shell, "typed ");
  bench.executor().feed_shell(shell, "text");
  bench.executor().end_shell_input(shell);
  const ShellOver over = bench.end();

  CHECK(over.end == ToolEnd::exit_status);
  CHECK(over.exit_status == 3);
  CHECK(bench.output() == "typed text");
  CHECK(bench.errors() == "a b|it's|$(id)|*||");
  CHECK(fs::is_empty(bench.scratch()) == false);  // the policy of all tools stays
  CHECK_FALSE(fs::exists(bench.scratch() / ("run-" + std::to_string(shell.raw))));
}

TEST_CASE("host_tools: a shell sees the image read-only, and neither network nor other processes") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ShellBench bench(sandbox);
  const RunId shell = bench.open({});
  bench.executor().feed_shell(shell,
                              "cat in.bin; echo; ls | tr '\\n' ' '\n"
                              "echo bad > in.bin || rm -f in.bin || echo > new || echo kept\n"
                              "ls /proc /home /root /etc/passwd 2>&1 | grep -c cannot\n"
                              "perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(\"127.0.0.1:"
                              "22\") ? \"net\" : \"no net\"'\n"
                              "echo fine > /tmp/x && cat /tmp/x\n");
  bench.executor().end_shell_input(shell);
  bench.executor().allow_shell(shell, 1'000);  // each line may come as a piece of its own

  CHECK(bench.end().end == ToolEnd::finished);
  CHECK(bench.output() == "stored bytes\ncommand in.bin kept\n4\nno netfine\n");
  CHECK(read_text(bench.stored()) == "stored bytes");
}

TEST_CASE("host_tools: no word that was typed stands in a command line outside of the sandbox") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ShellBench bench(sandbox);
  const RunId shell = bench.open({"sleep", "612.25"});
  REQUIRE(one_begins_soon("612.25"));
  CHECK_FALSE(stands_outside("612.25"));
  bench.executor().close_shell(shell);
  CHECK(all_end_soon("612.25"));
  CHECK(bench.end().end == ToolEnd::cancelled);
}

TEST_CASE("host_tools: Ctrl-C interrupts what runs at a shell's terminal, not the shell") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ShellBench bench(sandbox);
  const RunId shell = bench.open({}, ShellTerminal{24, 80, "xterm"});
  bench.executor().allow_shell(shell, 1'000);
  bench.prints("/job$ ");
  bench.executor().feed_shell(shell, "sleep 613.25\n");
  REQUIRE(one_begins_soon("613.25"));
  bench.executor().feed_shell(shell, "\x03");
  CHECK(all_end_soon("613.25"));
  bench.executor().feed_shell(shell, "echo al''ive $TERM\n");
  bench.prints("alive xterm");

  bench.executor().resize_shell(shell, 41, 107);
  bench.executor().feed_shell(shell, "stty size < /dev/tty\n");
  bench.prints("41 107");
  bench.executor().feed_shell(shell, "sleep 614.25 &\njobs\n");
  bench.prints("Running");
  bench.executor().feed_shell(shell, "exit\n");
  CHECK(bench.end().end == ToolEnd::finished);
  CHECK(all_end_soon("614.25"));
}

TEST_CASE("host_tools: a shell that floods waits until its output was taken") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  for (const bool terminal : {false, true}) {
    CAPTURE(terminal);
    ShellBench bench(sandbox);
    const RunId shell = bench.open(
        {"yes"}, terminal ? std::optional(ShellTerminal{24, 80, "xterm"}) : std::nullopt);
    REQUIRE(bench.says(shell_pieces_max));
    bench.drain(shell);
    CHECK(bench.pieces() == shell_pieces_max);
    CHECK(bench.output().size() <= shell_pieces_max * shell_piece_bytes_max);

    bench.executor().allow_shell(shell, shell_pieces_max + 2);
    REQUIRE(bench.says(shell_pieces_max + 2));
    bench.drain(shell);
    CHECK(bench.pieces() == shell_pieces_max + 2);
    bench.executor().close_shell(shell);
    CHECK(bench.end().end == ToolEnd::cancelled);
  }
}

TEST_CASE("host_tools: a shell that reads no input keeps nobody from ending it") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ShellBench bench(sandbox);
  const RunId shell = bench.open({"sh", "-c", "echo begun; sleep 615.25"});
  bench.prints("begun");
  for (std::uint64_t i = 0; i < shell_pieces_max; ++i) {
    bench.executor().feed_shell(shell, std::string(shell_piece_bytes_max, 'x'));
  }
  bench.executor().end_shell_input(shell);
  bench.executor().close_shell(shell);
  CHECK(all_end_soon("615.25"));
  CHECK(bench.end().end == ToolEnd::cancelled);
}

TEST_CASE("host_tools: there is no shell without a sandbox, and none beside a file that is gone") {
  ShellBench bare{std::nullopt};
  (void)bare.open({"id"});
  const ShellOver refused = bare.end();
  CHECK(refused.end == ToolEnd::not_started);
  CHECK(refused.error_text.find("without a sandbox") != std::string::npos);

  ShellBench bench(sandbox_if_it_works());
  fs::remove(bench.stored());
  (void)bench.open({"id"});
  CHECK(bench.end().end == ToolEnd::not_started);
}
