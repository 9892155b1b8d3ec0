#include "node/node_begin.h"
#include "node/route_run.h"
#include "replication/answers.h"
#include "replication/find_image.h"
#include "replication/holder_commit.h"
#include "replication/listing.h"
#include "replication/revise.h"
#include "replication/stream_source.h"
#include "replication/upload.h"

namespace pixmesh {
namespace {

constexpr std::size_t early_max = 1'000;  // clients' wishes before the first placement

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

template <typename T>
concept AnswerToOperation = std::is_same_v<T, ListsAnswer> || std::is_same_v<T, VersionAnswer> ||
    std::is_same_v<T, StoreReady> || std::is_same_v<T, StoreFinished> ||
    std::is_same_v<T, CommitAnswer> || std::is_same_v<T, InventoryAnswer> ||
    std::is_same_v<T, WishesAnswer> || std::is_same_v<T, FingerprintAnswer> ||
    std::is_same_v<T, ListAnswer> || std::is_same_v<T, CollectAnswer>;

template <typename T>
concept ForRebalance = std::is_same_v<T, ListsAnnounced> || std::is_same_v<T, AnnounceNoted> ||
    std::is_same_v<T, SyncConfirmed> || std::is_same_v<T, Settle>;

template <typename T>
concept AboutEvictions = std::is_same_v<T, EvictionPrepare> || std::is_same_v<T, EvictionPromise> ||
    std::is_same_v<T, EvictionAccept> || std::is_same_v<T, EvictionAccepted>;

template <typename T>
concept ForShells = std::is_same_v<T, ShellOpen> || std::is_same_v<T, ShellInput> ||
    std::is_same_v<T, ShellCredit> || std::is_same_v<T, ShellResize> ||
    std::is_same_v<T, ShellAlive> || std::is_same_v<T, ShellClose>;

// What anybody may send. Everything else is for members that have proven who they are.
template <typename T>
concept FromAnybody = std::is_same_v<T, RowRequest> || std::is_same_v<T, MeshRequest> ||
    std::is_same_v<T, PutRequest> || std::is_same_v<T, LookupRequest> ||
    std::is_same_v<T, RemoveRequest> || std::is_same_v<T, TagRequest> ||
    std::is_same_v<T, CopyRequest> || std::is_same_v<T, ListRequest> ||
    std::is_same_v<T, RunRequest> || std::is_same_v<T, RunStart> || std::is_same_v<T, RunAlive> ||
    std::is_same_v<T, RunCancel> || std::is_same_v<T, StatusRequest> ||
    std::is_same_v<T, RecipesRequest> || std::is_same_v<T, CommandRequest> ||
    std::is_same_v<T, AliveRequest> || std::is_same_v<T, VerifyRequest> ||
    std::is_same_v<T, PlanRequest> || std::is_same_v<T, ApplyRequest> ||
    std::is_same_v<T, CostsRequest> || std::is_same_v<T, PurgeRequest> ||
    std::is_same_v<T, WhyRequest> || ForShells<T>;

// Whoever coordinates a client's wish sends these to all holders.
template <typename T>
concept ClientWork = std::is_same_v<T, VersionRequest> || std::is_same_v<T, StoreOpen>;

}  // namespace

void Node::on_message(Instant now, LinkId link, const Message& message) {
  if (peers_.on_message(now, link, message)) return;
  const bool for_anybody = std::visit([]<typename T>(const T&) { return FromAnybody<T>; }, message);
  if (for_anybody) return on_client(now, link, message);
  const bool from_self = link == LinkId{};
  const auto from = from_self ? std::optional(members_.self()) : peers_.identity_of(link);
  if (!from) return peers_.ask_for_hello(link);
  on_peer(now, link, *from, message);
}

void Node::on_client(Instant now, LinkId link, const Message& message) {
  if (const auto* request = std::get_if<MeshRequest>(&message)) {
    return to_link(link, mesh_of(request->operation));
  }
  if (const auto* request = std::get_if<AliveRequest>(&message)) {
    results_.on_heard(now, link);
    const auto age = static_cast<std::uint64_t>((now - started_at_) / 1ms + 1);
    return to_link(link, AliveAnswer{request->operation, age});
  }
  if (const auto* request = std::get_if<StatusRequest>(&message)) {
    return on_status(now, link, *request);
  }
  if (const auto* request = std::get_if<RecipesRequest>(&message)) {
    return to_link(link, recipes_of(request->operation));
  }
  if (const auto* request = std::get_if<CostsRequest>(&message)) {
    return to_link(link, costs_.page_of(*request));
  }
  if (const auto* request = std::get_if<WhyRequest>(&message)) {
    return kept_journal_.on_why(now, wall_, link, *request, operations_.next_id());
  }
  if (shells_.on_message(now, link, message)) return;
  if (rebalance_ == nullptr) return;  // no mesh yet: MeshRequest says so
  // Without waiting for a placement: where all members leave there is none until one stays.
  if (const auto* wish = std::get_if<CommandRequest>(&message)) {
    return on_command(now, link, *wish);
  }
  if (placements_.table().nodes().empty()) {  // just started: soon known
    if (early_.size() < early_max) early_.push_back({now, link, message});
    return;
  }
  const auto partition = [&](const auto& wish) { return placements_.partition_of_name(wish.name); };
  const auto lists = [&](const auto& wish) { return best_lists_of(partition(wish)); };
  std::visit(
      Overloaded{
          [&](const RowRequest& wish) { to_link(link, row_of(wish)); },
          [&](const PutRequest& wish) {
            auto checked = check_name(wish.name);
            if (checked) checked = check_tags(wish.tags);
            if (!checked) {
              WriteDone refused;
              refused.operation = wish.operation;
              refused.code = checked.error().code;
              refused.detail = checked.error().detail;
              return to_link(link, refused);
            }
            begin_wish<Upload>(now, link, wish, wish, partition(wish), lists(wish), link);
          },
          [&](const LookupRequest& wish) {
            begin<FindImage>(now, view_, wish, partition(wish), lists(wish), link);
          },
          [&](const RemoveRequest& wish) { revise(now, link, wish, {}); },
          [&](const TagRequest& wish) { revise(now, link, wish, {}); },
          [&](const CopyRequest& wish) {
            revise(now, link, wish, placements_.partition_of_name(wish.source.name));
          },
          [&](const ListRequest& wish) {
            if (wish.among) {
              begin<LocalListing>(
                  now, codec_, wish, one_of_each_disk_, is_covered_by(*wish.among),
                  [this](std::string_view name, PartitionId disk) { return tells_of(name, disk); },
                  link);
            } else {
              begin<Listing>(now, view_, wish, is_covered(), link);
            }
          },
          [&](const RunRequest& wish) {
            begin<RouteRun>(
                now, view_, runs_.book(), avoidance_, hot_images_, runs_.journal(),
                static_cast<Post&>(*this), wish, partition(wish), lists(wish), link,
                [this](NodeId node) {
                  return node == view_.self || peers_.life_of(node) == LifeState::alive;
                },
                RouteRun::KeptHere{[this](const RunStart& start) { return results_.has(start); },
                                   [this, link](Instant at, const RunStart& start) {
                                     results_.on_start(at, link, start, place_of(start.input));
                                   }});
          },
          [&](const RunStart& wish) { results_.on_start(now, link, wish, place_of(wish.input)); },
          [&](const ShellOpen& wish) { shells_.on_open(now, link, wish, disk_for(wish.input)); },
          [&](const RunAlive& wish) { results_.on_alive(now, wish); },
          [&](const RunCancel& wish) { results_.on_cancel(now, wish); },
          [&](const VerifyRequest& wish) {
            check_copy(now, {wish.partition, wish.digest}, CopyAsker{link, wish.operation});
          },
          [&](const PlanRequest& wish) { on_plan(now, link, wish); },
          [&](const ApplyRequest& wish) { on_apply(now, link, wish); },
          [&](const PurgeRequest& wish) { results_.on_purge(link, wish); },
          [&](const auto&) {},
      },
      message);
}

/// The disk with our copy; none: we are no holder.
std::optional<std::uint32_t> Node::disk_for(const RunInput& input) const {
  if (input.partition.raw >= places_.count()) return std::nullopt;
  if (!is_holder(rebalance_->lists_of(input.partition), view_.self)) return std::nullopt;
  return view_.disk_of(input.partition);
}

template <typename Wish>
void Node::revise(Instant now, LinkId link, const Wish& wish, PartitionId source_partition) {
  auto checked = check_name(wish.name);
  if constexpr (std::is_same_v<Wish, CopyRequest>) {
    if (checked) checked = check_content(wish.source);
    if (checked) checked = check_tags(wish.source.tags);
  }
  if (checked && now < no_old_wishes_until_) {
    checked = Error{ErrorCode::overloaded,
                    "the node stood still for over a minute, and this may be as old; say it again"};
  }
  if (!checked) {
    WriteDone refused;
    refused.operation = wish.operation;
    refused.code = checked.error().code;
    refused.detail = checked.error().detail;
    if (refused.code == ErrorCode::overloaded) refused.retry_after_ms = 500;
    return to_link(link, refused);
  }
  const PartitionId partition = placements_.partition_of_name(wish.name);
  begin_wish<Revise>(now, link, wish, Revise::Wish(wish), partition, best_lists_of(partition), link,
                     source_partition);
}

// A wish that is said again while we carry it out begins when that has ended: what it looks up
// then tells how far the first try got.
template <typename Op, typename Wish, typename... Arguments>
void Node::begin_wish(Instant now, LinkId link, const Wish& wish, Arguments&&... arguments) {
  if (Operation* earlier = operations_.carrier_of(wish.request)) {
    said_again_.insert_or_assign(wish.request, std::pair(link, Message(wish)));
    return perform(now, *earlier, earlier->give_way());
  }
  begin<Op>(now, view_, std::forward<Arguments>(arguments)...);
}

void Node::on_peer(Instant now, LinkId link, NodeId from, const Message& message) {
  if (rebalance_ == nullptr) return;
  const bool is_work = std::visit([]<typename T>(const T&) { return ClientWork<T>; }, message);
  if (is_work) pace_.on_client_work(now);
  std::visit(
      Overloaded{
          [&]<AnswerToOperation T>(const T& answer) {
            tell_operation(now, answer.operation, from, answer);
          },
          [&]<ForRebalance T>(const T& one) {
            if (placements_.table().nodes().empty()) return;  // our lists may be of any epoch
            perform(now, *rebalance_, rebalance_->on_message(now, from, one));
          },
          [&]<AboutEvictions T>(const T& one) {
            evictions_.on_message(now, peers_, from, one, eviction_scene());
          },
          [&](const ListsRequest& request) {
            to_link(link, ListsAnswer{request.operation, request.partition,
                                      rebalance_->lists_of(request.partition), view_.epoch});
          },
          [&](const VersionRequest& request) {
            Version floor;
            if (request.request) floor = floor_for(now, request);
            begin<ReadVersion>(now, view_, codec_, request, link, floor);
          },
          [&](const StoreOpen& request) { begin<Intake>(now, request, link, ingress_); },
          [&](const StoreDrop& request) {
            if (auto* intake = dynamic_cast<Intake*>(operations_.receiver_of(request.stream))) {
              perform(now, *intake, intake->drop());
            }
          },
          [&](const CommitRequest& request) { on_commit(now, link, request); },
          [&](const InventoryRequest& request) {
            begin<ReadInventory>(now, view_, codec_, request, link);
          },
          [&](const WishesRequest& request) { begin<ReadWishes>(now, request, link); },
          [&](const FingerprintRequest& request) {
            begin<CompareFingerprints>(now, view_, codec_, request, one_of_each_disk_, link, from);
          },
          [&](const CollectRequest& request) {
            begin<CollectTombstones>(now, view_, codec_, request, link);
          },
          [&](const HintOffer& offer) {
            if (offer.epoch != view_.epoch) return peers_.on_tables_differ(now, from);
            for (const PartitionId partition : offer.partitions) {
              if (partition.raw >= places_.count()) continue;
              if (!is_holder(rebalance_->lists_of(partition), view_.self)) {
                to_link(link, HintTaken{{partition}, offer.round});  // others hold it by now
                continue;
              }
              if (rebalance_->is_recovering(partition)) continue;  // it will be offered again
              note_offer(hint_offers_[partition], from, offer.round);
              queue_sync(partition, hint_sources_of(partition, from));
            }
          },
          [&](const HintTaken& taken) {
            auto rows = hints_.on_taken(now, from, taken);
            if (!rows.empty()) writer_.write(std::move(rows));
            perform(now, *rebalance_, rebalance_->on_message(now, from, taken));
          },
          [&](const ProbeLoad& probe) { results_.on_probe(now, link, probe); },
          [&](const ReleaseLoad& release) { results_.on_release(now, release); },
          [&](const StatusAnswer& answer) { join_check_.on_status(from, answer.bytes); },
          [&](const LoadAnswer& answer) {
            auto* route = dynamic_cast<RouteRun*>(operations_.find(answer.operation));
            if (route == nullptr) return;
            route->on_load(now, from, answer);
            perform(now, *route, {});
          },
          [&](const auto&) {},
      },
      message);
}

void Node::tell_operation(Instant now, OperationId id, NodeId from, const PeerMessage& message) {
  Operation* operation = operations_.find(id);
  if (operation != nullptr) perform(now, *operation, operation->on_message(now, from, message));
}

// A holder that the lookup did not wait for is no source, but has it.
InputPlace Node::place_of(const RunInput& input) const {
  const std::vector<NodeId>& sources = input.sources;
  const bool is_source = std::ranges::find(sources, view_.self) != sources.end();
  const bool holds = is_holder(rebalance_->lists_of(input.partition), view_.self);
  const bool borrowed = !sources.empty() && !is_source && !holds;
  return {borrowed ? borrowed_disk : view_.disk_of(input.partition), borrowed};
}

void Node::on_commit(Instant now, LinkId link, const CommitRequest& request) {
  if (request.partition.raw >= places_.count()) return;
  std::optional<TempId> temp;
  if (request.stream) {
    if (auto* intake = dynamic_cast<Intake*>(operations_.receiver_of(*request.stream))) {
      temp = intake->take();
      perform(now, *intake, {});
    }
  }
  begin<HolderCommit>(now, view_, codec_, request, temp, link, ingress_);
}

void Node::on_bulk(Instant now, const BulkEnd& from, const BulkMessage& message,
                   const std::optional<ChunkRef>& chunk) {
  if (const auto* open = std::get_if<StreamOpen>(&message)) return on_stream_open(now, from, *open);
  const auto tell = [&](Operation* operation) {
    if (operation == nullptr) return;
    perform(now, *operation, operation->on_bulk(now, from, message, chunk));
  };
  if (const auto* piece = std::get_if<StreamChunk>(&message)) {
    if (chunk && from != BulkEnd(members_.self())) stream_bytes_in_ += chunk->size;
    // What we fetch comes on a link that we opened.
    if (std::holds_alternative<LinkId>(from)) pace_.on_client_work(now);
    tell(operations_.receiver_of(piece->stream));
  } else if (const auto* credit = std::get_if<StreamCredit>(&message)) {
    tell(operations_.sender_of(credit->stream));
  } else if (const auto* end = std::get_if<StreamEnd>(&message)) {
    tell(operations_.receiver_of(end->stream));
    tell(operations_.sender_of(end->stream));
  }
}

void Node::on_stream_open(Instant now, const BulkEnd& from, const StreamOpen& open) {
  const auto refuse = [&](ErrorCode code, std::string detail) {
    send_bulk(from, StreamEnd{open.stream, code, std::move(detail)}, std::nullopt);
  };
  if (rebalance_ == nullptr || open.credit == 0 || operations_.sender_of(open.stream) != nullptr) {
    return refuse(ErrorCode::malformed, "the stream cannot be opened");
  }
  if (!open.run) {
    const bool is_own = from == BulkEnd(members_.self());  // may name a disk itself
    if (!is_own && open.partition.raw >= places_.count()) {
      return refuse(ErrorCode::malformed, "no such part");
    }
    return begin<StreamSource>(now, open, blob_path(open.digest, open.media), from);
  }
  const auto output = results_.output_of(*open.run);
  if (!output) return refuse(ErrorCode::not_found, "no result of this request is here");
  runs_.journal().on_fetching(now, *open.run);
  StreamOpen result = open;
  result.partition = one_of_each_disk_.front();
  result.size = output->size;
  result.checksums = output->checksums;
  begin<StreamSource>(now, std::move(result), output->path, from);
}

// What we do not hold, or join the holders of, others know better: it may have been deleted. So
// does another disk know better what lies there.
bool Node::tells_of(std::string_view name, PartitionId disk) const {
  const PartitionId partition = placements_.partition_of_name(name);
  const HolderLists& lists = rebalance_->lists_of(partition);
  return view_.disk_of(partition) == view_.disk_of(disk) && is_holder(lists, view_.self) &&
         !view_.is_newcomer(lists, partition);
}

// A version that no holder takes is nobody's floor: it would push all clocks ahead.
Version Node::floor_for(Instant now, const VersionRequest& request) {
  const bool counts = request.version && !view_.is_too_early({request.version->clock});
  return version_floors_.ask(now, request.name, counts ? request.version : std::nullopt);
}

// Our own lists if we hold the partition and know them; else what the placement in use says, whose
// living members are asked for theirs.
HolderLists Node::best_lists_of(PartitionId partition) const {
  HolderLists lists = rebalance_->lists_of(partition);
  if (lists.known()) return lists;
  return {{}, 0, placements_.table().owners_of(partition)};
}

}  // namespace pixmesh
