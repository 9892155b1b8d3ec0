#include "host/net/transport_counts.h"

namespace pixmesh {

std::string_view name_of(TransportCount kind) {
  static constexpr std::array<std::string_view, transport_count_kinds> names{
      "messages_in",        "bytes_in",          "messages_out",         "bytes_out",
      "dropped_queue_full", "dropped_too_large", "dropped_unknown_link", "dropped_unsent",
      "dropped_peer_gone",  "malformed_in",      "inbound_links_made",   "inbound_links_forgotten",
      "sockets_refused"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace pixmesh
