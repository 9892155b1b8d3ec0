#include "base/digest.h"
#include "processing/header_scan.h"
#include "replication/record.h"
#include "simulations/world/virtual_disk.h"

// What a virtual disk answers without changing anything.
namespace pixmesh {

Result<DiskAnswer> VirtualDisk::list(const ListPartition& asked) const {
  RecordPage page;
  auto place = asked.after ? records_.upper_bound({asked.partition, *asked.after})
                           : records_.lower_bound({asked.partition, NameDigest{}});
  for (; place != records_.end() && place->first.first == asked.partition; ++place) {
    if (page.records.size() == asked.limit) {
      page.complete = false;
      break;
    }
    page.records.push_back(place->second.bytes);
  }
  return DiskAnswer(std::move(page));
}

Result<DiskAnswer> VirtualDisk::list(const ListNames& asked) const {
  RecordPage page;
  for (auto place = by_name_.upper_bound(asked.after); place != by_name_.end(); ++place) {
    if (place->first.rfind(asked.prefix, 0) != 0) continue;
    if (page.records.size() == asked.limit) {
      page.complete = false;
      break;
    }
    page.records.push_back(records_.at(place->second).bytes);
  }
  return DiskAnswer(std::move(page));
}

Result<SharedBytes> VirtualDisk::read(const ReadRange& asked) {
  const SharedBytes whole = file(asked.path);
  if (!whole) return Error{ErrorCode::not_found, asked.path + " is not here"};
  if (whole->size() < asked.offset + asked.length) {
    return Error{ErrorCode::corrupt, asked.path + " is too short"};
  }
  const auto begin = whole->begin() + static_cast<long>(asked.offset);
  Bytes part(begin, begin + asked.length);
  if (trouble.misdirected_reads > 0 && asked.path.rfind("blobs/", 0) == 0 && !part.empty()) {
    --trouble.misdirected_reads;
    rng_.fill(part);
  }
  if (asked.checksum && *asked.checksum != chunk_checksum(part)) {
    return Error{ErrorCode::corrupt, "a chunk of " + asked.path + " has another checksum"};
  }
  return std::make_shared<const Bytes>(std::move(part));
}

Result<DiskAnswer> VirtualDisk::check(const CheckChunks& asked) {
  const SharedBytes whole = file(asked.path);
  if (!whole) return Error{ErrorCode::not_found, asked.path + " is not here"};
  if (!asked.checksums.empty() && whole->size() != asked.size) {
    return Error{ErrorCode::corrupt, asked.path + " has another size"};
  }
  for (std::uint32_t i = 0; i < asked.checksums.size(); ++i) {
    const std::uint32_t chunk = asked.first + i;
    const auto part = read({asked.path, std::uint64_t{chunk} * chunk_bytes_max,
                            chunk_size_of(asked.size, chunk), asked.checksums[i]});
    if (!part) return part.error();
  }
  return DiskAnswer(Done{});
}

Result<DiskAnswer> VirtualDisk::inspect(const InspectImage& asked) {
  HeaderScan scan(asked.size, asked.limits);
  while (const auto wanted = scan.wanted()) {
    const std::uint64_t index = *wanted / chunk_bytes_max;
    if (index >= asked.checksums.size()) return Error{ErrorCode::corrupt, "no such chunk"};
    const std::uint64_t offset = index * chunk_bytes_max;
    const std::uint64_t count = std::min<std::uint64_t>(asked.size - offset, chunk_bytes_max);
    const auto chunk =
        read({asked.path, offset, static_cast<std::uint32_t>(count), asked.checksums[index]});
    if (!chunk) return chunk.error();
    scan.see(offset, *chunk.value());
  }
  return DiskAnswer(ImageInspected{scan.header()});
}

Result<DiskAnswer> VirtualDisk::verify(const VerifyBlob& asked) {
  const Record* first = nullptr;
  BlobVerified verified;
  for (const auto& [key, record] : records_) {
    if (record.digest == Digest{} || record.digest < asked.first || asked.last < record.digest) {
      continue;
    }
    if (first != nullptr && first->digest <= record.digest) continue;
    first = &record;
    verified.partition = key.first;
  }
  if (first == nullptr) return DiskAnswer(std::move(verified));
  const auto place = options_.place(first->bytes);
  if (!place) return place.error();
  verified.digest = first->digest;
  verified.size = first->size;
  verified.marked = is_damaged(first->digest);
  const SharedBytes whole = file(place->blob_path);
  const bool fails = trouble.failing_reads > 0 && trouble.failing_reads-- > 0;
  verified.intact = !fails && whole && digest_of(*whole) == first->digest;
  if (!verified.intact) verified.detail = place->blob_path + " is not what it was";
  return DiskAnswer(std::move(verified));
}

}  // namespace pixmesh
