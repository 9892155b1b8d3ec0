#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"

namespace pixmesh {

/// What an operator can set for one node. The initial values are the defaults.
struct NodeSettings {
  std::string listen = "127.0.0.1:7600";  // host:port, control
  std::string bulk_listen;                // host:port; empty: 1000 above the control port
  std::string advertise;                  // host:port for others; empty: `listen`
  bool insecure = false;                  // allows `listen` beyond this machine
  std::string zone = "default";           // [A-Za-z0-9._-]{1,64}
  std::uint64_t capacity = 0;             // bytes; 0: the size of the data disks
  std::uint32_t workers = 0;              // 0: one a core; at most 1,024
  std::uint32_t queue_max = 64;           // runs that wait; at most 65,536
  Duration queue_time = 30s;  // predicted wait above which runs are refused; 1 s … 1 h
  std::uint64_t memory = 0;   // bytes for all tools; 0: half of the machine's
  std::uint64_t result_cache = 1ULL << 30;  // bytes of results kept on the first disk; 0: none
  std::uint64_t journal = 256ULL << 20;  // bytes of what 'why' tells, in files; 0: in memory only
  std::uint32_t replicas = 3;            // 1 … replicas_max; read when a mesh is founded
  std::uint32_t write_quorum = 2;        // above half of replicas; follows it unless set
  std::optional<Duration> out_delay =
      10min;                              // dead for that long: evicted; 5 s … 30 d; none: never
  std::vector<std::string> data;          // folders, one a disk
  std::string state;                      // folder; empty: `state` in the first data folder
  std::string recipes;                    // file; empty: the built-in ones only
  std::string sandbox = "bwrap";          // around tools; or "off"
  std::vector<std::string> sandbox_bind;  // more folders that tools in it may read
  std::uint32_t shells = 2;               // beside images, at a time; 0: none; at most 64
  std::string native = "shared";          // libvips workers: shared, job (a process a job) or off
  std::vector<std::string> join;          // host:port of peers
  LogLevel log_level = LogLevel::info;
};

/// Where a value comes from; later ones win.
enum class SettingOrigin : std::uint8_t { standard, file, environment, flag };

/// One line of `config show --origin`.
struct SettingRow {
  std::string key;
  std::string value;  // as one would type it; lists with commas
  SettingOrigin origin = SettingOrigin::standard;
  std::string place;  // "default", "pixmesh.toml:3", "PIXMESH_ZONE", "--zone"
};

struct Configuration {
  NodeSettings node;
  std::vector<SettingRow> rows;  // one for each key, in the order of NodeSettings
};

/// Values from outside a file: the key as in the file, and one text, or several for a list.
using GivenSettings = std::vector<std::pair<std::string, std::vector<std::string>>>;

/// Puts together defaults < file < environment < flags and checks every value.
///
/// The file is TOML with the keys of NodeSettings at its top: `zone = "rack-2"`, `capacity =
/// "4TB"`, `data = ["/disk1", "/disk2"]`, `log_level = "warning"`.
///
/// @param file  none: there is no file. One that is named has to exist.
/// Errors: malformed — a fault of the file, as "pixmesh.toml:3: …"; usage — of a flag or a
/// variable, naming it; not_found, failed — the file cannot be read. Unknown keys are errors with
/// the nearest known key.
[[nodiscard]] Result<Configuration> read_configuration(
    const std::optional<std::filesystem::path>& file, const GivenSettings& environment,
    const GivenSettings& flags);

/// The PIXMESH_… variables that name a key: `PIXMESH_ZONE=rack-2`, lists with commas. Others, such
/// as PIXMESH_NODE, belong to somebody else, unless they are nearly a key.
/// @param variables  as in `environ`: "NAME=value", ended by a null pointer.
/// Errors: usage — "PIXMESH_ZONEE is not known; did you mean 'PIXMESH_ZONE'?".
[[nodiscard]] Result<GivenSettings> settings_of_environment(const char* const* variables);

/// All keys, in the order of NodeSettings.
[[nodiscard]] std::vector<std::string> setting_keys();

/// Whether it is `host:port` with a host of at most 253 bytes and a port of 1 … 65535. An IPv6
/// address stands in brackets.
[[nodiscard]] bool is_endpoint(std::string_view text);

[[nodiscard]] std::string_view to_text(SettingOrigin origin);  // default, file, environment, flag

}  // namespace pixmesh
