#include "node/node_begin.h"

#include <algorithm>
#include <utility>

#include "node/read_result.h"
#include "node/run_checks.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

constexpr LinkId self_link{0};             // the transport never gives this number
constexpr Duration stop_patience = 600ms;  // for the last words to leave

MemberTable table_of(const NodeOptions& options) {
  return MemberTable(node_id_of(options.key.public_key));
}

}  // namespace

Node::Node(NodeOptions options, RecipeBook book, const NodeMemory& memory, Outside outside, Rng rng)
    : options_(std::move(options)),
      transport_(outside.transport),
      outside_{transport_,       std::move(outside.disks), outside.state,
               outside.executor, outside.background,       outside.log,
               outside.bay,      outside.results,          outside.shells,
               outside.journal},
      rng_(rng),
      memory_(memory),
      codec_(stored_codec()),
      operations_(1),
      writer_(outside_, operations_),
      members_(table_of(options_)),
      standing_(options_, memory.facts, members_, writer_, outside_, rng_.split()),
      peers_(options_, members_, outside_, wall_, standing_.boot_number() << 20, rng_.split()),
      clock_rule_(peers_, members_.self(), outside_.log),
      evictions_(options_, memory.facts, members_, writer_, outside_, *this, rng_.split()),
      placements_(options_, members_, outside_),
      repair_orders_(memory.facts, pace_, writer_),
      plans_(options_, members_, placements_, outside_, *this),
      join_check_(options_, members_, outside_, *this),
      view_(make_view()),
      clock_(standing_.clock_ceiling()),
      ingress_(options_.ingress_chunks),
      results_(options_, members_.self(), wall_, runs_, outside_, *this),
      runs_(options_, std::move(book), outside_, results_),
      kept_journal_(runs_.journal(), outside_.journal, members_.self(), standing_.boot_number(),
                    *this),
      costs_(memory.facts, runs_.costs(), writer_),
      shells_(options_, outside_.shells, outside_.log, *this) {}

Node::~Node() = default;

MeshView Node::make_view() {
  MeshView view;
  view.self = members_.self();
  view.pace = &pace_;
  view.address_of = [this](NodeId node) {
    HolderAddress address;
    address.node = node;
    if (const MemberRecord* record = members_.find(node)) {
      address.control = record->control_address;
      address.bulk = record->bulk_address;
      address.zone = record->zone;
    }
    address.alive = view_.is_alive(node);
    return address;
  };
  view.eviction_of = [this](NodeId node) -> EvictionMarks {
    const Eviction* giving_up = members_.giving_up_of(node);
    return {members_.evicted_up_to(node), giving_up != nullptr ? giving_up->generation : 0};
  };
  view.lists_of = [this](PartitionId partition) {
    return rebalance_ == nullptr ? HolderLists{} : rebalance_->lists_of(partition);
  };
  // One that is refused would push our clock to where the wall clock should not be.
  view.next_clock = [this](std::uint64_t newest) -> std::optional<std::uint64_t> {
    if (clock_rule_.refusal(now_, wall_)) return std::nullopt;
    return clock_.tick(wall_, newest);
  };
  view.is_recovering = [this](PartitionId partition) {
    return rebalance_ != nullptr && partition.raw < places_.count() &&
           rebalance_->is_recovering(partition);
  };
  view.is_joining = [this](PartitionId partition) {
    return rebalance_ != nullptr && partition.raw < places_.count() &&
           rebalance_->is_joining(partition);
  };
  view.collected_of = [this](PartitionId partition) {
    return collection_ == nullptr ? 0 : collection_->collected_of(partition);
  };
  view.clock_refusal = [this] { return clock_rule_.refusal(now_, wall_); };
  view.wall = [this] { return wall_; };
  view.is_too_early = [this](WallTime theirs) {
    return clock_rule_.is_too_early(now_, wall_, theirs);
  };
  view.fresh_stream = [this] {
    StreamId stream;
    rng_.fill(stream.raw);
    return stream;
  };
  view.disk_of = [this](PartitionId partition) {
    if (partition.raw < places_.count()) return places_.disk_of(partition);
    const std::uint32_t disk = partition.raw & ~disk_address_bit;
    const bool is_address = partition.raw != disk && disk < outside_.disks.size();
    return is_address ? disk : std::uint32_t{0};
  };
  view.other_disks = [this](PartitionId partition) {
    std::vector<PartitionId> others = one_of_each_disk_;
    std::erase(others, address_of_disk(view_.disk_of(partition)));
    return others;
  };
  return view;
}

void Node::start(Instant now, WallTime wall) {
  now_ = started_at_ = now;
  wall_ = wall;
  repair_orders_.start(now, wall);
  for (const auto& [key, value] : std::exchange(memory_.hints, {}).rows) hints_.restore(now, key);
  const bool founded = standing_.start(now, peers_);
  open_partitions(now);
  if (founded && rebalance_ != nullptr) perform(now, *rebalance_, rebalance_->found(now));
  placements_.on_epoch_changed(now - options_.placement_delay);
  keep_clock(now);
  after_event(now);
}

// What came in while this process stood still may be as old: somebody else may have carried it out
// since, and forgotten it.
void Node::begin_turn(Instant now, WallTime wall) {
  constexpr Duration stood_still = 60s;  // a wish is remembered for five minutes
  constexpr Duration until_read = 2s;    // of what lies in the sockets
  if (now_ != Instant{} && now - now_ > stood_still) no_old_wishes_until_ = now + until_read;
  now_ = now;
  wall_ = wall;
}

void Node::on_event(Instant now, WallTime wall, const HostEvent& event) {
  begin_turn(now, wall);
  std::visit(
      [&]<typename T>(const T& one) {
        if constexpr (std::is_same_v<T, MessageArrived>) {
          on_arrived(now, one);
        } else if constexpr (std::is_same_v<T, DiskAnswered>) {
          on_disk_answer(now, one);
        } else if constexpr (std::is_same_v<T, ToolEnded>) {
          runs_.on_tool_ended(now, one.report);
        } else if constexpr (std::is_same_v<T, ResultKept>) {
          results_.on_kept(now, one);
        } else if constexpr (std::is_same_v<T, AllResultsFound>) {
          results_.on_all_found();
        } else if constexpr (std::is_same_v<T, BackgroundDone>) {
          if (placements_.on_computed(one.ticket)) {
            on_placement(now);
          } else if (join_check_.on_computed(one.ticket)) {
            decide_join(now);
          } else if (one.ticket == disk_job_) {
            disk_job_ = {};
            std::exchange(after_disk_job_, {})(now);
          } else {
            (void)plans_.on_computed(now, one.ticket);
          }
        } else if constexpr (std::is_same_v<T, LinkClosed>) {
          results_.on_link_closed(now, one.link);
          shells_.on_link_closed(now, one.link);
        } else if constexpr (std::is_same_v<T, ShellNews>) {
          shells_.on_news(now, one);
        } else if constexpr (std::is_same_v<T, JournalFound>) {
          kept_journal_.on_found(now, wall, one);
        } else if constexpr (std::is_same_v<T, StopAsked>) {
          stop(now);
        }
      },
      event);
  after_event(now);
}

void Node::on_arrived(Instant now, const MessageArrived& arrived) {
  if (arrived.plane == Plane::control) {
    const auto message = decode_message(arrived.message);
    if (message) return on_message(now, arrived.link, message.value());
  } else {
    const auto message = decode_bulk(arrived.message);
    if (message) {
      const auto peer = peers_.bulk_peer_of(arrived.link);
      const BulkEnd from = peer ? BulkEnd(*peer) : BulkEnd(arrived.link);
      return on_bulk(now, from, message.value(), arrived.chunk);
    }
  }
  ++malformed_;
}

void Node::on_disk_answer(Instant now, const DiskAnswered& answered) {
  if (answered.disk == state_disk) {
    const auto written = writer_.on_answer(now, answered.ticket, answered.answer);
    if (!written) fail(now, "the state folder cannot be written: " + written.error().detail);
    return;
  }
  Operation* operation = operations_.find(answered.ticket);
  if (operation == nullptr) return;
  const bool is_filtered = options_.disks.size() > 1 && operation != move_ &&
                           operation != drop_strays_ && answered.answer &&
                           std::holds_alternative<DiskSummary>(answered.answer.value());
  perform(now, *operation,
          is_filtered ? operation->on_disk(now, without_strays(answered))
                      : operation->on_disk(now, answered.answer));
}

// Everything a step set going inside this node is carried out before the next event, so that a
// chunk of this event is still there for a local sink.
void Node::after_event(Instant now) {
  do {
    on_peer_news(now);
    drain_local(now);
    (void)results_.settle(now);
    for (const Results::Reading& one : results_.take_readings())
      begin<ReadResult>(now, one.whom,
                        ChunkCheck::File{one_of_each_disk_.front(), one.output.path,
                                         one.output.size, one.output.checksums});
    for (const Runs::Inspection& one : runs_.take_inspections())
      begin<InspectFile>(now, one.run, one.input, one.limits);
    for (const Runs::Check& check : runs_.take_checks())
      begin<VerifyFile>(now, check.run, check.input);
    for (const Shells::Check& check : shells_.take_checks())
      begin<VerifyFile>(now, check.shell, check.input);
    for (RunInput& loan : runs_.take_loans()) begin<BorrowCopy>(now, view_, std::move(loan));
    for (const TempId temp : runs_.take_returned())
      use_disk({}, {address_of_disk(borrowed_disk), DropTemp{temp}, false});
    start_syncs(now);
    go_on_moving(now);
  } while (!local_.empty() || results_.settle(now));
  leave_if_done(now);
  kept_journal_.write(now, wall_, stopped_);
}

void Node::drain_local(Instant now) {
  while (!local_.empty()) {
    auto next = std::move(local_.front());
    local_.pop_front();
    if (const auto* message = std::get_if<Message>(&next)) {
      on_message(now, self_link, *message);
    } else {
      const auto& bulk = std::get<LocalBulk>(next);
      on_bulk(now, BulkEnd(members_.self()), bulk.message, bulk.chunk);
    }
  }
}

void Node::to_member(NodeId to, Message message) {
  if (to == members_.self()) {
    local_.emplace_back(std::move(message));
  } else {
    peers_.send(now_, to, message);
  }
}

void Node::to_link(LinkId to, Message message) {
  if (const auto* done = std::get_if<RunDone>(&message)) stream_bytes_out_ += done->output.size();
  if (to == self_link) {
    local_.emplace_back(std::move(message));
  } else if (!outside_.transport.send(to, encode(message))) {
    ++dropped_;
  }
}

void Node::on_deadline(Instant now, WallTime wall) {
  begin_turn(now, wall);
  for (const OperationId id : operations_.due(now)) {
    if (Operation* operation = operations_.find(id)) {
      perform(now, *operation, operation->on_deadline(now));
    }
  }
  peers_.on_deadline(now);
  standing_.on_deadline(now, peers_, view_.frozen);
  if (const auto at = evictions_.next_deadline(); at && now >= *at) {
    evictions_.on_deadline(now, peers_, eviction_scene(), view_.frozen);
  }
  placements_.on_deadline(now, operations_.next_id());
  if (standing_.is_held() && !standing_.held_for()) {
    if (!join_check_.is_under_way()) join_check_.begin(now);
    join_check_.on_deadline(now, view_.alive, peers_.is_table_shared(), operations_.next_id());
  }
  results_.on_deadline(now);
  runs_.on_deadline(now);
  shells_.on_deadline(now);
  costs_.on_deadline(now);
  for (Effect& effect : hints_.offers(now, view_)) perform_one(now, {}, effect);
  keep_clock(now);
  clock_rule_.look(now, wall);
  give_up_failed_disk(now);
  if (stop_at_ && now >= *stop_at_) stopped_ = true;
  after_event(now);
}

// The clock's durable ceiling is raised well before it is reached.
void Node::keep_clock(Instant) {
  if (clock_write_running_) return;
  const auto ceiling = clock_.ceiling_wanted(wall_);
  if (!ceiling) return;
  clock_write_running_ = true;
  CanonicalBytes value;
  value.u64(*ceiling);
  writer_.write({fact_row("clock", value.bytes())}, [this, ceiling = *ceiling](Instant) {
    clock_write_running_ = false;
    clock_.raise_ceiling(ceiling);
  });
}

std::optional<Instant> Node::next_deadline() const {
  std::optional<Instant> first = now_ + 1s;  // the clock's ceiling
  const auto earlier = [&](const std::optional<Instant>& at) {
    if (at && *at < *first) first = at;
  };
  earlier(operations_.next_deadline());
  earlier(peers_.next_deadline());
  earlier(standing_.next_deadline());
  earlier(evictions_.next_deadline());
  earlier(placements_.next_deadline());
  if (standing_.is_held() && !standing_.held_for()) earlier(join_check_.next_deadline());
  earlier(results_.next_deadline());
  earlier(runs_.next_deadline());
  earlier(shells_.next_deadline());
  earlier(costs_.next_deadline());
  earlier(hints_.next_deadline());
  earlier(next_move_at());
  earlier(stop_at_);
  return first;
}

void Node::stop(Instant now) {
  if (stop_at_) {
    stop_at_ = now;  // asked twice: at once
    return;
  }
  runs_.set_accepting(false);
  runs_.cancel_all(now);
  shells_.end_all(now);
  peers_.leave(now);
  stop_at_ = now + stop_patience;
  outside_.log.event(LogLevel::info, "node_stopping", {});
}

void Node::fail(Instant now, const std::string& why) {
  if (!failure_.empty()) return;
  failure_ = why;
  outside_.log.event(LogLevel::error, "node_failed", {{"reason", why}});
  stop(now);
}

std::size_t Node::open_conversations() const { return operations_.count() - own_operations_; }

void Node::check_invariants() const {
  members_.check_invariants();
  results_.check_invariants();
  if (rebalance_ == nullptr) return;
  rebalance_->check_invariants();
  for (const auto& [partition, of_rebalance] : running_syncs_) {
    invariant(!rebalance_->is_dropping(partition) || drops_after_sync_.contains(partition),
              "a drop waits for the sync of its partition to end");
  }
}

}  // namespace pixmesh
