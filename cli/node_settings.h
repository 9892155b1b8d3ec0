#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/node_process.h"
#include "flags/command.h"
#include "host/config/config_file.h"

// The settings of a node as flags, and what is asked of them before it runs.
namespace pixmesh {

/// The flags of `node run`; `config show` takes the same.
class NodeFlags {
 public:
  /// Adds --data, --listen, … and --config to a command.
  void add_to(Command app);

  /// Defaults < file < environment < flags. The file is --config, else PIXMESH_CONFIG.
  /// @param variables  as `environ`. Errors: those of read_configuration.
  [[nodiscard]] Result<Configuration> read(const char* const* variables) const;

 private:
  struct Value {
    std::string key;
    std::optional<Flag> flag;  // none before add_to
    std::vector<std::string> texts;
    bool insecure = false;
  };
  std::vector<std::unique_ptr<Value>> values_;
  std::string config_;
};

/// What `node run` refuses. Errors: usage — no data folder; founding and joining at once; a port
/// beyond this machine without --insecure; no room for the bulk port.
[[nodiscard]] Result<Done> check_node_settings(const NodeSettings& settings, bool create);

/// Whether only this machine reaches it: 127.…, localhost, [::1].
[[nodiscard]] bool is_loopback(std::string_view endpoint);

}  // namespace pixmesh
