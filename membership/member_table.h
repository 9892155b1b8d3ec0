#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "membership/eviction.h"
#include "membership/hash_sum.h"
#include "membership/member_record.h"
#include "membership/mesh_settings.h"

namespace pixmesh {

using TableDigest = std::array<std::uint8_t, 32>;

/// What became of settings, a record or an eviction that somebody brought.
enum class MergeOutcome : std::uint8_t {
  ignored,                // nothing new, or no mesh is known yet
  adopted,                // the table has changed
  own_record_challenged,  // another record of our own id, at or above our generation; not adopted
  own_evicted,            // adopted, and it hides our own record
  refused_other_mesh,
  refused_bad_signature,   // or a value out of its range
  refused_unknown_signer,  // signed by nobody we know as a member; its record may still come
  refused_fixed_setting,   // partition bits or placement key differ
  refused_full,            // members_max are known
};

struct Merge {
  MergeOutcome outcome = MergeOutcome::ignored;
  std::uint64_t generation = 0;  // seen, for the two outcomes about ourselves; we must go above it
};

/// How new the table's knowledge of one member is.
struct MemberStamp {
  NodeId node;
  std::uint64_t generation = 0;  // of its record; 0: there is none
  std::uint64_t short_hash = 0;  // first eight bytes of the record's hash
  std::uint64_t evicted = 0;     // generation of its eviction by vote; 0: there is none
  std::uint64_t given_up = 0;    // generation of the one that gave it up

  friend bool operator==(const MemberStamp&, const MemberStamp&) = default;
};

/// All that is known about who belongs to the mesh: settings, records, evictions.
///
/// It only merges upwards, so that tables which exchanged everything are equal whatever the order:
/// of settings and of each member's records and evictions the highest generation wins, of equal
/// ones the greater hash. An eviction hides records up to its generation; votes and those that give
/// a member up are kept apart.
/// Invariants: (1) sorted by node id, each once; (2) every foreign entry was verified; (3) our own
/// record is only ever written by set_own(); (4) epoch and digest are the sums over what it holds.
/// Not thread-safe: one owner calls it. A signature is checked only for what would change it.
class MemberTable {
 public:
  explicit MemberTable(NodeId self);

  /// The first settings are taken from whoever signed them and make the mesh; later ones need a
  /// signer that is known as a member.
  [[nodiscard]] Merge merge(const MeshSettings& settings);
  [[nodiscard]] Merge merge(const MemberRecord& record);
  [[nodiscard]] Merge merge(const Eviction& eviction);

  /// Replaces our own record. `record` is signed by us, of this mesh, and its generation is higher
  /// than that of our present one.
  void set_own(const MemberRecord& record);

  [[nodiscard]] NodeId self() const { return self_; }
  [[nodiscard]] const MeshSettings* settings() const;  // null: no mesh is known yet

  /// The record, hidden or not; null if there is none. Valid until the table changes.
  [[nodiscard]] const MemberRecord* find(NodeId node) const;
  /// Its evictions: by vote, and by those that gave it up; null if there is none. Valid as above.
  [[nodiscard]] const Eviction* eviction_of(NodeId node) const;
  [[nodiscard]] const Eviction* giving_up_of(NodeId node) const;
  /// Its records up to this generation are evicted, either way; 0: none.
  [[nodiscard]] std::uint64_t evicted_up_to(NodeId node) const;

  /// An eviction hides what we know of it.
  [[nodiscard]] bool is_evicted(NodeId node) const;

  /// Members that placement uses: active and not evicted, by id. Valid until the table changes.
  [[nodiscard]] std::vector<const MemberRecord*> active() const;
  /// Members worth a probe, by id: neither left nor evicted; we ourselves too.
  [[nodiscard]] std::vector<NodeId> present() const;

  /// What each member is known by, in order of id, after `after` (none: from the start).
  [[nodiscard]] std::vector<MemberStamp> stamps(std::optional<NodeId> after,
                                                std::size_t limit) const;

  /// Equal epochs mean equal placement: it covers settings, evictions, and of members that are not
  /// joining the placement generation, weight, zone and state. O(1).
  [[nodiscard]] Epoch epoch() const { return {epoch_.bytes()}; }
  /// Grows whenever the epoch changes, and is equal where epochs are: of two tables one of which
  /// knows all that the other knows it tells the newer. O(members).
  [[nodiscard]] std::uint64_t height() const;
  /// Equal digests mean equal tables. O(1).
  [[nodiscard]] TableDigest table_digest() const { return digest_.bytes(); }

  /// Recomputes the sums: O(members) hashes.
  void check_invariants() const;

 private:
  struct Entry {
    NodeId node;
    std::optional<MemberRecord> record;
    std::optional<Eviction> eviction;   // by vote
    std::optional<Eviction> giving_up;  // without one
    Digest hash;                        // of the record
    [[nodiscard]] std::uint64_t evicted_up_to() const;
    [[nodiscard]] bool hidden() const;
  };

  [[nodiscard]] const Entry* entry_of(NodeId node) const;
  [[nodiscard]] Entry* entry_for(NodeId node);  // makes it; null when the table is full
  [[nodiscard]] bool is_newer(const MemberRecord& record, const Entry* known) const;
  [[nodiscard]] Merge challenge_of(const MemberRecord& record) const;
  void put(Entry& entry, const MemberRecord& record);
  static void add(const Entry& entry, HashSum& epoch, HashSum& digest);
  static void subtract(const Entry& entry, HashSum& epoch, HashSum& digest);

  NodeId self_;
  std::optional<MeshSettings> settings_;
  std::vector<Entry> entries_;
  HashSum epoch_;
  HashSum digest_;
};

}  // namespace pixmesh
