#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>

#include "tool_bench.h"

using namespace pixmesh;
namespace fs = std::filesystem;

// Tools that a hostile image has taken over, in the sandbox that a node puts around them.
namespace {

/// Perl with a mark in its command line, by which its processes are found.
ToolRun perl(const ToolBench& bench, const std::string& program, const std::string& mark) {
  return bench.tool({"perl", "-e", program, mark, "{in}", "{out}"});
}

ToolRun reporting(ToolRun tool) {
  tool.output_on_stdout = true;
  tool.argv.pop_back();
  return tool;
}

/// A mark that nobody else has.
std::string fresh_mark() {
  static int next = 0;
  return "mark-" + std::to_string(::getpid()) + "-" + std::to_string(++next);
}

/// A socket that listens, and whether anybody came.
class Listener {
 public:
  Listener(int family, const sockaddr* address, socklen_t length)
      : socket_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    REQUIRE(::bind(socket_, address, length) == 0);
    REQUIRE(::listen(socket_, 4) == 0);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { ::close(socket_); }
  [[nodiscard]] bool somebody_came() const {
    pollfd watched{socket_, POLLIN, 0};
    return ::poll(&watched, 1, 0) == 1;
  }
  [[nodiscard]] int port() const {
    sockaddr_in bound{};
    socklen_t length = sizeof bound;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&bound), &length);
    return ntohs(bound.sin_port);
  }

 private:
  int socket_;
};

std::uint64_t bytes_below(const fs::path& folder) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

}  // namespace

TEST_CASE("hostile: a tool that hangs, deaf and in sessions of its own, is gone at its limit") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  const std::string mark = fresh_mark();
  ToolRun hang =
      perl(bench,
           "use POSIX; $SIG{$_} = 'IGNORE' for qw(TERM INT HUP);"
           "for (1 .. 3) { if (!fork) { POSIX::setsid(); fork; sleep 1000 } } sleep 1000",
           mark);
  hang.limits.wall = 700ms;
  const ToolReport report = bench.run(hang);

  CHECK(report.end == ToolEnd::wall_limit);
  CHECK(report.wall < 5s);
  CHECK(all_end_soon(mark));
}

TEST_CASE("hostile: a cancelled tool is gone with its whole tree in less than a second") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  const std::string mark = fresh_mark();
  ToolRun tree = perl(bench,
                      "use POSIX; open(my $o, '>', $ARGV[2]); if (!fork) { POSIX::setsid(); fork }"
                      "syswrite($o, qq(up\\n)); sleep 1000",
                      mark);
  tree.run = RunId{900};
  bench.executor().run(tree);
  (void)wait_for_line(bench.scratch() / "run-900/out.txt");

  bench.executor().cancel(RunId{900});

  CHECK(all_end_soon(mark));
  CHECK(bench.reports().next().end == ToolEnd::cancelled);
}

TEST_CASE("hostile: what would outlive its parent ends with it") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  const std::string mark = fresh_mark();
  const ToolReport report = bench.run(
      perl(bench,
           "use POSIX; open(my $o, '>', $ARGV[2]); print $o 'done'; close $o;"
           "if (!fork) { POSIX::setsid(); if (!fork) { close STDIN; close STDOUT; close STDERR;"
           "sleep 1000 } }",
           mark));
  CHECK(report.end == ToolEnd::finished);
  CHECK(all_end_soon(mark));
}

TEST_CASE("hostile: a tool that forks without end stays below its limit of tasks") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  const std::string mark = fresh_mark();
  const ToolReport counted =
      bench.run(reporting(perl(bench,
                               "my $n = 1; while (1) { my $p = fork; last unless defined $p;"
                               "if (!$p) { sleep 1000 } ++$n } print $n",
                               mark)));
  const unsigned long tasks = std::stoul(read_text(counted.output_path));
  CHECK(tasks <= SandboxView{}.tasks);
  CHECK(tasks + 2 >= SandboxView{}.tasks);  // the launcher may count as one
  CHECK(all_end_soon(mark));

  ToolRun bomb = perl(bench, "fork while 1", mark);
  bomb.run = RunId{901};
  bomb.limits.wall = 2s;
  ToolRun innocent = bench.tool({"cp", "{in}", "{out}"});
  innocent.run = RunId{902};
  bench.executor().run(bomb);
  bench.executor().run(innocent);
  std::size_t most = 0;
  while (bench.reports().count() < 2) most = std::max(most, processes_with(mark));

  CHECK(most > 2);
  CHECK(most <= SandboxView{}.tasks + 2);  // bwrap and the launcher have the mark too
  const ToolReport first = bench.reports().next();
  CHECK(first.run == RunId{902});
  CHECK(first.end == ToolEnd::finished);
  CHECK(bench.reports().next().end == ToolEnd::wall_limit);
  CHECK(all_end_soon(mark));
}

TEST_CASE("hostile: a flood of output or of files fills neither the disk nor the memory") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  ToolRun flood = bench.tool({"yes"});
  flood.output_on_stdout = true;
  flood.limits.output_bytes = 1'000'000;
  // Files in /tmp, files that have no name any more, and the output itself.
  ToolRun many = perl(bench,
                      "my ($n, @keep) = (0); my $mega = 'x' x 1_000_000;"
                      "while (open(my $f, '>', qq(/tmp/$n))) { unlink qq(/tmp/$n) if $n % 2;"
                      "my $w = syswrite($f, $mega); last unless $w; push @keep, $f; ++$n }"
                      "$SIG{XFSZ} = 'IGNORE'; open(my $o, '>', $ARGV[2]);"
                      "syswrite($o, qq($n\\n)); while (syswrite($o, $mega)) {} exit 0",
                      fresh_mark());
  many.limits.output_bytes = 3'000'000;
  many.limits.wall = 20s;

  CHECK(bench.run(flood).end == ToolEnd::output_limit);
  const ToolReport report = bench.run(many);

  CHECK(report.end == ToolEnd::output_limit);
  CHECK(report.output_size <= 3'000'001);
  CHECK(std::stoul(read_text(report.output_path)) <= SandboxView{}.temp_bytes / 1'000'000);
  CHECK(bytes_below(bench.scratch()) < 5'000'000);
}

TEST_CASE("hostile: a tool finds no key of the node, whatever path it tries") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  const fs::path key = bench.disk() / "state" / ("identity-" + fresh_mark());
  write_text(key, "the node's key");
  const std::string tries = key.string() + " /job/../" + key.string() + " /proc/1/root" +
                            key.string() + " /proc/self/root" + key.string();
  const ToolReport report = bench.run(bench.shell(
      "for f in " + tries + "; do cat $f >> $out; done; ln -s " + key.string() +
      " /tmp/k; cat /tmp/k >> $out; find / -name 'identity-mark*' >> $out; "
      "for p in /proc/*/environ /proc/*/fd/*; do cat $p >> $out; done; echo end >> $out"));
  CHECK(read_text(report.output_path) == "end\n");
}

TEST_CASE("hostile: a tool reaches nobody by a socket") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  sockaddr_in loopback{};
  loopback.sin_family = AF_INET;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const Listener network(AF_INET, reinterpret_cast<const sockaddr*>(&loopback), sizeof loopback);
  sockaddr_un abstract{};
  abstract.sun_family = AF_UNIX;
  const std::string name = fresh_mark();
  name.copy(abstract.sun_path + 1, name.size());  // in no folder: only a network namespace hides it
  const auto length = static_cast<socklen_t>(sizeof(sa_family_t) + 1 + name.size());
  const Listener local(AF_UNIX, reinterpret_cast<const sockaddr*>(&abstract), length);

  const ToolReport report = bench.run(reporting(
      perl(bench,
           "use Socket; print socket(S, PF_INET, SOCK_STREAM, 0) && connect(S, pack_sockaddr_in(" +
               std::to_string(network.port()) +
               ", inet_aton('127.0.0.1'))) ? 'in ' : 'no ';"
               "print socket(L, PF_UNIX, SOCK_STREAM, 0) && connect(L, pack('S', PF_UNIX)"
               " . qq(\\0" +
               name + ")) ? 'in' : 'no'",
           name)));

  CHECK(read_text(report.output_path) == "no no");
  CHECK_FALSE(network.somebody_came());
  CHECK_FALSE(local.somebody_came());
}

TEST_CASE("hostile: a tool can end no process but its own") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  ToolRun victim = bench.shell("sleep 1; cat $in > $out");
  victim.run = RunId{910};
  bench.executor().run(victim);
  ToolRun killer =
      bench.shell("kill -9 " + std::to_string(::getpid()) + " $(seq 1 5000); kill -9 -1");
  killer.run = RunId{911};
  bench.executor().run(killer);

  const ToolReport first = bench.reports().next();
  CHECK(first.run == RunId{911});
  CHECK(first.end == ToolEnd::killed);
  const ToolReport second = bench.reports().next();
  CHECK(second.run == RunId{910});
  CHECK(second.end == ToolEnd::finished);
}

TEST_CASE("hostile: a tool gains no right: no other user, no namespace, no mount, no tracing") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  const std::string mark = fresh_mark();
  const ToolReport users = bench.run(reporting(perl(
      bench,
      "my $was = $<; $< = 0; $> = 0; $) = 0; print $< == $was && $> == $was ? 'same' : 'other'",
      mark)));
  CHECK(read_text(users.output_path) == "same");
  for (const char* attempt : {"unshare --user true", "unshare --mount true",
                              "mount -t tmpfs x /tmp", "chroot / true", "umount /job/in.bin"}) {
    CAPTURE(attempt);
    CHECK(bench.run(bench.shell(std::string(attempt) + " && echo yes > $out")).end !=
          ToolEnd::finished);
  }
  // ptrace(PTRACE_SEIZE) and process_vm_readv of process 1, by their numbers on this processor.
#if defined(__x86_64__)
  const ToolReport traced =
      bench.run(reporting(perl(bench,
                               "print syscall(101, 0x4206, 1, 0, 0) < 0 ? 'no ' : 'yes '; print "
                               "syscall(310, 1, 0, 0, 0, 0, 0) < 0 ? 'no' : 'yes'",
                               mark)));
  CHECK(read_text(traced.output_path) == "no no");
#endif
}
