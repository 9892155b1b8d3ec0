#include "node/placements.h"

#include "base/digest.h"
#include "ring/difference.h"
#include "ring/partition.h"

namespace pixmesh {

void Placements::on_epoch_changed(Instant now) {
  wanted_ = true;
  if (!due_at_ && !job_) due_at_ = now + options_.placement_delay;
}

void Placements::on_deadline(Instant now, OperationId ticket) {
  if (!due_at_ || now < *due_at_) return;
  due_at_.reset();
  // Our own record comes a moment later than the mesh; a placement without us would move
  // everything.
  if (members_.find(members_.self()) == nullptr || job_) return;
  // All are leaving: nobody is left to take over, so those that hold it keep it.
  if (members_.active().empty()) return;
  wanted_ = false;
  job_ = std::make_shared<Job>();
  job_->ticket = ticket;
  job_->epoch = members_.epoch();
  job_->height = members_.height();
  for (const MemberRecord* member : members_.active()) {
    job_->members.push_back({member->node, member->weight, member->zone});
    const std::uint64_t evicted = members_.evicted_up_to(member->node);
    if (evicted > 0) job_->lives[member->node] = evicted;
  }
  const MeshSettings& settings = *members_.settings();
  job_->write_quorum = settings.write_quorum;
  job_->options = {settings.partition_bits, settings.replicas, settings.placement_key};
  job_->before = *table_;
  outside_.background.run(ticket, [job = job_, compute = options_.compute_placement] {
    job->result = compute(job->members, job->options);
    if (job->before.nodes().empty()) return;
    job->ideal_slots = ideal_movement(job->before, job->result);
    for (const PartitionChange& change : difference_of(job->before, job->result)) {
      job->planned_slots += change.gained.size();
    }
  });
}

bool Placements::on_computed(OperationId ticket) {
  if (!job_ || job_->ticket != ticket) return false;
  *table_ = std::move(job_->result);
  lives_ = std::move(job_->lives);
  epoch_ = job_->epoch;
  height_ = job_->height;
  write_quorum_ = job_->write_quorum;
  planned_slots_ = job_->planned_slots;
  ideal_slots_ = job_->ideal_slots;
  job_.reset();
  return true;
}

std::vector<HolderLife> Placements::holders_of(PartitionId partition) const {
  std::vector<HolderLife> holders = first_lives_of(table_->owners_of(partition));
  for (HolderLife& holder : holders) {
    if (const auto life = lives_.find(holder.node); life != lives_.end()) {
      holder.after = life->second;
    }
  }
  return holders;
}

PartitionId Placements::partition_of_name(std::string_view name) const {
  const MeshSettings& settings = *members_.settings();
  return partition_of(name, settings.placement_key, settings.partition_bits);
}

std::uint32_t choose_disk(PartitionId partition, const std::vector<DiskDescription>& disks) {
  std::uint32_t best = 0;
  std::uint64_t best_draw = 0;
  for (std::uint32_t index = 0; index < disks.size(); ++index) {
    if (disks[index].gone) continue;
    const std::uint64_t draws = 1 + disks[index].capacity_bytes / (64ULL << 30);
    CanonicalBytes seed;
    seed.u32(partition.raw).raw(disks[index].id);
    for (std::uint64_t draw = 0; draw < std::min<std::uint64_t>(draws, 4'096); ++draw) {
      const std::uint64_t hash = keyed_hash(draw, seed.bytes());
      if (hash < best_draw) continue;
      best_draw = hash;
      best = index;
    }
  }
  return best;
}

}  // namespace pixmesh
