#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <variant>

#include "base/events.h"
#include "base/journal_store.h"
#include "host/disk/worker_queue.h"
#include "host/system/file_handle.h"

namespace pixmesh {

struct JournalFolderOptions {
  std::filesystem::path folder;            // made if it is not there
  std::uint64_t bytes_max = 256ULL << 20;  // of all files; at least 1 MiB
  std::chrono::seconds kept{24 * 3600};
  /// The wall clock, microseconds since 1970; tests set it.
  std::function<std::uint64_t()> wall_micros = {};
};

/// A journal as files that are only appended to, `<number>.rows`:
///
///   length u32 · XXH3-64 of the rest u64 · request 16 · microseconds since 1970 u64 · bytes
///
/// all little-endian. A sixteenth of the bytes, or of the time, is one file; whole files go, the
/// oldest first, when there are too many bytes or the last row is too old. A file is read up to
/// the first row that is not whole: a process that ended in the middle of a write leaves one, and
/// the next process begins a new file.
///
/// One thread does what is asked, in order. Reading goes through all files; it is for people, who
/// ask seldom, and often when the machine is busy: the thread yields to nobody.
class JournalFolder final : public JournalStore {
 public:
  /// @param events  outlives this object, whose end waits until what was appended is written.
  JournalFolder(JournalFolderOptions options, EventSink& events);

  bool append(std::vector<JournalRow> rows) override;
  [[nodiscard]] bool find(OperationId ticket, RequestId request) override;

 private:
  struct Rows {
    Bytes bytes;  // framed
  };
  struct Question {
    OperationId ticket;
    RequestId request;
  };
  struct LookThrough {};
  using Order = std::variant<LookThrough, Rows, Question>;
  struct Segment {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
    std::uint64_t last_micros = 0;  // when it was written to
  };

  void obey(const LookThrough&);
  void obey(const Rows& rows);
  void obey(const Question& question);
  [[nodiscard]] bool begin_segment();
  void drop_old(std::uint64_t bytes_to_come);
  [[nodiscard]] std::filesystem::path path_of(const Segment& segment) const;

  JournalFolderOptions options_;
  EventSink& events_;
  std::deque<Segment> segments_;  // by number
  std::uint64_t bytes_ = 0;       // of them all
  FileHandle open_;               // the last one, if it is written to
  std::uint64_t opened_micros_ = 0;
  std::uint64_t last_number_ = 0;
  std::atomic<std::size_t> bytes_waiting_ = 0;
  std::atomic<std::size_t> questions_waiting_ = 0;
  WorkerQueue<Order> queue_;  // last: it uses the rest
};

}  // namespace pixmesh
