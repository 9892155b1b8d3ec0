#include "host/workers/worker_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace pixmesh {
namespace {

constexpr std::size_t descriptors_bytes = 2 * sizeof(int);

/// Room for two descriptors beside a packet.
union DescriptorRoom {
  cmsghdr header;
  std::array<char, CMSG_SPACE(descriptors_bytes)> bytes;
};

/// Room for who sent a packet, and for no descriptor beside that: the kernel puts it first.
union SenderRoom {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(ucred))> bytes;
};

ssize_t receive(int socket, msghdr& message, int flags) {
  for (;;) {
    const ssize_t count = recvmsg(socket, &message, flags);
    if (count >= 0 || errno != EINTR) return count;
  }
}

}  // namespace

std::optional<WorkerSockets> make_worker_sockets() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return std::nullopt;
  const int yes = 1;
  (void)setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return WorkerSockets{ends[0], ends[1]};
}

bool send_job(int socket, const std::string& job_bytes, int input, int output) {
  iovec part{const_cast<char*>(job_bytes.data()), job_bytes.size()};
  DescriptorRoom room{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.bytes.data();
  message.msg_controllen = room.bytes.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(descriptors_bytes);
  const std::array<int, 2> descriptors{input, output};
  std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors_bytes);
  return sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(job_bytes.size());
}

std::optional<ReceivedJob> receive_job(int socket) {
  ReceivedJob job;
  job.bytes.resize(worker_job_bytes_max);
  iovec part{job.bytes.data(), job.bytes.size()};
  DescriptorRoom room{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.bytes.data();
  message.msg_controllen = room.bytes.size();
  const ssize_t count = receive(socket, message, MSG_CMSG_CLOEXEC);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  const bool whole = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
  if (count <= 0 || !whole || header == nullptr || header->cmsg_type != SCM_RIGHTS ||
      header->cmsg_len != CMSG_LEN(descriptors_bytes)) {
    return std::nullopt;
  }
  job.bytes.resize(static_cast<std::size_t>(count));
  std::array<int, 2> descriptors{};
  std::memcpy(descriptors.data(), CMSG_DATA(header), descriptors_bytes);
  job.input = descriptors[0];
  job.output = descriptors[1];
  return job;
}

bool send_answer(int socket, const WorkerAnswer& answer) {
  return send(socket, &answer, sizeof answer, MSG_NOSIGNAL) == sizeof answer;
}

ReceivedAnswer take_answer(int socket) {
  ReceivedAnswer received;
  iovec part{&received.answer, sizeof received.answer};
  SenderRoom room{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.bytes.data();
  message.msg_controllen = room.bytes.size();
  const ssize_t count = receive(socket, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0 && errno == EAGAIN) return received;
  const bool whole = count == sizeof received.answer && (message.msg_flags & MSG_TRUNC) == 0;
  received.state = whole ? AnswerState::came : AnswerState::broken;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_CREDENTIALS) {
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(header), sizeof sender);
    received.process = sender.pid;
  }
  return received;
}

}  // namespace pixmesh
