#include "cli/piece_writer.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

#include "base/invariant.h"

namespace pixmesh {
namespace {

void ring(int event) {
  const std::uint64_t one = 1;
  (void)!::write(event, &one, sizeof one);
}

}  // namespace

PieceWriter::PieceWriter()
    : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { run(); }) {
  invariant(wake_ >= 0 && stop_ >= 0, "the process may open a file descriptor");
}

PieceWriter::~PieceWriter() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  ring(stop_);
  thread_.join();
  ::close(wake_);
  ::close(stop_);
}

void PieceWriter::put(int descriptor, Bytes piece) {
  {
    const std::scoped_lock lock(mutex_);
    pieces_.push_back({descriptor, std::move(piece)});
  }
  changed_.notify_all();
}

void PieceWriter::calm() {
  std::uint64_t count = 0;
  (void)!::read(wake_, &count, sizeof count);
}

bool PieceWriter::finished_within(Duration span) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, span, [this] { return pieces_.empty() || broken_; });
}

// A pipe that poll calls writable takes PIPE_BUF bytes without waiting.
bool PieceWriter::write(const Piece& piece) const {
  std::size_t done = 0;
  while (done < piece.bytes.size()) {
    std::array<pollfd, 2> ready{pollfd{piece.descriptor, POLLOUT, 0}, pollfd{stop_, POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), -1) < 0) continue;
    if (ready[1].revents != 0) return false;
    const std::size_t most = std::min<std::size_t>(piece.bytes.size() - done, PIPE_BUF);
    const ssize_t count = ::write(piece.descriptor, piece.bytes.data() + done, most);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

void PieceWriter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !pieces_.empty(); });
    if (stopping_) return;
    const Piece& piece = pieces_.front();  // stays where it is while others come behind it
    lock.unlock();
    const bool done = write(piece);
    lock.lock();
    pieces_.pop_front();
    ++written_;
    if (!done) broken_ = true;
    changed_.notify_all();
    ring(wake_);
  }
}

}  // namespace pixmesh
