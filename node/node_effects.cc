#include <algorithm>

#include "node/node_begin.h"
#include "node/read_result.h"
#include "node/run_checks.h"
#include "replication/check_copy.h"

namespace pixmesh {
namespace {

constexpr std::size_t syncs_max = 4;    // at once, for hints and repair
constexpr std::size_t checks_max = 16;  // of suspected copies at once; later they are again
constexpr std::size_t wanted_syncs_max = 20'000;  // beyond it a later round finds them again

}  // namespace

void Node::perform(Instant now, Operation& operation, Effects effects) {
  const OperationId owner = operation.id();
  for (Effect& effect : effects) perform_one(now, owner, effect);
  // Performing may have ended it already, through a message to ourselves: ask anew.
  if (Operation* still = operations_.find(owner)) finish(now, *still);
}

void Node::finish(Instant now, Operation& operation) {
  const auto wish = operations_.carried_by(operation.id());
  const std::unique_ptr<Operation> done = operations_.touch(operation);
  if (done) end_uses(done->id());
  if (wish && operations_.carrier_of(*wish) == nullptr) {
    const auto again = said_again_.extract(*wish);
    if (again) on_client(now, again.mapped().first, again.mapped().second);
  }
  if (!done) return;
  if (auto* sync = dynamic_cast<PartitionSync*>(done.get())) {
    const PartitionId partition = sync->partition();
    const auto running = running_syncs_.extract(partition);
    if (const auto givers = hint_givers_.extract(partition)) {
      std::vector<NodeId> merged = sync->merged();
      std::sort(merged.begin(), merged.end());
      for (const auto& [giver, round] : givers.mapped()) {
        std::vector<NodeId> sources = hint_sources_of(partition, giver);
        // A giver that is no holder may have lost what it had: then the holders have it.
        if (sources.size() > 1 && std::ranges::count(sync->strangers(), giver) > 0) {
          std::erase(sources, giver);
        }
        if (!sources.empty() && includes_all(merged, sources)) {
          to_member(giver, HintTaken{{partition}, round});
        }
      }
    }
    if (running && running.mapped()) {
      perform(now, *rebalance_,
              rebalance_->on_sync_done(now, partition, sync->merged(), sync->merged_in_doubt(),
                                       sync->bytes_moved()));
    }
    if (drops_after_sync_.erase(partition) > 0) begin<DropPartition>(now, codec_, partition);
  } else if (auto* drop = dynamic_cast<DropPartition*>(done.get())) {
    perform(now, *rebalance_, rebalance_->on_drop_done(now, drop->partition()));
  } else if (auto* inspect = dynamic_cast<InspectFile*>(done.get())) {
    runs_.on_inspected(now, inspect->run(), inspect->header());
  } else if (auto* verify = dynamic_cast<VerifyFile*>(done.get())) {
    if (Shells::is_shell(verify->run())) {
      shells_.on_verified(now, verify->run(), verify->intact());
    } else {
      runs_.on_verified(now, verify->run(), verify->intact());
    }
  } else if (const auto* result = dynamic_cast<ReadResult*>(done.get())) {
    results_.on_read(now, *result);
  } else if (auto* loan = dynamic_cast<BorrowCopy*>(done.get())) {
    runs_.on_borrowed(now, loan->digest(), loan->copy(), loan->detail());
  } else if (auto* check = dynamic_cast<CheckCopy*>(done.get())) {
    on_copy_checked(*check);
  } else if (const auto* move = dynamic_cast<MovePartitions*>(done.get())) {
    on_move_done(now, *move);
  } else if (const auto* strays = dynamic_cast<DropStrays*>(done.get())) {
    drop_strays_ = nullptr;
    if (strays->left_some()) {
      stray_disks_.insert(strays->disk());
      strays_at_ = now + 10s;
    }
  }
}

void Node::perform_one(Instant now, OperationId owner, Effect& effect) {
  if (auto* ask = std::get_if<Ask>(&effect)) {
    to_member(ask->to, to_message(std::move(ask->message)));
  } else if (auto* answer = std::get_if<Answer>(&effect)) {
    to_link(answer->to, to_message(std::move(answer->message)));
  } else if (auto* use = std::get_if<UseDisk>(&effect)) {
    use_disk(owner, std::move(*use));
  } else if (auto* bulk = std::get_if<SendBulk>(&effect)) {
    send_bulk(bulk->to, bulk->message, bulk->chunk);
  } else if (auto* hint = std::get_if<RememberHint>(&effect)) {
    if (has_gone(hint->target)) return;
    if (auto row = hints_.remember(now, hint->target, hint->partition))
      writer_.write({std::move(*row)});
  } else if (auto* differ = std::get_if<ListsDiffer>(&effect)) {
    if (differ->with != members_.self()) peers_.on_tables_differ(now, differ->with);
  } else if (auto* sync = std::get_if<StartSync>(&effect)) {
    const bool of_rebalance = rebalance_ != nullptr && owner == rebalance_->id();
    WantedSync wanted{sync->partition, std::move(sync->sources), of_rebalance,
                      std::move(sync->under), std::move(sync->judges)};
    if (of_rebalance && running_syncs_.try_emplace(sync->partition, true).second) {
      begin_sync(now, std::move(wanted));
    } else if (of_rebalance) {
      wanted_syncs_.push_front(std::move(wanted));
    } else {
      queue_sync(wanted.partition, std::move(wanted.sources));
    }
  } else if (auto* drop = std::get_if<StartDrop>(&effect)) {
    // A sync that is still storing would bring a record back after it was dropped.
    if (running_syncs_.contains(drop->partition)) {
      drops_after_sync_.insert(drop->partition);
    } else {
      begin<DropPartition>(now, codec_, drop->partition);
    }
  } else if (auto* suspect = std::get_if<SuspectBytes>(&effect)) {
    check_copy(now, *suspect, std::nullopt);
  } else if (const auto* raised = std::get_if<RaiseCollected>(&effect)) {
    collection_->raise(*raised);
  } else if (const auto* removed = std::get_if<NameRemoved>(&effect)) {
    results_.on_removed(removed->name);
  }
}

// One check of a copy serves all who ask meanwhile.
void Node::check_copy(Instant now, const SuspectBytes& suspect, std::optional<CopyAsker> asker) {
  if (asker && suspect.partition.raw >= places_.count()) {  // clients name it
    return to_link(asker->link, VerifyAnswer{asker->operation, ErrorCode::malformed,
                                             "this mesh has no such partition"});
  }
  const bool is_new = !checked_copies_.contains(suspect.digest);
  if (is_new && checked_copies_.size() >= checks_max) {
    if (asker) {
      to_link(asker->link, VerifyAnswer{asker->operation, ErrorCode::overloaded,
                                        "too many copies are being verified"});
    }
    return;
  }
  std::vector<CopyAsker>& askers = checked_copies_[suspect.digest];
  if (asker && askers.size() < checks_max) askers.push_back(*asker);
  if (is_new) begin<CheckCopy>(now, view_, suspect.partition, suspect.digest);
}

void Node::on_copy_checked(const CheckCopy& check) {
  const auto askers = checked_copies_.extract(check.digest());
  for (const CopyAsker& asker : askers.mapped()) {
    to_link(asker.link, VerifyAnswer{asker.operation, check.code(), check.detail()});
  }
  if (check.code() != ErrorCode::corrupt || !check.is_news()) return;
  outside_.log.event(LogLevel::warning, "copy_damaged",
                     {{"digest", to_text(check.digest())}, {"reason", check.detail()}});
}

void Node::send_bulk(const BulkEnd& to, const BulkMessage& message,
                     const std::optional<ChunkRef>& chunk) {
  if (const auto* node = std::get_if<NodeId>(&to)) {
    if (*node == members_.self()) {
      local_.emplace_back(LocalBulk{message, chunk});
    } else {
      peers_.send_bulk(*node, encode(message), chunk);
    }
    return;
  }
  const LinkId link = std::get<LinkId>(to);
  if (chunk) stream_bytes_out_ += chunk->size;
  const bool sent = chunk ? outside_.transport.send_chunk(link, encode(message), *chunk)
                          : outside_.transport.send(link, encode(message));
  if (!sent) ++dropped_;
}

void Node::queue_sync(PartitionId partition, std::vector<NodeId> sources) {
  for (const WantedSync& waiting : wanted_syncs_) {
    if (waiting.partition == partition && waiting.sources == sources) return;
  }
  if (wanted_syncs_.size() < wanted_syncs_max) {
    wanted_syncs_.push_back({partition, std::move(sources), false, std::nullopt, std::nullopt});
  }
}

// A node that is no holder gives hints too: a coordinator, or one about to drop its copy. Then any
// living holder may have what we missed, and the giver, who has just spoken whatever we think of
// it.
std::vector<NodeId> Node::hint_sources_of(PartitionId partition, NodeId giver) const {
  std::vector<NodeId> others = holders_of(rebalance_->lists_of(partition));
  if (giver != view_.self && contains(others, giver)) return {giver};
  std::erase(others, view_.self);
  const bool we_are_alone = others.empty();
  std::erase_if(others, [this](NodeId node) { return !view_.is_alive(node); });
  // What we noted against ourselves, when our disk failed a write that others hold, they have.
  const bool may_ask = we_are_alone || !others.empty();
  if (may_ask && giver != view_.self) insert_sorted(others, giver);
  return others;
}

void Node::start_syncs(Instant now) {
  for (std::size_t tries = wanted_syncs_.size();
       tries > 0 && running_syncs_.size() < syncs_max && !wanted_syncs_.empty(); --tries) {
    WantedSync next = std::move(wanted_syncs_.front());
    wanted_syncs_.pop_front();
    const HolderLists lists = rebalance_->lists_of(next.partition);
    const bool still_ours = is_holder(lists, view_.self);
    if (!still_ours && !next.of_rebalance) {
      hint_offers_.erase(next.partition);
      continue;
    }
    if (!running_syncs_.try_emplace(next.partition, next.of_rebalance).second) {
      wanted_syncs_.push_back(std::move(next));
      continue;
    }
    begin_sync(now, std::move(next));
  }
}

void Node::note_offer(Offers& offers, NodeId giver, std::uint64_t round) {
  std::uint64_t& last = offers[giver];
  last = std::max(last, round);
}

// Only a sync that begins after an offer sees all that the giver had.
void Node::begin_sync(Instant now, WantedSync wanted) {
  const PartitionId partition = wanted.partition;
  if (auto offers = hint_offers_.extract(partition)) {
    for (const auto& [giver, round] : offers.mapped()) {
      note_offer(hint_givers_[partition], giver, round);
    }
  }
  begin<PartitionSync>(now, view_, codec_, partition, std::move(wanted.sources),
                       wanted.of_rebalance, std::move(wanted.under), std::move(wanted.judges));
}

}  // namespace pixmesh
