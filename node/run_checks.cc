#include "node/run_checks.h"

#include <utility>

#include "replication/record.h"

namespace pixmesh {

InspectFile::InspectFile(OperationId id, RunId run, RunInput input, HeaderLimits limits)
    : Operation(id), run_(run), input_(std::move(input)), limits_(limits) {}

Effects InspectFile::start(Instant) {
  return {UseDisk{input_.partition, InspectImage{blob_path(input_.digest, input_.media),
                                                 input_.size, input_.checksums, limits_}}};
}

Effects InspectFile::on_disk(Instant, const Result<DiskAnswer>& answer) {
  over_ = true;
  const auto* inspected = answer ? std::get_if<ImageInspected>(&answer.value()) : nullptr;
  if (inspected == nullptr) return {SuspectBytes{input_.partition, input_.digest}};
  header_ = inspected->header;
  return {};
}

VerifyFile::VerifyFile(OperationId id, RunId run, const RunInput& input)
    : Operation(id), run_(run), input_(input) {}

Effects VerifyFile::start(Instant) {
  over_ = input_.checksums.empty() || input_.checksums.size() != chunk_count_of(input_.size);
  return read_next();
}

Effects VerifyFile::read_next() {
  if (over_) return {};
  return {UseDisk{input_.partition, ReadRange{blob_path(input_.digest, input_.media),
                                              std::uint64_t{next_chunk_} * chunk_bytes_max,
                                              chunk_size_of(input_.size, next_chunk_),
                                              input_.checksums[next_chunk_]}}};
}

Effects VerifyFile::on_disk(Instant, const Result<DiskAnswer>& answer) {
  intact_ = answer.has_value();
  ++next_chunk_;
  over_ = !intact_ || next_chunk_ == input_.checksums.size();
  if (!intact_) return {SuspectBytes{input_.partition, input_.digest}};
  return read_next();
}

}  // namespace pixmesh
