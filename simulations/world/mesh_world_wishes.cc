#include "base/digest.h"
#include "ring/partition.h"
#include "simulations/world/mesh_world.h"
#include "simulations/world/virtual_executor.h"
#include "wire/stored.h"

// What a test asks the mesh of a MeshWorld.
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

}  // namespace pixmesh
