#include "host/disk/worker_background.h"

#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "host/disk/worker_queue.h"
#include "host/system/signals.h"

namespace pixmesh {

WorkerBackground::WorkerBackground(EventSink& sink)
    : sink_(sink), thread_(start_quiet_thread([this] { work(); })) {}

WorkerBackground::~WorkerBackground() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void WorkerBackground::run(OperationId ticket, std::function<void()> job) {
  {
    const std::scoped_lock lock(mutex_);
    jobs_.push_back({ticket, std::move(job)});
  }
  changed_.notify_one();
}

void WorkerBackground::work() {
  name_this_thread("background");
  // On Linux a thread has a priority of its own, addressed by its thread id.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
  while (true) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.body();
    job.body = nullptr;  // what it captured goes before its receiver hears of the end
    sink_.post(BackgroundDone{job.ticket});
  }
}

}  // namespace pixmesh
