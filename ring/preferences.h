#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ring/keys.h"
#include "ring/shares.h"

namespace pixmesh {

/// For each partition its nodes in the order in which it wants them, and which refused it.
///
/// Only the best 24 (at most 8 of one zone, more when there are few zones) are ranked at first;
/// a partition that runs out of them gets the full list. Which of the two serves a partition never
/// changes an answer: next_choice asks for the full list whenever an unlisted node could be next.
class Preferences {
 public:
  Preferences(const Shares& shares, const Keys& keys);

  /// The best node that has not refused `partition` and fits `row`, its nodes so far;
  /// nothing if there is none.
  [[nodiscard]] std::optional<Ranked> next_choice(std::uint32_t partition,
                                                  std::span<const std::uint16_t> row);
  /// `node` will not be chosen for `partition` again; it was, as `choice`.
  void refuse(std::uint32_t partition, Ranked choice);

  /// Nodes ranked so far, best first; all of them or the best few.
  [[nodiscard]] std::span<const Ranked> ranked_of(std::uint32_t partition) const;

 private:
  struct FullList {
    std::vector<Ranked> nodes;
    std::vector<bool> refused;
  };

  void rank_best(std::uint32_t partition, Smallest& best, Smallest& best_of_zone);
  void rank_all(std::uint32_t partition);
  [[nodiscard]] bool is_refused(std::uint32_t partition, std::size_t place) const;
  [[nodiscard]] bool is_last_listed(std::uint32_t partition, std::size_t place) const;
  [[nodiscard]] bool complete(std::uint32_t partition) const;

  const Shares& shares_;
  const Keys& keys_;
  std::size_t zone_length_ = 0;              // listed nodes of one zone, at most
  std::size_t length_ = 0;                   // of every short list
  std::vector<Ranked> short_lists_;          // by partition, length_ each, ascending
  std::vector<std::uint64_t> refused_;       // by partition: one bit per listed node
  std::vector<std::uint64_t> last_listed_;   // likewise: its zone has more nodes than are listed
  std::vector<std::uint32_t> full_list_of_;  // by partition: 1 + index into full_lists_, or 0
  std::vector<FullList> full_lists_;
};

}  // namespace pixmesh
