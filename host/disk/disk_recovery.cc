#include "host/disk/disk_recovery.h"

#include <algorithm>
#include <cstdio>
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

struct FoundRecord {
  RecordPlace place;
  Bytes record;
};

struct FoundBlob {
  Digest digest;
  std::string path;  // relative
  bool operator<(const FoundBlob& other) const { return digest < other.digest; }
};

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
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

  std::set<PartitionId> partitions_on_disk() const {
    std::set<PartitionId> partitions;
    for (const std::string& name : names_in(folder_.root() / "records")) {
      if (const auto partition = parse_partition_folder(name)) partitions.insert(*partition);
    }
    return partitions;
  }

  std::vector<NameDigest> record_files_of(PartitionId partition) const {
    const fs::path folder =
        (folder_.root() / record_file_path(partition, NameDigest{})).parent_path();
    std::vector<NameDigest> found;
    for (const std::string& name : names_in(folder)) {
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
    return place.blob_path.empty() || fs::exists(folder_.root() / place.blob_path, error);
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

  Result<Done> rebuild() {
    for (const PartitionId partition : partitions_on_disk()) {
      Result<Done> done = rebuild_partition(partition);
      if (!done) return done;
    }
    return index_->write([](IndexWrite& write) { write.mark_ready(); });
  }

  /// Takes even records whose blob is gone: they may have been acknowledged, and are reported.
  Result<Done> rebuild_partition(PartitionId partition) {
    std::vector<FoundRecord> found;
    for (const NameDigest& name : record_files_of(partition)) {
      std::optional<FoundRecord> one = read_record(partition, name);
      Result<Done> done = Done{};
      if (one) {
        found.push_back(std::move(*one));
      } else {
        done = discard(partition, name);
      }
      if (done && found.size() >= records_per_transaction) {
        done = put(found);
        found.clear();
      }
      if (!done) return done;
    }
    return put(found);
  }

  Result<Done> reconcile() {
    const Result<std::set<PartitionId>> dirty = index_->dirty_partitions();
    if (!dirty) return dirty.error();
    Result<Done> loaded = index_->load_summaries();
    if (!loaded) return loaded;
    std::set<PartitionId> partitions = partitions_on_disk();
    for (const PartitionSummary& sum : index_->summaries()) partitions.insert(sum.partition);
    for (const PartitionId partition : partitions) {
      Result<Done> done = reconcile(partition, dirty.value().contains(partition));
      if (!done) return done;
    }
    if (dirty.value().empty()) return Done{};
    return index_->write([&](IndexWrite& write) {
      for (const PartitionId partition : dirty.value()) write.clear_dirty(partition);
    });
  }

  Result<Done> reconcile(PartitionId partition, bool is_dirty) {
    const std::vector<NameDigest> files = record_files_of(partition);
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

  std::vector<FoundBlob> blobs_in(const std::string& first_folder) const {
    std::vector<FoundBlob> blobs;
    for (const std::string& second : names_in(folder_.root() / "blobs" / first_folder)) {
      const std::string folder = "blobs/" + first_folder + "/" + second + "/";
      for (const std::string& name : names_in(folder_.root() / folder)) {
        FoundBlob blob;
        const std::string rest = name.substr(0, name.find('.'));
        if (!parse_id(first_folder + second + rest, blob.digest)) continue;
        blob.path = folder + name;
        blobs.push_back(std::move(blob));
      }
    }
    std::sort(blobs.begin(), blobs.end());
    return blobs;
  }

  Result<Done> compare_blobs() {
    for (unsigned byte = 0; byte < 256; ++byte) {
      const auto first = static_cast<std::uint8_t>(byte);
      const Result<std::vector<Digest>> named = index_->digests_with(first);
      if (!named) return named.error();
      Result<Done> done = compare_blobs(named.value(), blobs_in(hex_of(ByteView(&first, 1))));
      if (!done) return done;
    }
    return Done{};
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
