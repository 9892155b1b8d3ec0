#include "node/join_check.h"

#include <algorithm>

#include "membership/member_table.h"
#include "ring/placement.h"

namespace pixmesh {
namespace {

constexpr Duration look_every = 100ms;
constexpr Duration patience = 5s;  // for the records of all members, and for their answers

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

void JoinCheck::on_deadline(Instant now, const std::vector<NodeId>& alive, bool table_shared,
                            OperationId ticket) {
  if (!next_at_ || now < *next_at_ || job_) return;
  next_at_ = now + look_every;
  const MemberRecord* own = members_.find(members_.self());
  if (own == nullptr || own->state != MemberState::joining) return;
  const bool late = now >= *begun_at_ + patience;
  if (!table_shared && !late) return;
  ask(now, alive);
  const auto has_answered = [&](NodeId node) { return bytes_of_.contains(node); };
  if (late || std::ranges::all_of(asked_, has_answered)) compute(ticket);
}

void JoinCheck::ask(Instant, const std::vector<NodeId>& alive) {
  for (const MemberRecord* member : members_.active()) {
    if (!contains(alive, member->node) || !asked_.insert(member->node).second) continue;
    post_.to_member(member->node, StatusRequest{});
  }
}

void JoinCheck::on_status(NodeId from, std::uint64_t bytes) {
  if (asked_.contains(from)) bytes_of_[from] = bytes;
}

void JoinCheck::compute(OperationId ticket) {
  next_at_.reset();
  job_ = std::make_shared<Job>();
  job_->ticket = ticket;
  const MeshSettings& settings = *members_.settings();
  job_->options = {settings.partition_bits, settings.replicas, settings.placement_key};
  for (const MemberRecord* member : members_.active()) {
    job_->members.push_back({member->node, member->weight, member->zone});
  }
  const auto copies = std::min<std::uint64_t>(settings.replicas, job_->members.size());
  job_->slots_before = copies << settings.partition_bits;
  const MemberRecord& own = *members_.find(members_.self());
  job_->members.push_back({own.node, own.weight, own.zone});
  for (const auto& [node, bytes] : bytes_of_) job_->copied_bytes += bytes;
  outside_.background.run(ticket,
                          [job = job_, self = own.node, work_out = options_.compute_placement] {
                            job->slots = work_out(job->members, job->options).load_of(self);
                          });
}

bool JoinCheck::on_computed(OperationId ticket) {
  if (!job_ || job_->ticket != ticket) return false;
  reason_ = judge(*job_);
  job_.reset();
  begun_at_.reset();
  return true;
}

std::string JoinCheck::judge(const Job& job) const {
  if (job.copied_bytes == 0 || job.slots_before == 0) return {};
  const MemberRecord& own = *members_.find(members_.self());
  const std::uint64_t share = job.copied_bytes / job.slots_before * job.slots;
  if (share / 4 > own.capacity_bytes / 5) {
    return "its share of the images, " + mebibytes(share) +
           ", is more than 80 % of its capacity, " + mebibytes(own.capacity_bytes);
  }
  std::uint64_t weights = 0;
  for (const PlacementMember& member : job.members) weights += member.weight;
  const auto copies = std::min<std::uint64_t>(job.options.replicas, job.members.size());
  const bool takes_all = job.slots == 1U << job.options.partition_bits;
  if (takes_all && own.weight * copies < weights) {
    return "its zone '" + own.zone + "' is so small that it takes a copy of every image, " +
           mebibytes(share) + ", more than its weight says";
  }
  return {};
}

}  // namespace pixmesh
