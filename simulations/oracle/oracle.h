#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "replication/record.h"

namespace pixmesh {

/// What a write was to make of a name.
enum class WriteKind : std::uint8_t { content, deletion, tags };

/// One client's wish to change a name, and what the mesh said about it.
struct Write {
  std::uint32_t number = 0;  // the wish's own
  RequestId request;
  std::string name;
  WriteKind kind = WriteKind::content;
  Digest digest;  // of `content`
  Instant begun;
  std::uint32_t tries = 0;                 // that may all be under way at once
  bool refused = false;                    // the mesh said for sure that it did nothing
  std::optional<Instant> acknowledged_at;  // the first time
  Version version;                         // the newest it was acknowledged with
  struct Receipt {
    Instant at;
    Version version;
  };
  std::vector<Receipt> receipts;  // a wish that was sent twice may get two
};

/// All writes under one name.
struct NameHistory {
  std::vector<Write> writes;  // in the order in which they began

  [[nodiscard]] const Write* find(const RequestId& request) const;
  /// The newest version that was acknowledged by `at`; clock 0 if none was.
  [[nodiscard]] Version acknowledged_by(Instant at) const;
  /// The write that the newest acknowledged version comes from, or null.
  [[nodiscard]] const Write* newest_acknowledged() const;
  /// May tags with this version have been put on these bytes? No if the newest acknowledged write
  /// before them that was no tags began when whatever had made these was acknowledged.
  [[nodiscard]] bool may_be_tagged(const Digest& digest, const Version& version) const;
  /// May the name be absent for a reader who began at `begun`? Yes if nothing was acknowledged by
  /// then, or a deletion may have come after all of that.
  [[nodiscard]] bool may_be_absent(Instant begun) const;
};

/// Knows every write that a client wished for and every one that was acknowledged. It never asks
/// the mesh: it is what the mesh is measured by.
class Oracle {
 public:
  void on_begun(Write write);
  void on_tried(const std::string& name, const RequestId& request);
  void on_acknowledged(const std::string& name, const RequestId& request, Instant now,
                       const Version& version);
  void on_refused(const std::string& name, const RequestId& request);

  [[nodiscard]] const std::map<std::string, NameHistory>& names() const { return names_; }
  [[nodiscard]] const NameHistory* history_of(const std::string& name) const;
  [[nodiscard]] std::uint64_t acknowledged_count() const { return acknowledged_count_; }

 private:
  std::map<std::string, NameHistory> names_;
  std::uint64_t acknowledged_count_ = 0;
};

}  // namespace pixmesh
