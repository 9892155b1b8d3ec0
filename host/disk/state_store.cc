#include "host/disk/state_store.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "host/disk/disk_folder.h"

namespace pixmesh {
namespace {

constexpr std::size_t batch_max = 4'096;

Error damaged(Error error, const std::filesystem::path& folder) {
  error.detail += "; " + folder.string() +
                  " holds this node's identity: restore it from a copy, or start with an empty "
                  "state folder as a new node";
  return error;
}

}  // namespace

Result<std::unique_ptr<StateStore>> StateStore::open(const StateStoreOptions& options,
                                                     EventSink& events) {
  std::unique_ptr<StateStore> store(new StateStore(options.index, events));
  std::error_code error;
  std::filesystem::create_directories(options.folder / "index", error);
  if (error) return system_error(error.value(), "cannot make folder", options.folder);
  Result<FileHandle> lock = lock_folder(options.folder);
  if (!lock) return lock.error();
  store->lock_ = std::move(lock).value();
  auto index = LmdbIndex::open(options.folder / "index", options.map_bytes);
  if (!index) return damaged(index.error(), options.folder);
  store->index_ = std::move(index).value();
  const Result<bool> ready = store->index_->is_ready();
  if (!ready) return ready.error();
  if (!ready.value()) {
    Result<Done> marked = store->index_->write([](IndexWrite& write) { write.mark_ready(); });
    if (!marked) return marked.error();
  }
  store->queue_ = std::make_unique<WorkerQueue<Task>>(
      WorkerQueueOptions{.name = "state", .batch_max = batch_max},
      [raw = store.get()](const std::vector<Task>& tasks) { raw->run(tasks); });
  return store;
}

StateStore::~StateStore() {
  if (queue_) queue_->close();
}

Result<Done> StateStore::put(const std::vector<TableRow>& rows) {
  if (!has_index_keys(rows)) return Error{ErrorCode::usage, "a key that no index can hold"};
  return index_->write([&](IndexWrite& write) {
    for (const TableRow& row : rows) write.put_row(row);
  });
}

void StateStore::submit(OperationId ticket, DiskOperation operation) {
  queue_->push({ticket, std::move(operation)});
}

void StateStore::answer(OperationId ticket, Result<DiskAnswer> answer) {
  events_.post(DiskAnswered{number_, ticket, std::move(answer)});
}

void StateStore::run(const std::vector<Task>& tasks) {
  std::vector<const Task*> puts;
  for (const Task& task : tasks) {
    const auto* rows = std::get_if<PutValues>(&task.operation);
    if (rows != nullptr && has_index_keys(rows->rows)) {
      puts.push_back(&task);
    } else if (!std::holds_alternative<LoadTable>(task.operation)) {
      answer(task.ticket, Error{ErrorCode::usage, "the state folder holds small tables only"});
    }
  }
  if (!puts.empty()) put(puts);
  for (const Task& task : tasks) {
    const auto* asked = std::get_if<LoadTable>(&task.operation);
    if (asked == nullptr) continue;
    Result<TableRows> rows = load(asked->table);
    answer(task.ticket, rows ? Result<DiskAnswer>(DiskAnswer(std::move(rows).value()))
                             : Result<DiskAnswer>(rows.error()));
  }
}

void StateStore::put(const std::vector<const Task*>& puts) {
  const Result<Done> done = index_->write([&](IndexWrite& write) {
    for (const Task* task : puts) {
      for (const TableRow& row : std::get<PutValues>(task->operation).rows) write.put_row(row);
    }
  });
  for (const Task* task : puts) {
    answer(task->ticket,
           done ? Result<DiskAnswer>(DiskAnswer(Done{})) : Result<DiskAnswer>(done.error()));
  }
}

}  // namespace pixmesh
