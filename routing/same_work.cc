#include "routing/same_work.h"

#include <algorithm>
#include <optional>

#include "base/digest.h"

namespace pixmesh {
namespace {

std::uint64_t draw_of(const Digest& work, NodeId node) {
  return keyed_hash(little_endian(ByteView(work.raw).first(8)), node.raw);
}

bool comes_before(const Digest& work, NodeId a, NodeId b) {
  const std::uint64_t of_a = draw_of(work, a), of_b = draw_of(work, b);
  return of_a != of_b ? of_a < of_b : a < b;
}

/// Zero: none of them.
NodeId first_that_says(KnownWork known, std::span<const Candidate> ranked,
                       std::span<const WorkAnswer> answers) {
  for (const Candidate& candidate : ranked) {
    const auto said = std::ranges::find(answers, candidate.node, &WorkAnswer::node);
    if (said != answers.end() && said->known == known) return candidate.node;
  }
  return {};
}

}  // namespace

NodeId place_of_work(std::span<const Candidate> ranked, std::span<const WorkAnswer> answers) {
  const auto can_run = [&](NodeId node) {
    return std::ranges::find(ranked, node, &Candidate::node) != ranked.end();
  };
  for (const KnownWork wanted : {KnownWork::kept, KnownWork::going_on}) {
    if (const NodeId node = first_that_says(wanted, ranked, answers); node != NodeId{}) return node;
  }
  for (const WorkAnswer& said : answers) {
    if (can_run(said.placed_at)) return said.placed_at;
  }
  return {};
}

NodeId arbiter_of(const Digest& work, std::span<const NodeId> nodes) {
  const auto first =
      std::ranges::min_element(nodes, [&](NodeId a, NodeId b) { return comes_before(work, a, b); });
  return first == nodes.end() ? NodeId{} : *first;
}

std::vector<Candidate> in_order_of_work(const Digest& work, std::vector<Candidate> ranked,
                                        std::span<const WorkAnswer> answers, bool late) {
  if (ranked.empty()) return ranked;
  const bool in_doubt = late || std::ranges::any_of(answers, [](const WorkAnswer& said) {
                          return said.claimed || said.placed_at != NodeId{};
                        });
  NodeId first = place_of_work(ranked, answers);
  if (first == NodeId{}) first = first_that_says(KnownWork::failed, ranked, answers);
  if (first == NodeId{} && !in_doubt) first = ranked.front().node;
  std::ranges::sort(ranked, [&](const Candidate& a, const Candidate& b) {
    const bool a_first = a.node == first, b_first = b.node == first;
    return a_first != b_first ? a_first : comes_before(work, a.node, b.node);
  });
  return ranked;
}

}  // namespace pixmesh
