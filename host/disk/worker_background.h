#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/background.h"
#include "base/events.h"

namespace pixmesh {

/// One thread at nice +10 that runs jobs in order and posts `BackgroundDone` after each.
/// The end of its life waits for the job that runs; jobs that still wait are forgotten.
/// `run` is safe from any thread and never blocks for long.
class WorkerBackground : public Background {
 public:
  explicit WorkerBackground(EventSink& sink);
  WorkerBackground(const WorkerBackground&) = delete;
  WorkerBackground& operator=(const WorkerBackground&) = delete;
  ~WorkerBackground() override;

  void run(OperationId ticket, std::function<void()> job) override;

 private:
  struct Job {
    OperationId ticket;
    std::function<void()> body;
  };
  void work();

  EventSink& sink_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pixmesh
