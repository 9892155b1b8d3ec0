#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/machine.h"
#include "base/rng.h"
#include "base/signature.h"
#include "base/time.h"
#include "membership/member_record.h"

namespace pixmesh {

using Nonce = std::array<std::uint8_t, 32>;

// The asker opened the link; the answerer was called.
struct Hello {
  MemberRecord record;  // the asker's own
  Nonce nonce{};
  bool has_mesh = false;  // false: a new node that does not know its mesh yet
};
struct HelloAnswer {
  MemberRecord record;  // the answerer's own
  Nonce nonce{};
  bool has_mesh = false;
  Signature signature{};  // the answerer's, over both nonces and both ids
};
struct HelloProof {
  Signature signature{};  // the asker's, over the same
};
struct HelloRefused {
  std::string reason;  // one line, for people
};
/// The answerer does not know who calls: it has restarted since the hello.
struct HelloWanted {};

using HelloMessage = std::variant<Hello, HelloAnswer, HelloProof, HelloRefused, HelloWanted>;

struct LinkIdentityOptions {
  Duration patience = 5s;                // for the other side's next message
  std::uint32_t pending_max = 1024;      // calls not yet proven
  std::uint32_t calls_per_node_max = 8;  // proven links that one node keeps to us
};

enum class LinkFailure : std::uint8_t {
  timed_out,      // nobody answered; the link may be asked again with opened()
  other_mesh,     // the two belong to different meshes
  bad_signature,  // or a record that is none
  wrong_node,     // not the node that was expected there
  own_identity,   // another process uses this identity
  own_call,       // we have called ourselves
  busy,           // too many calls at once
  refused,        // the other side refused us; the reason is its own
};

struct SendHello {
  LinkId link;
  HelloMessage message;
};
struct LinkVerified {
  LinkId link;
  NodeId node;
  MemberRecord record;    // verified; may be newer than the table's
  bool has_mesh = false;  // the other side's
};
struct LinkFailed {  // nothing on this link is to be believed; close it
  LinkId link;
  LinkFailure failure = LinkFailure::timed_out;
  std::string reason;
};
using LinkIdentityEffect = std::variant<SendHello, LinkVerified, LinkFailed>;

/// Which node is at the other end of each link.
///
///   asker:    opened ─Hello─> ─HelloAnswer─ (verified, sends HelloProof)
///   answerer: ─Hello─ (sends HelloAnswer) ─HelloProof─> verified
///
/// Both signatures cover both nonces, both ids and the signer's role, so neither can be repeated
/// on another link or turned round. The nonces need to be new, not secret.
/// Invariant: a link has a node only after that node's signature over our own nonce was checked.
/// It says who calls from where; it does not protect what follows on the link.
class LinkIdentity {
 public:
  using Effects = std::vector<LinkIdentityEffect>;

  /// @param rng  seeded from the machine's entropy, else a nonce could come twice.
  LinkIdentity(SigningKey key, LinkIdentityOptions options, Rng rng);

  /// What our hellos carry from now on: our signed record, and whether we know our mesh. Whoever
  /// called before the first one is answered now.
  [[nodiscard]] Effects set_own(Instant now, const MemberRecord& record, bool has_mesh);

  /// We opened this link, to `expected` or to whoever is there. Also: ask again.
  [[nodiscard]] Effects opened(Instant now, LinkId link, std::optional<NodeId> expected);
  void closed(LinkId link);

  [[nodiscard]] Effects on_hello(Instant now, LinkId link, const Hello& hello);
  [[nodiscard]] Effects on_answer(Instant now, LinkId link, const HelloAnswer& answer);
  [[nodiscard]] Effects on_proof(Instant now, LinkId link, const HelloProof& proof);
  [[nodiscard]] Effects on_refused(Instant now, LinkId link, const HelloRefused& refused);
  [[nodiscard]] Effects on_wanted(Instant now, LinkId link);
  [[nodiscard]] Effects on_message(Instant now, LinkId link, const HelloMessage& message);
  [[nodiscard]] Effects on_deadline(Instant now);

  /// Who is at the other end; none while that is not proven. O(log links).
  [[nodiscard]] std::optional<NodeId> identity_of(LinkId link) const;
  [[nodiscard]] std::optional<Instant> next_deadline() const;  // O(handshakes that run)
  void check_invariants() const;

 private:
  struct Link {
    bool we_asked = false;
    std::optional<NodeId> expected;
    std::optional<NodeId> verified;
    std::optional<Instant> until;  // while a handshake runs
    Nonce own_nonce{};
    Nonce their_nonce{};
    MemberRecord record;  // the caller's, until it has proven it
    bool has_mesh = false;
  };

  void wait(LinkId id, Link& link, Instant until);
  void end_wait(LinkId id, Link& link);
  void forget(LinkId id);
  void ask(Instant now, LinkId id, Link& link, Effects& out);
  [[nodiscard]] std::optional<LinkFailed> fault_of(LinkId id, const MemberRecord& record,
                                                   bool has_mesh) const;
  void refuse(const LinkFailed& fault, Effects& out);
  void fail(const LinkFailed& fault, Effects& out);
  void drop_old_calls(NodeId node, LinkId proven);
  [[nodiscard]] std::uint32_t pending_count() const;

  SigningKey key_;
  NodeId self_;
  LinkIdentityOptions options_;
  Rng rng_;
  MemberRecord own_;
  bool has_mesh_ = false;
  std::map<LinkId, Link> links_;
  std::set<LinkId> running_;  // those of links_ with `until`: few, and asked for after every event
  std::map<LinkId, Hello> early_;  // that came before we had a record
};

static_assert(Machine<LinkIdentity>);

}  // namespace pixmesh
