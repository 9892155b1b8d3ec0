#include "node/route_run.h"

#include <algorithm>

#include "base/digest.h"
#include "processing/header_check.h"
#include "processing/render.h"
#include "processing/result_key.h"

namespace pixmesh {

RouteRun::RouteRun(OperationId id, const MeshView& mesh, const RecipeBook& book,
                   Avoidance& avoidance, Post& post, RunRequest request, PartitionId partition,
                   HolderLists lists, LinkId client)
    : Operation(id),
      mesh_(mesh),
      book_(book),
      avoidance_(avoidance),
      post_(post),
      request_(std::move(request)),
      partition_(partition),
      client_(client),
      lookup_(id, mesh, partition, name_digest_of(request_.name), std::nullopt, std::move(lists)) {}

Effects RouteRun::start(Instant now) {
  const auto entry = book_.look_up(request_.recipe);
  if (!entry) {
    fail(entry.error().code, entry.error().detail);
    return {};
  }
  GivenParameters given;
  for (const RunArgument& argument : request_.arguments) {
    given.emplace_back(argument.key, argument.value);
  }
  const auto command = render_arguments(entry.value()->recipe, given);
  if (!command) {
    fail(command.error().code, command.error().detail);
    return {};
  }
  result_.argv = command->argv;
  result_.recipe_digest = entry.value()->digest;
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
  result_.input = {partition_, found.record.digest, found.record.size, found.record.media,
                   found.record.checksums};
  place(now);
  return effects;
}

// Forced requests meet nobody.
Digest RouteRun::work() const {
  const auto entry = book_.look_up(request_.recipe);
  if (!entry || request_.force) return {};
  GivenParameters given;
  for (const RunArgument& argument : request_.arguments) {
    given.emplace_back(argument.key, argument.value);
  }
  const auto values = read_parameters(entry.value()->recipe, given);
  if (!values) return {};
  return work_of(result_.input.digest, result_.recipe_digest, values.value());
}

void RouteRun::place(Instant now) {
  // A lookup ends without the holders that are slow.
  const std::vector<NodeId>& have = lookup_.outcome().have;
  std::vector<NodeId> holders, others;
  for (const NodeId& node : have) {
    if (mesh_.is_alive(node)) holders.push_back(node);
  }
  for (const NodeId& node : holders_of(lookup_.lists())) {
    const bool is_other = std::ranges::find(have, node) == have.end() && mesh_.is_alive(node);
    if (is_other && !avoidance_.avoids(now, node)) others.push_back(node);
  }
  holders = avoidance_.preferred(now, holders);
  const MediaFacts& media = result_.input.media;
  placement_.emplace(ProbeLoad{id(), request_.request, request_.recipe, result_.recipe_digest,
                               std::uint64_t{media.width} * media.height, work(), false},
                     std::move(holders), RunPlacementOptions{}, others);
  perform(now, placement_->start(now));
}

void RouteRun::on_load(Instant now, NodeId from, const LoadAnswer& load) {
  avoidance_.on_answered(from);
  if (placement_ && !answered_) perform(now, placement_->on_answer(now, from, load));
}

void RouteRun::perform(Instant now, const RunPlacement::Effects& effects) {
  for (const PlacementEffect& effect : effects) {
    if (const auto* probe = std::get_if<SendProbe>(&effect)) {
      post_.to_member(probe->to, probe->message);
    } else if (const auto* release = std::get_if<SendRelease>(&effect)) {
      post_.to_member(release->to, release->message);
    } else if (const auto* silent = std::get_if<HolderSilent>(&effect)) {
      avoidance_.on_unanswered(now, silent->node);
    } else if (const auto* placed = std::get_if<Placed>(&effect)) {
      RunCandidates result = result_;
      for (const Candidate& candidate : placed->candidates) {
        const HolderAddress address = mesh_.address_of(candidate.node);
        result.candidates.push_back(
            {candidate.node, address.control, address.bulk, candidate.score_micros});
      }
      answer(std::move(result));
    } else if (const auto* failed = std::get_if<NotPlaced>(&effect)) {
      fail(failed->error.code, failed->error.detail);
    }
  }
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
  if (placement_) {
    perform(now, placement_->on_deadline(now));
    return {};
  }
  return after_lookup(now, lookup_.on_deadline(now));
}

std::optional<Instant> RouteRun::next_deadline() const {
  if (answered_) return std::nullopt;
  return placement_ ? placement_->next_deadline() : lookup_.next_deadline();
}

void RouteRun::answer(RunCandidates candidates) {
  answered_ = true;
  candidates.operation = request_.operation;
  post_.to_link(client_, std::move(candidates));
}

void RouteRun::fail(ErrorCode code, std::string detail) {
  RunCandidates failed;
  failed.code = code;
  failed.detail = std::move(detail);
  if (code == ErrorCode::overloaded) failed.retry_after_ms = 500;
  answer(std::move(failed));
}

}  // namespace pixmesh
