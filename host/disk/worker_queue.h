#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "host/system/signals.h"

namespace pixmesh {

/// Gives the calling thread a name for `top -H`; at most 15 characters.
void name_this_thread(const std::string& name);

/// It works and reads only when nobody else wants to: nice 19, idle I/O class.
void yield_to_all_others();

/// What waits to be done, first in, first out. Safe from any thread.
template <typename Task>
class WorkList {
 public:
  void push(Task task) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    ready_.notify_one();
  }

  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }

  /// Waits for tasks and takes up to `count_max`; an empty batch after `idle` without one; none
  /// once the list is closed and empty.
  [[nodiscard]] std::optional<std::vector<Task>> take(std::size_t count_max,
                                                      std::chrono::milliseconds idle) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, idle, [this] { return closed_ || !tasks_.empty(); });
    if (tasks_.empty() && closed_) return std::nullopt;
    const auto count = static_cast<std::ptrdiff_t>(std::min(count_max, tasks_.size()));
    std::vector<Task> batch(std::make_move_iterator(tasks_.begin()),
                            std::make_move_iterator(tasks_.begin() + count));
    tasks_.erase(tasks_.begin(), tasks_.begin() + count);
    return batch;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Task> tasks_;
  bool closed_ = false;
};

struct WorkerQueueOptions {
  std::string name;                           // of the threads, at most 15 characters
  std::size_t threads = 1;                    // with one, tasks are done in the order pushed
  std::size_t batch_max = 1;                  // tasks taken at once, >= 1
  std::chrono::milliseconds idle{3'600'000};  // after so long without a task: an empty batch
  bool yields = false;                        // to every other thread, of the processors and disks
};

/// Threads that do what is pushed. Everything that waits, up to `batch_max`, is handed over at
/// once: that is what lets one disk sync serve many writes. Signals stay with the main thread.
/// `push` may be called from any thread; `close` by the owner only.
template <typename Task>
class WorkerQueue {
 public:
  using Work = std::function<void(std::vector<Task> batch)>;

  WorkerQueue(const WorkerQueueOptions& options, Work work)
      : options_(options), work_(std::move(work)) {
    for (std::size_t i = 0; i < options_.threads; ++i) {
      threads_.push_back(start_quiet_thread([this] { run(); }));
    }
  }
  WorkerQueue(const WorkerQueue&) = delete;
  WorkerQueue& operator=(const WorkerQueue&) = delete;
  ~WorkerQueue() { close(); }

  void push(Task task) { waiting_.push(std::move(task)); }

  /// Does what is still waiting, then ends the threads. Nothing may be pushed afterwards.
  void close() {
    waiting_.close();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void run() {
    name_this_thread(options_.name);
    if (options_.yields) yield_to_all_others();
    while (auto batch = waiting_.take(options_.batch_max, options_.idle)) work_(std::move(*batch));
  }

  WorkerQueueOptions options_;
  Work work_;
  WorkList<Task> waiting_;
  std::vector<std::thread> threads_;
};

}  // namespace pixmesh
