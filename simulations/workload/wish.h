#pragma once

#include <memory>

#include "simulations/oracle/observation.h"
#include "simulations/oracle/oracle.h"
#include "simulations/scenario/event.h"
#include "simulations/workload/sim_client.h"

namespace pixmesh {

/// What a client's conversations need around them.
struct WishContext {
  MeshWorld& world;
  SimClient& client;
  Oracle& oracle;
  Observer& observer;
  std::shared_ptr<std::uint64_t> open_count;  // conversations under way
};

/// One wish of one client, from its first message to its end, retries included. It keeps itself
/// alive through what it waits for. A client that asks a node which does not run is refused by the
/// operating system and asks the next one.
class Wish : public std::enable_shared_from_this<Wish> {
 public:
  Wish(WishContext context, Event event);
  Wish(const Wish&) = delete;
  Wish& operator=(const Wish&) = delete;
  virtual ~Wish();
  virtual void begin() = 0;

 protected:
  /// The node to ask in the `attempt`-th try; none if no node runs.
  [[nodiscard]] std::optional<std::uint32_t> via(std::uint32_t attempt) const;
  [[nodiscard]] Instant now() const { return context_.world.now(); }

  WishContext context_;
  Event event_;
};

/// The wish of an operation event; null for `garbage` and `lie`, which want no answer.
[[nodiscard]] std::shared_ptr<Wish> wish_of(const WishContext& context, const Event& event);

/// A lookup of `event.name` and a read of its bytes. As an `audit` it asks exactly the node that
/// the event names, and everything but success is a fault.
[[nodiscard]] std::shared_ptr<Wish> audit_of(const WishContext& context, const Event& event);

/// The bytes that the put with this number and size uploads.
[[nodiscard]] Bytes content_of(const Event& put);

}  // namespace pixmesh
