#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/names.h"
#include "cli/piece_writer.h"
#include "cli/raw_terminal.h"

namespace pixmesh {
namespace {

struct ShellFlags {
  std::string name;
  std::vector<std::string> words;
  std::string on;
  bool strict = false;
  bool terminal = false;
};

/// The streams of this command, in front of a shell.
class OwnStreams : public ShellUser {
 public:
  /// @param terminal  the shell has one, and stdin is one.
  OwnStreams(CommandContext& context, bool terminal)
      : context_(context),
        terminal_(terminal),
        sizes_(terminal ? watch_terminal_size() : -1),
        size_(size_of_terminal(0)) {}
  ~OwnStreams() override {
    if (sizes_ >= 0) ::close(sizes_);
  }
  OwnStreams(const OwnStreams&) = delete;
  OwnStreams& operator=(const OwnStreams&) = delete;

  void opened(NodeId node, const std::string& control, const std::string& path) override;
  std::vector<int> watched(bool typed) override;
  std::optional<Typed> take(std::size_t bytes_max) override;
  std::optional<TerminalSize> resized() override;
  bool has_left() override { return left_ || context_.interrupted() || writer_.broken(); }
  void show(Bytes piece, bool is_error) override {
    writer_.put(is_error ? 2 : 1, std::move(piece));
  }
  std::uint64_t shown() override {
    writer_.calm();
    return writer_.written();
  }
  void finish() override {
    while (!has_left() && !writer_.finished_within(100ms)) {
    }
  }

  [[nodiscard]] TerminalSize size() const { return size_; }
  [[nodiscard]] bool broken() const { return writer_.broken(); }
  /// The terminal is as it was before.
  void leave() { raw_.reset(); }

 private:
  CommandContext& context_;
  bool terminal_;
  int sizes_;
  TerminalSize size_;
  std::optional<RawTerminal> raw_;
  bool left_ = false;
  PieceWriter writer_;
};

void OwnStreams::opened(NodeId node, const std::string& control, const std::string& path) {
  if (!terminal_) return;
  context_.output().say("node " + short_text(node) + " (" + control + "): the image is " + path +
                        ", and /tmp goes with this shell; 'exit' ends it");
  raw_.emplace(0);
}

std::vector<int> OwnStreams::watched(bool typed) {
  std::vector<int> all{context_.cancel_fd(), writer_.descriptor()};
  if (sizes_ >= 0) all.push_back(sizes_);
  if (typed) all.push_back(0);
  return all;
}

std::optional<ShellUser::Typed> OwnStreams::take(std::size_t bytes_max) {
  pollfd input{0, POLLIN, 0};
  if (::poll(&input, 1, 0) <= 0) return std::nullopt;
  Typed typed;
  typed.bytes.resize(bytes_max);
  const ssize_t count = ::read(0, typed.bytes.data(), bytes_max);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return std::nullopt;
  typed.bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  typed.ended = count <= 0;
  if (typed.ended && terminal_) left_ = true;  // its window was closed
  return typed;
}

std::optional<TerminalSize> OwnStreams::resized() {
  if (sizes_ < 0) return std::nullopt;
  std::array<char, 1'024> signals;
  while (::read(sizes_, signals.data(), signals.size()) > 0) {
  }
  const TerminalSize now = size_of_terminal(0);
  if (now == size_) return std::nullopt;
  size_ = now;
  return now;
}

/// For the nodes' logs.
std::string who_asks() {
  std::array<char, 256> host{};
  (void)::gethostname(host.data(), host.size() - 1);
  const char* user = std::getenv("USER");
  const std::string name = user != nullptr && *user != '\0' ? user : std::to_string(::getuid());
  return (name + "@" + host.data()).substr(0, 200);
}

Result<ShellOptions> options_of(const ShellFlags& flags, const MeshAnswer& mesh) {
  ShellOptions options;
  options.name = flags.name;
  options.strict = flags.strict;
  options.words = flags.words;
  options.who = who_asks();
  const char* term = std::getenv("TERM");
  options.term = term == nullptr ? "" : term;
  if (flags.on.empty()) return options;
  std::vector<NodeId> members;
  for (const HolderAddress& member : mesh.members) members.push_back(member.node);
  const Result<NodeId> node = node_of_prefix(flags.on, members);
  if (!node) return node.error();
  options.on = node.value();
  return options;
}

int report_end(CommandContext& context, const ShellReceipt& receipt, bool terminal) {
  Output& output = context.output();
  output.use_stderr_for_json();
  Json facts{{"node", to_text(receipt.node)},
             {"address", receipt.control},
             {"exit_status", receipt.exit_status}};
  // How people leave a shell says nothing: the status is that of the last thing they typed.
  if (receipt.exit_status == 0 || terminal) {
    output.object(facts);
    return exit_ok;
  }
  return context.fail({ErrorCode::tool_failed,
                       "the command ended with status " + std::to_string(receipt.exit_status)},
                      std::move(facts));
}

int open_shell(CommandContext& context, const ShellFlags& flags) {
  const bool at_terminal = ::isatty(0) == 1 && ::isatty(1) == 1;
  if (flags.terminal && !at_terminal) {
    return context.fail({ErrorCode::usage, "--terminal needs one at stdin and stdout"});
  }
  const bool terminal = flags.terminal || (flags.words.empty() && at_terminal);
  OwnStreams streams(context, terminal);
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  Result<ShellOptions> options = options_of(flags, client.value()->mesh());
  if (!options) return context.fail(options.error());
  ShellOptions wish = std::move(options).value();
  if (terminal) wish.terminal = streams.size();
  const Result<ShellReceipt> receipt = client.value()->shell(wish, streams);
  streams.leave();
  if (receipt) return report_end(context, receipt.value(), terminal && flags.words.empty());
  if (streams.broken()) return exit_ok;  // as 'pixmesh ls | head'
  return context.fail(receipt.error());
}

}  // namespace

void add_shell(CommandLine& line) {
  const auto flags = std::make_shared<ShellFlags>();
  const Command app =
      line.add(processing_group, "shell",
               "Open a shell beside an image, in the sandbox of tools on a node that holds it",
               [flags](CommandContext& context) { return open_shell(context, *flags); });
  app.add_option("NAME", flags->name, "The image; the shell finds it as in.EXTENSION, read-only")
      .required();
  app.add_option(
      "COMMAND", flags->words,
      "What to run in place of a shell, behind --: pixmesh shell NAME -- vipsheader in.jpg");
  app.add_option("--on", flags->on, "The node: the beginning of its id (default: any holder)")
      .type_name("NODE");
  app.add_flag("-t,--terminal", flags->terminal, "Give COMMAND a terminal");
  app.add_flag("--strict", flags->strict, "Refuse an image that no quorum confirms");
}

}  // namespace pixmesh
