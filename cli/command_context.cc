#include "cli/command_context.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/invariant.h"
#include "cli/errors.h"
#include "processing/closest.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

bool readable(int fd, Duration wait) {
  pollfd watched{fd, POLLIN, 0};
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(wait).count();
  return ::poll(&watched, 1, static_cast<int>(milliseconds)) > 0;
}

// All commands of one user of one machine have one share of a node.
std::uint64_t client_key() {
  std::array<char, 256> host{};
  (void)::gethostname(host.data(), host.size() - 1);
  const std::string text = std::string(host.data()) + "/" + std::to_string(::getuid());
  return std::max<std::uint64_t>(chunk_checksum(bytes_of(text)), 1);
}

}  // namespace

CommandContext::~CommandContext() {
  if (cancel_fd_ >= 0) ::close(cancel_fd_);
}

Result<std::vector<Endpoint>> CommandContext::nodes() const {
  std::vector<std::string> texts;
  for (const std::string& flag : flags_.nodes) {
    for (std::string& part : split_at_commas(flag)) texts.push_back(std::move(part));
  }
  const bool from_environment = texts.empty() && environment_nodes_ != nullptr;
  if (from_environment) texts = split_at_commas(environment_nodes_);
  if (texts.empty()) texts.emplace_back("127.0.0.1:7600");
  std::vector<Endpoint> nodes;
  for (std::string& text : texts) {
    if (!is_node_address(text)) {
      const std::string place = from_environment ? "PIXMESH_NODE" : "--node";
      return Error{ErrorCode::usage, place + ": '" + shown(text) +
                                         "' is no address; write it like --node 10.0.0.5:7600"};
    }
    Endpoint node;
    node.text = std::move(text);
    nodes.push_back(std::move(node));
  }
  return nodes;
}

Result<std::optional<Duration>> CommandContext::timeout() const {
  if (flags_.timeout.empty()) return std::optional<Duration>();
  const Result<Duration> span = parse_duration(flags_.timeout);
  if (!span) return Error{ErrorCode::usage, "--timeout: " + span.error().detail};
  if (span.value() <= Duration{}) {
    return Error{ErrorCode::usage, "--timeout: must be above 0, like --timeout 30s"};
  }
  return std::optional<Duration>(span.value());
}

Result<std::unique_ptr<Client>> CommandContext::connect(Duration deadline) {
  Result<std::vector<Endpoint>> where = nodes();
  if (!where) return where.error();
  const Result<std::optional<Duration>> given = timeout();
  if (!given) return given.error();
  return connect_to(std::move(where).value(), given.value().value_or(deadline));
}

Result<std::unique_ptr<Client>> CommandContext::connect_to(std::vector<Endpoint> nodes,
                                                           Duration deadline, std::size_t links) {
  ClientOptions options;
  options.links = links;
  options.nodes = std::move(nodes);
  options.deadline = deadline;
  options.connect_timeout = std::min(options.connect_timeout, deadline);
  options.cancel_fd = cancel_fd();
  options.client = client_key();
  return Client::connect(std::move(options));
}

int CommandContext::cancel_fd() {
  if (cancel_fd_ >= 0) return cancel_fd_;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  cancel_fd_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  invariant(cancel_fd_ >= 0, "the process may open a file descriptor");
  return cancel_fd_;
}

// Nobody reads the signal off the descriptor, so it stays readable: once stopped, always stopped.
bool CommandContext::interrupted() { return readable(cancel_fd(), Duration{}); }

bool CommandContext::sleep_for(Duration span) { return !readable(cancel_fd(), span); }

int CommandContext::order(Client& client, const CommandRequest& command) {
  const Result<std::string> answer = client.command(command);
  if (!answer) return fail(answer.error());
  const std::string text = printable(answer.value(), true);
  output_.print(text.empty() ? "done\n" : text + "\n");
  output_.object(Json{{"done", true}, {"detail", answer.value()}});
  return exit_ok;
}

int CommandContext::fail(const Error& error, Json facts) {
  if (!interrupted()) return output_.fail(error, std::move(facts));
  if (!told_interrupted_) output_.say("pixmesh: interrupted");
  told_interrupted_ = true;
  facts["error"] = "interrupted";
  facts["exit"] = exit_interrupted;
  output_.object(facts);
  return exit_interrupted;
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

bool is_node_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 253) return false;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool plain = std::ranges::all_of(host, [bracketed](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || (bracketed && c == ':');
  });
  const Result<std::int64_t> port = parse_integer(text.substr(colon + 1));
  return plain && port && port.value() >= 1 && port.value() <= 65'535;
}

Result<std::vector<Tag>> parse_pairs(const std::vector<std::string>& texts) {
  std::vector<Tag> pairs;
  for (const std::string& text : texts) {
    const std::size_t sign = text.find('=');
    if (sign == std::string::npos || sign == 0) {
      return Error{ErrorCode::usage, "'" + shown(text) + "' has no value; write it like key=value"};
    }
    Tag pair;
    pair.key = text.substr(0, sign);
    pair.value = text.substr(sign + 1);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

}  // namespace pixmesh
