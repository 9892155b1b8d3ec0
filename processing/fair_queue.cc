#include "processing/fair_queue.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"

namespace pixmesh {
namespace {

constexpr std::size_t remembered_max = 1024;  // clients that were given more than the others

std::size_t index_of(std::size_t nth, std::size_t count, bool newest_first) {
  return newest_first ? count - 1 - nth : nth;
}

}  // namespace

void FairQueue::add(Instant now, Job job, std::uint64_t micros) {
  const auto [place, added] = clients_.try_emplace(job.client);
  Client& client = place->second;
  if (client.jobs.empty()) client.start = std::max(client.start, virtual_time_);
  client.jobs.push_back({std::move(job), now, std::max<std::uint64_t>(micros, 1), 0});
  ++size_;
}

std::vector<std::uint64_t> FairQueue::clients_in_turn() const {
  std::vector<std::uint64_t> turn;
  for (const auto& [key, client] : clients_) {
    if (!client.jobs.empty()) turn.push_back(key);
  }
  std::ranges::stable_sort(turn, {}, [&](std::uint64_t key) { return clients_.at(key).start; });
  return turn;
}

std::optional<FairQueue::Place> FairQueue::place_of(RunId run) const {
  for (const auto& [key, client] : clients_) {
    for (std::size_t index = 0; index < client.jobs.size(); ++index) {
      if (client.jobs[index].job.run == run) return Place{key, index};
    }
  }
  return std::nullopt;
}

FairQueue::Place FairQueue::head(const std::vector<std::uint64_t>& turn, bool newest_first) const {
  if (waits_for_memory_) {
    if (const auto kept = place_of(*waits_for_memory_)) return *kept;
  }
  const std::uint64_t first = turn.front();
  return {first, index_of(0, clients_.at(first).jobs.size(), newest_first)};
}

std::optional<FairQueue::Place> FairQueue::first_that_fits(const std::vector<std::uint64_t>& turn,
                                                           const MemoryTokens& memory,
                                                           bool newest_first) const {
  for (const std::uint64_t key : turn) {
    const std::deque<WaitingJob>& jobs = clients_.at(key).jobs;
    for (std::size_t nth = 0; nth < jobs.size(); ++nth) {
      const std::size_t index = index_of(nth, jobs.size(), newest_first);
      if (memory.fits(jobs[index].job.memory.bytes)) return Place{key, index};
    }
  }
  return std::nullopt;
}

FairQueue::Turn FairQueue::next(const MemoryTokens& memory, bool newest_first) {
  if (empty()) return {};
  const std::vector<std::uint64_t> turn = clients_in_turn();
  const Place first = head(turn, newest_first);
  WaitingJob& job = clients_.at(first.client).jobs[first.index];
  if (memory.fits(job.job.memory.bytes)) {
    waits_for_memory_.reset();
    return {charge(first), false};
  }
  waits_for_memory_ = job.job.run;
  if (job.overtaken >= overtakes_max) return {std::nullopt, true};
  const auto other = first_that_fits(turn, memory, newest_first);
  if (!other) return {std::nullopt, true};
  ++job.overtaken;
  return {charge(*other), false};
}

WaitingJob FairQueue::take(const Place& place) {
  std::deque<WaitingJob>& jobs = clients_.at(place.client).jobs;
  const auto at = jobs.begin() + static_cast<std::ptrdiff_t>(place.index);
  WaitingJob taken = std::move(*at);
  jobs.erase(at);
  --size_;
  if (waits_for_memory_ == taken.job.run) waits_for_memory_.reset();
  return taken;
}

WaitingJob FairQueue::charge(const Place& place) {
  const auto waiting = static_cast<std::uint64_t>(std::ranges::count_if(
      clients_, [](const auto& entry) { return !entry.second.jobs.empty(); }));
  WaitingJob taken = take(place);
  Client& client = clients_.at(place.client);
  virtual_time_ = std::max(virtual_time_, client.start) + taken.micros / waiting;
  client.start += taken.micros;
  forget_settled();
  return taken;
}

void FairQueue::forget_settled() {
  if (empty()) {  // nobody waits, so nobody is owed anything
    clients_.clear();
    virtual_time_ = 0;
    return;
  }
  std::erase_if(clients_, [this](const auto& entry) {
    return entry.second.jobs.empty() && entry.second.start <= virtual_time_;
  });
  if (clients_.size() <= remembered_max + size_) return;
  const auto idle =
      std::ranges::find_if(clients_, [](const auto& entry) { return entry.second.jobs.empty(); });
  clients_.erase(idle);
}

std::optional<Job> FairQueue::remove(RunId run) {
  const auto place = place_of(run);
  if (!place) return std::nullopt;
  Job job = take(*place).job;
  forget_settled();
  return job;
}

std::vector<Job> FairQueue::remove_if(const std::function<bool(const Job&)>& is_stale) {
  std::vector<RunId> stale;
  for_each([&](const WaitingJob& waiting) {
    if (is_stale(waiting.job)) stale.push_back(waiting.job.run);
  });
  std::vector<Job> removed;
  for (const RunId run : stale) removed.push_back(*remove(run));
  return removed;
}

void FairQueue::change_each(const std::function<void(Job&)>& change) {
  for (auto& [key, client] : clients_) {
    for (WaitingJob& waiting : client.jobs) change(waiting.job);
  }
}

void FairQueue::for_each(const std::function<void(const WaitingJob&)>& visit) const {
  for (const auto& [key, client] : clients_) {
    for (const WaitingJob& waiting : client.jobs) visit(waiting);
  }
}

void FairQueue::check_invariants() const {
  std::size_t count = 0;
  for_each([&](const WaitingJob& waiting) {
    ++count;
    invariant(waiting.overtaken <= overtakes_max, "a large job is overtaken a few times only");
  });
  invariant(count == size_, "jobs are counted");
  invariant(clients_.size() <= remembered_max + size_ + 1, "clients that are gone are forgotten");
  invariant(!empty() || clients_.empty(), "a queue that is empty remembers nothing");
}

}  // namespace pixmesh
