#include "cli/map_work.h"

#include <algorithm>
#include <utility>

#include "cli/errors.h"

namespace pixmesh {
namespace {

constexpr int tries_max = 3;
constexpr Duration busy_pause_min = 100ms;
constexpr Duration look_every = 50ms;

Instant steady_now() { return Instant(std::chrono::steady_clock::now().time_since_epoch()); }

std::uint64_t wall_micros() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(since / 1us);
}

std::uint64_t whole_micros(Duration span) { return static_cast<std::uint64_t>(span / 1us); }

}  // namespace

MapWork::MapWork(CommandContext& context, MapTarget& target, MapJournal& journal, MapOrders orders,
                 std::vector<MapItem> items, MapCounts counts)
    : context_(context),
      target_(target),
      journal_(journal),
      orders_(std::move(orders)),
      pace_(orders_.bounds.start, orders_.concurrency, orders_.bounds.most),
      forecast_(orders_.forecast),
      patience_(steady_now()),
      counts_(counts) {
  for (MapItem& item : items) {
    forecast_.add(item);
    queue_.push_back({std::move(item), 0, std::nullopt});
  }
  (void)context_.cancel_fd();  // made here, read by all threads
  const Instant now = steady_now();
  rate_.begin(now);
  forecast_.begin(now);
}

MapWork::~MapWork() { end(); }

void MapWork::end() {
  stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool MapWork::go_on() {
  const std::scoped_lock lock(mutex_);
  if (is_over()) return false;
  const std::size_t wanted = std::min(pace_.limit(), queue_.size() + under_way_);
  while (threads_.size() < wanted) {
    threads_.emplace_back([this, number = threads_.size()] { work(number); });
  }
  return true;
}

void MapWork::stop() {
  const std::scoped_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

std::vector<MapLine> MapWork::take_lines() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(fresh_, {});
}

std::string MapWork::progress() {
  const std::scoped_lock lock(mutex_);
  MapCounts counts = counts_;
  counts.running = under_way_;
  const Instant now = steady_now();
  return map_progress_text(counts, rate_.per_thousand_seconds(now),
                           forecast_.left(now, pace_.limit()));
}

MapCounts MapWork::counts() {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

std::optional<Error> MapWork::fault() {
  const std::scoped_lock lock(mutex_);
  return fault_;
}

void MapWork::work(std::size_t number) {
  const auto client = context_.connect_to(orders_.nodes, orders_.deadline, orders_.bounds.links);
  if (!client) return give_up(client.error());
  while (auto job = take(number)) handle(*client.value(), *std::move(job));
}

std::optional<MapWork::Job> MapWork::take(std::size_t number) {
  std::unique_lock lock(mutex_);
  while (!is_over()) {
    const bool may = number < pace_.limit() && steady_now() >= pace_.not_before();
    if (may && !queue_.empty()) {
      Job job = std::move(queue_.front());
      queue_.pop_front();
      ++under_way_;
      return job;
    }
    changed_.wait_for(lock, look_every);
  }
  return std::nullopt;
}

void MapWork::handle(Client& client, Job job) {
  const RequestId request = client.fresh_request();
  auto line = run(client, job, request);
  if (line) {
    note(std::move(line).value());
  } else {
    on_error(client, std::move(job), request, line.error());
  }
  const std::scoped_lock lock(mutex_);
  --under_way_;
  changed_.notify_all();
}

Result<MapLine> MapWork::run(Client& client, const Job& job, RequestId request) {
  auto output = target_.open();
  if (!output) return output.error();
  RunOptions options;
  options.recipe = orders_.chain.recipe;
  options.arguments = orders_.chain.arguments;
  options.then = orders_.chain.then;
  options.strict = orders_.strict;
  options.name = job.item.name;
  options.request = request;
  options.batch = true;     // others may go first …
  options.patient = false;  // … and when all are full the pace is what gives way
  const auto receipt = client.run(options, *output.value(), {});
  if (!receipt) return receipt.error();
  const auto where = output.value()->publish(client, job.item.name, receipt->extension);
  if (!where) return where.error();
  {
    const std::scoped_lock lock(mutex_);
    pace_.on_done(receipt->queued, receipt->wall);
    const Instant now = steady_now();
    patience_.on_ended(now, ErrorCode{});
    forecast_.on_ended(now, job.item, receipt->wall, receipt->origin == ResultOrigin::made);
  }
  MapLine line;
  line.name = job.item.name;
  line.digest = job.item.digest;
  line.done = true;
  line.file = where->file;
  line.bytes = where->bytes;
  line.request = to_text(request);
  line.node = to_text(receipt->node);
  line.queued_micros = whole_micros(receipt->queued);
  line.wall_micros = whole_micros(receipt->wall);
  line.cpu_micros = whole_micros(receipt->cpu);
  return line;
}

void MapWork::on_error(Client& client, Job job, RequestId request, const Error& error) {
  if (context_.interrupted()) return stop();
  if (error.code == ErrorCode::no_space) return give_up(error);
  const Instant now = steady_now();
  if (error.code == ErrorCode::overloaded) {
    if (!job.busy_since) job.busy_since = now;
    const std::scoped_lock lock(mutex_);
    pace_.on_busy(now, std::max(client.retry_after(), busy_pause_min));
    if (patience_.lasts(now, *job.busy_since)) return queue_.push_front(std::move(job));
  }
  const bool elsewhere = error.code == ErrorCode::unreachable || error.code == ErrorCode::corrupt;
  if (elsewhere && ++job.tries < tries_max) {
    const std::scoped_lock lock(mutex_);
    return queue_.push_back(std::move(job));
  }
  {
    const std::scoped_lock lock(mutex_);
    patience_.on_ended(now, error.code);
    forecast_.on_ended(now, job.item, std::nullopt, false);
  }
  MapLine line;
  line.name = job.item.name;
  line.digest = job.item.digest;
  line.error = word_of(error.code);
  line.exit = exit_code_of(error.code);
  line.detail = error.detail;
  line.request = to_text(request);
  note(std::move(line));
}

void MapWork::note(MapLine line) {
  std::optional<Error> fault;
  {
    const std::scoped_lock lock(mutex_);
    line.at_micros = wall_micros();
    const auto written = journal_.add(line);
    if (!written) fault = written.error();
    ++(line.done ? counts_.done : counts_.failed);
    rate_.on_done(steady_now());
    fresh_.push_back(std::move(line));
  }
  if (fault) give_up(*fault);
}

void MapWork::give_up(const Error& why) {
  {
    const std::scoped_lock lock(mutex_);
    if (!fault_) fault_ = why;
  }
  stop();
}

}  // namespace pixmesh
