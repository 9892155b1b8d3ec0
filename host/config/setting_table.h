#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/config/config_file.h"

namespace pixmesh {

/// One key of the configuration: how its texts are read and printed.
struct SettingRule {
  std::string_view key;
  bool list = false;  // else exactly one text is given
  /// Errors: usage, without the key: "'x' is no size; write …".
  Result<Done> (*read)(NodeSettings& node, const std::vector<std::string>& texts);
  std::string (*print)(const NodeSettings& node);
};

/// All of them, in the order of NodeSettings.
[[nodiscard]] std::span<const SettingRule> setting_rules();

}  // namespace pixmesh
