#pragma once

#include <optional>
#include <string>

#include "host/workers/worker_job.h"

namespace pixmesh {

/// Two ends of a Unix socket that keeps packets apart; both close on exec. The kernel tells the
/// node who sent a packet.
struct WorkerSockets {
  int node = -1;  // never blocks
  int worker = -1;
};
/// @returns nothing, with errno set, when there are no more descriptors.
[[nodiscard]] std::optional<WorkerSockets> make_worker_sockets();

/// A job with the descriptors of its image and of the file to write. They stay the sender's.
/// @returns whether it went out; false with errno set.
[[nodiscard]] bool send_job(int socket, const std::string& job_bytes, int input, int output);

struct ReceivedJob {
  std::string bytes;
  int input = -1;  // the receiver closes both
  int output = -1;
};
/// Waits for the next one. @returns nothing when the other end is gone or talks nonsense.
[[nodiscard]] std::optional<ReceivedJob> receive_job(int socket);

[[nodiscard]] bool send_answer(int socket, const WorkerAnswer& answer);

enum class AnswerState { came, not_yet, broken };
struct ReceivedAnswer {
  AnswerState state = AnswerState::not_yet;
  WorkerAnswer answer;
  int process = 0;  // that sent it, by its number here: in a sandbox it has another; 0: not told
};
/// Takes one answer without waiting. A worker that sends anything else is broken; descriptors that
/// it sends are never taken.
[[nodiscard]] ReceivedAnswer take_answer(int socket);

}  // namespace pixmesh
