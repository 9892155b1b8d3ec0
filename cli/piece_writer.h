#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>

#include "base/bytes.h"
#include "base/time.h"

namespace pixmesh {

/// Writes pieces in their order on a thread of its own: a reader that stops for a while, such as a
/// pager, stops no one else. The queue is as long as the credit that its owner gives.
class PieceWriter {
 public:
  PieceWriter();
  ~PieceWriter();  // what was not written is dropped
  PieceWriter(const PieceWriter&) = delete;
  PieceWriter& operator=(const PieceWriter&) = delete;

  void put(int descriptor, Bytes piece);
  [[nodiscard]] std::uint64_t written() const { return written_; }
  /// Nobody reads what is written any more.
  [[nodiscard]] bool broken() const { return broken_; }
  /// Readable when something was written since `calm`.
  [[nodiscard]] int descriptor() const { return wake_; }
  void calm();
  /// Waits so long at most. @returns whether all is written, or it is broken.
  [[nodiscard]] bool finished_within(Duration span);

 private:
  struct Piece {
    int descriptor = 1;
    Bytes bytes;
  };
  void run();
  [[nodiscard]] bool write(const Piece& piece) const;

  int wake_;  // for the owner
  int stop_;  // for the thread, which may wait for a reader
  std::atomic<std::uint64_t> written_ = 0;
  std::atomic<bool> broken_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Piece> pieces_;  // guarded by mutex_, as is the next
  bool stopping_ = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace pixmesh
