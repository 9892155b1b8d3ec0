#include "membership/wall_clocks.h"

#include <algorithm>

namespace pixmesh {

void WallClocks::on_asked(Instant now, NodeId whom, std::uint32_t sequence) {
  const auto [question, fresh] = asked_.try_emplace(whom, Question{sequence, now});
  if (fresh || question->second.sequence == sequence) return;  // said again: the first one counts
  question->second = {sequence, now};
}

void WallClocks::on_answer(Instant now, NodeId from, std::uint32_t sequence, WallTime theirs) {
  const auto question = asked_.find(from);
  if (question == asked_.end() || question->second.sequence != sequence) return;
  const Duration round_trip = now - question->second.at;
  asked_.erase(question);
  if (round_trip > round_trip_max || theirs == WallTime{}) return;
  readings_[from] = {theirs, now - round_trip / 2};
}

void WallClocks::keep_only(const std::vector<NodeId>& alive) {
  const auto is_gone = [&](const auto& entry) {
    return !std::binary_search(alive.begin(), alive.end(), entry.first);
  };
  std::erase_if(asked_, is_gone);
  std::erase_if(readings_, is_gone);
}

ClockStanding WallClocks::standing(Instant now, WallTime own, std::size_t living) const {
  std::vector<std::int64_t> ahead_of_us{0};
  for (const auto& [node, reading] : readings_) {
    const std::int64_t since = (now - reading.at) / 1us;
    ahead_of_us.push_back(static_cast<std::int64_t>(reading.wall.microseconds) + since -
                          static_cast<std::int64_t>(own.microseconds));
  }
  ClockStanding standing;
  standing.clocks = ahead_of_us.size();
  const auto lower_median =
      ahead_of_us.begin() + static_cast<std::ptrdiff_t>((standing.clocks - 1) / 2);
  std::nth_element(ahead_of_us.begin(), lower_median, ahead_of_us.end());
  standing.ahead = -*lower_median;
  standing.judged = standing.clocks >= 3 && standing.clocks * 2 > living;
  return standing;
}

bool WallClocks::is_too_early(Instant now, WallTime own, std::size_t living,
                              WallTime theirs) const {
  const ClockStanding ours = standing(now, own, living);
  if (!ours.judged || ours.is_outside()) return false;
  const auto ahead_of_us = static_cast<std::int64_t>(theirs.microseconds - own.microseconds);
  return ahead_of_us + ours.ahead > ClockStanding::bound;
}

std::vector<WallClocks::Heard> WallClocks::heard() const {
  std::vector<Heard> all;
  for (const auto& [node, reading] : readings_) all.push_back({node, reading.at});
  return all;
}

}  // namespace pixmesh
