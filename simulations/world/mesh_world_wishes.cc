#include "base/digest.h"
#include "ring/partition.h"
#include "simulations/world/mesh_world.h"
#include "simulations/world/virtual_executor.h"
#include "wire/stored.h"

// What a test asks the mesh of a MeshWorld, and what it sees of the nodes' disks.
namespace pixmesh {
namespace {

constexpr Duration patience = 130s;  // longer than any deadline inside the mesh

WriteDone silent_write() {
  WriteDone done;
  done.code = ErrorCode::timed_out;
  done.detail = "the node did not answer";
  return done;
}

}  // namespace

template <typename T>
T MeshWorld::ask(std::uint32_t via, Message message, T when_silent) {
  const OperationId operation = client_->send(via, std::move(message));
  const auto answered = [&] { return client_->answer_of(operation) != nullptr; };
  (void)run_until([&] { return answered() || !is_running(via); }, patience);
  if (!answered()) return when_silent;
  const T* answer = std::get_if<T>(client_->answer_of(operation));
  invariant(answer != nullptr, "a question gets an answer of its kind");
  return *answer;
}

WriteDone MeshWorld::put(std::uint32_t via, const std::string& name, const Bytes& bytes,
                         PutWish wish) {
  const auto course = client_->begin_put(via, name, bytes, wish);
  (void)run_until([&] { return course->done || !is_running(via); }, patience);
  return course->done ? *course->done : silent_write();
}

LookupAnswer MeshWorld::look_up(std::uint32_t via, const std::string& name, bool strict) {
  LookupAnswer silent;
  silent.code = ErrorCode::timed_out;
  return ask<LookupAnswer>(via, LookupRequest{{}, name, strict}, silent);
}

Result<Bytes> MeshWorld::get(std::uint32_t via, const std::string& name) {
  const LookupAnswer found = look_up(via, name);
  if (found.code != ErrorCode{}) return Error{found.code, found.detail};
  const ImageRecord& record = found.record;
  std::string why = "nobody has it";
  for (const HolderAddress& holder : found.holders) {
    const std::uint32_t from = number_of(holder.node);
    const auto course = client_->begin_receive(from, StreamOpen{{},
                                                                4,
                                                                std::nullopt,
                                                                found.partition,
                                                                record.digest,
                                                                record.media,
                                                                record.size,
                                                                record.checksums,
                                                                0});
    (void)run_until([&] { return course->complete || course->end; }, 5s);
    client_->forget(course);
    if (course->complete && digest_of(course->bytes) == record.digest) return course->bytes;
    why = course->end ? course->end->detail : "the holder stopped sending";
  }
  return Error{ErrorCode::corrupt, why};
}

WriteDone MeshWorld::remove(std::uint32_t via, const std::string& name,
                            std::optional<RequestId> retry_of) {
  const RequestId request = retry_of ? *retry_of : client_->fresh_request();
  return ask<WriteDone>(via, RemoveRequest{{}, request, name}, silent_write());
}

WriteDone MeshWorld::tag(std::uint32_t via, const std::string& name, std::vector<Tag> changes) {
  return ask<WriteDone>(via, TagRequest{{}, client_->fresh_request(), name, std::move(changes)},
                        silent_write());
}

WriteDone MeshWorld::copy(std::uint32_t via, const std::string& from, const std::string& to) {
  const LookupAnswer found = look_up(via, from);
  if (found.code != ErrorCode{}) {
    WriteDone done;
    done.code = found.code;
    return done;
  }
  std::vector<NodeId> holders;
  for (const HolderAddress& holder : found.holders) holders.push_back(holder.node);
  return ask<WriteDone>(
      via, CopyRequest{{}, client_->fresh_request(), to, found.record, std::move(holders)},
      silent_write());
}

ListAnswer MeshWorld::list(std::uint32_t via, const std::string& prefix, std::uint32_t page) {
  ListAnswer all;
  ListAnswer part;
  std::string after;
  do {
    ListAnswer silent;
    silent.code = ErrorCode::timed_out;
    part = ask<ListAnswer>(via, ListRequest{{}, prefix, after, page, {}, {}}, silent);
    if (part.code != ErrorCode{}) return part;
    for (ListEntry& entry : part.entries) {
      after = entry.name;
      if (!entry.tombstone) all.entries.push_back(std::move(entry));
    }
    all.complete = all.complete && part.complete;
  } while (part.more);
  return all;
}

StatusAnswer MeshWorld::status(std::uint32_t via) {
  return ask<StatusAnswer>(via, StatusRequest{}, {});
}

CommandAnswer MeshWorld::command(std::uint32_t via, NodeCommand command, NodeId target, bool force,
                                 bool accept_fewer) {
  return order(via, CommandRequest{{}, command, target, force, accept_fewer, 0});
}

CommandAnswer MeshWorld::order(std::uint32_t via, const CommandRequest& request) {
  CommandAnswer silent;
  silent.code = ErrorCode::timed_out;
  return ask<CommandAnswer>(via, request, silent);
}

PlanAnswer MeshWorld::plan(std::uint32_t via, const RingChange& change) {
  PlanAnswer silent;
  silent.code = ErrorCode::timed_out;
  return ask<PlanAnswer>(via, PlanRequest{{}, change, std::nullopt}, silent);
}

ApplyAnswer MeshWorld::apply(std::uint32_t via, PlanId plan, bool accept_fewer) {
  ApplyAnswer silent;
  silent.code = ErrorCode::timed_out;
  return ask<ApplyAnswer>(via, ApplyRequest{{}, plan, accept_fewer}, silent);
}

void MeshWorld::tell(std::uint32_t node, NodeCommand command, NodeId target,
                     std::function<void(const CommandAnswer&)> then) {
  const OperationId operation =
      client_->send(node, CommandRequest{{}, command, target, true, false, 0});
  if (!then) return;
  told_.emplace(operation, [then = std::move(then)](const Message& answer) {
    if (const auto* done = std::get_if<CommandAnswer>(&answer)) then(*done);
  });
}

void MeshWorld::tell_weight(std::uint32_t node, std::uint32_t weight) {
  const RingChange change{RingChangeKind::weigh, id_of(node), weight};
  const OperationId planned = client_->send(node, PlanRequest{{}, change, std::nullopt});
  told_.emplace(planned, [this, node](const Message& answer) {
    const auto* plan = std::get_if<PlanAnswer>(&answer);
    if (plan == nullptr || plan->code != ErrorCode{}) return;
    (void)client_->send(node, ApplyRequest{{}, plan->plan, true});
  });
}

void MeshWorld::tell_copies(std::uint32_t node, std::uint32_t replicas,
                            std::uint32_t write_quorum) {
  CommandRequest request;
  request.command = NodeCommand::set_copies;
  request.replicas = replicas;
  request.write_quorum = write_quorum;
  (void)client_->send(node, request);
}

void MeshWorld::on_answered(OperationId operation) {
  const auto told = told_.extract(operation);
  if (!told) return;
  told.mapped()(*client_->answer_of(operation));
}

RunOutcome MeshWorld::run(std::uint32_t via, const std::string& name) {
  RunCandidates silent;
  silent.code = ErrorCode::timed_out;
  const RequestId request = client_->fresh_request();
  const auto where =
      ask<RunCandidates>(via, RunRequest{{}, request, name, "thumbnail", {}, false}, silent);
  if (where.code != ErrorCode{}) return {where.code, where.detail, {}, {}};
  RunOutcome outcome;
  for (const RunCandidate& candidate : where.candidates) {
    const std::uint32_t at = number_of(candidate.node);
    RunDone lost;
    lost.code = ErrorCode::timed_out;
    const auto done = ask<RunDone>(
        at, RunStart{{}, request, where.input, "thumbnail", where.recipe_digest, {}, 60'000}, lost);
    outcome = {done.code, done.detail, candidate.node, {}};
    if (done.code != ErrorCode{}) continue;
    StreamOpen open;
    open.run = request;
    open.size = done.output_size;
    const auto course = client_->begin_receive(at, open);
    (void)run_until([&] { return course->complete || course->end; }, 5s);
    (void)client_->send(at, RunCancel{request});
    outcome.output = course->bytes;
    return outcome;
  }
  return outcome;
}

Bytes MeshWorld::sample_image(std::size_t size, std::uint64_t seed) {
  Bytes bytes(size);
  Rng(seed).fill(bytes);
  const ByteView magic = bytes_of("PNG");
  std::copy(magic.begin(), magic.end(), bytes.begin());
  return bytes;
}

Bytes MeshWorld::expected_output(const Bytes& input) {
  return VirtualExecutor::output_of(digest_of(input), input.size());
}

PartitionId MeshWorld::partition_of_name(const std::string& name) const {
  return partition_of(name, settings().placement_key, settings().partition_bits);
}

bool MeshWorld::is_recovering(std::uint32_t node, PartitionId partition) {
  Bytes key = row_prefix(partition);
  key.push_back('r');
  return disk(node).row(Table::lists, key).has_value();
}

std::uint64_t MeshWorld::stored_collected(std::uint32_t node, PartitionId partition) {
  return number_in_row(disk(node).row(Table::collected, row_prefix(partition)).value_or(Bytes{}));
}

void MeshWorld::find_settings() const {
  for (const auto& machine : machines_) {
    if (settings_) return;
    settings_ = stored_settings(machine->number);
  }
}

std::optional<MeshSettings> MeshWorld::stored_settings(std::uint32_t node) const {
  const ByteView key = bytes_of("settings");
  const auto row = machines_[node]->state->row(Table::facts, Bytes(key.begin(), key.end()));
  return row ? std::optional(decode_settings(*row).value()) : std::nullopt;
}

MeshSettings MeshWorld::newest_settings() const {
  MeshSettings newest = settings();
  for (const std::uint32_t node : running()) {
    const auto stored = stored_settings(node);
    if (stored && newer(*stored, newest)) newest = *stored;
  }
  return newest;
}

const MeshSettings& MeshWorld::settings() const {
  find_settings();
  invariant(settings_.has_value(), "the mesh is founded");
  return *settings_;
}

std::optional<HolderLists> MeshWorld::stored_lists(std::uint32_t node, PartitionId partition) {
  const auto row = disk(node).row(Table::lists, row_prefix(partition));
  return row ? std::optional(decode_lists(*row).value()) : std::nullopt;
}

std::optional<HolderSets> MeshWorld::stored_sets(std::uint32_t node, PartitionId partition) {
  const Bytes key{0, 0, static_cast<std::uint8_t>(partition.raw >> 8),
                  static_cast<std::uint8_t>(partition.raw), 's'};
  if (const auto row = disk(node).row(Table::lists, key)) return decode_sets(*row).value();
  const auto lists = stored_lists(node, partition);
  return lists ? std::optional(sets_of(*lists)) : std::nullopt;
}

std::optional<ImageRecord> MeshWorld::record_at(std::uint32_t node, const std::string& name) {
  const auto& records = disk(node).records();
  const auto found = records.find({partition_of_name(name), name_digest_of(name)});
  if (found == records.end()) return std::nullopt;
  return decode_record(found->second.bytes).value();
}

std::vector<std::uint32_t> MeshWorld::keepers_of(const std::string& name) {
  std::vector<std::uint32_t> keepers;
  for (const std::uint32_t node : running()) {
    if (record_at(node, name)) keepers.push_back(node);
  }
  return keepers;
}

std::vector<std::string> MeshWorld::faults() {
  std::vector<std::string> all;
  for (std::uint32_t node = 0; node < node_count(); ++node) {
    for (const std::string& fault : disk(node).faults()) {
      all.push_back("node " + std::to_string(node) + ": " + fault);
    }
  }
  return all;
}

std::string MeshWorld::lists_text(const HolderLists& lists) const {
  const auto set = [this](const std::vector<NodeId>& nodes) {
    std::string text;
    for (const NodeId& id : nodes) {
      const auto machine =
          std::ranges::find(machines_, id, [](const auto& one) { return one->id; });
      text +=
          " " + (machine == machines_.end() ? short_text(id) : std::to_string((*machine)->number));
    }
    return text;
  };
  std::string text = "set " + std::to_string(lists.number) + " of" + set(lists.settled) + " to" +
                     set(lists.target) + ", lost " + std::to_string(lists.lost) +
                     (lists.awaits_evicted ? ", awaits evicted members" : "");
  for (const FormerSet& former : lists.earlier) text += ", perhaps of" + set(former.nodes);
  return text;
}

// At rest all running nodes have the same lists, these are settled, each partition's holders have
// the same records with their bytes, and nobody else has any.
std::vector<std::string> MeshWorld::unrest() {
  std::vector<std::string> found;
  find_settings();
  if (!settings_) return {"there is no mesh yet"};
  std::map<std::uint32_t, std::map<PartitionId, HolderLists>> lists;
  std::map<std::uint32_t, std::map<PartitionId, std::uint64_t>> sums;
  std::set<std::pair<std::uint32_t, PartitionId>> recovering;
  for (const std::uint32_t node : running()) {
    for (const auto& [key, value] : disk(node).table(Table::lists).rows) {
      const PartitionId partition{static_cast<std::uint32_t>(key[2] << 8 | key[3])};
      if (key.size() == 5 && key[4] == 'r') recovering.insert({node, partition});
      if (key.size() != 4) continue;
      lists[node][partition] = decode_lists(value).value();
    }
    for (const PartitionSummary& part : disk(node).summary().partitions) {
      sums[node][part.partition] = part.fingerprint;
    }
    for (const std::string& path : disk(node).rotten()) {
      found.push_back("node " + std::to_string(node) + ": " + path + " is rotten");
    }
  }
  const PlacementTable& expected = expected_placement();
  for (std::uint32_t raw = 0; raw < expected.partition_count(); ++raw) {
    const PartitionId partition{raw};
    const std::vector<NodeId> owners = expected.owners_of(partition);
    std::optional<HolderLists> common;
    std::optional<std::uint64_t> sum;
    for (const std::uint32_t node : running()) {
      const auto tell = [&](const std::string& what) {
        found.push_back("partition " + std::to_string(raw) + " at node " + std::to_string(node) +
                        ": " + what);
      };
      const auto own = lists[node].find(partition);
      const auto records = sums[node].find(partition);
      const bool has_records = records != sums[node].end();
      if (!contains(owners, id_of(node))) {
        if (has_records) tell("records of a partition that is not its own");
        if (own != lists[node].end()) {
          tell("lists of a partition that is not its own, " + lists_text(own->second));
        }
        continue;
      }
      if (own == lists[node].end()) {
        tell("no lists");
        continue;
      }
      if (recovering.contains({node, partition})) tell("recovering");
      if (own->second.target != owners) {
        tell("another target set, " + lists_text(own->second) + ", not of" +
             lists_text({{}, 0, owners, 0}));
      }
      if (!own->second.is_settled()) tell("not settled, " + lists_text(own->second));
      if (common && *common != own->second) {
        tell("other lists than another holder: " + lists_text(own->second) + ", not " +
             lists_text(*common));
      }
      const std::uint64_t own_sum = has_records ? records->second : 0;
      if (sum && *sum != own_sum) tell("other records than another holder");
      common = own->second;
      sum = own_sum;
    }
  }
  return found;
}

}  // namespace pixmesh
