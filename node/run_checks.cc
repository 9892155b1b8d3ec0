#include "node/run_checks.h"

#include <utility>

#include "replication/record.h"

namespace pixmesh {
namespace {

// Nobody mends a borrowed copy: it goes soon anyway.
Effects suspects(const StoredInput& stored) {
  if (!stored.own) return {};
  return {SuspectBytes{stored.input.partition, stored.input.digest}};
}

}  // namespace

InspectFile::InspectFile(OperationId id, RunId run, StoredInput stored, HeaderLimits limits)
    : Operation(id), run_(run), stored_(std::move(stored)), limits_(limits) {}

Effects InspectFile::start(Instant) {
  return {UseDisk{stored_.partition, InspectImage{stored_.path, stored_.input.size,
                                                  stored_.input.checksums, limits_}}};
}

Effects InspectFile::on_disk(Instant, const Result<DiskAnswer>& answer) {
  over_ = true;
  const auto* inspected = answer ? std::get_if<ImageInspected>(&answer.value()) : nullptr;
  if (inspected == nullptr) return suspects(stored_);
  header_ = inspected->header;
  return {};
}

VerifyFile::VerifyFile(OperationId id, RunId run, StoredInput stored)
    : Operation(id), run_(run), stored_(std::move(stored)) {}

Effects VerifyFile::start(Instant) {
  // Who names only some of the chunks would have the others passed over.
  intact_ = stored_.input.checksums.size() == chunk_count_of(stored_.input.size);
  over_ = !intact_ || stored_.input.checksums.empty();
  return read_next();
}

Effects VerifyFile::read_next() {
  if (over_) return {};
  return {UseDisk{stored_.partition,
                  ReadRange{stored_.path, std::uint64_t{next_chunk_} * chunk_bytes_max,
                            chunk_size_of(stored_.input.size, next_chunk_),
                            stored_.input.checksums[next_chunk_]}}};
}

Effects VerifyFile::on_disk(Instant, const Result<DiskAnswer>& answer) {
  intact_ = answer.has_value();
  ++next_chunk_;
  over_ = !intact_ || next_chunk_ == stored_.input.checksums.size();
  if (!intact_) return suspects(stored_);
  return read_next();
}

}  // namespace pixmesh
