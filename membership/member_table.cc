#include "membership/member_table.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/invariant.h"
#include "base/limits.h"

namespace pixmesh {
namespace {

std::uint64_t short_hash_of(const Digest& hash) {
  std::uint64_t word = 0;
  for (std::size_t i = 8; i-- > 0;) word = (word << 8) | hash.raw[i];
  return word;
}

}  // namespace

std::uint64_t MemberTable::Entry::evicted_up_to() const {
  return std::max(eviction ? eviction->generation : 0, giving_up ? giving_up->generation : 0);
}

bool MemberTable::Entry::hidden() const {
  const std::uint64_t evicted = evicted_up_to();
  return evicted > 0 && (!record || record->generation <= evicted);
}

MemberTable::MemberTable(NodeId self) : self_(self) {}

Merge MemberTable::merge(const MeshSettings& settings) {
  if (settings_) {
    if (settings.mesh != settings_->mesh) return {MergeOutcome::refused_other_mesh};
    if (!newer(settings, *settings_)) return {};
    if (settings.partition_bits != settings_->partition_bits ||
        settings.placement_key != settings_->placement_key) {
      return {MergeOutcome::refused_fixed_setting};
    }
    if (find(node_id_of(settings.signer)) == nullptr) return {MergeOutcome::refused_unknown_signer};
  }
  if (!verify_settings(settings)) return {MergeOutcome::refused_bad_signature};
  if (settings_) {
    epoch_.subtract(settings_content_hash(*settings_));
    digest_.subtract(settings_hash(*settings_));
  }
  settings_ = settings;
  epoch_.add(settings_content_hash(settings));
  digest_.add(settings_hash(settings));
  return {MergeOutcome::adopted};
}

bool MemberTable::is_newer(const MemberRecord& record, const Entry* known) const {
  if (known == nullptr || !known->record) return true;
  if (record.generation != known->record->generation) {
    return record.generation > known->record->generation;
  }
  return record_hash(record) > known->hash;
}

Merge MemberTable::challenge_of(const MemberRecord& record) const {
  const MemberRecord* own = find(self_);
  if (own != nullptr && (record.generation < own->generation || record == *own)) return {};
  if (!verify_record(record)) return {MergeOutcome::refused_bad_signature};
  return {MergeOutcome::own_record_challenged, record.generation};
}

Merge MemberTable::merge(const MemberRecord& record) {
  if (!settings_) return {};
  if (record.mesh != settings_->mesh) return {MergeOutcome::refused_other_mesh};
  if (record.node == self_) return challenge_of(record);
  if (!is_newer(record, entry_of(record.node))) return {};
  if (!verify_record(record)) return {MergeOutcome::refused_bad_signature};
  Entry* entry = entry_for(record.node);
  if (entry == nullptr) return {MergeOutcome::refused_full};
  put(*entry, record);
  return {MergeOutcome::adopted};
}

Merge MemberTable::merge(const Eviction& eviction) {
  if (!settings_) return {};
  if (eviction.mesh != settings_->mesh) return {MergeOutcome::refused_other_mesh};
  const Eviction* known =
      eviction.given_up ? giving_up_of(eviction.node) : eviction_of(eviction.node);
  if (known != nullptr && known->generation >= eviction.generation) return {};
  if (find(node_id_of(eviction.signer)) == nullptr) return {MergeOutcome::refused_unknown_signer};
  if (!verify_eviction(eviction)) return {MergeOutcome::refused_bad_signature};
  Entry* entry = entry_for(eviction.node);
  if (entry == nullptr) return {MergeOutcome::refused_full};
  subtract(*entry, epoch_, digest_);
  (eviction.given_up ? entry->giving_up : entry->eviction) = eviction;
  add(*entry, epoch_, digest_);
  if (eviction.node == self_ && entry->hidden()) {
    return {MergeOutcome::own_evicted, eviction.generation};
  }
  return {MergeOutcome::adopted};
}

void MemberTable::set_own(const MemberRecord& record) {
  invariant(settings_ && record.mesh == settings_->mesh, "a record is of the table's mesh");
  invariant(record.node == self_, "a node writes its own record only");
  Entry* entry = entry_for(self_);
  invariant(entry != nullptr, "the mesh has room for us");
  invariant(!entry->record || record.generation > entry->record->generation,
            "the own generation never steps back");
  put(*entry, record);
}

void MemberTable::put(Entry& entry, const MemberRecord& record) {
  subtract(entry, epoch_, digest_);
  entry.record = record;
  entry.hash = record_hash(record);
  add(entry, epoch_, digest_);
}

const MeshSettings* MemberTable::settings() const { return settings_ ? &*settings_ : nullptr; }

const MemberTable::Entry* MemberTable::entry_of(NodeId node) const {
  const auto at = std::ranges::lower_bound(entries_, node, {}, &Entry::node);
  return at != entries_.end() && at->node == node ? &*at : nullptr;
}

MemberTable::Entry* MemberTable::entry_for(NodeId node) {
  const auto at = std::ranges::lower_bound(entries_, node, {}, &Entry::node);
  if (at != entries_.end() && at->node == node) return &*at;
  if (entries_.size() >= members_max) return nullptr;
  Entry fresh;
  fresh.node = node;
  return &*entries_.insert(at, fresh);
}

const MemberRecord* MemberTable::find(NodeId node) const {
  const Entry* entry = entry_of(node);
  return entry != nullptr && entry->record ? &*entry->record : nullptr;
}

const Eviction* MemberTable::eviction_of(NodeId node) const {
  const Entry* entry = entry_of(node);
  return entry != nullptr && entry->eviction ? &*entry->eviction : nullptr;
}

const Eviction* MemberTable::giving_up_of(NodeId node) const {
  const Entry* entry = entry_of(node);
  return entry != nullptr && entry->giving_up ? &*entry->giving_up : nullptr;
}

std::uint64_t MemberTable::evicted_up_to(NodeId node) const {
  const Entry* entry = entry_of(node);
  return entry != nullptr ? entry->evicted_up_to() : 0;
}

bool MemberTable::is_evicted(NodeId node) const {
  const Entry* entry = entry_of(node);
  return entry != nullptr && entry->hidden();
}

std::vector<const MemberRecord*> MemberTable::active() const {
  std::vector<const MemberRecord*> members;
  for (const Entry& entry : entries_) {
    if (!entry.record || entry.hidden()) continue;
    if (entry.record->state == MemberState::active) members.push_back(&*entry.record);
  }
  return members;
}

std::vector<NodeId> MemberTable::present() const {
  std::vector<NodeId> members;
  for (const Entry& entry : entries_) {
    if (!entry.record || entry.hidden()) continue;
    if (entry.record->state != MemberState::left) members.push_back(entry.node);
  }
  return members;
}

std::uint64_t MemberTable::height() const {
  std::uint64_t height = settings_ ? settings_->generation : 0;
  for (const Entry& entry : entries_) {
    // An eviction outweighs any record that it hides, and a record that comes after it adds to it.
    const std::uint64_t voted = entry.eviction ? entry.eviction->generation : 0;
    const std::uint64_t given_up = entry.giving_up ? entry.giving_up->generation : 0;
    height += (voted + given_up) << 24;
    if (!entry.record || entry.hidden() || entry.record->state == MemberState::joining) continue;
    height += entry.record->placement_generation + (voted + given_up > 0 ? 1 : 0);
  }
  return height;
}

std::vector<MemberStamp> MemberTable::stamps(std::optional<NodeId> after, std::size_t limit) const {
  auto at = entries_.begin();
  if (after) at = std::ranges::upper_bound(entries_, *after, {}, &Entry::node);
  std::vector<MemberStamp> stamps;
  for (; at != entries_.end() && stamps.size() < limit; ++at) {
    MemberStamp stamp{at->node};
    if (at->record) {
      stamp.generation = at->record->generation;
      stamp.short_hash = short_hash_of(at->hash);
    }
    if (at->eviction) stamp.evicted = at->eviction->generation;
    if (at->giving_up) stamp.given_up = at->giving_up->generation;
    stamps.push_back(stamp);
  }
  return stamps;
}

void MemberTable::add(const Entry& entry, HashSum& epoch, HashSum& digest) {
  for (const std::optional<Eviction>* eviction : {&entry.eviction, &entry.giving_up}) {
    if (!*eviction) continue;
    epoch.add(eviction_hash(**eviction));
    digest.add(eviction_hash(**eviction));
  }
  if (!entry.record) return;
  digest.add(entry.hash);
  if (entry.record->state == MemberState::joining || entry.hidden()) return;
  epoch.add(placement_hash(*entry.record));
}

void MemberTable::subtract(const Entry& entry, HashSum& epoch, HashSum& digest) {
  for (const std::optional<Eviction>* eviction : {&entry.eviction, &entry.giving_up}) {
    if (!*eviction) continue;
    epoch.subtract(eviction_hash(**eviction));
    digest.subtract(eviction_hash(**eviction));
  }
  if (!entry.record) return;
  digest.subtract(entry.hash);
  if (entry.record->state == MemberState::joining || entry.hidden()) return;
  epoch.subtract(placement_hash(*entry.record));
}

void MemberTable::check_invariants() const {
  HashSum epoch;
  HashSum digest;
  if (settings_) {
    epoch.add(settings_content_hash(*settings_));
    digest.add(settings_hash(*settings_));
  }
  const Entry* before = nullptr;
  for (const Entry& entry : entries_) {
    invariant(before == nullptr || before->node < entry.node, "entries are sorted, each once");
    invariant(!entry.record || entry.record->node == entry.node, "a record lies at its own id");
    invariant(!entry.record || record_hash(*entry.record) == entry.hash, "hashes are current");
    add(entry, epoch, digest);
    before = &entry;
  }
  invariant(epoch.bytes() == epoch_.bytes(), "the epoch is the sum over the table");
  invariant(digest.bytes() == digest_.bytes(), "the digest is the sum over the table");
}

}  // namespace pixmesh
