#include "node/borrowed_copies.h"

#include <utility>

#include "node/disk_places.h"

namespace pixmesh {
namespace {

ImageRecord record_of(const RunInput& input) {
  ImageRecord record;
  record.digest = input.digest;
  record.size = input.size;
  record.media = input.media;
  record.checksums = input.checksums;
  return record;
}

}  // namespace

BorrowCopy::BorrowCopy(OperationId id, const MeshView& mesh, RunInput input)
    : Operation(id),
      digest_(input.digest),
      fetch_(mesh, address_of_disk(borrowed_disk), input.partition, record_of(input), input.sources,
             TempId{id.raw}, {.check_digest = true}) {}

Effects BorrowCopy::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  return fetch_.on_disk(now, answer);
}

Effects BorrowCopy::on_bulk(Instant now, const BulkEnd&, const BulkMessage& message,
                            const std::optional<ChunkRef>& chunk) {
  return fetch_.on_bulk(now, message, chunk);
}

std::optional<TempId> BorrowCopy::copy() const {
  return fetch_.succeeded() ? std::optional(fetch_.temp()) : std::nullopt;
}

BorrowedCopies::Found BorrowedCopies::use(Instant now, const Digest& image, std::uint64_t bytes) {
  auto place = copies_.find(image);
  const bool is_new = place == copies_.end();
  if (is_new) {
    if (!make_room(bytes)) return Found::no_room;
    place = copies_.emplace(image, Copy{bytes, std::nullopt, 0, now}).first;
    bytes_ += bytes;
  }
  ++place->second.users;
  place->second.used_at = now;
  if (is_new) return Found::to_fetch;
  return place->second.file ? Found::here : Found::coming;
}

void BorrowedCopies::release(Instant now, const Digest& image) {
  const auto place = copies_.find(image);
  if (place == copies_.end() || place->second.users == 0) return;
  --place->second.users;
  place->second.used_at = now;
}

void BorrowedCopies::on_fetched(Instant now, const Digest& image, TempId copy) {
  const auto place = copies_.find(image);
  if (place == copies_.end()) return dropped_.push_back(copy);
  place->second.file = copy;
  place->second.used_at = now;
}

void BorrowedCopies::on_failed(const Digest& image) {
  const auto place = copies_.find(image);
  if (place != copies_.end()) drop(place);
}

bool BorrowedCopies::has(const Digest& image) const { return copy_of(image).has_value(); }

std::optional<TempId> BorrowedCopies::copy_of(const Digest& image) const {
  const auto place = copies_.find(image);
  return place == copies_.end() ? std::nullopt : place->second.file;
}

// One at a time, the one that was not used for longest first.
bool BorrowedCopies::make_room(std::uint64_t bytes) {
  if (bytes > options_.bytes_max) return false;
  while (bytes_ + bytes > options_.bytes_max || copies_.size() >= options_.count_max) {
    auto oldest = copies_.end();
    for (auto place = copies_.begin(); place != copies_.end(); ++place) {
      const bool idle = place->second.users == 0 && place->second.file;
      if (!idle) continue;
      if (oldest == copies_.end() || place->second.used_at < oldest->second.used_at) oldest = place;
    }
    if (oldest == copies_.end()) return false;
    drop(oldest);
  }
  return true;
}

void BorrowedCopies::drop(std::map<Digest, Copy>::iterator place) {
  if (place->second.file) dropped_.push_back(*place->second.file);
  bytes_ -= place->second.bytes;
  copies_.erase(place);
}

void BorrowedCopies::on_deadline(Instant now) {
  for (auto place = copies_.begin(); place != copies_.end();) {
    const auto next = std::next(place);
    const Copy& copy = place->second;
    if (copy.users == 0 && copy.file && now >= copy.used_at + options_.kept_for) drop(place);
    place = next;
  }
}

std::optional<Instant> BorrowedCopies::next_deadline() const {
  std::optional<Instant> first;
  for (const auto& [image, copy] : copies_) {
    if (copy.users > 0 || !copy.file) continue;
    const Instant at = copy.used_at + options_.kept_for;
    if (!first || at < *first) first = at;
  }
  return first;
}

std::vector<TempId> BorrowedCopies::take_dropped() { return std::exchange(dropped_, {}); }

}  // namespace pixmesh
