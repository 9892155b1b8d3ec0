#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/outside.h"
#include "simulations/world/virtual_disk.h"

namespace pixmesh {

/// The image disks of one machine: which is mounted in which folder, and what its process has
/// opened of them. They outlive the process. A disk that was pulled out is never put in again, but
/// stays in memory, for something may still be on its way to it.
class MachineDisks : public DiskBay {
 public:
  using Make = std::function<std::unique_ptr<VirtualDisk>()>;
  using Tell = std::function<void(const HostEvent&)>;
  struct Mounted {
    DiskDescription description;
    bool is_named = true;  // by its operator at each start; else the state folder tells where it is
  };
  /// What is mounted, and what is on it.
  using Image = std::vector<std::pair<Mounted, VirtualDisk::Contents>>;

  MachineDisks(VirtualClock& clock, std::uint8_t machine, Make make)
      : clock_(clock), machine_(machine), make_(std::move(make)) {}

  /// A new disk in a folder of its own. @returns the folder.
  std::string mount(std::uint64_t capacity_bytes, bool is_named);
  /// The disk in this place is pulled out, with all that is on it, and a new one put in.
  /// @param place  counted round
  /// @returns the folder.
  std::string replace(std::uint32_t place);
  /// It is pulled out, and the operator names its folder no more. @returns the folder.
  std::string pull_out(std::uint32_t place);
  [[nodiscard]] std::size_t count() const { return mounted_.size(); }
  /// @param place  counted round
  [[nodiscard]] VirtualDisk& at(std::uint32_t place);
  /// None: it was pulled out.
  [[nodiscard]] std::optional<std::uint32_t> place_of(const VirtualDisk& disk) const;
  [[nodiscard]] std::uint64_t capacity_in(std::uint32_t place) const {
    return mounted_[place % mounted_.size()].description.capacity_bytes;
  }

  /// A process starts. Of added disks that are not there any more its operator says so
  /// (--forget-disk).
  void open(VirtualDisk& state, ChunkPool& chunks, const Tell& tell);
  void crash();
  /// By number, for the process.
  [[nodiscard]] std::vector<DiskDescription> descriptions() const;
  [[nodiscard]] std::vector<Disk*> numbered() const;
  [[nodiscard]] VirtualDisk& numbered(std::uint32_t number) const { return *opened_[number].disk; }
  [[nodiscard]] std::vector<TableRows> tables(Table table) const;

  /// What the process uses, or the last one used.
  [[nodiscard]] const std::vector<VirtualDisk*>& in_use() const { return in_use_; }
  /// On which disk a partition lies, as the state folder says.
  [[nodiscard]] VirtualDisk& disk_of(PartitionId partition, const VirtualDisk& state);
  [[nodiscard]] Image image() const;
  void restore(Image image);

  [[nodiscard]] bool holds(std::uint32_t number) override;
  [[nodiscard]] Result<NewDisk> open(std::uint32_t number, const std::string& folder,
                                     std::uint64_t capacity_bytes) override;
  [[nodiscard]] Disk& take_out(std::uint32_t number) override;

 private:
  using DiskId = std::array<std::uint8_t, 16>;
  struct Opened {
    DiskDescription description;
    VirtualDisk* disk = nullptr;
    std::unique_ptr<Disk> gone;  // in its place, once it was taken out
  };
  VirtualDisk& make(DiskDescription& description);
  void use(const DiskDescription& description);
  void note_use();
  [[nodiscard]] const Mounted* mounted_in(const std::string& folder) const;
  [[nodiscard]] DiskId id_of_disk_of(PartitionId partition, const VirtualDisk& state) const;

  void lose(std::uint32_t place);

  VirtualClock& clock_;
  std::uint8_t machine_;  // in the ids of its disks
  Make make_;
  std::map<DiskId, std::unique_ptr<VirtualDisk>> all_;
  std::vector<Mounted> mounted_;  // the first stays where it is
  std::uint32_t folders_ = 0;
  std::vector<Opened> opened_;  // by number
  std::vector<VirtualDisk*> in_use_;
  ChunkPool* chunks_ = nullptr;
  Tell tell_;
  // Where partitions lie, by the facts of the state folder as they are after so many changes.
  std::uint64_t facts_seen_ = 0;
  std::vector<DiskDescription> known_;
  std::map<PartitionId, VirtualDisk*> lies_;
};

}  // namespace pixmesh
