#include "cli/node_disks.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "host/disk/framed_file.h"
#include "node/stored_rules.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view added_prefix = "folder/";

/// The id in `pixmesh.disk`; nothing if no disk is there.
std::optional<DiskId> disk_in(const fs::path& folder) {
  const Result<Bytes> text = read_whole(folder / "pixmesh.disk", 4096);
  if (!text) return std::nullopt;
  const std::string_view words = text_of(text.value());
  const std::size_t place = words.find("\ndisk ");
  DiskId id;
  if (place == std::string_view::npos || !parse_id(words.substr(place + 6, 32), id)) {
    return std::nullopt;
  }
  return id;
}

}  // namespace

/// In place of a disk that was taken out.
class NodeDisks::Gone : public Disk {
 public:
  Gone(std::uint32_t number, EventSink& events) : number_(number), events_(events) {}
  void submit(OperationId ticket, DiskOperation) override {
    events_.post(DiskAnswered{number_, ticket, Error{ErrorCode::failed, "the disk was taken out"}});
  }

 private:
  std::uint32_t number_;
  EventSink& events_;
};

NodeDisks::NodeDisks(PlaceRecord place, Failed failed, ChunkStore& chunks, EventSink& events)
    : place_(std::move(place)), failed_(std::move(failed)), chunks_(chunks), events_(events) {}

NodeDisks::~NodeDisks() = default;

Result<LmdbDisk*> NodeDisks::open_next(const std::string& folder, std::uint64_t capacity) {
  LmdbDiskOptions options;
  options.folder = folder;
  options.index = static_cast<std::uint32_t>(disks_.size());
  options.admit = admit_stored;
  options.place = place_;
  options.on_failure = [this, folder](const Error& reason) { failed_(folder, reason); };
  auto disk = LmdbDisk::open(std::move(options), chunks_, events_);
  if (!disk) return disk.error();
  std::error_code problem;
  DiskDescription description;
  description.folder = folder;
  description.id = disk.value()->disk_id().raw;
  description.capacity_bytes = capacity > 0 ? capacity : fs::space(folder, problem).capacity;
  const std::lock_guard lock(mutex_);
  descriptions_.push_back(std::move(description));
  disks_.push_back(std::move(disk).value());
  return disks_.back().get();
}

std::vector<Disk*> NodeDisks::all() const {
  std::vector<Disk*> all;
  for (const auto& disk : disks_) all.push_back(disk.get());
  return all;
}

fs::path NodeDisks::folder_of(std::uint32_t disk) const {
  const std::lock_guard lock(mutex_);
  return fs::absolute(descriptions_.at(disk).folder);
}

void NodeDisks::close() {
  disks_.clear();
  to_close_.clear();
}

bool NodeDisks::holds(std::uint32_t disk) {
  const fs::path folder = folder_of(disk);
  const auto there = disk_in(folder);
  const std::lock_guard lock(mutex_);
  return there && there->raw == descriptions_[disk].id;
}

Disk& NodeDisks::take_out(std::uint32_t disk) {
  const std::lock_guard lock(mutex_);
  if (disks_[disk] != nullptr) to_close_.push_back(std::move(disks_[disk]));
  gone_.push_back(std::make_unique<Gone>(disk, events_));
  return *gone_.back();
}

// A folder that is missing is perhaps a mount that failed: nothing is made in its place.
Result<Done> NodeDisks::check_is_empty(const std::string& folder) const {
  std::error_code problem;
  if (!fs::path(folder).is_absolute()) {
    return Error{ErrorCode::usage, "name the folder by its whole path, not " + folder};
  }
  if (!fs::is_directory(folder, problem)) {
    return Error{ErrorCode::usage, folder +
                                       " is no folder on this node; make it, or mount the "
                                       "new disk there"};
  }
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    if (entry->path().filename() == "lost+found") continue;
    return Error{ErrorCode::usage, folder + " is not empty (" + entry->path().filename().string() +
                                       "): name an empty folder on the new disk"};
  }
  if (!problem) return Done{};
  return Error{ErrorCode::failed, "cannot read " + folder + ": " + problem.message()};
}

Result<NewDisk> NodeDisks::open(std::uint32_t disk, const std::string& folder,
                                std::uint64_t capacity) {
  std::vector<std::unique_ptr<LmdbDisk>> closing;
  {
    const std::lock_guard lock(mutex_);
    closing = std::exchange(to_close_, {});
  }
  closing.clear();  // lets go of their files
  if (const auto empty = check_is_empty(folder); !empty) return empty.error();
  if (disk != disks_.size()) return Error{ErrorCode::failed, "disks are numbered in order"};
  const auto opened = open_next(folder, capacity);
  if (!opened) return opened.error();
  return NewDisk{opened.value(), descriptions_.back()};
}

std::vector<AddedDisk> added_disks_in(const TableRows& facts) {
  std::vector<AddedDisk> added;
  for (const auto& [key, value] : facts.rows) {
    const std::string_view name = text_of(key);
    if (!name.starts_with(added_prefix) || value.size() <= 8) continue;
    AddedDisk disk;
    if (!parse_hex(name.substr(added_prefix.size()), disk.id)) continue;
    disk.capacity = little_endian(ByteView(value).first(8));
    disk.folder = std::string(text_of(ByteView(value).subspan(8)));
    added.push_back(std::move(disk));
  }
  return added;
}

Result<Done> check_holds(const AddedDisk& disk) {
  const auto there = disk_in(disk.folder);
  if (there && there->raw == disk.id) return Done{};
  return Error{ErrorCode::usage, "the disk that was added to this node in " + disk.folder +
                                     " is not there; mount it, or start once with '--forget-disk " +
                                     disk.folder + "' to fetch from other nodes what was on it"};
}

std::string fact_of_added(const AddedDisk& disk) {
  return std::string(added_prefix) + hex_of(disk.id);
}

}  // namespace pixmesh
