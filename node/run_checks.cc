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
    : Operation(id),
      run_(run),
      stored_(std::move(stored)),
      check_({stored_.partition, stored_.path, stored_.input.size, stored_.input.checksums}) {}

Effects VerifyFile::start(Instant) { return check_.start(); }

Effects VerifyFile::on_disk(Instant, const Result<DiskAnswer>& answer) {
  Effects effects = check_.on_disk(answer);
  return check_.done() && !check_.intact() ? suspects(stored_) : effects;
}

}  // namespace pixmesh
