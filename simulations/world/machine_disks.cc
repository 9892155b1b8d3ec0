#include "simulations/world/machine_disks.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "node/disk_marks.h"
#include "node/placements.h"

namespace pixmesh {
namespace {

TableRows facts_with(const VirtualDisk& state, std::string_view beginning) {
  const ByteView prefix = bytes_of(beginning);
  return state.rows_with(Table::facts, Bytes(prefix.begin(), prefix.end()));
}

bool is_empty(const VirtualDisk::Contents& contents) {
  return contents.records.empty() && contents.tables.empty() && contents.files.empty();
}

/// In place of a disk that was taken out.
class GoneDisk : public Disk {
 public:
  GoneDisk(VirtualClock& clock, std::uint32_t number, MachineDisks::Tell tell)
      : clock_(clock), number_(number), tell_(std::move(tell)) {}
  void submit(OperationId ticket, DiskOperation) override {
    clock_.after(100us, [ticket, number = number_, tell = tell_] {
      tell(DiskAnswered{number, ticket, Error{ErrorCode::failed, "the disk was taken out"}});
    });
  }

 private:
  VirtualClock& clock_;
  std::uint32_t number_;
  MachineDisks::Tell tell_;
};

}  // namespace

VirtualDisk& MachineDisks::make(DiskDescription& description) {
  description.id = {machine_, static_cast<std::uint8_t>(all_.size())};
  return *all_.emplace(description.id, make_()).first->second;
}

std::string MachineDisks::mount(std::uint64_t capacity_bytes, bool is_named) {
  Mounted& mounted = mounted_.emplace_back();
  mounted.is_named = is_named;
  mounted.description.capacity_bytes = capacity_bytes;
  if (folders_ > 0) mounted.description.folder = "/disk" + std::to_string(folders_);
  ++folders_;
  (void)make(mounted.description);
  return mounted.description.folder;
}

std::string MachineDisks::replace(std::uint32_t place) {
  Mounted& mounted = mounted_[place % mounted_.size()];
  lose(place);
  (void)make(mounted.description);
  return mounted.description.folder;
}

std::string MachineDisks::pull_out(std::uint32_t place) {
  lose(place);
  const auto mounted = mounted_.begin() + place % static_cast<std::uint32_t>(mounted_.size());
  std::string folder = mounted->description.folder;
  mounted_.erase(mounted);
  lies_.clear();
  return folder;
}

void MachineDisks::lose(std::uint32_t place) {
  at(place).restore({});
  at(place).fail();
}

VirtualDisk& MachineDisks::at(std::uint32_t place) {
  return *all_.at(mounted_[place % mounted_.size()].description.id);
}

std::optional<std::uint32_t> MachineDisks::place_of(const VirtualDisk& disk) const {
  for (std::uint32_t place = 0; place < mounted_.size(); ++place) {
    if (all_.at(mounted_[place].description.id).get() == &disk) return place;
  }
  return std::nullopt;
}

const MachineDisks::Mounted* MachineDisks::mounted_in(const std::string& folder) const {
  for (const Mounted& mounted : mounted_) {
    if (mounted.description.folder == folder) return &mounted;
  }
  return nullptr;
}

void MachineDisks::open(VirtualDisk& state, ChunkPool& chunks, const Tell& tell) {
  chunks_ = &chunks;
  tell_ = tell;
  opened_.clear();
  for (const Mounted& mounted : mounted_) {
    if (mounted.is_named) use(mounted.description);
  }
  for (const auto& [key, value] : facts_with(state, "folder/").rows) {
    const std::string folder(text_of(ByteView(value).subspan(8)));
    const Mounted* mounted = mounted_in(folder);
    const bool is_there =
        mounted != nullptr && text_of(key) == "folder/" + hex_of(mounted->description.id);
    if (is_there && mounted->is_named) continue;
    if (is_there) {
      use(mounted->description);
    } else if (mounted == nullptr || !mounted->is_named) {
      state.write_row({Table::facts, key, std::nullopt});
    }
  }
  note_use();
}

void MachineDisks::use(const DiskDescription& description) {
  const auto number = static_cast<std::uint32_t>(opened_.size());
  Opened& opened = opened_.emplace_back();
  opened.description = description;
  opened.disk = all_.at(description.id).get();
  opened.disk->open(*chunks_, [tell = tell_, number](DiskAnswered answered) {
    answered.disk = number;
    tell(answered);
  });
}

void MachineDisks::note_use() {
  in_use_.clear();
  for (const Opened& opened : opened_) {
    if (!opened.gone) in_use_.push_back(opened.disk);
  }
}

void MachineDisks::crash() {
  for (const Opened& opened : opened_) opened.disk->crash();
}

std::vector<DiskDescription> MachineDisks::descriptions() const {
  std::vector<DiskDescription> all;
  for (const Opened& opened : opened_) all.push_back(opened.description);
  return all;
}

std::vector<Disk*> MachineDisks::numbered() const {
  std::vector<Disk*> all;
  for (const Opened& opened : opened_) all.push_back(opened.disk);
  return all;
}

std::vector<TableRows> MachineDisks::tables(Table table) const {
  std::vector<TableRows> all;
  for (const Opened& opened : opened_) all.push_back(opened.disk->table(table));
  return all;
}

// As DiskPlaces has it, said once more: a row, or without one the draw among the known disks.
MachineDisks::DiskId MachineDisks::id_of_disk_of(PartitionId partition,
                                                 const VirtualDisk& state) const {
  const TableRows row = facts_with(state, "lies/" + hex_of(row_prefix(partition)));
  DiskId id{};
  if (!row.rows.empty()) {
    std::copy_n(row.rows.front().second.begin(), id.size(), id.begin());
    return id;
  }
  return known_[choose_disk(partition, known_)].id;
}

VirtualDisk& MachineDisks::disk_of(PartitionId partition, const VirtualDisk& state) {
  if (all_.size() == 1) return *all_.begin()->second;
  if (facts_seen_ != state.fact_changes()) {
    facts_seen_ = state.fact_changes();
    lies_.clear();
    known_ = disks_known_to(facts_with(state, "disk/"));
  }
  if (known_.empty()) {  // by a process that has just begun
    lies_.clear();
    known_ = descriptions();
    facts_seen_ = 0;
  }
  const auto [place, is_new] = lies_.try_emplace(partition, nullptr);
  if (is_new) place->second = all_.at(id_of_disk_of(partition, state)).get();
  return *place->second;
}

MachineDisks::Image MachineDisks::image() const {
  Image image;
  for (const Mounted& mounted : mounted_) {
    image.emplace_back(mounted, all_.at(mounted.description.id)->contents());
  }
  return image;
}

void MachineDisks::restore(Image image) {
  mounted_.clear();
  in_use_.clear();
  lies_.clear();
  folders_ = std::max(folders_, static_cast<std::uint32_t>(image.size()));
  for (auto& [mounted, contents] : image) {
    mounted_.push_back(mounted);
    std::unique_ptr<VirtualDisk>& disk = all_[mounted.description.id];
    if (!disk) disk = make_();
    disk->restore(std::move(contents));
    in_use_.push_back(disk.get());
  }
}

bool MachineDisks::holds(std::uint32_t number) {
  const DiskDescription& known = opened_[number].description;
  const Mounted* mounted = mounted_in(known.folder);
  return mounted != nullptr && mounted->description.id == known.id;
}

Result<NewDisk> MachineDisks::open(std::uint32_t, const std::string& folder, std::uint64_t) {
  const Mounted* mounted = mounted_in(folder);
  if (mounted == nullptr) return Error{ErrorCode::usage, folder + " is no folder on this node"};
  if (!is_empty(all_.at(mounted->description.id)->contents())) {
    return Error{ErrorCode::usage, folder + " is not empty"};
  }
  use(mounted->description);
  note_use();
  return NewDisk{opened_.back().disk, opened_.back().description};
}

Disk& MachineDisks::take_out(std::uint32_t number) {
  opened_[number].gone = std::make_unique<GoneDisk>(clock_, number, tell_);
  note_use();
  return *opened_[number].gone;
}

}  // namespace pixmesh
