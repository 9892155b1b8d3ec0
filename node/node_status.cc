#include "node/disk_sums.h"
#include "node/node_begin.h"
#include "processing/quantity.h"
#include "processing/render.h"

namespace pixmesh {
namespace {

std::string text_of(ParameterType type) {
  switch (type) {
    case ParameterType::integer:
      return "int";
    case ParameterType::real:
      return "float";
    case ParameterType::boolean:
      return "bool";
    case ParameterType::choice:
      return "enum";
  }
  return "unknown";
}

std::string text_of(const ToolLimits& limits, const HeaderLimits& header) {
  return "wall " + std::to_string(limits.wall / 1s) + "s, cpu " + std::to_string(limits.cpu / 1s) +
         "s, memory " + std::to_string(limits.memory_bytes >> 20) + "MiB, output " +
         std::to_string(limits.output_bytes >> 20) +
         "MiB; of the image: " + std::to_string(header.pixels / 1'000'000) + " megapixels, side " +
         std::to_string(header.side) + ", frames " + std::to_string(header.frames) + ", scans " +
         std::to_string(header.scans) + ", ancillary " + print_size(header.ancillary_bytes);
}

}  // namespace

void Node::on_status(Instant now, LinkId link, const StatusRequest& request) {
  begin<DiskSums>(now, one_of_each_disk_,
                  [this, link, operation = request.operation](Instant, const auto& disks) {
                    StatusAnswer status = status_of(disks);
                    status.operation = operation;
                    to_link(link, std::move(status));
                  });
}

DiskStatus Node::status_of_disk(const DiskDescription& disk,
                                const std::optional<DiskSummary>& summary) {
  DiskStatus status;
  status.folder = disk.folder;
  status.state = "failed";
  if (!summary) return status;
  status.state = summary->full ? "full" : "ok";
  status.free_bytes = summary->free_bytes;
  status.total_bytes = summary->total_bytes;
  for (const PartitionSummary& part : summary->partitions) {
    status.images += part.image_count;
    status.bytes += part.bytes;
    status.damaged += part.damaged_count;
  }
  return status;
}

StatusAnswer Node::status_of(const std::vector<std::optional<DiskSummary>>& disks) {
  StatusAnswer status;
  status.node = members_.self();
  status.version = options_.version;
  status.sandbox = options_.sandbox;
  status.shells = shells_.count();
  status.epoch = view_.epoch;
  if (const MeshSettings* settings = members_.settings()) {
    status.mesh = settings->mesh;
    status.partition_bits = settings->partition_bits;
    status.replicas = settings->replicas;
    status.write_quorum = settings->write_quorum;
  }
  status.uptime_seconds = static_cast<std::uint64_t>((now_ - started_at_) / 1s);
  // A disk may have been taken out since they were asked.
  const std::size_t asked = std::min(disks.size(), one_of_each_disk_.size());
  for (std::size_t index = 0; index < asked; ++index) {
    const std::optional<DiskSummary>& summary = disks[index];
    const std::uint32_t number = view_.disk_of(one_of_each_disk_[index]);
    DiskStatus& disk = status.disks.emplace_back(status_of_disk(options_.disks[number], summary));
    const Scrub::Progress scrub = scrubs_[number]->progress();
    disk.found_damaged = scrub.damaged;
    disk.scrubs = scrub.passes;
    disk.scrub_permille = scrub.permille;
    disk.scrub_hurried = scrub.hurried;
    status.disk_free_bytes += disk.free_bytes;
    status.disk_total_bytes += disk.total_bytes;
    status.images += disk.images;
    status.bytes += disk.bytes;
    if (!summary) continue;
    for (const PartitionSummary& part : summary->partitions) {
      status.under_replicated +=
          is_short_of_copies(part.partition) ? part.image_count : part.damaged_count;
    }
  }
  if (rebalance_ != nullptr) {
    const Rebalance::Progress progress = rebalance_->progress();
    status.unsettled = progress.unsettled;
    // A placement that is still to be made moves partitions that nobody has counted yet.
    if (placements_.epoch() != members_.epoch()) ++status.unsettled;
    status.unsettled += static_cast<std::uint32_t>(to_move_.size());
    status.to_sync = progress.to_sync;
    status.moved_bytes = progress.bytes_moved;
    status.moved_files = progress.files_moved;
    status.begun_anew = progress.begun_anew;
  }
  status.results = results_.status();
  status.planned_slots = placements_.planned_slots();
  status.ideal_slots = placements_.ideal_slots();
  status.hints = hints_.count();
  status.frozen = view_.frozen;
  const LaneLoad load = runs_.load();
  status.workers = load.workers;
  status.running = load.running;
  status.queued = load.queued;
  status.tool_memory_bytes = runs_.memory().budget();
  status.tool_memory_taken = runs_.memory().taken();
  status.runs = runs_.journal().status();
  status.runs.stream_bytes_in = stream_bytes_in_;
  status.runs.stream_bytes_out = stream_bytes_out_;
  status.dropped_messages = dropped_;
  status.malformed_messages = malformed_;
  if (standing_.is_leaving()) {
    status.waits_for = std::to_string(status.unsettled) + " partitions to be handed over";
  }
  if (standing_.is_held()) status.waits_for = awaited_place();
  add_members(status);
  add_awaited(disks, status);
  status.votes = evictions_.votes(now_, eviction_scene(), view_.frozen);
  status.repair = repair_status(disks);
  status.clock = clock_status();
  const CountedTransport::Sent& sent = transport_.sent();
  status.sent = {sent.membership, sent.repair, sent.other, sent.messages};
  return status;
}

std::string Node::awaited_place() const {
  if (!standing_.held_for()) return "what the other members have, to see whether it has room";
  const std::string why = standing_.held_for()->empty() ? "" : *standing_.held_for() + "; ";
  return "a place in the ring: " + why + "'pixmesh ring plan join " + to_text(view_.self) +
         "' shows what that moves, and 'pixmesh ring apply' does it";
}

ClockStatus Node::clock_status() const {
  const ClockStanding standing = clock_rule_.standing(now_, wall_);
  ClockStatus clock;
  clock.clocks = static_cast<std::uint32_t>(standing.clocks);
  const std::int64_t ahead_ms = standing.ahead / 1000;
  (ahead_ms < 0 ? clock.behind_ms : clock.ahead_ms) =
      static_cast<std::uint64_t>(ahead_ms < 0 ? -ahead_ms : ahead_ms);
  clock.orders_writes = !standing.is_outside();
  return clock;
}

RepairStatus Node::repair_status(const std::vector<std::optional<DiskSummary>>& disks) const {
  RepairStatus repair;
  const Duration paused = pace_.paused_for(now_);
  repair.paused_seconds = static_cast<std::uint64_t>((paused + 999ms) / 1s);
  repair.rate = pace_.rate();
  repair.yields = pace_.yields(now_);
  repair.running = static_cast<std::uint32_t>(running_syncs_.size());
  repair.waiting = static_cast<std::uint32_t>(wanted_syncs_.size());
  repair.copied_bytes = pace_.copied_bytes();
  repair.bytes_a_second = pace_.bytes_a_second(now_);
  if (rebalance_ == nullptr) return repair;
  for (std::uint32_t raw = 0; raw < places_.count(); ++raw) {
    if (is_to_be_filled(PartitionId{raw})) ++repair.recovering;
  }
  for (const std::optional<DiskSummary>& disk : disks) {
    if (!disk) continue;
    for (const PartitionSummary& part : disk->partitions) {
      if (is_to_be_filled(part.partition)) repair.recovering_bytes += part.bytes;
      if (is_short_of_copies(part.partition)) repair.short_bytes += part.bytes;
      repair.to_copy_bytes += part.bytes * copies_to_make(part.partition);
    }
  }
  return repair;
}

// Others count on it, so nobody counts it as still to be copied.
bool Node::is_to_be_filled(PartitionId partition) const {
  return rebalance_->is_recovering(partition) &&
         contains(rebalance_->lists_of(partition).settled, view_.self);
}

// Counted once in the mesh, by who has all of it: the lowest living settled holder.
std::uint64_t Node::copies_to_make(PartitionId partition) const {
  const HolderLists& lists = rebalance_->lists_of(partition);
  if (lists.is_settled() || !contains(lists.settled, view_.self)) return 0;
  if (!answers_for(lists.settled)) return 0;
  return static_cast<std::uint64_t>(std::ranges::count_if(lists.target, [&](NodeId node) {
    return view_.is_alive(node) && !contains(lists.settled, node);
  }));
}

void Node::add_awaited(const std::vector<std::optional<DiskSummary>>& disks,
                       StatusAnswer& status) const {
  if (rebalance_ == nullptr) return;
  std::map<PartitionId, std::uint64_t> images;
  for (const std::optional<DiskSummary>& disk : disks) {
    if (!disk) continue;
    for (const PartitionSummary& part : disk->partitions) {
      images[part.partition] = part.image_count;
    }
  }
  for (const PartitionId partition : rebalance_->moving()) {
    if (!answers_for(holders_of(rebalance_->lists_of(partition)))) continue;
    const std::vector<NodeId> awaited = rebalance_->awaited_by(partition);
    for (MemberStatus& member : status.members) {
      if (!contains(awaited, member.node) || view_.is_alive(member.node)) continue;
      ++member.awaited_by;
      member.awaited_images += images[partition];
    }
  }
}

void Node::add_members(StatusAnswer& status) const {
  const PlacementTable& table = placements_.table();
  for (const MemberStamp& stamp : members_.stamps(std::nullopt, page_entries_max)) {
    const MemberRecord* record = members_.find(stamp.node);
    if (record == nullptr) continue;
    MemberStatus member;
    member.node = stamp.node;
    member.control = record->control_address;
    member.bulk = record->bulk_address;
    member.zone = record->zone;
    member.weight = record->weight;
    member.state =
        members_.is_evicted(stamp.node) ? "evicted" : std::string(text_of(record->state));
    member.life = std::string(text_of(peers_.life_of(stamp.node)));
    member.no_new_work = record->no_new_work;
    const auto& nodes = table.nodes();
    if (std::binary_search(nodes.begin(), nodes.end(), stamp.node)) {
      member.target_slots_micro = (table.target_of(stamp.node) >> 10) * 1'000'000 >> 10;
      member.slots = table.load_of(stamp.node);
    }
    status.members.push_back(std::move(member));
  }
}

// So that a partition is counted once in the mesh: by the lowest living holder.
bool Node::answers_for(const std::vector<NodeId>& holders) const {
  const auto first =
      std::ranges::find_if(holders, [this](NodeId node) { return view_.is_alive(node); });
  return first == holders.end() || *first == view_.self;
}

// A holder is silent, has a hint waiting, or the partition is still in motion.
bool Node::is_short_of_copies(PartitionId partition) const {
  if (rebalance_ == nullptr) return false;
  if (rebalance_->is_recovering(partition)) return true;
  const HolderLists& lists = rebalance_->lists_of(partition);
  const std::vector<NodeId> holders = holders_of(lists);
  if (!answers_for(holders)) return false;
  const bool all_answer = std::all_of(holders.begin(), holders.end(),
                                      [this](NodeId node) { return view_.is_alive(node); });
  return !all_answer || !lists.is_settled() || hints_.has(partition);
}

RecipesAnswer Node::recipes_of(OperationId operation) const {
  RecipesAnswer answer;
  answer.operation = operation;
  for (const auto& [name, entry] : runs_.book().entries()) {
    RecipeStatus recipe;
    recipe.name = name;
    recipe.summary = entry.recipe.summary;
    recipe.available = entry.available();
    recipe.digest = entry.digest;
    recipe.output = entry.recipe.output;
    recipe.accepts = entry.recipe.accepts;
    recipe.argv = entry.recipe.argv;
    recipe.limits = text_of(entry.recipe.limits, entry.recipe.header_limits);
    recipe.fingerprint = entry.fingerprint.value_or(Digest{});
    recipe.engine = to_text(entry.recipe.engine);
    recipe.fast_shrink_on_load = entry.recipe.fast_shrink_on_load;
    recipe.missing = entry.missing;
    for (const Parameter& parameter : entry.recipe.parameters) {
      recipe.parameters.push_back({parameter.name, text_of(parameter.type), print_range(parameter),
                                   print_value(parameter, parameter.default_value)});
    }
    answer.recipes.push_back(std::move(recipe));
  }
  return answer;
}

RowAnswer Node::row_of(const RowRequest& request) const {
  RowAnswer answer;
  answer.operation = request.operation;
  answer.partition = request.partition;
  if (request.partition.raw >= places_.count()) {
    answer.code = ErrorCode::malformed;
    answer.detail = "no such partition";
    return answer;
  }
  answer.lists = best_lists_of(request.partition);
  for (const NodeId& node : holders_of(answer.lists)) {
    answer.holders.push_back(view_.address_of(node));
  }
  return answer;
}

MeshAnswer Node::mesh_of(OperationId operation) const {
  MeshAnswer answer;
  answer.operation = operation;
  answer.node = members_.self();
  const MeshSettings* settings = members_.settings();
  if (settings == nullptr || rebalance_ == nullptr) return answer;
  answer.mesh = settings->mesh;
  answer.partition_bits = settings->partition_bits;
  answer.placement_key = settings->placement_key;
  answer.replicas = settings->replicas;
  answer.write_quorum = settings->write_quorum;
  for (const NodeId& node : members_.present()) {
    if (answer.members.size() == page_entries_max) break;
    answer.members.push_back(view_.address_of(node));
  }
  return answer;
}

}  // namespace pixmesh
