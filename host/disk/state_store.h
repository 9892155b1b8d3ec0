#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/disk.h"
#include "base/events.h"
#include "host/disk/lmdb_index.h"
#include "host/disk/worker_queue.h"
#include "host/system/file_handle.h"

namespace pixmesh {

struct StateStoreOptions {
  std::filesystem::path folder;  // of the node's state, apart from its image disks
  std::uint32_t index = 0;       // told with each DiskAnswered
  std::size_t map_bytes = 16U << 20;
};

/// The node's identity, settings and counters: the tables of an index, and no files. As a Disk it
/// takes PutValues and LoadTable and answers `usage` to everything else. Puts that wait together
/// are one transaction. Unlike an image disk's index it cannot be rebuilt from anything: a damaged
/// one is refused.
class StateStore : public Disk {
 public:
  /// @returns `denied` if another process uses the folder, `corrupt`, `malformed` or `failed`.
  [[nodiscard]] static Result<std::unique_ptr<StateStore>> open(const StateStoreOptions& options,
                                                                EventSink& events);
  ~StateStore() override;

  void submit(OperationId ticket, DiskOperation operation) override;

  /// All rows, at once, in the calling thread.
  [[nodiscard]] Result<TableRows> load(Table table) const { return index_->load(table); }
  /// Stores rows durably before it returns. Only while nothing was submitted: at start.
  [[nodiscard]] Result<Done> put(const std::vector<TableRow>& rows);

 private:
  struct Task {
    OperationId ticket;
    DiskOperation operation;
  };

  StateStore(std::uint32_t index, EventSink& events) : number_(index), events_(events) {}
  void run(const std::vector<Task>& tasks);
  void put(const std::vector<const Task*>& puts);
  void answer(OperationId ticket, Result<DiskAnswer> answer);

  std::uint32_t number_;
  EventSink& events_;
  FileHandle lock_;
  std::unique_ptr<LmdbIndex> index_;
  std::unique_ptr<WorkerQueue<Task>> queue_;
};

}  // namespace pixmesh
