#include "node/disk_marks.h"

#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "node/placements.h"

namespace pixmesh {
namespace {

constexpr std::string_view disk_prefix = "disk/";
constexpr Duration look_again_after = 200ms;  // while doubts are being written

struct KnownDisk {
  DiskDescription description;
  std::uint64_t mark = 0;
};

std::string fact_of(const DiskDescription& disk) {
  return std::string(disk_prefix) + hex_of(disk.id);
}

std::uint64_t mark_in(const TableRows& facts) {
  for (const auto& [key, value] : facts.rows) {
    if (text_of(key) == "mark" && value.size() == 8) return little_endian(value);
  }
  return 0;
}

/// As the state folder has them, in order of id.
std::vector<KnownDisk> known_disks(const TableRows& facts) {
  std::vector<KnownDisk> known;
  for (const auto& [key, value] : facts.rows) {
    const std::string_view name = text_of(key);
    if (!name.starts_with(disk_prefix) || value.size() != 16) continue;
    KnownDisk& disk = known.emplace_back();
    if (!parse_hex(name.substr(disk_prefix.size()), disk.description.id)) {
      known.pop_back();
      continue;
    }
    disk.mark = little_endian(ByteView(value).first(8));
    disk.description.capacity_bytes = little_endian(ByteView(value).subspan(8));
  }
  return known;
}

}  // namespace

DiskMarks::DiskMarks(OperationId id, const NodeOptions& options, const MeshView& mesh,
                     StateWriter& writer, std::vector<PartitionId> disks, std::uint64_t first,
                     std::function<bool()> doubts_are_durable)
    : Operation(id),
      options_(options),
      mesh_(mesh),
      writer_(writer),
      disks_(disks),
      next_disks_(std::move(disks)),
      mark_(first),
      doubts_are_durable_(std::move(doubts_are_durable)) {}

Effects DiskMarks::start(Instant now) {
  marking_ = marking_ || doubts_are_durable_();
  if (!marking_ && now < try_at_) {
    next_at_ = now + look_again_after;
    return {};
  }
  is_trial_ = !marking_;
  marked_ = 0;
  disks_ = next_disks_;
  rows_.clear();
  next_at_.reset();
  return mark_next(now);
}

// One after the other: an answer does not say which disk it is of.
Effects DiskMarks::mark_next(Instant now) {
  if (marked_ < disks_.size()) {
    const ByteView key = bytes_of(is_trial_ ? "trial" : "mark");
    TableRow row{Table::facts, Bytes(key.begin(), key.end()), CanonicalBytes().u64(mark_).bytes()};
    return {UseDisk{disks_[marked_], PutValues{{std::move(row)}}}};
  }
  if (is_trial_) {
    try_at_ = now + interval;
    next_at_ = now + look_again_after;
    return {};
  }
  // What is doubted is marked so on every disk by now.
  if (rows_.size() == disks_.size()) rows_.insert(rows_.end(), gone_.begin(), gone_.end());
  if (rows_.size() >= disks_.size()) gone_.clear();
  if (!rows_.empty()) writer_.write(std::move(rows_));
  ++mark_;
  next_at_ = now + interval;
  return {};
}

Effects DiskMarks::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  const DiskDescription& disk = options_.disks[mesh_.disk_of(disks_[marked_])];
  note_health(now, disks_[marked_], !answer && answer.error().code == ErrorCode::failed);
  ++marked_;
  if (answer && !is_trial_) {
    const Bytes value = CanonicalBytes().u64(mark_).u64(disk.capacity_bytes).bytes();
    rows_.push_back(fact_row(fact_of(disk), value));
  }
  return mark_next(now);
}

void DiskMarks::note_health(Instant now, PartitionId disk, bool has_failed) {
  if (!has_failed) {
    failed_since_.erase(disk);
  } else if (std::ranges::find(next_disks_, disk) != next_disks_.end()) {
    failed_since_.try_emplace(disk, now);
  }
}

void DiskMarks::set_disks(std::vector<PartitionId> disks) {
  next_disks_ = std::move(disks);
  std::erase_if(failed_since_, [this](const auto& one) {
    return std::ranges::find(next_disks_, one.first) == next_disks_.end();
  });
}

std::optional<PartitionId> DiskMarks::failed_for(Instant now, Duration time) const {
  for (const auto& [disk, since] : failed_since_) {
    if (now - since >= time) return disk;
  }
  return std::nullopt;
}

Effects DiskMarks::on_deadline(Instant now) {
  return next_at_ && now >= *next_at_ ? start(now) : Effects{};
}

DiskDoubts doubts_about(const NodeOptions& options, const NodeMemory& memory,
                        const DiskPlaces& places) {
  const std::vector<KnownDisk> known = known_disks(memory.facts);
  if (known.empty()) return {};
  const std::vector<DiskDescription> before = disks_known_to(memory.facts);
  std::vector<bool> is_older(options.disks.size(), false);
  for (std::size_t i = 0; i < options.disks.size(); ++i) {
    const auto same = std::ranges::find(before, options.disks[i].id, &DiskDescription::id);
    is_older[i] =
        same == before.end() ||
        mark_in(memory.disk_facts[i]) < known[static_cast<std::size_t>(same - before.begin())].mark;
  }
  DiskDoubts doubts;
  doubts.of_all = std::ranges::any_of(
      memory.facts.rows, [](const auto& row) { return text_of(row.first) == all_doubted_key; });
  for (std::uint32_t raw = 0; raw < places.count(); ++raw) {
    const PartitionId partition{raw};
    const bool was_doubted = std::ranges::binary_search(places.doubted(), partition);
    const bool is_behind = is_older[places.disk_of(partition)] || places.lost(partition);
    if (doubts.of_all || is_behind || was_doubted) {
      doubts.partitions.push_back(partition);
    }
  }
  for (const DiskDescription& disk : before) {
    if (std::ranges::find(options.disks, disk.id, &DiskDescription::id) != options.disks.end()) {
      continue;
    }
    doubts.gone.push_back(no_disk_row(disk));
  }
  return doubts;
}

std::vector<DiskDescription> disks_known_to(const TableRows& facts) {
  std::vector<DiskDescription> disks;
  for (const KnownDisk& disk : known_disks(facts)) disks.push_back(disk.description);
  return disks;
}

TableRow new_disk_row(const DiskDescription& disk) {
  return fact_row(fact_of(disk), CanonicalBytes().u64(0).u64(disk.capacity_bytes).bytes());
}

TableRow no_disk_row(const DiskDescription& disk) { return fact_row(fact_of(disk), std::nullopt); }

}  // namespace pixmesh
