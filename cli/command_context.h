#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/output.h"
#include "client/client.h"

namespace pixmesh {

/// What every command takes. Filled by the parser.
struct GlobalFlags {
  std::vector<std::string> nodes;  // host:port; empty: PIXMESH_NODE, else 127.0.0.1:7600
  bool json = false;
  bool quiet = false;
  std::string timeout;  // empty: the client's own deadline
};

/// What a command works with: its output, the mesh, and the person's wish to stop.
class CommandContext {
 public:
  /// @param environment_nodes  PIXMESH_NODE, or null.
  CommandContext(const GlobalFlags& flags, const char* environment_nodes, Output& output)
      : flags_(flags), environment_nodes_(environment_nodes), output_(output) {}
  ~CommandContext();
  CommandContext(const CommandContext&) = delete;
  CommandContext& operator=(const CommandContext&) = delete;

  [[nodiscard]] Output& output() { return output_; }

  /// Where to look for the mesh. Errors: usage — not host:port.
  [[nodiscard]] Result<std::vector<Endpoint>> nodes() const;
  /// --timeout; none if it was not given. Errors: usage.
  [[nodiscard]] Result<std::optional<Duration>> timeout() const;

  /// @param deadline  of one call, when --timeout says nothing.
  /// Errors: usage, and those of Client::connect.
  [[nodiscard]] Result<std::unique_ptr<Client>> connect(Duration deadline = 120s);
  [[nodiscard]] Result<std::unique_ptr<Client>> connect_to(
      std::vector<Endpoint> nodes, Duration deadline, std::size_t links = ClientOptions{}.links);

  /// A descriptor that is readable once SIGINT or SIGTERM came; those have to be blocked before.
  [[nodiscard]] int cancel_fd();
  [[nodiscard]] bool interrupted();
  /// Waits; @returns false if the person wants to stop before that.
  [[nodiscard]] bool sleep_for(Duration span);

  /// Tells a node what to do, and prints what it says. @returns the exit code.
  int order(Client& client, const CommandRequest& command);

  /// Reports a failure. @returns its exit code; 130, with nothing but "interrupted" said, if the
  /// person wanted to stop.
  int fail(const Error& error, Json facts = Json::object());

 private:
  const GlobalFlags& flags_;
  const char* environment_nodes_;
  Output& output_;
  int cancel_fd_ = -1;
  bool told_interrupted_ = false;
};

/// "a:1,b:2" as its parts; empty ones are left out.
[[nodiscard]] std::vector<std::string> split_at_commas(std::string_view text);

/// Whether it is host:port (a host of letters, digits, `.` and `-`, or a bracketed IPv6 address).
[[nodiscard]] bool is_node_address(std::string_view text);

/// `key=value` texts as tags or arguments. Errors: usage — no '=' or no key.
[[nodiscard]] Result<std::vector<Tag>> parse_pairs(const std::vector<std::string>& texts);

}  // namespace pixmesh
