#pragma once

#include <map>
#include <optional>
#include <string>

#include "simulations/checks/check.h"

namespace pixmesh {

/// What lies on the disks, seen from outside: the record of a name, and whether its bytes are
/// right.
class StoredCopies {
 public:
  explicit StoredCopies(const Scene& scene) : scene_(scene) {}

  /// The node's record of a name, from its index; none if it has none. Runs or not. A holder that
  /// has collected the name's tombstone counts as having it.
  [[nodiscard]] std::optional<ImageRecord> record_of(std::uint32_t node, const std::string& name);
  /// Whether a record's bytes are on the node's disk, durable and with their digest. Deletions have
  /// none and are always right.
  [[nodiscard]] bool has_bytes(std::uint32_t node, const ImageRecord& record);
  /// Nodes whose disk was not destroyed and has a record of this name that is at least as new as
  /// `version`, with its bytes, unless those were destroyed everywhere: then nobody may know yet.
  [[nodiscard]] std::vector<std::uint32_t> holders_of(const std::string& name,
                                                      const Version& version);
  /// Whether there is any. Cheap as long as it stays where it was seen last.
  [[nodiscard]] bool is_anywhere(const std::string& name, const Version& version);
  /// Whether its bytes were destroyed everywhere, and somebody still has its record.
  [[nodiscard]] bool is_lost(const std::string& name, const Version& version);

 private:
  [[nodiscard]] const VirtualDisk::Key& key_of(const std::string& name);
  [[nodiscard]] std::optional<ImageRecord> collected_at(std::uint32_t node,
                                                        const std::string& name);
  [[nodiscard]] bool has(std::uint32_t node, const std::string& name, const Version& version);

  struct Decoded {
    Bytes stored;
    ImageRecord record;
  };
  Scene scene_;
  std::map<std::string, VirtualDisk::Key> keys_;
  std::map<std::string, std::uint32_t> last_seen_at_;
  std::map<std::pair<std::uint32_t, std::string>, Decoded> records_;     // as last decoded
  std::map<std::pair<std::uint32_t, std::string>, SharedBytes> intact_;  // by path
};

}  // namespace pixmesh
