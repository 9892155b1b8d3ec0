// I7: no node drops, for rebalance, a copy while fewer than R_eff other verified copies exist, and
// no set of holders stands alone before W of it have every acknowledged write; and who confirms
// that it has everything has asked a read quorum of the settled set after it was fenced, and has
// what was acknowledged before. Fewer than W are a finding. Between W and R_eff, where a new holder
// missed a write that the others acknowledged and will be told by a hint, is counted as a
// shortfall. A deletion is forgotten only when all holders refuse what is older.
#include <algorithm>

#include "simulations/checks/placement_log.h"
#include "simulations/checks/stored_copies.h"
#include "wire/fields.h"
#include "wire/message.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

class CarefulDrops : public Check {
 public:
  explicit CarefulDrops(const Scene& scene)
      : Check(scene, "I7"), copies_(scene), placements_(scene.world) {}

  void on_record_changing(std::uint32_t node, const VirtualDisk::Key& key, const std::string& name,
                          bool dropping) override {
    if (dropping) {
      if (!is_swept(node, key)) note_drop(node, key.first);
    } else {
      look_at_drop(node, key.first, name);
    }
    const NameHistory* history = scene_.oracle.history_of(name);
    if (!dropping || history == nullptr) return;
    const auto& stored = scene_.world.disk_of(node, key.first).records().at(key);
    const ImageRecord record = decode_record(stored.bytes).value();
    if (is_collected(node, key.first, record)) return;
    // A version that nobody was promised may be given up; what was promised before it may not.
    const Version version = std::min(record.version, history->acknowledged_by(scene_.world.now()));
    if (version.clock == 0) return;
    auto others = copies_.holders_of(name, version);
    std::erase(others, node);
    std::size_t members = 0;
    for (std::uint32_t other = 0; other < scene_.world.node_count(); ++other) {
      members += scene_.world.is_member(other) && other != node ? 1 : 0;
    }
    // Who decided to stay after all is a member again before the others know.
    const auto lists = scene_.world.stored_lists(node, key.first);
    if (lists && !lists->target.empty()) members = std::min(members, lists->target.size());
    // What a destroyed disk had is for repair to make again; it must not be missed here.
    const std::size_t gone = scene_.atlas.destroyed_count();
    const std::size_t wanted = std::min<std::size_t>(scene_.scenario.replicas, members);
    if (others.size() + gone >= wanted) return;
    scene_.findings.count_shortfall();
    if (others.size() + gone >= std::min<std::size_t>(scene_.scenario.write_quorum, members)) {
      return;
    }
    report("node " + std::to_string(node) + " drops '" + name + "' while only " +
               std::to_string(others.size()) + " others have it, not " + std::to_string(wanted),
           {node});
  }

  // Who was to hold a partition again meanwhile may not be any more, under the very lists of
  // before.
  void on_scan() override {
    std::erase_if(dropped_, [this](const auto& drop) {
      const auto lists = scene_.world.stored_lists(drop.first.first, drop.first.second);
      return lists && lists != drop.second.under;
    });
  }

  void on_crashed(std::uint32_t node) override {
    placements_.on_crashed(node);
    std::erase_if(dropped_, [&](const auto& drop) { return drop.first.first == node; });
    std::erase_if(questions_, [&](const auto& one) { return std::get<0>(one.first) == node; });
  }

  void on_sent(PartyId from, PartyId to, Plane plane, ByteView message) override {
    const std::uint32_t count = scene_.world.node_count();
    const std::uint32_t number = message_number_of(message);
    // A twin's word is the node's in the ears of the others.
    if (number == Fields<AnnounceNoted>::number) from = MeshWorld::node_of(from);
    if (plane != Plane::control || from >= count || to >= count) return;
    if (number != Fields<Settle>::number && number != Fields<ListsAnnounced>::number &&
        number != Fields<SyncConfirmed>::number && number != Fields<InventoryRequest>::number &&
        number != Fields<FingerprintRequest>::number && number != Fields<AnnounceNoted>::number) {
      return;
    }
    const auto decoded = decode_message(message);
    if (!decoded) return;
    if (const auto* settle = std::get_if<Settle>(&decoded.value())) {
      if (settle->step != SettleStep::settle) return;
      for (const SyncConfirmed::Entry& entry : settle->entries) {
        look_at_set(from, entry);
      }
    } else if (const auto* announced = std::get_if<ListsAnnounced>(&decoded.value())) {
      note_fences(from, to, *announced);
    } else if (const auto* noted = std::get_if<AnnounceNoted>(&decoded.value())) {
      note_agreement(from, to, *noted);
    } else if (const auto* confirmed = std::get_if<SyncConfirmed>(&decoded.value())) {
      for (const auto& entry : confirmed->entries) {
        look_at_newcomer(from, confirmed->epoch, entry);
      }
    } else if (const auto* inventory = std::get_if<InventoryRequest>(&decoded.value())) {
      note(times_of(from, to), inventory->partition);
    } else if (const auto* compared = std::get_if<FingerprintRequest>(&decoded.value())) {
      Times& times = times_of(from, to);
      for (const auto& mine : compared->mine) note(times, mine.partition);
    }
  }

 private:
  // A settled holder forgets a deletion when none of them may store anything older any more.
  [[nodiscard]] bool is_collected(std::uint32_t node, PartitionId partition,
                                  const ImageRecord& record) {
    const auto lists = scene_.world.stored_lists(node, partition);
    if (!record.tombstone || !lists || !contains(lists->settled, scene_.world.id_of(node))) {
      return false;
    }
    for (std::uint32_t other = 0; other < scene_.world.node_count(); ++other) {
      if (!contains(lists->settled, scene_.world.id_of(other)) || scene_.atlas.is_gone(other)) {
        continue;
      }
      // It had raised its clock, and takes it over again before it counts as a holder. One that was
      // put back with its state may still have to be told, and a twin may have raised its own.
      const bool is_told = !scene_.loses_state(other) || !scene_.atlas.is_destroyed(other);
      const bool is_back = is_told && scene_.world.is_running(other) &&
                           !scene_.world.is_recovering(other, partition);
      if (scene_.loses_disk(other) && !is_back) continue;
      if (scene_.world.stored_collected(other, partition) >= record.version.clock) continue;
      report("node " + std::to_string(node) + " forgets the deletion of '" + record.name +
                 "', and node " + std::to_string(other) + " would store what was deleted",
             {node, other});
    }
    return true;
  }
  // What is older than deletions that are forgotten goes, whoever is to hold the partition.
  [[nodiscard]] bool is_swept(std::uint32_t node, const VirtualDisk::Key& key) const {
    const auto& records = scene_.world.disk_of(node, key.first).records();
    const auto record = decode_record(records.at(key).bytes);
    return record->version.clock <= scene_.world.stored_collected(node, key.first);
  }

  // Whoever gives a partition up stores nothing in it until it is to hold it again: what came in
  // behind the drop would stay.
  struct Drop {
    std::optional<HolderLists> under;
    std::uint32_t placements = 0;  // that the node had had
  };
  void note_drop(std::uint32_t node, PartitionId partition) {
    const auto lists = scene_.world.stored_lists(node, partition);
    if (lists && is_holder(*lists, scene_.world.id_of(node))) return;
    const bool begins = !dropped_.contains({node, partition});
    if (lists && begins) look_at_agreement(node, partition, *lists);
    dropped_[{node, partition}] = {lists, placements_.changes_of(node)};
  }
  void look_at_drop(std::uint32_t node, PartitionId partition, const std::string& name) {
    const auto drop = dropped_.find({node, partition});
    if (drop == dropped_.end()) return;
    const auto lists = scene_.world.stored_lists(node, partition);
    // Two placements on it may have been to hold it again, and then not, under lists like those.
    const bool was_to_hold = placements_.changes_of(node) >= drop->second.placements + 2;
    if (was_to_hold || (lists && lists != drop->second.under)) {
      dropped_.erase(drop);
      return;
    }
    report("node " + std::to_string(node) + " stores '" + name + "' in partition " +
               std::to_string(partition.raw) + ", which it has begun to drop",
           {node});
  }

  // A holder outside its own lists asks the target members whether those lists are the last:
  // another set that it is in may have settled, and need it for the fence. Also if one of them has
  // told it: the others may not know.
  struct Question {
    std::uint64_t number = 0;  // of the set it asks about
    std::uint64_t round = 0;   // since when
    std::set<std::uint32_t> agreed;
    std::vector<NodeId> set;
  };
  void note_question(std::uint32_t from, const ListsAnnounced& announced,
                     const ListsAnnounced::Entry& entry) {
    Question& question = questions_[{from, entry.partition, announced.epoch}];
    if (question.number == entry.number) {  // to one of them: it may have waited for its link
      question.round = std::min(question.round, announced.round);
    } else if (announced.round > question.round) {
      question = {entry.number, announced.round, {}, nodes_of(announced.sets[entry.settled])};
    }
  }
  void note_agreement(std::uint32_t from, std::uint32_t to, const AnnounceNoted& noted) {
    if (noted.without_lists) return;
    for (const PartitionId partition : noted.partitions) {
      const auto asked = questions_.find({to, partition, noted.epoch});
      if (asked == questions_.end() || noted.round < asked->second.round) continue;
      asked->second.agreed.insert(from);
    }
  }
  [[nodiscard]] bool have_agreed(const std::vector<NodeId>& set,
                                 const std::set<std::uint32_t>& agreed) const {
    return std::ranges::all_of(
        set, [&](NodeId id) { return agreed.contains(scene_.world.number_of(id)); });
  }
  // All of the set that it leaves the partition to know that this set has settled.
  void look_at_agreement(std::uint32_t node, PartitionId partition, const HolderLists& lists) {
    std::set<std::uint32_t> agreed;
    for (auto place = questions_.lower_bound({node, partition, Epoch{}}); place != questions_.end();
         ++place) {
      const auto& [asker, asked_about, epoch] = place->first;
      if (asker != node || asked_about != partition) break;
      const std::uint64_t number = place->second.number;  // 0: it asked as one that knows nothing
      // A drop that began under a set goes on when the next one settles without us too.
      if (number > 0 && number < lists.number &&
          have_agreed(place->second.set, place->second.agreed)) {
        return;
      }
      if (number != lists.number && number != 0) continue;
      agreed.insert(place->second.agreed.begin(), place->second.agreed.end());
    }
    if (have_agreed(lists.settled, agreed)) return;
    // What a twin asked may have been answered to the node, and what it noted the node may not
    // know.
    const auto may_have_twin = [this](std::uint32_t member) {
      return scene_.loses_state(member) && scene_.atlas.is_destroyed(member);
    };
    if (may_have_twin(node) || std::ranges::any_of(lists.settled, [&](NodeId id) {
          return may_have_twin(scene_.world.number_of(id));
        })) {
      return;
    }
    report("node " + std::to_string(node) + " drops partition " + std::to_string(partition.raw) +
               " before all of the others know that it is theirs",
           {node});
  }

  // Node, partition, number of the settled set, target set.
  using Newcomer = std::tuple<std::uint32_t, PartitionId, std::uint64_t, std::vector<NodeId>>;
  struct Fence {
    Instant since;  // at the earliest
    std::set<Epoch> epochs;
    std::set<NodeId> tellers;
  };

  // A newcomer is fenced when enough of the settled set have told it that they count on it.
  void note_fences(std::uint32_t from, PartyId to, const ListsAnnounced& announced) {
    const NodeId teller = scene_.world.id_of(from);
    const NodeId newcomer = scene_.world.id_of(to);
    for (const ListsAnnounced::Entry& entry : announced.entries) {
      std::vector<NodeId> settled = nodes_of(announced.sets[entry.settled]);
      for (const std::uint32_t index : entry.earlier) {
        for (const NodeId& node : nodes_of(announced.sets[index])) insert_sorted(settled, node);
      }
      const std::vector<NodeId> target = nodes_of(announced.sets[entry.target]);
      if (!contains(settled, teller)) {
        const bool joins = contains(target, teller);
        if (!joins) note_question(from, announced, entry);
        continue;
      }
      if (contains(nodes_of(announced.sets[entry.settled]), newcomer)) continue;
      if (!contains(target, newcomer)) continue;
      const Newcomer key{to, entry.partition, entry.number, target};
      const auto place = fences_.try_emplace(key, Fence{scene_.world.now(), {}, {}}).first;
      place->second.epochs.insert(announced.epoch);
      place->second.tellers.insert(teller);
    }
  }
  using Times = std::vector<Instant>;  // by partition
  [[nodiscard]] Times& times_of(std::uint32_t from, PartyId to) {
    return asked_at_[{from, scene_.world.id_of(to)}];
  }
  void note(Times& times, PartitionId partition) {
    if (times.size() <= partition.raw) times.resize(partition.raw + 1);
    times[partition.raw] = scene_.world.now();
  }
  void look_at_questions(std::uint32_t node, PartitionId partition, const HolderLists& lists,
                         Instant fenced) {
    // Whoever was evicted since may have been asked before.
    const auto sets = scene_.world.stored_sets(node, partition);
    const std::vector<FormerSet> former = former_sets_of(lists);
    for (std::size_t i = 0; i < former.size(); ++i) {
      const bool is_known = sets && i <= sets->earlier.size();
      std::uint32_t count = 0;
      for (const NodeId& member : is_known ? nodes_of(former_sets_of(*sets)[i]) : former[i].nodes) {
        const auto asked = asked_at_.find({node, member});
        if (asked == asked_at_.end() || asked->second.size() <= partition.raw) continue;
        count += asked->second[partition.raw] >= fenced ? 1 : 0;
      }
      count += contains(former[i].nodes, scene_.world.id_of(node)) ? 1 : 0;
      if (count >= read_quorum_of(former[i])) continue;
      report("node " + std::to_string(node) + " confirms partition " +
                 std::to_string(partition.raw) + " after " + std::to_string(count) +
                 " members of a former set were asked",
             {node});
    }
  }
  // Whether enough of the settled set have told it that they count on it.
  void look_at_fence(std::uint32_t node, Epoch epoch, const SyncConfirmed::Entry& entry,
                     const HolderLists& lists, const Fence* fence) {
    const NodeId newcomer = scene_.world.id_of(node);
    if (lists.number != entry.number || lists.lost > 0 || lists.awaits_evicted) return;
    if (is_former_holder(lists, newcomer) || !contains(lists.target, newcomer)) return;
    if (!placements_.is_in_use(node, epoch)) return;  // on its way since an earlier one
    const std::vector<NodeId> tellers =
        fence == nullptr ? std::vector<NodeId>{}
                         : std::vector<NodeId>(fence->tellers.begin(), fence->tellers.end());
    if (has_all(tellers, former_quorums_of(lists, QuorumKind::read))) return;
    report("node " + std::to_string(node) + " confirms partition " +
               std::to_string(entry.partition.raw) + " when " + std::to_string(tellers.size()) +
               " former holders count on it",
           {node});
  }
  // Later writes go to both sets, and may miss one of the new one.
  void look_at_newcomer(std::uint32_t node, Epoch epoch, const SyncConfirmed::Entry& entry) {
    const auto said = std::tuple(node, entry.partition, entry.number, epoch);
    if (confirmed_.contains(said) || scene_.atlas.destroyed_count() > 0) return;
    const auto lists = scene_.world.stored_lists(node, entry.partition);
    if (!lists) return;
    const auto place = fences_.find({node, entry.partition, entry.number, lists->target});
    look_at_fence(node, epoch, entry, *lists, place == fences_.end() ? nullptr : &place->second);
    if (place == fences_.end()) return;
    const Fence& fence = place->second;
    if (!fence.epochs.contains(epoch)) return;  // on its way since an earlier placement
    confirmed_.insert(said);
    if (lists->number == entry.number) {
      look_at_questions(node, entry.partition, *lists, fence.since);
    }
    for (const auto& [name, history] : scene_.oracle.names()) {
      if (partition_of(name) != entry.partition) continue;
      const Version version = history.acknowledged_by(fence.since);
      if (version.clock == 0) continue;
      const auto record = copies_.record_of(node, name);
      if (record && record->version >= version) continue;
      report("node " + std::to_string(node) + " confirms partition " +
                 std::to_string(entry.partition.raw) + " and lacks '" + name + "'",
             {node});
    }
  }
  [[nodiscard]] PartitionId partition_of(const std::string& name) {
    const auto place = partitions_.try_emplace(name);
    if (place.second) place.first->second = scene_.world.partition_of_name(name);
    return place.first->second;
  }
  // Who stood still tells of a set that others have left behind, in an epoch that they ignore.
  [[nodiscard]] bool is_over(const SyncConfirmed::Entry& entry) {
    for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
      const auto lists = scene_.world.stored_lists(node, entry.partition);
      if (lists && lists->number > entry.number) return true;
    }
    return false;
  }
  void look_at_set(std::uint32_t from, const SyncConfirmed::Entry& entry) {
    if (seen_.contains({entry.partition, entry.number})) return;
    const auto lists = scene_.world.stored_lists(from, entry.partition);
    if (!lists || lists->number + 1 != entry.number || is_over(entry)) return;
    seen_.insert({entry.partition, entry.number});
    for (const auto& [name, history] : scene_.oracle.names()) {
      if (partition_of(name) != entry.partition) continue;
      const Version version = history.acknowledged_by(scene_.world.now());
      if (version.clock == 0) continue;
      look_at_copies(from, name, version, lists->target);
    }
  }
  void look_at_copies(std::uint32_t from, const std::string& name, const Version& version,
                      const std::vector<NodeId>& set) {
    std::size_t count = scene_.atlas.destroyed_count();
    for (const std::uint32_t node : copies_.holders_of(name, version)) {
      count += contains(set, scene_.world.id_of(node)) ? 1 : 0;
    }
    if (count >= std::min<std::size_t>(scene_.scenario.write_quorum, set.size())) return;
    report("a set of holders is to stand alone while " + std::to_string(count) + " of it have '" +
               name + "'",
           {from});
  }

  StoredCopies copies_;
  std::map<std::pair<std::uint32_t, PartitionId>, Drop> dropped_;
  std::map<std::tuple<std::uint32_t, PartitionId, Epoch>, Question> questions_;
  std::map<std::string, PartitionId> partitions_;
  PlacementLog placements_;
  std::map<Newcomer, Fence> fences_;
  std::set<std::tuple<std::uint32_t, PartitionId, std::uint64_t, Epoch>> confirmed_;
  std::map<std::pair<std::uint32_t, NodeId>, Times> asked_at_;  // last, by asker and asked
  std::set<std::pair<PartitionId, std::uint64_t>> seen_;        // settled sets, by their number
};

}  // namespace

CheckPtr make_i07(const Scene& scene) { return std::make_unique<CarefulDrops>(scene); }

}  // namespace pixmesh
