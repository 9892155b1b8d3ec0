#include "node/shells.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace pixmesh;

namespace {

constexpr LinkId own_link{7};
constexpr LinkId other_link{8};
constexpr Instant begin_at{};

/// Keeps what it is told; the test says what becomes of it.
class FakeHost final : public ShellHost {
 public:
  void open_shell(const ShellStart& one) override { opened.push_back(one); }
  void feed_shell(RunId, std::string piece) override { fed.push_back(std::move(piece)); }
  void end_shell_input(RunId) override { input_ended = true; }
  void allow_shell(RunId, std::uint64_t pieces) override { allowed = pieces; }
  void resize_shell(RunId, std::uint32_t rows, std::uint32_t columns) override {
    size = {rows, columns};
  }
  void close_shell(RunId shell) override { closed.push_back(shell); }

  std::vector<ShellStart> opened;
  std::vector<std::string> fed;
  std::vector<RunId> closed;
  std::pair<std::uint32_t, std::uint32_t> size;
  std::uint64_t allowed = shell_pieces_max;
  bool input_ended = false;
};

class KeptPost final : public Post {
 public:
  void to_member(NodeId, Message) override { FAIL("shells speak along links only"); }
  void to_link(LinkId to, Message message) override { sent.emplace_back(to, std::move(message)); }

  /// The last message, which has to be such a one.
  template <typename T>
  [[nodiscard]] T last(LinkId to = own_link) const {
    REQUIRE_FALSE(sent.empty());
    CHECK(sent.back().first == to);
    const T* message = std::get_if<T>(&sent.back().second);
    REQUIRE(message != nullptr);
    return *message;
  }

  std::vector<std::pair<LinkId, Message>> sent;
};

class NamedEvents final : public Log {
 public:
  void event(LogLevel, std::string_view name, std::initializer_list<LogField> fields) override {
    names.emplace_back(name);
    for (const LogField& field : fields) text += std::string(field.key) + "=" + field.value + " ";
  }
  std::vector<std::string> names;
  std::string text;
};

NodeOptions options_with(std::uint32_t shells, const std::string& sandbox = "bwrap") {
  NodeOptions options;
  options.shells = shells;
  options.sandbox = sandbox;
  return options;
}

struct ShellsBench {
  explicit ShellsBench(NodeOptions options = options_with(2)) : shells(options, &host, log, post) {}

  static ShellOpen wish(std::uint8_t number) {
    ShellOpen open;
    open.operation = OperationId{number};
    open.request.raw[0] = number;
    open.name = "cat.jpg";
    open.who = "ann@desk";
    open.input.size = 5;
    open.input.media.type = "jpeg";
    return open;
  }
  static RequestId request(std::uint8_t number) { return wish(number).request; }
  void ask(const ShellOpen& open, Instant now = begin_at, LinkId from = own_link) {
    shells.on_open(now, from, open, 0U);
  }
  /// One that runs.
  RunId run(std::uint8_t number, Instant now = begin_at) {
    ask(wish(number), now);
    const auto checks = shells.take_checks();
    REQUIRE(checks.size() == 1);
    shells.on_verified(now, checks[0].shell, true);
    REQUIRE(host.opened.back().shell == checks[0].shell);
    return checks[0].shell;
  }
  void say(RunId shell, const std::string& bytes, Instant now = begin_at) {
    shells.on_news(now, {shell, ShellSaid{bytes, false}});
  }
  void over(RunId shell, ToolEnd end = ToolEnd::cancelled, int status = 0, Instant now = begin_at) {
    shells.on_news(now, {shell, ShellOver{end, status, {}}});
  }
  bool hear(const Message& message, Instant now = begin_at, LinkId from = own_link) {
    return shells.on_message(now, from, message);
  }

  FakeHost host;
  KeptPost post;
  NamedEvents log;
  Shells shells;
};

ShellInput typed(std::uint64_t index, const std::string& text, bool ended = false) {
  const ByteView bytes = bytes_of(text);
  return {ShellsBench::request(1), index, Bytes(bytes.begin(), bytes.end()), ended};
}

}  // namespace

TEST_CASE("node: a shell begins when the copy is intact, and tells where the image is") {
  ShellsBench bench;
  ShellOpen wish = ShellsBench::wish(1);
  wish.words = {"ls", "-l"};
  wish.terminal = true;
  wish.rows = 0;
  wish.columns = 70'000;
  wish.term = "xterm;reboot";
  bench.ask(wish);
  CHECK(bench.host.opened.empty());
  const auto checks = bench.shells.take_checks();
  REQUIRE(checks.size() == 1);
  CHECK(Shells::is_shell(checks[0].shell));
  bench.shells.on_verified(begin_at, checks[0].shell, true);

  CHECK(bench.post.last<ShellOpened>().code == ErrorCode{});
  CHECK(bench.post.last<ShellOpened>().path == "/job/in.jpg");
  REQUIRE(bench.host.opened.size() == 1);
  CHECK(bench.host.opened[0].words == wish.words);
  CHECK(bench.host.opened[0].terminal->rows == 1);
  CHECK(bench.host.opened[0].terminal->columns == 1'000);
  CHECK(bench.host.opened[0].terminal->name == "dumb");
  CHECK(bench.log.names == std::vector<std::string>{"shell_opened"});
  CHECK(bench.log.text.find("name=cat.jpg who=ann@desk") != std::string::npos);
}

TEST_CASE("node: no shell begins where it may not, and the asker hears why") {
  const auto code_of = [](ShellsBench& bench) { return bench.post.last<ShellOpened>().code; };
  ShellsBench walled(options_with(2, "off"));
  walled.ask(ShellsBench::wish(1));
  CHECK(code_of(walled) == ErrorCode::denied);
  CHECK(walled.post.last<ShellOpened>().detail.find("--sandbox=off") != std::string::npos);
  ShellsBench none(options_with(0));
  none.ask(ShellsBench::wish(1));
  CHECK(code_of(none) == ErrorCode::denied);
  ShellsBench bench;
  bench.shells.on_open(begin_at, own_link, ShellsBench::wish(1), std::nullopt);
  CHECK(code_of(bench) == ErrorCode::not_found);
  ShellOpen odd = ShellsBench::wish(1);
  odd.words = {std::string("a\0b", 3)};
  bench.ask(odd);
  CHECK(code_of(bench) == ErrorCode::malformed);
  odd.words = {std::string(shell_words_bytes_max, 'x')};
  bench.ask(odd);
  CHECK(code_of(bench) == ErrorCode::usage);
  bench.ask(ShellsBench::wish(1));
  bench.shells.on_verified(begin_at, bench.shells.take_checks().at(0).shell, false);
  CHECK(code_of(bench) == ErrorCode::corrupt);
  CHECK(bench.shells.count() == 0);
  CHECK(bench.host.opened.empty());
}

TEST_CASE(
    "node: a shell that ends makes room for the next one, not before its processes are gone") {
  ShellsBench bench;
  const RunId first = bench.run(1);
  (void)bench.run(2);
  bench.ask(ShellsBench::wish(3));
  CHECK(bench.post.last<ShellOpened>().code == ErrorCode::overloaded);
  bench.hear(ShellClose{ShellsBench::request(1)});
  CHECK(bench.host.closed == std::vector{first});
  bench.ask(ShellsBench::wish(4));
  CHECK(bench.post.last<ShellOpened>().code == ErrorCode::overloaded);
  bench.over(first);
  (void)bench.run(5);
  CHECK(bench.shells.count() == 2);
}

TEST_CASE("node: what a shell prints goes out at once, and no more than is allowed") {
  ShellsBench bench;
  const RunId shell = bench.run(1);
  for (int i = 0; i < 3; ++i) bench.say(shell, "abc");
  const auto output = bench.post.last<ShellOutput>();
  CHECK(output.index == 2);
  CHECK(text_of(output.bytes) == "abc");

  bench.hear(ShellCredit{ShellsBench::request(1), 2 + shell_pieces_max});
  CHECK(bench.host.allowed == 2 + shell_pieces_max);
  bench.hear(ShellCredit{ShellsBench::request(1), ~std::uint64_t{0}});
  CHECK(bench.host.allowed == 3 + shell_pieces_max);
}

TEST_CASE("node: input is passed on in order, acknowledged when it is written, and bounded") {
  ShellsBench bench;
  const RunId shell = bench.run(1);
  bench.hear(typed(0, "ls\n"));
  bench.hear(typed(1, "", true));
  CHECK(bench.host.fed == std::vector<std::string>{"ls\n", ""});
  CHECK(bench.host.input_ended);
  bench.shells.on_news(begin_at, {shell, ShellTook{}});
  CHECK(bench.post.last<ShellCredit>().until == 1 + shell_pieces_max);
  CHECK(bench.host.closed.empty());

  SUBCASE("a piece that is missing ends the shell") {
    ShellsBench holed;
    (void)holed.run(1);
    holed.hear(typed(1, "x"));
    CHECK(holed.host.closed.size() == 1);
  }
  SUBCASE("so does more than may come") {
    ShellsBench flooded;
    (void)flooded.run(1);
    for (std::uint64_t i = 0; i < shell_pieces_max; ++i) flooded.hear(typed(i, "x"));
    CHECK(flooded.host.closed.empty());
    flooded.hear(typed(shell_pieces_max, "x"));
    CHECK(flooded.host.closed.size() == 1);
    CHECK(flooded.host.fed.size() == shell_pieces_max);
  }
}

TEST_CASE("node: only the link that opened a shell speaks to it") {
  ShellsBench bench;
  (void)bench.run(1);
  CHECK(bench.hear(typed(0, "rm\n"), begin_at, other_link));
  CHECK(bench.hear(ShellClose{ShellsBench::request(1)}, begin_at, other_link));
  CHECK(bench.host.fed.empty());
  CHECK(bench.host.closed.empty());
  CHECK(bench.hear(ShellAlive{ShellsBench::request(1)}, begin_at, other_link));
  CHECK(bench.post.last<ShellEnded>(other_link).code == ErrorCode::not_found);
  CHECK_FALSE(bench.hear(RunAlive{ShellsBench::request(1)}));
}

TEST_CASE("node: a shell ends when nobody is heard, soon after its connection has ended") {
  ShellsBench bench;
  const RunId shell = bench.run(1);
  CHECK(bench.shells.next_deadline() == begin_at + Shells::asker_patience);
  bench.hear(ShellAlive{ShellsBench::request(1)}, begin_at + 5s);
  bench.shells.on_deadline(begin_at + 10s);
  CHECK(bench.host.closed.empty());

  bench.shells.on_link_closed(begin_at + 10s, own_link);
  bench.hear(ShellAlive{ShellsBench::request(1)}, begin_at + 10s + 10ms);  // was on its way before
  CHECK(bench.shells.next_deadline() == begin_at + 10s + closed_patience);
  SUBCASE("nobody comes again") {
    bench.shells.on_deadline(begin_at + 10s + closed_patience);
    CHECK(bench.host.closed == std::vector{shell});
    bench.over(shell, ToolEnd::cancelled, 0, begin_at + 11s);
    CHECK(bench.post.last<ShellEnded>().code == ErrorCode::timed_out);
    CHECK(bench.log.names.back() == "shell_ended");
    CHECK(bench.log.text.find("seconds=11") != std::string::npos);
  }
  SUBCASE("the connection was made anew") {
    bench.hear(ShellAlive{ShellsBench::request(1)}, begin_at + 10s + 400ms);
    bench.shells.on_deadline(begin_at + 12s);
    CHECK(bench.host.closed.empty());
  }
}

TEST_CASE("node: an asker may be silent while a large copy is checked, if its connection lives") {
  for (const bool closes : {false, true}) {
    CAPTURE(closes);
    ShellsBench bench;
    bench.ask(ShellsBench::wish(1));
    const auto checks = bench.shells.take_checks();
    REQUIRE(checks.size() == 1);
    if (closes) bench.shells.on_link_closed(begin_at + 1s, own_link);
    bench.shells.on_deadline(begin_at + 30s);
    CHECK(bench.shells.count() == (closes ? 0 : 1));
    bench.shells.on_verified(begin_at + 30s, checks[0].shell, true);
    CHECK(bench.host.opened.size() == (closes ? 0 : 1));
    if (closes) continue;
    bench.shells.on_deadline(begin_at + 35s);
    CHECK(bench.host.closed.empty());
    bench.shells.on_deadline(begin_at + 36s);
    CHECK(bench.host.closed.size() == 1);
  }
}

TEST_CASE("node: a shell without a byte for ten minutes ends, and any shell after an hour") {
  ShellsBench bench;
  const RunId shell = bench.run(1);
  const auto alive_at = [&](Instant now) {
    bench.hear(ShellAlive{ShellsBench::request(1)}, now);
    bench.shells.on_deadline(now);
  };
  alive_at(begin_at + 9min);
  bench.say(shell, "tick", begin_at + 9min);
  alive_at(begin_at + 18min);
  CHECK(bench.host.closed.empty());

  SUBCASE("nothing more is typed or printed") {
    alive_at(begin_at + 9min + Shells::idle_max);
    CHECK(bench.host.closed == std::vector{shell});
  }
  SUBCASE("it goes on printing") {
    for (Instant now = begin_at + 18min; now < begin_at + Shells::shell_max; now += 5min) {
      bench.say(shell, "tick", now);
      alive_at(now);
      CHECK(bench.host.closed.empty());
    }
    alive_at(begin_at + Shells::shell_max);
    CHECK(bench.host.closed == std::vector{shell});
    bench.say(shell, "late", begin_at + Shells::shell_max);
    CHECK(std::holds_alternative<ShellAlive>(bench.post.sent.back().second));
  }
}

TEST_CASE("node: how a command ended reaches its asker") {
  struct Case {
    ToolEnd end;
    int status;
    ErrorCode code;
    std::uint32_t exit_status, signal;
  };
  for (const Case& one : {Case{ToolEnd::finished, 0, {}, 0, 0},
                          Case{ToolEnd::exit_status, 3, ErrorCode::tool_failed, 3, 0},
                          Case{ToolEnd::killed, 11, ErrorCode::tool_failed, 0, 11},
                          Case{ToolEnd::cpu_limit, 24, ErrorCode::tool_failed, 0, 24},
                          Case{ToolEnd::not_started, 0, ErrorCode::failed, 0, 0}}) {
    ShellsBench bench;
    bench.over(bench.run(1), one.end, one.status);
    const auto ended = bench.post.last<ShellEnded>();
    CHECK(ended.request == ShellsBench::request(1));
    CHECK(ended.code == one.code);
    CHECK(ended.exit_status == one.exit_status);
    CHECK(ended.signal == one.signal);
    CHECK(bench.shells.count() == 0);
  }
}

TEST_CASE("node: a node that stops ends its shells and opens none") {
  ShellsBench bench;
  const RunId running = bench.run(1);
  bench.ask(ShellsBench::wish(2));
  const RunId checked = bench.shells.take_checks().at(0).shell;
  bench.shells.end_all(begin_at);
  CHECK(bench.host.closed == std::vector{running});
  bench.shells.on_verified(begin_at, checked, true);
  CHECK(bench.host.opened.size() == 1);
  bench.over(running);
  bench.ask(ShellsBench::wish(3));
  CHECK(bench.post.last<ShellOpened>().code == ErrorCode::overloaded);
  CHECK(bench.shells.count() == 0);
  CHECK_FALSE(bench.shells.next_deadline().has_value());
}

TEST_CASE("node: a terminal's new size reaches the shell within bounds") {
  ShellsBench bench;
  (void)bench.run(1);
  bench.hear(ShellResize{ShellsBench::request(1), 50, 0});
  CHECK(bench.host.size == std::pair<std::uint32_t, std::uint32_t>{50, 1});
}
