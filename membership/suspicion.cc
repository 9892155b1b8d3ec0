#include "membership/suspicion.h"

#include <algorithm>

#include "base/invariant.h"
#include "membership/log_scale.h"

namespace pixmesh {

Suspicion::Suspicion(NodeId node, NodeId accuser, Instant since, std::uint32_t wanted,
                     Duration least, Duration most)
    : node_(node),
      since_(since),
      earliest_(since),
      least_(least),
      most_(std::max(least, most)),
      wanted_(wanted) {
  invariant(wanted <= confirmations_max, "confirmations are bounded");
  accusers_[0] = accuser;
}

bool Suspicion::confirm(Instant now, NodeId accuser) {
  if (accuser_count_ > wanted_) return false;
  const auto known_end = accusers_.begin() + accuser_count_;
  if (std::find(accusers_.begin(), known_end, accuser) != known_end) return false;
  accusers_[accuser_count_++] = accuser;
  earliest_ = now;
  return true;
}

Instant Suspicion::deadline() const {
  if (wanted_ == 0) return since_ + least_;
  const std::int64_t part = milli_log2(accuser_count_);
  const std::int64_t whole = milli_log2(wanted_ + 1);
  return std::max(earliest_, since_ + most_ - (most_ - least_) * part / whole);
}

}  // namespace pixmesh
