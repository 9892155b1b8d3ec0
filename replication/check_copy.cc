#include "replication/check_copy.h"

namespace pixmesh {

Effects CheckCopy::start(Instant) { return {UseDisk{partition_, VerifyBlob{digest_, digest_}}}; }

Effects CheckCopy::on_disk(Instant, const Result<DiskAnswer>& answer) {
  if (!answer) return end(ErrorCode::failed, answer.error().detail);
  if (step_ == Step::unmark) return end({}, {});
  if (step_ == Step::mark) {
    std::vector<NodeId> others = holders_of(mesh_.lists_of(mended_for_));
    std::erase(others, mesh_.self);
    Effects effects = end(ErrorCode::corrupt, detail_);
    effects.push_back(StartSync{mended_for_, std::move(others)});
    return effects;
  }
  const auto* verified = std::get_if<BlobVerified>(&answer.value());
  return verified == nullptr ? Effects{} : on_verified(*verified);
}

Effects CheckCopy::on_verified(const BlobVerified& verified) {
  if (verified.digest == Digest{})
    return end(ErrorCode::not_found, "no image here has these bytes");
  if (verified.intact && !verified.marked) return end({}, {});
  if (verified.intact) {
    step_ = Step::unmark;
    return {UseDisk{partition_, PutValues{{damaged_row(digest_, std::nullopt)}}}};
  }
  if (verified.marked) return end(ErrorCode::corrupt, verified.detail);
  step_ = Step::mark;
  is_news_ = true;
  mended_for_ = partition_.raw < mesh_.partition_count ? partition_ : verified.partition;
  detail_ = verified.detail;
  return {UseDisk{partition_, PutValues{{damaged_row(digest_, Bytes{})}}}};
}

Effects CheckCopy::end(ErrorCode code, std::string detail) {
  step_ = Step::over;
  code_ = code;
  detail_ = std::move(detail);
  return {};
}

}  // namespace pixmesh
