#include "simulations/world/virtual_disk.h"

#include "base/temp_path.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "replication/record.h"

namespace pixmesh {
namespace {

constexpr std::size_t sector_bytes = 512;
constexpr std::size_t page_bytes = 4096;
constexpr Duration tidy_every = 10s;

std::optional<TempId> temp_of(const DiskOperation& operation) {
  return std::visit(
      [](const auto& one) -> std::optional<TempId> {
        if constexpr (requires { one.temp; }) return one.temp;
        return std::nullopt;
      },
      operation);
}

bool only_reads(const DiskOperation& operation) {
  return std::visit(
      []<typename T>(const T&) {
        return std::is_same_v<T, FindRecord> || std::is_same_v<T, ListPartition> ||
               std::is_same_v<T, ListNames> || std::is_same_v<T, ReadRange> ||
               std::is_same_v<T, ReadBytes> || std::is_same_v<T, CheckChunks> ||
               std::is_same_v<T, InspectImage> || std::is_same_v<T, VerifyBlob> ||
               std::is_same_v<T, LoadTable> || std::is_same_v<T, Summarize>;
      },
      operation);
}

}  // namespace

void VirtualDisk::open(ChunkPool& chunks, Answered answered) {
  chunks_ = &chunks;
  answered_ = std::move(answered);
  failed_ = false;
  std::set<std::string> wanted;
  for (const auto& [key, record] : records_) {
    const auto place = options_.place(record.bytes);
    if (!place) continue;
    wanted.insert(place->blob_path);
    wanted.insert(place->record_path);
    files_[place->record_path] = std::make_shared<const Bytes>(record.bytes);
    const bool lost = !place->blob_path.empty() && !files_.contains(place->blob_path);
    if (lost) put_rows({damaged_row(record.digest, Bytes{})});
  }
  std::erase_if(files_, [&](const auto& file) {
    return !wanted.contains(file.first) && !file.first.starts_with("results/");
  });
  durable_ = files_;
}

void VirtualDisk::crash() {
  ++life_;
  temps_.clear();
  temp_at_.clear();
  published_.clear();
  Files kept = durable_;
  for (const auto& [path, bytes] : files_) {  // a rename that was not synced may have made it
    if (!kept.contains(path) && rng_.below(2) == 0) kept[path] = bytes;
    if (kept.contains(path) && rng_.below(2) == 0) kept[path] = bytes;
  }
  for (const std::string& path : unsynced_) {  // its name came, its bytes did not
    const auto torn = kept.find(path);
    if (torn == kept.end()) continue;
    Bytes bytes = *torn->second;
    const std::size_t sectors = bytes.size() / sector_bytes + 1;
    bytes.resize(std::min<std::size_t>(bytes.size(), rng_.below(sectors) * sector_bytes));
    torn->second = std::make_shared<const Bytes>(std::move(bytes));
  }
  unsynced_.clear();
  uncommitted_.clear();
  renamed_.clear();
  steps_left_ = 0;
  files_ = std::move(kept);
  durable_ = files_;
}

Instant VirtualDisk::time_of(const DiskOperation& operation) {
  const Instant done =
      clock_.now() + trouble.slower + 100us + std::chrono::microseconds(rng_.below(900));
  if (only_reads(operation)) return done;
  if (const auto temp = temp_of(operation)) {
    Instant& last = temp_at_[*temp];
    last = std::max(last, done);
    if (std::holds_alternative<PublishTemp>(operation)) storage_at_ = std::max(storage_at_, last);
    return last;
  }
  storage_at_ = std::max(storage_at_, done);
  return storage_at_;
}

void VirtualDisk::submit(OperationId ticket, DiskOperation operation) {
  SharedBytes chunk;
  if (const auto* piece = std::get_if<AppendChunk>(&operation)) chunk = chunks_->take(piece->chunk);
  const Instant when = time_of(operation);
  clock_.at(when, [this, ticket, operation = std::move(operation), chunk, life = life_] {
    if (life == life_) finish(ticket, operation, chunk);
  });
}

void VirtualDisk::finish(OperationId ticket, const DiskOperation& operation,
                         const SharedBytes& chunk) {
  if (clock_.now() >= tidied_ + tidy_every) tidy();
  const bool interrupted = !only_reads(operation) && steps_left_ > 0 && --steps_left_ == 0;
  if (interrupted && rng_.below(2) == 0) return std::exchange(interruption_, nullptr)();
  const auto* range = std::get_if<ReadRange>(&operation);
  auto answer = std::make_shared<Result<DiskAnswer>>(DiskAnswer(Done{}));
  SharedBytes bytes;
  if (const auto wrong = trouble_with(operation)) {
    *answer = *wrong;
    if (const auto* commit = std::get_if<CommitRecord>(&operation)) {
      settle_record_file(commit->partition, commit->name_digest);
    }
  } else if (range != nullptr) {
    auto part = read(*range);
    if (part) bytes = std::move(part).value();
    if (!bytes) *answer = part.error();
  } else {
    *answer = perform(operation, chunk);
  }
  if (interrupted) return std::exchange(interruption_, nullptr)();
  clock_.after(100us, [this, life = life_, ticket, bytes, answer] {
    if (life != life_) return;
    // The bytes come into memory with the event that tells of them.
    if (bytes) *answer = DiskAnswer(RangeRead{chunks_->add(bytes)});
    answered_({options_.index, ticket, *answer});
  });
}

std::optional<Error> VirtualDisk::trouble_with(const DiskOperation& operation) {
  const auto strikes = [](std::uint32_t& count) { return count > 0 && count-- > 0; };
  const auto fails = [this](const char* why) {
    failed_ = true;
    return Error{ErrorCode::failed, why};
  };
  if (failed_) return Error{ErrorCode::failed, "the disk has failed"};
  return std::visit(
      [&]<typename T>(const T&) -> std::optional<Error> {
        constexpr bool transaction =
            std::is_same_v<T, CommitRecord> || std::is_same_v<T, PutValues>;
        constexpr bool file = std::is_same_v<T, AppendChunk> || std::is_same_v<T, WriteFile>;
        constexpr bool syncs = std::is_same_v<T, SyncTemp> || std::is_same_v<T, SyncFolders>;
        if constexpr (transaction || file || std::is_same_v<T, CreateTemp>) {
          if (trouble.full) return Error{ErrorCode::no_space, "the disk is full"};
        }
        if constexpr (transaction) {
          if (strikes(trouble.failing_writes)) return fails("EIO in the index");
        }
        if constexpr (std::is_same_v<T, WriteFile>) {  // what it wrote is in no file of that name
          if (strikes(trouble.short_writes)) return Error{ErrorCode::no_space, "no room"};
        }
        if constexpr (file) {
          if (strikes(trouble.failing_writes)) return Error{ErrorCode::failed, "EIO on write"};
        }
        if constexpr (syncs) {
          if (strikes(trouble.failing_syncs)) return fails("EIO on fsync");
        }
        if constexpr (std::is_same_v<T, ReadRange> || std::is_same_v<T, ReadBytes> ||
                      std::is_same_v<T, CheckChunks> || std::is_same_v<T, InspectImage>) {
          if (strikes(trouble.failing_reads)) return Error{ErrorCode::failed, "EIO on read"};
        }
        return std::nullopt;
      },
      operation);
}

void VirtualDisk::interrupt_after(std::uint32_t steps, std::function<void()> then) {
  steps_left_ = steps;
  interruption_ = std::move(then);
}

VirtualDisk::Contents VirtualDisk::contents() const {
  return {durable_, records_, tables_, rotten_};
}

void VirtualDisk::restore(Contents contents) {
  temps_.clear();
  renamed_.clear();
  published_.clear();
  unsynced_.clear();
  shown_.clear();
  ++fact_changes_;
  by_name_.clear();
  durable_ = std::move(contents.files);
  files_ = durable_;
  records_ = std::move(contents.records);
  tables_ = std::move(contents.tables);
  rotten_ = std::move(contents.rotten);
  for (const auto& [key, record] : records_) by_name_[record.name] = key;
}

SharedBytes VirtualDisk::file(const std::string& path) const {
  for (const auto& [temp, held] : temps_) {  // few; a synced one can be read
    if (held.synced && temp_path(temp) == path) return std::make_shared<const Bytes>(held.bytes);
  }
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : found->second;
}

bool VirtualDisk::is_durable(const std::string& path) const {
  const auto found = durable_.find(path);
  const SharedBytes now = file(path);
  if (found == durable_.end() || !now || unsynced_.contains(path)) return false;
  return found->second == now || *found->second == *now;
}

Instant VirtualDisk::published_at(const std::string& path) const {
  const auto found = published_.find(path);
  return found == published_.end() ? Instant{} : found->second;
}

void VirtualDisk::write_file(const std::string& path, Bytes bytes) {
  files_[path] = std::make_shared<const Bytes>(std::move(bytes));
}

void VirtualDisk::remove_file(const std::string& path) { files_.erase(path); }

void VirtualDisk::damage(const std::string& path) {
  const SharedBytes whole = file(path);
  invariant(whole && !whole->empty(), "only a file that is here can be damaged");
  Bytes damaged = *whole;
  ++damaged[damaged.size() / 2];  // twice is not back again
  spoil(path, std::move(damaged));
}

void VirtualDisk::zero_page(const std::string& path, std::uint64_t number) {
  const SharedBytes whole = file(path);
  invariant(whole && !whole->empty(), "only a file that is here has pages");
  Bytes zeroed = *whole;
  const std::size_t pages = (zeroed.size() + page_bytes - 1) / page_bytes;
  const std::size_t begin = number % pages * page_bytes;
  const std::size_t end = std::min(begin + page_bytes, zeroed.size());
  std::fill(zeroed.begin() + static_cast<std::ptrdiff_t>(begin),
            zeroed.begin() + static_cast<std::ptrdiff_t>(end), std::uint8_t{0});
  if (zeroed != *whole) spoil(path, std::move(zeroed));
}

void VirtualDisk::spoil(const std::string& path, Bytes bytes) {
  rotten_[path] = std::make_shared<const Bytes>(std::move(bytes));
  files_[path] = durable_[path] = rotten_[path];
}

bool VirtualDisk::names(const std::string& blob_path) const {
  return std::any_of(records_.begin(), records_.end(), [&](const auto& entry) {
    const auto place = options_.place(entry.second.bytes);
    return place && place->blob_path == blob_path;
  });
}

bool VirtualDisk::is_marked(const std::string& blob_path) const {
  return std::any_of(records_.begin(), records_.end(), [&](const auto& entry) {
    const auto place = options_.place(entry.second.bytes);
    return place && place->blob_path == blob_path && is_damaged(entry.second.digest);
  });
}

std::vector<std::string> VirtualDisk::rotten() const {
  std::vector<std::string> paths;
  for (const auto& [path, bytes] : rotten_) {
    if (file(path) == bytes && names(path)) paths.push_back(path);
  }
  return paths;
}

std::vector<std::string> VirtualDisk::blob_paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, bytes] : files_) {
    if (path.rfind("blobs/", 0) == 0) paths.push_back(path);
  }
  return paths;
}

}  // namespace pixmesh
