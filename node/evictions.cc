#include "node/evictions.h"

#include <algorithm>

#include "wire/stored.h"

namespace pixmesh {
namespace {

constexpr std::string_view vote_key = "vote";
constexpr std::string_view wish_key = "forget/";
constexpr Duration forget_again_after = 5s;  // time for a member that came back to prove it

VoterState voter_state_in(const TableRows& facts) {
  for (const auto& [key, value] : facts.rows) {
    if (text_of(key) != vote_key) continue;
    if (auto state = decode_voter_state(value)) return std::move(state).value();
  }
  return {};
}

EvictionVote::Options options_of(const NodeOptions& options) {
  EvictionVote::Options vote;
  vote.out_delay = options.out_delay;
  return vote;
}

}  // namespace

TableRow eviction_row(const Eviction& eviction) {
  const std::string key = eviction.given_up ? "given_up/" : "eviction/";
  return fact_row(key + to_text(eviction.node), encode_eviction(eviction));
}

Evictions::Evictions(const NodeOptions& options, const TableRows& facts, MemberTable& table,
                     StateWriter& writer, Outside& outside, Post& post, Rng rng)
    : options_(options),
      table_(table),
      writer_(writer),
      outside_(outside),
      post_(post),
      vote_(table.self(), voter_state_in(facts), options_of(options), rng) {
  for (const auto& [key, value] : facts.rows) {
    NodeId node;
    const std::string_view name = text_of(key);
    if (name.rfind(wish_key, 0) != 0 || !parse_id(name.substr(wish_key.size()), node)) continue;
    vote_.restore_wish(node);
  }
  stored_wishes_ = vote_.given_up();
}

EvictionScene Evictions::scene(const Peers& peers, const Epoch& in_use, bool settled) const {
  EvictionScene scene;
  scene.epoch = in_use;
  scene.current = in_use == table_.epoch();
  scene.settled = settled && scene.current;
  if (table_.settings() == nullptr) return scene;
  scene.replicas = table_.settings()->replicas;
  scene.life = table_.evicted_up_to(table_.self());
  for (const MemberRecord* member : table_.active()) {
    const NodeId node = member->node;
    scene.active.push_back(node);
    const LifeState life = node == table_.self() ? LifeState::alive : peers.life_of(node);
    if (life == LifeState::alive) scene.alive.push_back(node);
    if (life > LifeState::suspect) scene.dead.push_back({node, member->generation});
  }
  return scene;
}

void Evictions::on_message(Instant now, Peers& peers, NodeId from, const VoteMessage& message,
                           const EvictionScene& scene) {
  perform(now, peers, vote_.on_message(now, from, message, scene));
}

void Evictions::on_deadline(Instant now, Peers& peers, const EvictionScene& scene, bool frozen) {
  if (forget_at_ && now >= *forget_at_) forget_again(now, peers, frozen);
  perform(now, peers, vote_.on_deadline(now, scene));
  keep_wishes();
}

void Evictions::on_member_proven(NodeId node) {
  forgotten_.erase(node);
  vote_.take_back(node);
  keep_wishes();
}

void Evictions::keep_wishes() {
  std::vector<NodeId> wishes = vote_.given_up();
  if (wishes == stored_wishes_) return;
  std::vector<TableRow> rows;
  const auto add = [&](const NodeId& node, std::optional<Bytes> value) {
    rows.push_back(fact_row(std::string(wish_key) + to_text(node), std::move(value)));
  };
  for (const NodeId& node : wishes) {
    if (!std::ranges::binary_search(stored_wishes_, node)) add(node, Bytes{1});
  }
  for (const NodeId& node : stored_wishes_) {
    if (!std::ranges::binary_search(wishes, node)) add(node, std::nullopt);
  }
  stored_wishes_ = std::move(wishes);
  writer_.write(std::move(rows));
}

std::vector<VoteStatus> Evictions::votes(Instant now, const EvictionScene& scene,
                                         bool frozen) const {
  std::string waits_for;
  if (frozen) {
    waits_for = "more than half of the members to answer";
  } else if (scene.active.size() <= scene.replicas) {
    waits_for = "another member: the mesh has " + std::to_string(scene.active.size()) +
                " and keeps " + std::to_string(scene.replicas) + " copies";
  } else if (vote_.lacks_voters(scene)) {
    waits_for = "more of those that were members when all of them last met";
  } else if (!scene.settled) {
    waits_for = "partitions that are in motion";
  }
  std::vector<VoteStatus> votes;
  for (const EvictionTarget& lost : vote_.lost(now, scene)) {
    votes.push_back({lost.node, std::ranges::binary_search(stored_wishes_, lost.node), waits_for});
  }
  for (const NodeId& node : stored_wishes_) {
    if (std::ranges::find(votes, node, &VoteStatus::node) != votes.end()) continue;
    votes.push_back({node, true, "the members to hold it dead"});
  }
  std::ranges::sort(votes, {}, &VoteStatus::node);
  if (votes.size() > page_entries_max) votes.resize(page_entries_max);
  return votes;
}

std::optional<Instant> Evictions::next_deadline() const {
  const auto vote_at = vote_.next_deadline();
  if (vote_at && forget_at_) return std::min(*vote_at, *forget_at_);
  return vote_at ? vote_at : forget_at_;
}

void Evictions::perform(Instant now, Peers& peers, EvictionVote::Effects effects) {
  const auto send = [this](const SendVote& vote) {
    post_.to_member(vote.to, to_message(vote.message));
  };
  for (VoteEffect& effect : effects) {
    if (const auto* vote = std::get_if<SendVote>(&effect)) {
      send(*vote);
    } else if (auto* store = std::get_if<StoreVote>(&effect)) {
      writer_.write(
          {fact_row(vote_key, encode_voter_state(store->state))},
          [send, then = std::move(store->then)](Instant) { std::ranges::for_each(then, send); });
    } else if (const auto* decided = std::get_if<EvictionDecided>(&effect)) {
      for (const EvictionTarget& target : decided->targets) {
        if (!evict(now, peers, target, false)) continue;
        outside_.log.event(LogLevel::warning, "member_evicted",
                           {{"member", short_text(target.node)}, {"by", "a vote of the members"}});
      }
    }
  }
}

void Evictions::on_members_changed(Instant now, const MembersChanged& changed) {
  for (const NodeId& node : changed.nodes) {
    if (forgotten_.contains(node) && !forget_at_) forget_at_ = now + forget_again_after;
  }
}

Result<std::string> Evictions::forget(Instant now, Peers& peers, const CommandRequest& command,
                                      const EvictionScene& scene, bool frozen) {
  const NodeId node = command.target;
  const Eviction* giving_up = table_.giving_up_of(node);
  const MemberRecord* record = table_.find(node);
  const bool is_given_up =
      giving_up != nullptr && record != nullptr && record->generation <= giving_up->generation;
  if (command.force ? is_given_up : table_.is_evicted(node)) {  // the answer may have been missed
    if (command.force) forgotten_.insert(node);
    return "node " + to_text(node) + " is forgotten already";
  }
  if (record == nullptr) return Error{ErrorCode::not_found, "no member has this id"};
  if (node == table_.self()) {
    return Error{ErrorCode::usage, "a node cannot forget itself; use 'pixmesh node leave'"};
  }
  if (peers.life_of(node) == LifeState::alive) {
    return Error{ErrorCode::usage, "that node is alive; use 'pixmesh node leave' on it"};
  }
  if (!command.force) return forget_by_vote(*record, scene, frozen);
  if (!evict(now, peers, {node, record->generation}, true)) {
    return Error{ErrorCode::failed, "the eviction was not adopted"};
  }
  forgotten_.insert(node);
  return "node " + to_text(node) + " is forgotten; its partitions get new holders";
}

Result<std::string> Evictions::forget_by_vote(const MemberRecord& lost, const EvictionScene& scene,
                                              bool frozen) {
  const NodeId node = lost.node;
  const std::string force =
      "; if it will never return, --force has this node alone forget it, and gives up what only "
      "that node holds";
  if (frozen) {
    return Error{ErrorCode::usage,
                 "half of the members or fewer are alive, so they decide nothing" + force};
  }
  if (scene.active.size() <= scene.replicas) {
    return Error{ErrorCode::fewer_copies, "the mesh has " + std::to_string(scene.active.size()) +
                                              " active members and keeps " +
                                              std::to_string(scene.replicas) +
                                              " copies; add a node first" + force};
  }
  if (lost.state != MemberState::active) {
    return Error{ErrorCode::usage, "the members vote on active members, and that node is " +
                                       std::string(text_of(lost.state)) + force};
  }
  vote_.give_up(node);
  keep_wishes();
  return "the members vote on node " + to_text(node) +
         "; it is forgotten when a majority agrees and the mesh has settled ('pixmesh status')";
}

// Hides the records of the node up to this generation.
bool Evictions::evict(Instant now, Peers& peers, const EvictionTarget& target, bool given_up) {
  Eviction eviction;
  eviction.mesh = table_.settings()->mesh;
  eviction.node = target.node;
  eviction.generation = target.generation;
  eviction.given_up = given_up;
  eviction = sign_eviction(eviction, options_.key);
  if (table_.merge(eviction).outcome != MergeOutcome::adopted) return false;
  writer_.write({eviction_row(eviction)});
  peers.note_change(target.node);
  peers.announce(now, target.node);
  return true;
}

// A frozen node may be the one that is lost, and decides nothing.
void Evictions::forget_again(Instant now, Peers& peers, bool frozen) {
  forget_at_.reset();
  for (const NodeId& node : forgotten_) {
    const MemberRecord* record = table_.find(node);
    if (table_.is_evicted(node) || record->state == MemberState::left) continue;
    if (frozen || peers.life_of(node) != LifeState::dead) {
      forget_at_ = now + forget_again_after;  // not yet known to be silent
    } else if (evict(now, peers, {node, record->generation}, true)) {
      outside_.log.event(LogLevel::info, "member_forgotten_again", {{"member", short_text(node)}});
    }
  }
}

}  // namespace pixmesh
