#include "host/disk/disk_recovery.h"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <future>
#include <iterator>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "host/disk/framed_file.h"
#include "host/disk/index_probe.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t missing_max = 1'000;
constexpr std::size_t records_per_transaction = 1'000;
constexpr std::size_t readers = 8;               // a cold disk answers many questions at once
constexpr std::size_t partitions_at_once = 128;  // of one reader
constexpr std::size_t blob_folders_at_once = 16;

struct FoundRecord {
  RecordPlace place;
  Bytes record;
};

struct FoundBlob {
  Digest digest;
  std::string path;  // relative
  bool operator<(const FoundBlob& other) const { return digest < other.digest; }
};

/// What the files of a partition say.
struct ReadPartition {
  PartitionId partition;
  std::vector<NameDigest> names;  // sorted, as is the next
  std::vector<FoundRecord> records;
  std::vector<NameDigest> unreadable;
};

/// Calls `read(i)` for each i below `count` on other threads, and `use` with what it returned on
/// this one, in order, until that fails.
template <typename Read, typename Use>
Result<Done> read_ahead(std::size_t count, const Read& read, const Use& use) {
  std::deque<decltype(std::async(std::launch::async, read, count))> ahead;
  for (std::size_t begun = 0; begun < count || !ahead.empty(); ahead.pop_front()) {
    for (; begun < count && ahead.size() < readers; ++begun) {
      ahead.push_back(std::async(std::launch::async, read, begun));
    }
    const Result<Done> done = use(ahead.front().get());
    if (!done) return done;
  }
  return Done{};
}

/// Sorted. None in a folder that is not there; one that cannot be read is an error, or all that it
/// holds would be taken for gone.
Result<std::vector<std::string>> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  if (error == std::errc::no_such_file_or_directory) return names;
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) return system_error(error.value(), "cannot list", folder);
  std::sort(names.begin(), names.end());
  return names;
}

class DiskRecovery {
 public:
  DiskRecovery(DiskFolder& folder, const PlaceRecord& place, const Admit& admit)
      : folder_(folder), place_(place), admit_(admit) {}

  Result<OpenedIndex> run(std::size_t map_bytes) {
    report_.temp_removed = folder_.empty_tmp();
    Result<Done> done = open_index(map_bytes);
    if (done) done = report_.index_rebuilt ? rebuild() : reconcile();
    if (!done && done.error().code == ErrorCode::corrupt) {
      done = replace_index(map_bytes);
      if (done) done = rebuild();
    }
    if (done) done = compare_blobs();
    if (!done) return done.error();
    return OpenedIndex{std::move(index_), std::move(report_)};
  }

 private:
  Result<Done> open_index(std::size_t map_bytes) {
    if (!can_be_walked(folder_.root() / "index", map_bytes)) return replace_index(map_bytes);
    auto opened = LmdbIndex::open(folder_.root() / "index", map_bytes);
    if (!opened && opened.error().code != ErrorCode::corrupt) return opened.error();
    if (!opened) return replace_index(map_bytes);
    index_ = std::move(opened).value();
    const Result<bool> ready = index_->is_ready();
    if (!ready) return ready.error();
    if (ready.value()) return Done{};
    if (folder_.is_new()) return index_->write([](IndexWrite& write) { write.mark_ready(); });
    return replace_index(map_bytes);
  }

  Result<Done> replace_index(std::size_t map_bytes) {
    index_.reset();
    report_ = RecoveryReport{.temp_removed = report_.temp_removed};
    report_.index_rebuilt = true;
    Result<Done> moved = folder_.move_to_trash("index");
    if (!moved) return moved;
    const fs::path path = folder_.root() / "index";
    std::error_code error;
    fs::create_directory(path, error);
    if (error) return system_error(error.value(), "cannot make folder", path);
    auto opened = LmdbIndex::open(path, map_bytes);
    if (!opened) return opened.error();
    index_ = std::move(opened).value();
    return Done{};
  }

  Result<std::set<PartitionId>> partitions_on_disk() const {
    std::set<PartitionId> partitions;
    const auto names = names_in(folder_.root() / "records");
    if (!names) return names.error();
    for (const std::string& name : names.value()) {
      if (const auto partition = parse_partition_folder(name)) partitions.insert(*partition);
    }
    return partitions;
  }

  Result<std::vector<NameDigest>> record_files_of(PartitionId partition) const {
    const fs::path folder =
        (folder_.root() / record_file_path(partition, NameDigest{})).parent_path();
    std::vector<NameDigest> found;
    const auto names = names_in(folder);
    if (!names) return names.error();
    for (const std::string& name : names.value()) {
      if (const auto digest = parse_record_file(name)) found.push_back(*digest);
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  /// None, and counted, if the file is damaged or lies in a place that is not its own.
  std::optional<FoundRecord> read_record(PartitionId partition, const NameDigest& name) const {
    Result<Bytes> record = read_framed_file(folder_.root() / record_file_path(partition, name));
    if (!record) return std::nullopt;
    Result<RecordPlace> place = place_(record.value());
    if (!place || place->partition != partition || place->name_digest != name) {
      return std::nullopt;
    }
    return FoundRecord{std::move(place).value(), std::move(record).value()};
  }

  bool has_blob(const RecordPlace& place) const {
    std::error_code error;
    // One that cannot be looked at may be there.
    return place.blob_path.empty() || fs::exists(folder_.root() / place.blob_path, error) || error;
  }

  Result<Done> discard(PartitionId partition, const NameDigest& name) {
    ++report_.records_discarded;
    return folder_.move_to_trash(record_file_path(partition, name));
  }

  Result<Done> put(const std::vector<FoundRecord>& found) {
    if (found.empty()) return Done{};
    report_.records_restored += found.size();
    return index_->write([&](IndexWrite& write) {
      for (const FoundRecord& one : found) write.put(index_record_of(one.place, one.record));
    });
  }

  /// Reads the partitions by blocks, with their records or without, and uses each in order.
  template <typename Use>
  Result<Done> read_partitions(const std::set<PartitionId>& partitions, bool with_records,
                               const Use& use) const {
    const std::vector<PartitionId> all(partitions.begin(), partitions.end());
    const auto read = [&](std::size_t block) -> Result<std::vector<ReadPartition>> {
      std::vector<ReadPartition> found;
      const std::size_t first = block * partitions_at_once;
      for (std::size_t i = first; i < std::min(first + partitions_at_once, all.size()); ++i) {
        Result<ReadPartition> one = read_partition(all[i], with_records);
        if (!one) return one.error();
        found.push_back(std::move(one).value());
      }
      return found;
    };
    const std::size_t blocks = (all.size() + partitions_at_once - 1) / partitions_at_once;
    return read_ahead(blocks, read, [&](Result<std::vector<ReadPartition>> found) -> Result<Done> {
      if (!found) return found.error();
      std::vector<ReadPartition> all_read = std::move(found).value();
      for (ReadPartition& one : all_read) {
        const Result<Done> done = use(one);
        if (!done) return done;
      }
      return Done{};
    });
  }

  Result<ReadPartition> read_partition(PartitionId partition, bool with_records) const {
    Result<std::vector<NameDigest>> files = record_files_of(partition);
    if (!files) return files.error();
    ReadPartition read{partition, std::move(files).value(), {}, {}};
    if (!with_records) return read;
    for (const NameDigest& name : read.names) {
      std::optional<FoundRecord> one = read_record(partition, name);
      if (one) {
        read.records.push_back(std::move(*one));
      } else {
        read.unreadable.push_back(name);
      }
    }
    return read;
  }

  /// Takes even records whose blob is gone: they may have been acknowledged, and are reported.
  Result<Done> rebuild() {
    const Result<std::set<PartitionId>> partitions = partitions_on_disk();
    if (!partitions) return partitions.error();
    std::vector<FoundRecord> found;
    Result<Done> done = read_partitions(partitions.value(), true, [&](ReadPartition& read) {
      for (const NameDigest& name : read.unreadable) {
        const Result<Done> discarded = discard(read.partition, name);
        if (!discarded) return discarded;
      }
      std::ranges::move(read.records, std::back_inserter(found));
      if (found.size() < records_per_transaction) return Result<Done>(Done{});
      return put(std::exchange(found, {}));
    });
    if (done) done = put(found);
    if (!done) return done;
    return index_->write([](IndexWrite& write) { write.mark_ready(); });
  }

  Result<Done> reconcile() {
    const Result<std::set<PartitionId>> dirty = index_->dirty_partitions();
    if (!dirty) return dirty.error();
    Result<Done> loaded = index_->load_summaries();
    if (!loaded) return loaded;
    Result<std::set<PartitionId>> listed = partitions_on_disk();
    if (!listed) return listed.error();
    std::set<PartitionId> partitions = std::move(listed).value();
    for (const PartitionSummary& sum : index_->summaries()) partitions.insert(sum.partition);
    const Result<Done> done = read_partitions(partitions, false, [&](const ReadPartition& read) {
      return reconcile(read.partition, read.names, dirty.value().contains(read.partition));
    });
    if (!done) return done;
    if (dirty.value().empty()) return Done{};
    return index_->write([&](IndexWrite& write) {
      for (const PartitionId partition : dirty.value()) write.clear_dirty(partition);
    });
  }

  Result<Done> reconcile(PartitionId partition, const std::vector<NameDigest>& files,
                         bool is_dirty) {
    const Result<std::vector<NameDigest>> indexed = index_->names_of(partition);
    if (!indexed) return indexed.error();
    std::vector<NameDigest> unlike;
    if (is_dirty || files != indexed.value()) {
      std::set_union(files.begin(), files.end(), indexed.value().begin(), indexed.value().end(),
                     std::back_inserter(unlike));
    }
    std::vector<std::string> written;
    for (const NameDigest& name : unlike) {
      Result<Done> done = reconcile(partition, name, written);
      if (!done) return done;
    }
    std::set<fs::path> synced;
    return written.empty() ? Done{} : folder_.sync_folders(written, synced);
  }

  Result<Done> reconcile(PartitionId partition, const NameDigest& name,
                         std::vector<std::string>& written) {
    const Result<StoredRecord> stored = index_->find({partition, name, {}});
    if (!stored) return stored.error();
    const Bytes& indexed = stored.value().record;
    std::optional<FoundRecord> file = read_record(partition, name);
    if (file && file->record == indexed) return Done{};
    if (file && has_blob(file->place) && admit_(indexed, file->record, {}, {}, {}).store) {
      return put({std::move(*file)});
    }
    if (indexed.empty()) return discard(partition, name);
    ++report_.files_restored;
    const Result<fs::path> temp = folder_.write_framed_temp(indexed);
    if (!temp) return temp.error();
    written.push_back(record_file_path(partition, name));
    return folder_.publish(temp.value(), written.back());
  }

  Result<Done> find_blobs(const std::string& first_folder, std::vector<FoundBlob>& found) const {
    const auto seconds = names_in(folder_.root() / "blobs" / first_folder);
    if (!seconds) return seconds.error();
    for (const std::string& second : seconds.value()) {
      const std::string folder = "blobs/" + first_folder + "/" + second + "/";
      const auto names = names_in(folder_.root() / folder);
      if (!names) return names.error();
      for (const std::string& name : names.value()) {
        FoundBlob blob;
        const std::string rest = name.substr(0, name.find('.'));
        if (!parse_id(first_folder + second + rest, blob.digest)) continue;
        blob.path = folder + name;
        found.push_back(std::move(blob));
      }
    }
    return Done{};
  }

  Result<Done> compare_blobs() {
    std::size_t first = 0;
    const auto read = [this](std::size_t block) -> Result<std::vector<FoundBlob>> {
      std::vector<FoundBlob> blobs;
      for (std::size_t i = 0; i < blob_folders_at_once; ++i) {
        const auto byte = static_cast<std::uint8_t>(block * blob_folders_at_once + i);
        const Result<Done> done = find_blobs(hex_of(ByteView(&byte, 1)), blobs);
        if (!done) return done.error();
      }
      std::sort(blobs.begin(), blobs.end());
      return blobs;
    };
    return read_ahead(256 / blob_folders_at_once, read,
                      [&](const Result<std::vector<FoundBlob>>& blobs) -> Result<Done> {
                        if (!blobs) return blobs.error();
                        std::vector<Digest> named;
                        for (std::size_t i = 0; i < blob_folders_at_once; ++i) {
                          const Result<std::vector<Digest>> some =
                              index_->digests_with(static_cast<std::uint8_t>(first++));
                          if (!some) return some.error();
                          named.insert(named.end(), some->begin(), some->end());
                        }
                        return compare_blobs(named, blobs.value());
                      });
  }

  /// Both lists are sorted.
  Result<Done> compare_blobs(const std::vector<Digest>& named,
                             const std::vector<FoundBlob>& blobs) {
    for (const FoundBlob& blob : blobs) {
      if (std::binary_search(named.begin(), named.end(), blob.digest)) continue;
      ++report_.blobs_trashed;
      Result<Done> moved = folder_.move_to_trash(blob.path);
      if (!moved) return moved;
    }
    std::vector<Digest> missing;
    for (const Digest& digest : named) {
      const auto at = std::lower_bound(blobs.begin(), blobs.end(), FoundBlob{digest, {}});
      if (at != blobs.end() && at->digest == digest) continue;
      ++report_.blobs_missing;
      missing.push_back(digest);
      if (report_.missing.size() < missing_max) report_.missing.push_back(digest);
    }
    if (missing.empty()) return Done{};
    return index_->write([&](IndexWrite& write) {
      for (const Digest& digest : missing) write.put_row(damaged_row(digest, Bytes{}));
    });
  }

  DiskFolder& folder_;
  const PlaceRecord& place_;
  const Admit& admit_;
  std::unique_ptr<LmdbIndex> index_;
  RecoveryReport report_;
};

}  // namespace

IndexRecord index_record_of(const RecordPlace& place, ByteView record) {
  return {place.partition, place.name_digest, place.name, place.digest, place.size, record};
}

Result<OpenedIndex> open_and_recover(DiskFolder& folder, std::size_t map_bytes,
                                     const PlaceRecord& place, const Admit& admit) {
  return DiskRecovery(folder, place, admit).run(map_bytes);
}

}  // namespace pixmesh
