#pragma once

#include <functional>
#include <map>
#include <set>

#include "membership/hello.h"
#include "membership/liveness.h"
#include "membership/member_table.h"
#include "membership/record_exchange.h"
#include "membership/wall_clocks.h"
#include "node/options.h"
#include "node/outside.h"
#include "wire/message.h"

namespace pixmesh {

// What happened to the membership, for the rest of the node.
struct MemberDown {
  NodeId node;
};
struct MemberUp {
  NodeId node;
};
struct MembersChanged {  // member records, settings or evictions; they are to be stored
  std::vector<NodeId> nodes;
  bool settings = false;
  bool epoch = false;
};
struct MemberProven {  // its process is running: it has just signed for a link of ours
  NodeId node;
};
struct OwnRecordStolen {  // somebody holds another record of our id
  std::string reason;
  std::uint64_t generation = 0;  // ours must go above it
  bool is_ours = false;  // that record has our signature and is no older: we do not know our past
};
using PeerNews = std::variant<MemberDown, MemberUp, MembersChanged, MemberProven, OwnRecordStolen>;

/// The other members: who they are, whether they answer, and the links to them.
///
/// Puts the three membership machines together with the transport. A message to a member goes out
/// on the one control link this node opened to it, once the other side has proven who it is; until
/// then a few messages wait. Messages to members that cannot be reached are lost: whoever needs an
/// answer has a deadline.
class Peers {
 public:
  /// @param wall  the wall time of the event that is being handled
  Peers(const NodeOptions& options, MemberTable& table, Outside& outside, const WallTime& wall,
        std::uint64_t incarnation, Rng rng);

  /// The record that hellos carry while no mesh is known.
  void introduce(Instant now, const MemberRecord& own) {
    perform(now, identity_.set_own(now, own, false));
  }
  /// A record or an eviction made here: news for the rest of the node.
  void note_change(NodeId node) { news_.push_back(MembersChanged{{node}, false, true}); }
  void note_settings_change() { news_.push_back(MembersChanged{{}, true, true}); }
  /// Call after the own record or the settings changed; `tell` says it to the others.
  void own_record_changed(Instant now, bool tell);
  void settings_changed(Instant now);
  /// Tells the others of an eviction made here.
  void announce(Instant now, NodeId node);
  /// Opens a link to somebody whose name is not known yet, to be given the mesh.
  void join(Instant now, const Endpoint& at);

  void send(Instant now, NodeId to, const Message& message);
  void send_bulk(NodeId to, Bytes message, const std::optional<ChunkRef>& chunk);

  /// @returns true if the message was about membership and is done with.
  [[nodiscard]] bool on_message(Instant now, LinkId link, const Message& message);
  /// Who is at the other end of a link, if that is proven.
  [[nodiscard]] std::optional<NodeId> identity_of(LinkId link) const;
  [[nodiscard]] std::optional<NodeId> bulk_peer_of(LinkId link) const;
  /// A stranger sent what only members may send.
  void ask_for_hello(LinkId link);

  void on_tables_differ(Instant now, NodeId with);
  void on_deadline(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void leave(Instant now);

  [[nodiscard]] std::vector<PeerNews> take_news();
  [[nodiscard]] std::vector<NodeId> alive() const { return liveness_.alive(); }
  /// Whether another member has all the records that we have.
  [[nodiscard]] bool is_table_shared() const { return liveness_.is_table_shared(); }
  [[nodiscard]] LifeState life_of(NodeId node) const { return liveness_.state_of(node); }
  [[nodiscard]] const WallClocks& clocks() const { return clocks_; }

 private:
  struct Peer {
    std::optional<LinkId> control;
    std::optional<LinkId> bulk;
    std::string control_address;
    std::string bulk_address;
    std::vector<Bytes> waiting;
    Instant retry_at;
  };

  [[nodiscard]] Peer* reach(Instant now, NodeId node);
  void perform(Instant now, const Liveness::Effects& effects);
  void send_liveness(Instant now, const SendLiveness& wanted);
  void note_alive(Instant now);
  void perform(Instant now, const RecordExchange::Effects& effects);
  void perform(Instant now, const LinkIdentity::Effects& effects);
  void log_records(const std::vector<NodeId>& nodes);
  void on_verified(Instant now, const LinkVerified& verified);
  void on_failed(Instant now, const LinkFailed& failed);
  void refresh_members(Instant now);
  [[nodiscard]] bool is_superseded(LinkId link, NodeId caller) const;
  void post(LinkId link, const Message& message);

  MemberTable& table_;
  Outside& outside_;
  const WallTime& wall_;
  WallClocks clocks_;
  Liveness liveness_;
  RecordExchange exchange_;
  LinkIdentity identity_;
  std::map<NodeId, Peer> peers_;
  std::map<LinkId, NodeId> bulk_links_;
  std::map<LinkId, Endpoint> joining_;  // links to somebody whose name we do not know
  std::map<LinkId, NodeId> control_links_;
  std::map<NodeId, LinkId> callers_;  // the link of each node's last call: for strangers' answers
  std::vector<PeerNews> news_;
};

}  // namespace pixmesh
