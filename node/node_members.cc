#include "node/node_begin.h"

#include <algorithm>
#include <utility>

#include "node/disk_marks.h"
#include "replication/request_memory.h"

namespace pixmesh {

void Node::on_peer_news(Instant now) {
  for (std::vector<PeerNews> news = peers_.take_news(); !news.empty(); news = peers_.take_news()) {
    for (const PeerNews& one : news) {
      if (const auto* down = std::get_if<MemberDown>(&one)) {
        on_member_down(now, down->node);
      } else if (const auto* up = std::get_if<MemberUp>(&one)) {
        refresh_view();
        if (repair_ != nullptr) {
          repair_->on_member_returned(now, up->node);
          perform(now, *repair_, {});
        }
      } else if (const auto* changed = std::get_if<MembersChanged>(&one)) {
        on_members_changed(now, *changed);
      } else if (const auto* proven = std::get_if<MemberProven>(&one)) {
        evictions_.on_member_proven(proven->node);
      } else if (const auto* stolen = std::get_if<OwnRecordStolen>(&one)) {
        on_record_stolen(now, *stolen);
        apply_evictions(now, {members_.self()});
      }
    }
  }
}

// What is said in our name is durable before others hear of it. If they have heard of more than our
// folders know, these were put back to an earlier state, or copied. After our answer nobody would
// tell us again: that all is doubted is durable with it, in the state folder, for a disk may fail.
void Node::on_record_stolen(Instant now, const OwnRecordStolen& stolen) {
  if (stolen.is_ours) {
    if (standing_.is_told(stolen)) return;
    doubt_all(now);
  }
  const auto kept = standing_.on_record_stolen(now, peers_, stolen);
  if (!kept) fail(now, kept.error().detail);
}

void Node::doubt_all(Instant now) {
  if (rebalance_ == nullptr) return;
  std::vector<PartitionId> all;
  for (std::uint32_t raw = 0; raw < places_.count(); ++raw) all.push_back(PartitionId{raw});
  outside_.log.event(LogLevel::warning, "copies_doubted",
                     {{"partitions", std::to_string(all.size())}});
  ++view_.doubts;
  end_doubts_of_all_when_durable();
  perform(now, *rebalance_, rebalance_->lose(now, all));
}

void Node::end_doubts_of_all_when_durable() {
  rows_after_doubts_.push_back(fact_row(all_doubted_key, std::nullopt));
  doubts_end_ = true;
}

void Node::on_members_changed(Instant now, const MembersChanged& changed) {
  standing_.on_members_changed(now, peers_, changed);
  if (standing_.is_held() && !join_check_.is_under_way()) join_check_.begin(now);
  evictions_.on_members_changed(now, changed);
  open_partitions(now);
  refresh_view();
  runs_.set_accepting(!stop_at_ && standing_.takes_new_work());
  for (const NodeId& node : changed.nodes) forget_hints_of_gone(node);
  apply_evictions(now, changed.nodes);
  if (members_.epoch() != placements_.epoch()) placements_.on_epoch_changed(now);
}

void Node::apply_evictions(Instant now, std::vector<NodeId> nodes) {
  if (rebalance_ == nullptr) return;
  std::erase_if(nodes, [this](const NodeId& node) { return members_.evicted_up_to(node) == 0; });
  if (nodes.empty()) return;
  std::sort(nodes.begin(), nodes.end());
  perform(now, *rebalance_, rebalance_->on_evicted(now, nodes));
}

// For good: it left or was evicted, and will never take a hint.
bool Node::has_gone(NodeId node) const {
  const MemberRecord* record = members_.find(node);
  return members_.is_evicted(node) || (record != nullptr && record->state == MemberState::left);
}

void Node::forget_hints_of_gone(NodeId node) {
  if (!has_gone(node)) return;
  auto rows = hints_.forget_all(node);
  if (!rows.empty()) writer_.write(std::move(rows));
}

void Node::on_member_down(Instant now, NodeId node) {
  refresh_view();
  avoidance_.on_down(now, node);
  for (const OperationId id : operations_.ids()) {
    if (Operation* operation = operations_.find(id)) {
      perform(now, *operation, operation->on_member_down(now, node));
    }
  }
}

void Node::refresh_view() {
  view_.alive = peers_.alive();
  if (!contains(view_.alive, view_.self)) {  // a leaving node still serves itself
    view_.alive.insert(std::lower_bound(view_.alive.begin(), view_.alive.end(), view_.self),
                       view_.self);
  }
  std::size_t living = 0;
  const auto active = members_.active();
  for (const MemberRecord* member : active) living += view_.is_alive(member->node) ? 1 : 0;
  view_.frozen = living * 2 <= active.size();
  view_.cut_off = living * 2 < active.size();
  view_.may_have_copies = others_with_copies();
  view_.knows_others = members_.stamps(std::nullopt, 2).size() > 1;
}

void Node::decide_join(Instant now) {
  if (!standing_.is_held() || standing_.held_for()) return;  // an operator was quicker
  if (!join_check_.reason().empty()) return standing_.hold(join_check_.reason());
  standing_.take_place_now(now, peers_);
}

// Who leaves still has them, and who was evicted may come back with them.
std::vector<NodeId> Node::others_with_copies() const {
  std::vector<NodeId> others;
  for (const MemberStamp& stamp : members_.stamps(std::nullopt, members_max)) {
    if (stamp.node == view_.self) continue;
    const MemberRecord* record = members_.find(stamp.node);
    const bool has_left = record != nullptr && record->state == MemberState::left;
    const bool is_given_up = record != nullptr && record->generation <= stamp.given_up;
    if (record != nullptr && !has_left && !is_given_up) others.push_back(stamp.node);
  }
  std::sort(others.begin(), others.end());
  return others;
}

// The partitions exist once the mesh's settings are known: at start, or when a mesh is joined.
void Node::open_partitions(Instant now) {
  if (rebalance_ != nullptr || members_.settings() == nullptr) return;
  const std::uint32_t count = 1U << members_.settings()->partition_bits;
  view_.write_quorum = members_.settings()->write_quorum;
  view_.partition_count = count;
  const std::vector<DiskDescription> disks = disks_known_to(memory_.facts);
  places_ = DiskPlaces(options_.disks, disks, memory_.facts, count);
  write_places(disks);
  for (const PartitionId partition : places_.to_move()) to_move_.insert(partition);
  for (std::uint32_t disk = 0; disk < options_.disks.size(); ++disk) {
    one_of_each_disk_.push_back(address_of_disk(disk));
    // Without known disks nobody can tell what is strayed: it may be all there is.
    if (options_.disks.size() > 1 && !disks.empty()) stray_disks_.insert(disk);
  }
  refresh_view();
  Rebalance::Options moving;
  moving.announced = standing_.boot_number() << 32;
  auto rebalance = std::make_unique<Rebalance>(operations_.next_id(), view_, codec_, count, moving);
  rebalance_ = rebalance.get();
  const auto lies_here = [this](ByteView key, std::uint32_t disk) {
    return key.size() >= 4 && view_.disk_of(partition_in_row(key)) == disk;
  };
  for (std::uint32_t disk = 0; disk < memory_.lists.size(); ++disk) {
    for (const auto& [key, value] : memory_.lists[disk].rows) {
      if (lies_here(key, disk)) rebalance_->restore(key, value);
    }
  }
  const DiskDoubts doubts = doubts_about(options_, memory_, places_);
  doubts_end_ = !places_.doubted().empty();
  if (doubts.of_all) end_doubts_of_all_when_durable();
  rebalance_->doubt(doubts.partitions);
  if (!doubts.partitions.empty()) {
    outside_.log.event(LogLevel::warning, "copies_doubted",
                       {{"partitions", std::to_string(doubts.partitions.size())}});
  }
  auto collection = std::make_unique<TombstoneCollection>(operations_.next_id(), view_, codec_,
                                                          one_of_each_disk_, options_.collection);
  for (std::uint32_t disk = 0; disk < memory_.collected.size(); ++disk) {
    for (const auto& [key, value] : memory_.collected[disk].rows) {
      if (lies_here(key, disk)) collection->restore(key, value);
    }
  }
  memory_ = {};
  operations_.add(std::move(rebalance));
  collection_ = collection.get();
  operations_.add(std::move(collection));
  auto repair = std::make_unique<Repair>(operations_.next_id(), view_);
  repair_ = repair.get();
  operations_.add(std::move(repair));
  begin<RequestMemory>(now, one_of_each_disk_);
  for (const PartitionId partition : one_of_each_disk_) {
    auto scrub = std::make_unique<Scrub>(operations_.next_id(), partition, options_.scrub);
    scrubs_.push_back(scrub.get());
    operations_.add(std::move(scrub));
  }
  auto marks = std::make_unique<DiskMarks>(operations_.next_id(), options_, view_, writer_,
                                           one_of_each_disk_, standing_.boot_number() << 32,
                                           [this] { return rebalance_->all_written(); });
  marks->forget(doubts.gone);
  marks_ = marks.get();
  Operation& marking = operations_.add(std::move(marks));
  own_operations_ = operations_.count();
  for (const OperationId own : operations_.ids()) own_ids_.insert(own);
  perform(now, *rebalance_, rebalance_->start(now));
  std::vector<NodeId> known;  // an eviction may have become durable before our lists and hints did
  for (const MemberStamp& stamp : members_.stamps(std::nullopt, members_max)) {
    known.push_back(stamp.node);
    forget_hints_of_gone(stamp.node);
  }
  perform(now, *rebalance_, rebalance_->on_evicted(now, known));
  perform(now, *repair_, repair_->start(now));
  perform(now, *collection_, collection_->start(now));
  for (Scrub* scrub : scrubs_) perform(now, *scrub, scrub->start(now));
  perform(now, marking, marking.start(now));
}

// A disk that is new becomes a known one together with what still lies elsewhere.
void Node::write_places(const std::vector<DiskDescription>& known) {
  std::vector<TableRow> rows = places_.rows();
  for (const DiskDescription& disk : options_.disks) {
    const bool is_new = std::ranges::find(known, disk.id, &DiskDescription::id) == known.end();
    if (is_new && !known.empty()) rows.push_back(new_disk_row(disk));
  }
  if (!rows.empty()) writer_.write(std::move(rows));
}

void Node::on_placement(Instant now) {
  view_.epoch = placements_.epoch();
  view_.height = placements_.height();
  view_.write_quorum = placements_.write_quorum();
  outside_.log.event(LogLevel::info, "placement_changed",
                     {{"epoch", short_text(view_.epoch)},
                      {"nodes", std::to_string(placements_.table().nodes().size())}});
  if (rebalance_ == nullptr) return;
  perform(now, *rebalance_, rebalance_->on_placement(now, [this](PartitionId partition) {
    return placements_.holders_of(partition);
  }));
  if (members_.epoch() != placements_.epoch()) placements_.on_epoch_changed(now);
  constexpr Duration still_waits = 5s;  // then its client asks another node
  for (const EarlyWish& wish : std::exchange(early_, {})) {
    if (now - wish.at < still_waits) on_client(now, wish.link, wish.message);
  }
}

// A leaving node goes when no settled set names it any more, its copies are dropped, and somebody
// else has its last record: for all others it would be leaving for ever.
void Node::leave_if_done(Instant now) {
  if (standing_.has_left() && !stop_at_ && peers_.is_table_shared()) {
    outside_.log.event(LogLevel::info, "node_left", {});
    stop(now);
  }
  if (!standing_.is_leaving() || stop_at_ || rebalance_ == nullptr) return;
  if (view_.epoch != members_.epoch()) return;
  const auto is_held = [this](PartitionId partition) {
    const HolderLists& lists = rebalance_->lists_of(partition);
    // What is known is ours, or still to be dropped; what is recovering may be.
    return lists.known() || contains(lists.target, view_.self) ||
           rebalance_->is_recovering(partition);
  };
  for (std::uint32_t looked = 0; looked < places_.count(); ++looked) {
    if (is_held(leaving_at_)) return;
    leaving_at_ = PartitionId{(leaving_at_.raw + 1) % places_.count()};
  }
  standing_.left(now, peers_);
}

// Partitions in motion hold a vote up, but not those that wait for dead members, whom only their
// eviction replaces. Of those whose lists we do not know, the settled members do.
EvictionScene Node::eviction_scene() const {
  const auto goes_on = [this](PartitionId partition) {
    const HolderLists& lists = rebalance_->lists_of(partition);
    return lists.known() && includes_all(view_.alive, lists.target) &&
           Tally(lists, Tally::Kind::read).possible_with(view_.alive);
  };
  const bool settled =
      rebalance_ != nullptr && !view_.frozen && std::ranges::none_of(rebalance_->moving(), goes_on);
  return evictions_.scene(peers_, view_.epoch, settled);
}

// A read quorum of both sets of every partition, as this node's placement sees it.
bool Node::is_covered() const {
  const PlacementTable& table = placements_.table();
  std::vector<bool> living;
  for (const NodeId& node : table.nodes()) living.push_back(view_.is_alive(node));
  const std::uint32_t needed = read_quorum_of(table.replicas(), view_.write_quorum);
  for (std::uint32_t raw = 0; raw < table.partition_count(); ++raw) {
    std::uint32_t answering = 0;
    for (const std::uint16_t index : table.row_of(PartitionId{raw})) {
      answering += living[index] ? 1 : 0;
    }
    if (answering < needed) return false;
  }
  return table.partition_count() > 0;
}

// Of every partition of ours: its lists may ask for more of its holders, or for others, than the
// placement of who asks them says. Under another placement than ours others may hold it by now.
bool Node::is_covered_by(const MembersAsked& asked) const {
  if (rebalance_ == nullptr) return true;
  if (asked.epoch != view_.epoch) return false;
  for (std::uint32_t raw = 0; raw < places_.count(); ++raw) {
    if (rebalance_->is_recovering(PartitionId{raw})) return false;
    const HolderLists& lists = rebalance_->lists_of(PartitionId{raw});
    if (!is_holder(lists, view_.self)) continue;
    if (!lists.known()) return false;  // ours to be, and nobody told us yet who had it
    if (lists.is_settled() && includes_all(asked.nodes, lists.settled)) continue;
    if (!Tally(lists, Tally::Kind::read).possible_with(asked.nodes)) return false;
  }
  return true;
}

}  // namespace pixmesh
