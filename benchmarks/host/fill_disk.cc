// Writes many small images into the data folder of a stopped node, through the disk's own code:
//
//   fill_disk DATA COUNT
//
// The node must belong to a mesh (start it once with --create). Syncs are left out: the point is to
// have the folder, not to wait for it.
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "base/digest.h"
#include "host/disk/lmdb_disk.h"
#include "host/disk/state_store.h"
#include "node/stored_rules.h"
#include "replication/record.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t images_at_once = 2'000;

/// Counts answers, and stops the program at the first that is an error.
class Answers : public EventSink {
 public:
  void post(HostEvent event) override {
    const auto& answered = std::get<DiskAnswered>(event);
    const std::lock_guard lock(mutex_);
    if (!answered.answer) {
      std::fprintf(stderr, "fill_disk: %s\n", answered.answer.error().detail.c_str());
      std::exit(1);
    }
    ++count_;
    arrived_.notify_all();
  }
  void wait_for(std::uint64_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::uint64_t count_ = 0;
};

struct Image {
  TempId temp;
  Bytes bytes;
  ImageRecord record;
  RecordPlace place;
};

Image image_of(std::uint64_t number, const MeshSettings& mesh) {
  Image image;
  image.temp = TempId{number + 1};
  const std::string text = "GIF89a image " + std::to_string(number) + std::string(200, '.');
  image.bytes.assign(text.begin(), text.end());
  image.record.name = "fill/image-" + std::to_string(number) + ".gif";
  image.record.version = {1'700'000'000'000'000 + number, node_id_of(mesh.signer)};
  image.record.digest = digest_of(image.bytes);
  image.record.size = image.bytes.size();
  image.record.media.type = "gif";
  image.record.checksums = {chunk_checksum(image.bytes)};
  image.place =
      place_stored(encode_record(image.record), mesh.placement_key, mesh.partition_bits).value();
  return image;
}

class Filling {
 public:
  Filling(const fs::path& folder, const MeshSettings& mesh) : mesh_(mesh) {
    LmdbDiskOptions options;
    options.folder = folder;
    options.admit = admit_stored;
    options.place = [mesh](ByteView record) {
      return place_stored(record, mesh.placement_key, mesh.partition_bits);
    };
    options.sync = [](int) { return 0; };
    auto disk = LmdbDisk::open(std::move(options), chunks_, answers_);
    if (!disk) {
      std::fprintf(stderr, "fill_disk: %s\n", disk.error().detail.c_str());
      std::exit(1);
    }
    disk_ = std::move(disk).value();
  }

  void write(std::uint64_t first, std::uint64_t end) {
    std::vector<Image> images;
    for (std::uint64_t number = first; number < end; ++number) {
      images.push_back(image_of(number, mesh_));
    }
    for (const Image& image : images) write_blob(image);
    finish_step();
    for (const Image& image : images) ask(PublishTemp{image.temp, image.place.blob_path});
    for (const Image& image : images)
      ask(WriteFile{image.place.record_path, encode_record(image.record)});
    finish_step();
    for (const Image& image : images) {
      ask(CommitRecord{image.place.partition,
                       image.place.name_digest,
                       image.record.name,
                       image.record.digest,
                       image.record.size,
                       encode_record(image.record),
                       {},
                       {}});
    }
    finish_step();
  }

 private:
  void ask(DiskOperation operation) { disk_->submit(OperationId{++asked_}, std::move(operation)); }
  void write_blob(const Image& image) {
    zmq::message_t bytes(image.bytes.data(), image.bytes.size());
    const ChunkRef chunk = chunks_.add(std::move(bytes), image.record.checksums.front());
    ask(CreateTemp{image.temp});
    ask(AppendChunk{image.temp, chunk});
    ask(SyncTemp{image.temp});
    chunks_.release(chunk);
  }
  void finish_step() { answers_.wait_for(asked_); }

  MeshSettings mesh_;
  ChunkStore chunks_;
  Answers answers_;
  std::unique_ptr<LmdbDisk> disk_;
  std::uint64_t asked_ = 0;
};

std::optional<MeshSettings> settings_of(const fs::path& data) {
  Answers none;
  StateStoreOptions options;
  options.folder = data / "state";
  const auto state = StateStore::open(options, none);
  if (!state) return std::nullopt;
  const auto facts = state.value()->load(Table::facts);
  if (!facts) return std::nullopt;
  for (const auto& [key, value] : facts->rows) {
    if (text_of(key) != "settings") continue;
    if (auto settings = decode_settings(value)) return std::move(settings).value();
  }
  return std::nullopt;
}

int fill(const fs::path& data, std::uint64_t count) {
  const auto mesh = settings_of(data);
  if (!mesh) {
    std::fprintf(stderr, "fill_disk: %s is no data folder of a stopped node of a mesh\n",
                 data.c_str());
    return 1;
  }
  Filling filling(data, *mesh);
  for (std::uint64_t first = 0; first < count; first += images_at_once) {
    filling.write(first, std::min(count, first + images_at_once));
  }
  return 0;
}

}  // namespace
}  // namespace pixmesh

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: fill_disk DATA COUNT\n");
    return 2;
  }
  return pixmesh::fill(argv[1], std::strtoull(argv[2], nullptr, 10));
}
