#include "replication/messages.h"

namespace pixmesh {

PeerMessage::PeerMessage() = default;
PeerMessage::PeerMessage(const PeerMessage&) = default;
PeerMessage::PeerMessage(PeerMessage&&) noexcept = default;
PeerMessage& PeerMessage::operator=(const PeerMessage&) = default;
PeerMessage& PeerMessage::operator=(PeerMessage&&) noexcept = default;
PeerMessage::~PeerMessage() = default;

}  // namespace pixmesh
