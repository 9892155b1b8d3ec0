#pragma once

#include <map>
#include <optional>
#include <vector>

#include "node/post.h"
#include "routing/request.h"

namespace pixmesh {

/// What an arbiter does: of several requests for the same work, the first that probes is placed by
/// its router as it likes, and the others are told where.
///
///   first probe: answered at once; its router says soon where it goes (ReleaseLoad)
///   the next ones: their answer waits for that, `claim_patience` at most, and tells the place
///
/// A claim ends a while after it was placed: by then the run is going on there, which its holder
/// tells by itself. Without a word from the first router the others decide by the order that the
/// work gives (in_order_of_work).
class WorkClaims {
 public:
  static constexpr Duration claim_patience = 900ms;  // below the second that such a probe may take

  explicit WorkClaims(Post& post) : post_(post) {}

  /// Sends the answer, now or later.
  void answer(Instant now, LinkId to, const ProbeLoad& probe, LoadAnswer answer);
  /// @param node  where the request goes; zero: nowhere
  void on_placed(Instant now, RequestId request, NodeId node);
  void on_deadline(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] std::size_t count() const { return claims_.size(); }

 private:
  struct Waiting {
    LinkId to;
    RequestId request;
    LoadAnswer answer;
    Instant until;
  };
  struct Claim {
    RequestId first;
    NodeId placed_at;
    Instant until;
    std::vector<Waiting> waiting;
  };

  void begin(Instant now, const Digest& work, Claim& claim, RequestId first);
  void tell_waiting(Claim& claim);

  Post& post_;
  std::map<Digest, Claim> claims_;
  std::map<RequestId, Digest> of_first_;
  std::size_t waiting_ = 0;
};

}  // namespace pixmesh
