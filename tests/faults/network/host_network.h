#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "child_process.h"
#include "test_mesh.h"

namespace pixmesh {

/// From whom to whom packets are lost.
using Cuts = std::vector<std::pair<std::size_t, std::size_t>>;

/// Hosts of their own on one bridge, each a network namespace with 10.77.0.1, 10.77.0.2, …
///
///   this process 10.77.0.254 ── bridge ── host 0 (10.77.0.1)
///                                    └─── host 1 (10.77.0.2) …
///
/// This thread moves to a new namespace too, so that nothing of it stays behind when the process
/// ends. nftables drops what arrives at a host; this process is heard by all and hears all.
class HostNetwork {
 public:
  /// @returns none where namespaces or nftables are not to be had; `why` says which.
  [[nodiscard]] static std::unique_ptr<HostNetwork> make(std::size_t hosts, std::string& why);

  [[nodiscard]] std::size_t size() const { return hosts_.size(); }
  [[nodiscard]] NodePlace place(std::size_t host) const;
  /// Instead of what was so before. @param loss_percent  of all other packets, to each host
  void lose(const Cuts& cuts, unsigned loss_percent = 0);
  void heal() { lose({}); }

 private:
  [[nodiscard]] bool add_host();
  [[nodiscard]] Words inside(std::size_t host, const Words& words) const;

  TempFolder folder_;
  std::vector<ChildProcess> hosts_;  // each keeps its namespace alive
};

}  // namespace pixmesh
