#include "routing/request.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "base/limits.h"
#include "routing/hot_images.h"

namespace pixmesh {
namespace {

void add_name(std::string& names, NodeId node) {
  names += (names.empty() ? "" : ", ") + short_text(node);
}

bool takes_it(const LoadAnswer& load) {
  if (!load.has_recipe || !load.accepts_work || load.workers == 0) return false;
  if (load.known != KnownWork::nothing) return true;  // it costs no lane and no memory
  return !load.too_large && load.retry_after_ms == 0;
}

}  // namespace

RunPlacement::RunPlacement(ProbeLoad probe, std::vector<NodeId> holders,
                           RunPlacementOptions options, const std::vector<NodeId>& others)
    : probe_(std::move(probe)), options_(std::move(options)) {
  for (const NodeId holder : holders) {
    if (asked_.size() < replicas_max) asked_[holder].has_image = true;
  }
  if (probe_.work == Digest{}) return;
  for (const NodeId other : others) {
    if (asked_.size() < replicas_max) asked_.try_emplace(other);
  }
}

RunPlacement::Effects RunPlacement::start(Instant now) {
  invariant(state_ == State::fresh, "a placement starts once");
  state_ = State::asking;
  asked_at_ = now;
  const bool has_work = probe_.work != Digest{};
  deadline_ = now + (has_work ? options_.work_timeout : options_.probe_timeout);
  if (asked_.empty()) return decide(now);
  std::vector<NodeId> nodes;
  for (const auto& [node, asked] : asked_) nodes.push_back(node);
  const std::vector<NodeId>& living = options_.living.empty() ? nodes : options_.living;
  if (has_work) arbiter_ = arbiter_of(probe_.work, living);
  Effects effects;
  for (const NodeId& node : nodes) {
    ProbeLoad probe = probe_;
    probe.arbiter = node == arbiter_;
    effects.emplace_back(SendProbe{node, std::move(probe)});
  }
  return effects;
}

RunPlacement::Effects RunPlacement::on_answer(Instant now, NodeId from, const LoadAnswer& answer) {
  const auto found = asked_.find(from);
  const bool expected = state_ == State::asking && found != asked_.end() &&
                        answer.operation == probe_.operation && !found->second.answer;
  if (!expected) return {};
  found->second.silent = false;
  found->second.answer = answer;
  if (all_heard() || place_is_known()) return decide(now);
  return now >= deadline_ ? on_deadline(now) : Effects{};
}

RunPlacement::Effects RunPlacement::on_unreachable(Instant now, NodeId node) {
  const auto found = asked_.find(node);
  if (state_ != State::asking || found == asked_.end() || found->second.answer) return {};
  found->second.silent = true;
  if (all_heard()) return decide(now);
  return now >= deadline_ ? on_deadline(now) : Effects{};
}

RunPlacement::Effects RunPlacement::on_deadline(Instant now) {
  if (state_ != State::asking || now < deadline_) return {};
  for (auto& [node, asked] : asked_) asked.silent = !asked.answer;
  return decide(now);
}

RunPlacement::Effects RunPlacement::on_cancel(Instant) {
  Effects effects;
  if (std::exchange(state_, State::decided) == State::asking) {
    release_all_but(std::nullopt, effects);
  }
  return effects;
}

std::optional<Instant> RunPlacement::next_deadline() const {
  return state_ == State::asking ? std::optional(deadline_) : std::nullopt;
}

bool RunPlacement::all_heard() const {
  return std::ranges::all_of(
      asked_, [](const auto& entry) { return entry.second.silent || entry.second.answer; });
}

RunPlacement::Effects RunPlacement::ask_helpers(Instant now) {
  std::optional<std::uint64_t> least;
  for (const auto& [node, asked] : asked_) {
    if (asked.helper) return {};
    if (!asked.answer || !asked.answer->has_recipe || !asked.answer->accepts_work) continue;
    least = std::min(least.value_or(asked.answer->wait_micros), asked.answer->wait_micros);
  }
  if (!least || !options_.wants_help || !options_.wants_help(now, *least)) return {};
  Effects effects;
  for (const NodeId helper : options_.helpers) {
    const auto [place, is_new] = asked_.try_emplace(helper);
    if (!is_new) continue;
    place->second.helper = true;
    effects.emplace_back(SendProbe{helper, probe_});
  }
  if (!effects.empty()) deadline_ = now + options_.probe_timeout;
  return effects;
}

RunPlacement::Effects RunPlacement::decide(Instant now) {
  Effects effects;
  if (!place_is_known()) effects = ask_helpers(now);
  if (!effects.empty()) return effects;
  state_ = State::decided;
  for (const auto& [node, asked] : asked_) {
    if (asked.silent) effects.emplace_back(HolderSilent{node});
  }
  std::vector<Candidate> candidates = usable();
  if (arbiter_ != NodeId{}) {
    // Without the arbiter's word others may be choosing too.
    const auto arbiter = asked_.find(arbiter_);
    const bool has_spoken = arbiter != asked_.end() && arbiter->second.answer;
    const bool late = now >= asked_at_ + options_.late_after || !has_spoken || options_.in_doubt;
    candidates = in_order_of_work(probe_.work, std::move(candidates), work_answers(), late);
  }
  if (candidates.empty()) {
    release_all_but(std::nullopt, effects);
    effects.emplace_back(why_not());
    return effects;
  }
  release_all_but(candidates.front().node, effects);
  effects.emplace_back(Placed{std::move(candidates)});
  return effects;
}

RunPlacement::Ranked RunPlacement::ranked() const {
  std::vector<HolderLoad> holders, helpers;
  for (const auto& [node, asked] : asked_) {
    if (!asked.answer || !takes_it(*asked.answer)) continue;
    if (!asked.helper && !asked.has_image && !is_place(node, *asked.answer)) continue;
    const LoadAnswer& load = *asked.answer;
    std::vector<HolderLoad>& loads = asked.helper ? helpers : holders;
    loads.push_back({node, load.running, load.queued, load.announced, load.workers,
                     load.service_micros, load.wait_micros});
  }
  Ranked ranked{rank_holders(holders), {}, {}};
  std::vector<Candidate> helping = rank_holders(helpers);
  for (Candidate& helper : helping)
    helper.score_micros += moving_micros(bytes_to_move(helper.node));
  std::ranges::stable_sort(helping, {}, &Candidate::score_micros);
  for (const Candidate& one : helping) {
    const bool pays =
        ranked.holders.empty() || one.score_micros < ranked.holders.front().score_micros;
    (pays ? ranked.helpers : ranked.lost).push_back(one);
  }
  return ranked;
}

std::vector<Candidate> RunPlacement::usable() const {
  Ranked all = ranked();
  std::vector<Candidate> usable = std::move(all.holders);
  usable.insert(usable.end(), all.helpers.begin(), all.helpers.end());
  std::ranges::stable_sort(usable, {}, &Candidate::score_micros);
  return usable;
}

std::vector<Candidate> RunPlacement::lost_helpers() const { return ranked().lost; }

// Who is not known to have the image has it, if the work is there.
bool RunPlacement::is_place(NodeId node, const LoadAnswer& answer) const {
  return answer.known != KnownWork::nothing || std::ranges::any_of(asked_, [&](const auto& entry) {
           return entry.second.answer && entry.second.answer->placed_at == node;
         });
}

std::vector<WorkAnswer> RunPlacement::work_answers() const {
  std::vector<WorkAnswer> answers;
  for (const auto& [node, asked] : asked_) {
    if (!asked.answer) continue;
    answers.push_back({node, asked.answer->known, asked.answer->placed_at, asked.answer->claimed});
  }
  return answers;
}

bool RunPlacement::place_is_known() const {
  return arbiter_ != NodeId{} && place_of_work(usable(), work_answers()) != NodeId{};
}

std::uint64_t RunPlacement::bytes_to_move(NodeId node) const {
  const auto found = asked_.find(node);
  if (found == asked_.end() || !found->second.helper) return 0;
  const bool is_there = found->second.answer && found->second.answer->has_image;
  return is_there ? 0 : options_.image_bytes;
}

const LoadAnswer* RunPlacement::load_of(NodeId holder) const {
  const auto found = asked_.find(holder);
  return found == asked_.end() || !found->second.answer ? nullptr : &*found->second.answer;
}

// The reason that is soonest over comes first.
NotPlaced RunPlacement::why_not() const {
  std::string without, draining, full, small;
  std::uint32_t soonest = 0;
  for (const auto& [node, asked] : asked_) {
    if (!asked.answer) continue;
    const LoadAnswer& load = *asked.answer;
    const bool works = load.accepts_work && load.workers >= 1;
    const bool is_full = load.has_recipe && works && !load.too_large;
    add_name(!load.has_recipe ? without : !works ? draining : load.too_large ? small : full, node);
    if (is_full && (soonest == 0 || load.retry_after_ms < soonest)) soonest = load.retry_after_ms;
  }
  if (!full.empty()) {
    return {{ErrorCode::overloaded, "the queues are full on: " + full},
            std::chrono::milliseconds(soonest)};
  }
  if (!draining.empty()) {
    return {{ErrorCode::overloaded, "holders that take no new work: " + draining}};
  }
  if (!small.empty()) {
    return {{ErrorCode::denied,
             "the run needs more memory than its holders give their tools (--memory): " + small}};
  }
  if (!without.empty()) {
    return {
        {ErrorCode::overloaded, "the recipe differs, or what it needs is missing, on: " + without}};
  }
  return {{ErrorCode::unreachable,
           asked_.empty() ? "no holder of the image is alive" : "no holder of the image answers"}};
}

void RunPlacement::release_all_but(std::optional<NodeId> kept, Effects& effects) const {
  for (const auto& [node, asked] : asked_) {
    const bool is_told = node != kept || (node == arbiter_ && arbiter_ != NodeId{});
    if (!is_told) continue;
    ReleaseLoad release{probe_.request, {}};
    if (arbiter_ != NodeId{} && kept) release.placed_at = *kept;
    effects.emplace_back(SendRelease{node, release});
  }
}

void RunPlacement::check_invariants() const {
  invariant(asked_.size() <= replicas_max + options_.helpers.size(),
            "only holders and helpers are asked");
  invariant(state_ != State::asking || !all_heard(), "all heard is decided");
  for (const auto& [node, asked] : asked_) {
    invariant(!(asked.silent && asked.answer), "an answer ends silence");
  }
}

}  // namespace pixmesh
