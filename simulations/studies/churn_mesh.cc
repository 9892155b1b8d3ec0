#include "simulations/studies/churn_mesh.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/digest.h"
#include "base/invariant.h"

namespace pixmesh::studies {
namespace {

constexpr std::uint32_t replicas = 3;
constexpr std::uint32_t weight = 8;
constexpr const char* zone = "zone";
constexpr Duration look_every = 250ms;
// After all is whole, before a change that waits for it: dropped files are kept for a minute, and
// who gets one back meanwhile need not fetch it.
constexpr Duration calm = 70s;
constexpr Duration forget_every = 1s;  // until a node has done it: it must hold the victim dead
constexpr Duration whole_within = 300s;
constexpr Duration wishes_end_within = 130s;
constexpr Duration grace = 2s;  // a write that was just acknowledged may still lack a copy

constexpr std::array turn{ChangeKind::join, ChangeKind::restart, ChangeKind::leave,
                          ChangeKind::join, ChangeKind::restart, ChangeKind::kill};

// Evenly from half to one and a half of it.
Duration about(Rng& rng, Duration mean) {
  const auto micros = static_cast<std::uint64_t>(mean / 1us);
  return std::chrono::microseconds(micros / 2 + rng.below(micros + 1));
}

}  // namespace

const char* word_of(ChangeKind kind) {
  static constexpr std::array words{"join", "restart", "leave", "kill"};
  return words[static_cast<std::size_t>(kind)];
}

WorldOptions ChurnMesh::options_of(const ChurnShape& shape) {
  WorldOptions options;
  options.seed = shape.seed;
  options.partition_bits = shape.partition_bits;
  options.replicas = replicas;
  options.check_all_invariants = false;
  return options;
}

ChurnMesh::ChurnMesh(const ChurnShape& shape)
    : shape_(shape),
      world_(options_of(shape)),
      rng_(shape.seed + 1),
      load_(world_, Rng(shape.seed + 2)) {
  for (std::uint32_t i = 0; i < shape_.nodes; ++i) members_.insert(add_node());
  invariant(world_.run_until_settled(), "new nodes come together");
  use_members();
  store_images();
}

std::uint32_t ChurnMesh::add_node() {
  const std::uint32_t node = world_.add_node({zone, weight});
  world_.network().limit_bulk(node, shape_.link_bytes_per_second);
  return node;
}

void ChurnMesh::store_images() {
  for (std::uint32_t i = 0; i < shape_.images; ++i) {
    images_.push_back("image" + std::to_string(i));
    const Bytes bytes = MeshWorld::sample_image(shape_.image_bytes, i + 1);
    const WriteDone done = world_.put(i % shape_.nodes, images_.back(), bytes);
    invariant(done.stored, "a mesh at rest takes images");
    traffic_.add(digest_of(bytes));
  }
  invariant(world_.run_until([this] { return is_whole(); }), "a mesh at rest makes all copies");
  world_.watch(traffic_);
}

void ChurnMesh::run() {
  end_ = world_.now() + shape_.length;
  plan_change();
  world_.clock().after(look_every, [this] { look(); });
  repeat(shape_.between_reads, [this] {
    const std::uint32_t via = draw_member();
    load_.read(via, images_[rng_.below(images_.size())]);
  });
  repeat(shape_.between_writes, [this] { load_.write(draw_member(), shape_.image_bytes); });
  world_.run_for(shape_.length);
  (void)world_.run_until([this] { return load_.open_count() == 0; }, wishes_end_within);
  (void)world_.run_until([this] { return all_is_seen_whole(); }, whole_within);
  note_moved();
}

void ChurnMesh::repeat(Duration between, const std::function<void()>& wish) {
  if (between <= Duration{}) return;
  world_.clock().after(about(rng_, between), [this, between, wish] {
    if (world_.now() >= end_) return;
    wish();
    repeat(between, wish);
  });
}

void ChurnMesh::plan_change() {
  const bool one_by_one = shape_.between == Duration{};
  const Duration wait = one_by_one ? calm : about(rng_, shape_.between);
  world_.clock().after(wait, [this] { change(); });
}

void ChurnMesh::change() {
  if (world_.now() >= end_) return;
  const ChangeKind kind = turn[changes_.size() % turn.size()];
  const bool one_by_one = shape_.between == Duration{};
  const bool waits = one_by_one || kind == ChangeKind::kill;
  const Duration calm_needed = one_by_one ? calm : Duration{};
  if (waits && (!all_is_seen_whole() || world_.now() < whole_since_ + calm_needed)) {
    world_.clock().after(look_every, [this] { change(); });
    return;
  }
  begin(kind);
  plan_change();
}

void ChurnMesh::begin(ChangeKind kind) {
  note_moved();
  ChangeSeen& seen = changes_.emplace_back();
  seen.kind = kind;
  seen.at = world_.now();
  const PlacementTable before = table_;
  if (kind == ChangeKind::join) {
    members_.insert(add_node());
  } else {
    std::uint32_t node = draw_member();
    while (down_.contains(node)) node = draw_member();
    if (kind == ChangeKind::restart) {
      seen.at += shape_.down;
      down_.insert(node);
      world_.crash(node);
      world_.clock().after(shape_.down, [this, node] {
        down_.erase(node);
        world_.restart(node);
      });
      return;
    }
    members_.erase(node);
    if (kind == ChangeKind::leave) {
      world_.tell(node, NodeCommand::leave, {});
    } else {
      world_.crash(node);
      forget(node);
    }
  }
  use_members();
  note_ideal(before, seen);
}

void ChurnMesh::forget(std::uint32_t victim) {
  if (!world_.is_member(victim)) return;
  std::uint32_t via = draw_member();
  while (down_.contains(via)) via = draw_member();
  world_.tell(via, NodeCommand::forget, world_.id_of(victim),
              [this, victim](const CommandAnswer& answer) {
                if (answer.code == ErrorCode{}) world_.note_forgotten(victim);
              });
  world_.clock().after(forget_every, [this, victim] { forget(victim); });
}

std::uint32_t ChurnMesh::draw_member() {
  return *std::next(members_.begin(), static_cast<std::ptrdiff_t>(rng_.below(members_.size())));
}

void ChurnMesh::use_members() {
  std::vector<PlacementMember> members;
  for (const std::uint32_t node : members_) members.push_back({world_.id_of(node), weight, zone});
  table_ = compute_placement(std::move(members),
                             {shape_.partition_bits, replicas, world_.settings().placement_key});
  numbers_.clear();
  for (const NodeId id : table_.nodes()) numbers_.push_back(world_.number_of(id));
}

void ChurnMesh::note_ideal(const PlacementTable& before, ChangeSeen& seen) {
  std::map<NodeId, std::uint64_t> received;
  const auto add = [&](const std::string& name) {
    const PartitionId partition = world_.partition_of_name(name);
    for (const NodeId owner : table_.owners_of(partition)) {
      if (!before.owns(owner, partition)) received[owner] += shape_.image_bytes;
    }
  };
  for (const std::string& name : images_) add(name);
  for (const auto& [node, bytes] : received) seen.ideal_bytes += bytes;
  for (const auto& [name, since] : load_.stored()) add(name);
  std::uint64_t most = 0;
  for (const auto& [node, bytes] : received) most = std::max(most, bytes);
  seen.least = std::chrono::microseconds(1'000'000 * most / shape_.link_bytes_per_second);
}

void ChurnMesh::note_moved() {
  if (!changes_.empty()) changes_.back().moved_bytes = traffic_.moved_bytes() - moved_before_;
  moved_before_ = traffic_.moved_bytes();
}

void ChurnMesh::look() {
  world_.clock().after(look_every, [this] { look(); });
  if (whole_count_ == changes_.size() || !is_whole()) return;
  for (; whole_count_ < changes_.size(); ++whole_count_) {
    ChangeSeen& seen = changes_[whole_count_];
    if (seen.at > world_.now()) return;
    seen.whole = world_.now() - seen.at;
    whole_since_ = world_.now();
  }
}

bool ChurnMesh::all_is_seen_whole() const { return whole_count_ == changes_.size(); }

bool ChurnMesh::is_whole() {
  if (!down_.empty()) return false;
  if (!lacking_.empty() && !has_all_copies(lacking_)) return false;
  const auto lacks = [this](const std::string& name) {
    if (has_all_copies(name)) return false;
    lacking_ = name;
    return true;
  };
  for (const std::string& name : images_) {
    if (lacks(name)) return false;
  }
  for (const auto& [name, since] : load_.stored()) {
    if (since + grace <= world_.now() && lacks(name)) return false;
  }
  lacking_.clear();
  return true;
}

bool ChurnMesh::has_all_copies(const std::string& name) {
  const PartitionId partition = world_.partition_of_name(name);
  const VirtualDisk::Key key{partition, name_digest_of(name)};
  return std::ranges::all_of(table_.row_of(partition), [&](std::uint16_t index) {
    return world_.disk(numbers_[index]).records().contains(key);
  });
}

}  // namespace pixmesh::studies
