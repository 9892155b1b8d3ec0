#pragma once

#include <algorithm>

#include "base/digest.h"
#include "client/session.h"

namespace pixmesh {

inline constexpr int attempts_max = 8;
inline constexpr int refusals_max = 3;
inline constexpr Duration attempt_pause = 150ms;

/// An answer whose code says that it failed, as an error.
template <typename T>
[[nodiscard]] Result<T> answered(Result<T> answer) {
  if (!answer || answer->code == ErrorCode{}) return answer;
  return Error{answer->code, answer->detail};
}

/// Is another try at another holder worth it?
[[nodiscard]] inline bool may_retry(const Error& error) {
  return error.code == ErrorCode::timed_out || error.code == ErrorCode::stale ||
         error.code == ErrorCode::overloaded || error.code == ErrorCode::unreachable;
}

/// Tries `attempt(holder, limit)` at the holders of a name, one after the other, with a fresh row
/// once all were tried. A holder that lives has `first_patience` before the next one is asked,
/// longer than its own limit for a lookup, and twice as much each round.
/// @returns the first success, or the last error.
template <typename T, typename Attempt>
[[nodiscard]] Result<T> at_holder(Client::Session& session, const std::string& name, Burden burden,
                                  Attempt&& attempt) {
  constexpr Duration first_patience = 5s;
  const PartitionId partition = session.partition_of_name(name);
  const Instant deadline = session.deadline();
  Error last{ErrorCode::unreachable, "no holder was asked"};
  Duration patience = first_patience;
  bool answered = false;  // by any holder
  int refusals = 0;       // for want of a quorum
  for (int attempts = 0; attempts < attempts_max;) {
    const auto holders = session.holders_of_partition(partition, burden, deadline);
    if (!holders) return holders.error();
    for (const HolderAddress& holder : holders.value()) {
      const Instant now = monotonic_now();
      if (now >= deadline) return Error{ErrorCode::timed_out, last.detail};
      Result<T> result = attempt(holder, std::min(deadline, now + patience));
      if (result || session.cancelled() || !may_retry(result.error())) return result;
      const bool is_answer = !session.fell_silent(holder.control);
      if (is_answer || !answered) last = result.error();  // a node's words say more than silence
      answered = answered || is_answer;
      if (is_answer && last.code == ErrorCode::unreachable && ++refusals == refusals_max) {
        return last;
      }
      if (++attempts == attempts_max) return last;
      if (auto slept = session.sleep(attempt_pause * attempts); !slept) return slept.error();
    }
    session.forget_row(partition);
    patience *= 2;
  }
  return last;
}

/// The same for questions that any node answers: the contact first, then the other members.
template <typename T, typename Attempt>
[[nodiscard]] Result<T> at_contact(Client::Session& session, Attempt&& attempt) {
  std::vector<std::string> nodes{session.contact()};
  for (const HolderAddress& member : session.mesh().members) {
    if (member.control != session.contact() && member.alive) nodes.push_back(member.control);
  }
  std::stable_partition(nodes.begin(), nodes.end(),
                        [&](const std::string& node) { return !session.fell_silent(node); });
  Error last{ErrorCode::unreachable, "no node was asked"};
  for (const std::string& node : nodes) {
    Result<T> result =
        attempt(node, monotonic_now() + std::min<Duration>(5s, session.options().deadline));
    if (result || session.cancelled() || !may_retry(result.error())) return result;
    last = result.error();
  }
  return last;
}

/// How long a node may work on something, as messages say it.
[[nodiscard]] inline std::uint32_t ms_until(Instant deadline) {
  const Duration left = std::max<Duration>(deadline - monotonic_now(), 1ms);
  return static_cast<std::uint32_t>(std::min<Duration>(left, 24h) / 1ms);
}

/// The router's half of a run: where to start it.
/// @param start_kept  whether the router may begin it, where it has the result
[[nodiscard]] Result<RunCandidates> plan_run(Client::Session& session, const RunOptions& options,
                                             RequestId request, bool start_kept);

/// Fetches a stream from one node into `sink`. Errors: timed_out (it stalled), what the node says,
/// what the sink says, corrupt (a chunk's checksum differs).
[[nodiscard]] Result<Done> fetch_stream(Client::Session& session, const HolderAddress& node,
                                        StreamOpen open, ByteSink& sink, Hasher* hasher,
                                        const Progress& progress,
                                        const std::function<void()>& while_waiting);

}  // namespace pixmesh
