#include "node/route_run.h"

#include <algorithm>

#include "base/digest.h"
#include "node/run_chain.h"
#include "processing/header_check.h"
#include "processing/render.h"
#include "processing/result_key.h"

namespace pixmesh {

RouteRun::RouteRun(OperationId id, const MeshView& mesh, const RecipeBook& book,
                   Avoidance& avoidance, HotImages& hot, RunJournal& journal, Post& post,
                   RunRequest request, PartitionId partition, HolderLists lists, LinkId client,
                   std::function<bool(NodeId)> is_heard, KeptHere kept)
    : Operation(id),
      mesh_(mesh),
      book_(book),
      avoidance_(avoidance),
      hot_images_(hot),
      journal_(journal),
      post_(post),
      is_heard_(std::move(is_heard)),
      kept_(std::move(kept)),
      request_(std::move(request)),
      partition_(partition),
      client_(client),
      lookup_(id, mesh, partition, name_digest_of(request_.name), std::nullopt, std::move(lists)) {}

Effects RouteRun::start(Instant now) {
  deadline_ = now + std::chrono::milliseconds(request_.deadline_ms);
  journal_.on_routed(now, request_);
  const auto entry = book_.look_up(request_.recipe);
  if (!entry) {
    fail(entry.error().code, entry.error().detail);
    return {};
  }
  const auto first = render_step(*entry.value(), request_.arguments);
  if (!first) {
    fail(first.error().code, first.error().detail);
    return {};
  }
  const auto steps = render_chain(book_, first.value(), request_.then, false);
  if (!steps) {
    fail(steps.error().code, steps.error().detail);
    return {};
  }
  choices_ = choices_of(steps.value());
  result_.choices = choices_;
  memory_most_ = memory_most_of(steps.value());
  result_.argv = argv_of(steps.value());
  result_.recipe_digest = entry.value()->digest;
  result_.then = request_.then;
  for (std::size_t i = 0; i < result_.then.size(); ++i) {
    result_.then[i].recipe_digest = steps.value()[i + 1].entry->digest;
  }
  return after_lookup(now, lookup_.start(now));
}

Effects RouteRun::on_message(Instant now, NodeId from, const PeerMessage& message) {
  return after_lookup(now, lookup_.on_message(now, from, message));
}

Effects RouteRun::after_lookup(Instant now, Effects effects) {
  if (answered_ || placement_ || !lookup_.done()) return effects;
  const LookupAnswer found =
      answer_of(lookup_.outcome(), mesh_, request_.name, request_.strict, partition_);
  if (found.code != ErrorCode{}) {
    fail(found.code, found.detail);
    return effects;
  }
  const auto entry = book_.look_up(request_.recipe);
  if (!entry) {
    fail(entry.error().code, entry.error().detail);
    return effects;
  }
  const MediaFacts& media = found.record.media;
  const auto checked = check_media(entry.value()->recipe, request_.name, media.type);
  if (!checked) {
    fail(checked.error().code, checked.error().detail);
    return effects;
  }
  const auto fits =
      check_header(entry.value()->recipe, header_with(media.type, media.width, media.height));
  if (!fits) {
    fail(fits.error().code, fits.error().detail);
    return effects;
  }
  result_.confirmed = found.confirmed;
  result_.input = {partition_,         found.record.digest,    found.record.size,
                   found.record.media, found.record.checksums, lookup_.outcome().have,
                   found.record.name};
  std::ranges::sort(result_.input.sources);
  if (!start_if_kept(now)) place(now);
  return effects;
}

bool RouteRun::start_if_kept(Instant now) {
  if (!request_.start_kept) return false;
  RunStart start;
  start.operation = request_.operation;
  start.request = request_.request;
  start.input = result_.input;
  start.recipe = request_.recipe;
  start.recipe_digest = result_.recipe_digest;
  start.arguments = request_.arguments;
  start.deadline_ms = static_cast<std::uint32_t>(std::max<Duration>(deadline_ - now, 1ms) / 1ms);
  start.batch = request_.batch;
  start.force = request_.force;
  start.then = result_.then;
  if (!kept_.has(start)) return false;
  const HolderAddress address = mesh_.address_of(mesh_.self);
  journal_.on_located(now, request_.request, {mesh_.self});
  journal_.on_placed(now, request_.request, {{mesh_.self}});
  RunCandidates result = result_;
  result.started = true;
  result.candidates.push_back({mesh_.self, address.control, address.bulk});
  answer(std::move(result));
  kept_.start(now, start);
  return true;
}

// Forced requests meet nobody.
Digest RouteRun::work() const {
  if (request_.force) return {};
  const auto work = work_of_chain(book_, result_.input.digest, request_.recipe, request_.arguments,
                                  request_.then);
  return work ? work->work : Digest{};
}

// The same ones for an image at whatever router, so that few have to borrow it.
std::vector<NodeId> RouteRun::helpers(Instant now) const {
  constexpr std::size_t helpers_max = 3;
  std::vector<std::pair<std::uint64_t, NodeId>> others;
  const std::vector<NodeId> holders = holders_of(lookup_.lists());
  for (const NodeId& node : mesh_.alive) {
    if (contains(result_.input.sources, node)) continue;
    if (std::ranges::find(holders, node) != holders.end()) continue;  // only slow to answer
    if (!is_heard_(node)) continue;
    const std::uint64_t key = chunk_checksum(result_.input.digest.raw);
    others.emplace_back(keyed_hash(key, node.raw), node);
  }
  std::ranges::sort(others);
  std::vector<NodeId> chosen;
  for (const auto& [hash, node] : others) {
    if (chosen.size() < helpers_max) chosen.push_back(node);
  }
  return avoidance_.preferred(now, chosen);
}

void RouteRun::place(Instant now) {
  // A lookup ends without the holders that are slow.
  const std::vector<NodeId>& have = lookup_.outcome().have;
  std::vector<NodeId> holders, others, living;
  const bool none_heard = std::ranges::none_of(have, is_heard_);
  for (const NodeId& node : have) {
    if (!is_heard_(node) && !(none_heard && mesh_.is_alive(node))) continue;
    holders.push_back(node);
    living.push_back(node);
  }
  for (const NodeId& node : holders_of(lookup_.lists())) {
    if (none_heard || std::ranges::find(have, node) != have.end() || !is_heard_(node)) continue;
    living.push_back(node);
    if (!avoidance_.avoids(now, node)) others.push_back(node);
  }
  holders = avoidance_.preferred(now, holders);
  journal_.on_located(now, request_.request, holders);
  const MediaFacts& media = result_.input.media;
  RunPlacementOptions options;
  options.living = living;
  options.in_doubt = std::ranges::any_of(holders_of(lookup_.lists()), [&](const NodeId& node) {
    return avoidance_.fell_silent_lately(now, node);
  });
  options.helpers = helpers(now);
  options.image_bytes = result_.input.size;
  options.wants_help = [this](Instant at, std::uint64_t least_wait) {
    return hot_images_.on_waits(at, result_.input.digest, least_wait);
  };
  ProbeLoad probe{id(),
                  request_.request,
                  request_.recipe,
                  result_.recipe_digest,
                  std::uint64_t{media.width} * media.height,
                  request_.batch,
                  static_cast<std::uint32_t>(std::max<Duration>(deadline_ - now, 1ms) / 1ms),
                  work(),
                  false,
                  result_.input.digest,
                  way_of(media.type, 0, choices_),
                  memory_most_};
  for (const RunStep& step : result_.then)
    probe.then.push_back({step.recipe, {}, step.recipe_digest});
  placement_.emplace(std::move(probe), std::move(holders), std::move(options), others);
  perform(now, placement_->start(now));
}

void RouteRun::on_load(Instant now, NodeId from, const LoadAnswer& load) {
  avoidance_.on_answered(from);
  journal_.on_load(now, request_.request, from, load);
  if (placement_ && !answered_) perform(now, placement_->on_answer(now, from, load));
}

void RouteRun::perform(Instant now, const RunPlacement::Effects& effects) {
  for (const PlacementEffect& effect : effects) {
    if (const auto* probe = std::get_if<SendProbe>(&effect)) {
      // Helpers were chosen a moment ago.
      if (is_heard_(probe->to)) {
        post_.to_member(probe->to, probe->message);
      } else {
        perform(now, placement_->on_unreachable(now, probe->to));
      }
    } else if (const auto* release = std::get_if<SendRelease>(&effect)) {
      post_.to_member(release->to, release->message);
    } else if (const auto* silent = std::get_if<HolderSilent>(&effect)) {
      avoidance_.on_unanswered(now, silent->node);
    } else if (const auto* placed = std::get_if<Placed>(&effect)) {
      journal_.on_placed(now, request_.request, placed->candidates);
      RunCandidates result = result_;
      // Who answered may have fallen silent while others were waited for.
      for (const Candidate& candidate : placed->candidates) {
        if (is_heard_(candidate.node)) result.candidates.push_back(candidate_of(candidate));
      }
      for (const Candidate& one : placement_->lost_helpers()) {
        result.lost.push_back(candidate_of(one));
      }
      if (result.candidates.empty()) {
        for (const Candidate& one : placed->candidates) {
          result.candidates.push_back(candidate_of(one));
        }
      }
      answer(std::move(result));
    } else if (const auto* failed = std::get_if<NotPlaced>(&effect)) {
      fail(failed->error.code, failed->error.detail, failed->retry_after);
    }
  }
}

RunCandidate RouteRun::candidate_of(const Candidate& ranked) const {
  const HolderAddress address = mesh_.address_of(ranked.node);
  RunCandidate candidate{ranked.node, address.control, address.bulk, ranked.score_micros};
  if (const LoadAnswer* load = placement_->load_of(ranked.node)) {
    candidate.wait_micros = load->wait_micros;
    candidate.run_micros = load->service_micros;
    candidate.memory_bytes = load->memory_bytes;
    candidate.memory_free = load->memory_free;
    candidate.bytes_to_move = placement_->bytes_to_move(ranked.node);
    candidate.workers = load->workers;
    candidate.moving_micros = moving_micros(candidate.bytes_to_move);
  }
  return candidate;
}

Effects RouteRun::on_member_down(Instant now, NodeId member) {
  if (answered_) return {};
  if (placement_) {
    perform(now, placement_->on_unreachable(now, member));
    return {};
  }
  return after_lookup(now, lookup_.on_member_down(now, member));
}

Effects RouteRun::on_deadline(Instant now) {
  if (answered_) return {};
  if (now >= deadline_) {
    if (placement_) perform(now, placement_->on_cancel(now));
    fail(ErrorCode::timed_out, "the request's time is over");
    return {};
  }
  if (placement_) {
    perform(now, placement_->on_deadline(now));
    return {};
  }
  return after_lookup(now, lookup_.on_deadline(now));
}

std::optional<Instant> RouteRun::next_deadline() const {
  if (answered_) return std::nullopt;
  const auto next = placement_ ? placement_->next_deadline() : lookup_.next_deadline();
  return next ? std::min(*next, deadline_) : deadline_;
}

void RouteRun::answer(RunCandidates candidates) {
  answered_ = true;
  candidates.operation = request_.operation;
  post_.to_link(client_, std::move(candidates));
}

void RouteRun::fail(ErrorCode code, std::string detail, Duration retry_after) {
  journal_.on_unplaced(request_.request, code, detail);
  RunCandidates failed;
  failed.code = code;
  failed.detail = std::move(detail);
  const Duration pause = retry_after > Duration{} ? retry_after : Duration(500ms);
  if (code == ErrorCode::overloaded) {
    failed.retry_after_ms = static_cast<std::uint32_t>(pause / 1ms);
  }
  answer(std::move(failed));
}

}  // namespace pixmesh
