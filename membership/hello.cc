#include "membership/hello.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/invariant.h"

namespace pixmesh {
namespace {

struct Parties {
  NodeId asker;
  NodeId answerer;
  Nonce asker_nonce{};
  Nonce answerer_nonce{};
};

Bytes words_of(const char* role, const Parties& parties) {
  CanonicalBytes bytes;
  bytes.text(role).u32(format_version);
  bytes.raw(parties.asker_nonce).raw(parties.answerer_nonce);
  bytes.raw(parties.asker.raw).raw(parties.answerer.raw);
  return bytes.bytes();
}

constexpr const char* answer_role = "pixmesh hello answer";
constexpr const char* proof_role = "pixmesh hello proof";

}  // namespace

LinkIdentity::LinkIdentity(SigningKey key, LinkIdentityOptions options, Rng rng)
    : key_(key), self_(node_id_of(key.public_key)), options_(options), rng_(rng) {}

LinkIdentity::Effects LinkIdentity::set_own(Instant now, const MemberRecord& record,
                                            bool has_mesh) {
  invariant(record.node == self_, "a hello carries the node's own record");
  own_ = record;
  has_mesh_ = has_mesh;
  Effects out;
  for (const auto& [link, hello] : std::exchange(early_, {})) {
    for (LinkIdentityEffect& effect : on_hello(now, link, hello)) out.push_back(std::move(effect));
  }
  return out;
}

LinkIdentity::Effects LinkIdentity::opened(Instant now, LinkId link,
                                           std::optional<NodeId> expected) {
  Effects out;
  Link& asked = links_[link];
  asked.we_asked = true;
  asked.expected = expected;
  ask(now, link, asked, out);
  return out;
}

void LinkIdentity::closed(LinkId link) {
  forget(link);
  early_.erase(link);
}

void LinkIdentity::wait(LinkId id, Link& link, Instant until) {
  link.until = until;
  running_.insert(id);
}

void LinkIdentity::end_wait(LinkId id, Link& link) {
  link.until.reset();
  running_.erase(id);
}

void LinkIdentity::forget(LinkId id) {
  links_.erase(id);
  running_.erase(id);
}

void LinkIdentity::ask(Instant now, LinkId id, Link& link, Effects& out) {
  rng_.fill(link.own_nonce);
  wait(id, link, now + options_.patience);
  out.push_back(SendHello{id, Hello{own_, link.own_nonce, has_mesh_}});
}

LinkIdentity::Effects LinkIdentity::on_hello(Instant now, LinkId link, const Hello& hello) {
  Effects out;
  if (own_.node != self_) {  // just started: our first record is not durable yet
    if (early_.size() < options_.pending_max) early_[link] = hello;
    return out;
  }
  const auto known = links_.find(link);
  if (known != links_.end() && known->second.we_asked) return out;  // roles are fixed by the link
  std::optional<LinkFailed> fault = fault_of(link, hello.record, hello.has_mesh);
  if (!fault && known == links_.end() && pending_count() >= options_.pending_max) {
    fault = LinkFailed{link, LinkFailure::busy, "too many nodes are calling; try again"};
  }
  if (fault) {
    refuse(*fault, out);
    return out;
  }
  Link& called = links_[link];
  called.their_nonce = hello.nonce;
  called.record = hello.record;
  called.has_mesh = hello.has_mesh;
  rng_.fill(called.own_nonce);
  wait(link, called, now + options_.patience);
  const Parties parties{hello.record.node, self_, hello.nonce, called.own_nonce};
  HelloAnswer answer{own_, called.own_nonce, has_mesh_};
  answer.signature = sign(key_, words_of(answer_role, parties));
  out.push_back(SendHello{link, std::move(answer)});
  return out;
}

LinkIdentity::Effects LinkIdentity::on_answer(Instant, LinkId link, const HelloAnswer& answer) {
  Effects out;
  const auto known = links_.find(link);
  if (known == links_.end() || !known->second.we_asked || !known->second.until) return out;
  Link& asked = known->second;
  const NodeId node = answer.record.node;
  std::optional<LinkFailed> fault = fault_of(link, answer.record, answer.has_mesh);
  if (!fault && asked.expected && *asked.expected != node) {
    fault = LinkFailed{link, LinkFailure::wrong_node,
                       "node " + short_text(node) + " answers where node " +
                           short_text(*asked.expected) + " was expected"};
  }
  const Parties parties{self_, node, asked.own_nonce, answer.nonce};
  if (!fault &&
      !verify(answer.record.signing_key, words_of(answer_role, parties), answer.signature)) {
    fault = LinkFailed{link, LinkFailure::bad_signature, "the answer's signature is wrong"};
  }
  if (fault) {
    refuse(*fault, out);
    return out;
  }
  end_wait(link, asked);
  asked.verified = node;
  out.push_back(SendHello{link, HelloProof{sign(key_, words_of(proof_role, parties))}});
  out.push_back(LinkVerified{link, node, answer.record, answer.has_mesh});
  return out;
}

LinkIdentity::Effects LinkIdentity::on_proof(Instant, LinkId link, const HelloProof& proof) {
  Effects out;
  const auto known = links_.find(link);
  if (known == links_.end() || known->second.we_asked || !known->second.until) return out;
  Link& called = known->second;
  const NodeId node = called.record.node;
  const Parties parties{node, self_, called.their_nonce, called.own_nonce};
  if (!verify(called.record.signing_key, words_of(proof_role, parties), proof.signature)) {
    refuse({link, LinkFailure::bad_signature, "the proof's signature is wrong"}, out);
    return out;
  }
  end_wait(link, called);
  called.verified = node;
  out.push_back(LinkVerified{link, node, std::move(called.record), called.has_mesh});
  called.record = {};
  drop_old_calls(node, link);
  return out;
}

LinkIdentity::Effects LinkIdentity::on_refused(Instant, LinkId link, const HelloRefused& refused) {
  Effects out;
  // Only a handshake can be refused; a proven link is not ended by a late word.
  const auto known = links_.find(link);
  if (known == links_.end() || !known->second.until) return out;
  fail({link, LinkFailure::refused, refused.reason}, out);
  return out;
}

LinkIdentity::Effects LinkIdentity::on_wanted(Instant now, LinkId link) {
  Effects out;
  const auto known = links_.find(link);
  if (known == links_.end() || !known->second.we_asked || known->second.until) return out;
  ask(now, link, known->second, out);
  return out;
}

LinkIdentity::Effects LinkIdentity::on_message(Instant now, LinkId link,
                                               const HelloMessage& message) {
  if (const auto* hello = std::get_if<Hello>(&message)) return on_hello(now, link, *hello);
  if (const auto* answer = std::get_if<HelloAnswer>(&message)) return on_answer(now, link, *answer);
  if (const auto* proof = std::get_if<HelloProof>(&message)) return on_proof(now, link, *proof);
  if (const auto* no = std::get_if<HelloRefused>(&message)) return on_refused(now, link, *no);
  return on_wanted(now, link);
}

LinkIdentity::Effects LinkIdentity::on_deadline(Instant now) {
  Effects out;
  std::vector<LinkId> late;
  for (const LinkId id : running_) {
    if (*links_.at(id).until <= now) late.push_back(id);
  }
  for (const LinkId id : late) {
    fail({id, LinkFailure::timed_out, "no answer to our hello within the time"}, out);
  }
  return out;
}

std::optional<LinkFailed> LinkIdentity::fault_of(LinkId id, const MemberRecord& record,
                                                 bool has_mesh) const {
  if (record.format != format_version) {
    return LinkFailed{id, LinkFailure::bad_signature,
                      "record format " + std::to_string(record.format) + " is not known here"};
  }
  if (!verify_record(record)) {
    return LinkFailed{id, LinkFailure::bad_signature, "the record in the hello is not valid"};
  }
  if (record.node == self_ && record.boot == own_.boot) {
    return LinkFailed{id, LinkFailure::own_call, "the node has called itself"};
  }
  if (record.node == self_) {
    return LinkFailed{id, LinkFailure::own_identity, "another process uses this identity"};
  }
  if (has_mesh && has_mesh_ && record.mesh != own_.mesh) {
    return LinkFailed{id, LinkFailure::other_mesh,
                      "node " + short_text(record.node) + " belongs to mesh " +
                          short_text(record.mesh) + ", node " + short_text(self_) + " to mesh " +
                          short_text(own_.mesh)};
  }
  return std::nullopt;
}

void LinkIdentity::refuse(const LinkFailed& fault, Effects& out) {
  out.push_back(SendHello{fault.link, HelloRefused{fault.reason}});
  fail(fault, out);
}

void LinkIdentity::fail(const LinkFailed& fault, Effects& out) {
  forget(fault.link);
  out.push_back(fault);
}

void LinkIdentity::drop_old_calls(NodeId node, LinkId proven) {
  // Lost links never say so. If one of these is in use after all, it is asked for a new hello.
  std::vector<LinkId> calls;
  for (const auto& [id, link] : links_) {
    if (!link.we_asked && link.verified == node && id != proven) calls.push_back(id);
  }
  for (std::size_t i = 0; i + options_.calls_per_node_max < calls.size() + 1; ++i) {
    forget(calls[i]);
  }
}

std::uint32_t LinkIdentity::pending_count() const {
  return static_cast<std::uint32_t>(std::ranges::count_if(
      links_, [](const auto& one) { return !one.second.we_asked && !one.second.verified; }));
}

std::optional<NodeId> LinkIdentity::identity_of(LinkId link) const {
  const auto known = links_.find(link);
  return known != links_.end() ? known->second.verified : std::nullopt;
}

std::optional<Instant> LinkIdentity::next_deadline() const {
  std::optional<Instant> first;
  for (const LinkId id : running_) {
    const Instant until = *links_.at(id).until;
    if (!first || until < *first) first = until;
  }
  return first;
}

void LinkIdentity::check_invariants() const {
  for (const auto& [id, link] : links_) {
    invariant(link.verified || link.until, "an unproven link has a deadline");
    invariant(link.verified != self_, "no link leads to ourselves");
    invariant(link.until.has_value() == running_.contains(id), "running handshakes are known");
  }
  const bool all_exist =
      std::ranges::all_of(running_, [this](LinkId id) { return links_.contains(id); });
  invariant(all_exist, "only links have handshakes");
}

}  // namespace pixmesh
