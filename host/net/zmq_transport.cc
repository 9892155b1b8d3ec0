#include "host/net/zmq_transport.h"

#include <utility>

#include "base/invariant.h"

namespace pixmesh {

Result<std::unique_ptr<ZmqTransport>> ZmqTransport::start(ZmqTransportOptions options,
                                                          ChunkStore& chunks, EventQueue& events) {
  options.control.plane = Plane::control;
  options.bulk.plane = Plane::bulk;
  auto control = LoopPlane::start(options.control, options.control_bind, chunks, events);
  if (!control) return control.error();
  auto bulk = ThreadPlane::start(options.bulk, options.bulk_bind, chunks, events);
  if (!bulk) return bulk.error();
  return std::unique_ptr<ZmqTransport>(
      new ZmqTransport(chunks, std::move(control).value(), std::move(bulk).value()));
}

ZmqTransport::ZmqTransport(ChunkStore& chunks, std::unique_ptr<ZmqPlane> control,
                           std::unique_ptr<ZmqPlane> bulk)
    : chunks_(chunks), control_(std::move(control)), bulk_(std::move(bulk)) {}

LinkId ZmqTransport::open(Plane plane, const Endpoint& to) { return at(plane).open(to); }

void ZmqTransport::close(LinkId link) { at(plane_of(link)).close(link); }

bool ZmqTransport::send(LinkId link, Bytes message) {
  return at(plane_of(link)).send(link, std::move(message), nullptr);
}

bool ZmqTransport::has_room(LinkId link) const { return at(plane_of(link)).has_room(link); }

bool ZmqTransport::send_chunk(LinkId link, Bytes message, ChunkRef chunk) {
  invariant(plane_of(link) == Plane::bulk, "chunks travel on bulk links");
  ChunkStore::Chunk bytes = chunks_.find(chunk);
  invariant(bytes != nullptr, "a chunk is in memory while its event is handled");
  return bulk_->send(link, std::move(message), std::move(bytes));
}

void ZmqTransport::stop() {
  control_->stop();
  bulk_->stop();
}

const Endpoint& ZmqTransport::bound(Plane plane) const { return at(plane).bound(); }
const TransportCounts& ZmqTransport::counts(Plane plane) const { return at(plane).counts(); }
std::uint64_t ZmqTransport::queued_bytes(Plane plane) const { return at(plane).queued_bytes(); }

ZmqPlane& ZmqTransport::at(Plane plane) const {
  return plane == Plane::control ? *control_ : *bulk_;
}

}  // namespace pixmesh
