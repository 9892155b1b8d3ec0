#include "node/results.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "node/run_chain.h"
#include "replication/record.h"

namespace pixmesh {
namespace {

constexpr Duration asker_waits = 6s;                    // as long as Runs has patience
static_assert(asker_waits > 2 * run_alive_every + 1s);  // one word may be lost
constexpr std::size_t bytes_in_memory = 16U << 20;

RunDone done_of(const ResultFacts& facts, std::uint64_t size) {
  RunDone done;
  done.output_size = size;
  done.extension = facts.extension;
  done.queued_micros = facts.queued_micros;
  done.wall_micros = facts.wall_micros;
  done.cpu_micros = facts.cpu_micros;
  done.memory_bytes = facts.memory_bytes;
  done.verify_micros = facts.verify_micros;
  done.origin = ResultOrigin::kept;
  done.key = facts.key;
  done.fingerprint = facts.fingerprint;
  done.made_by = facts.node;
  done.made_at_micros = facts.made_at_micros;
  return done;
}

KnownNames names_in(const RunStart& start) {
  KnownNames names;
  if (check_name(start.input.name)) names.add(start.input.name);  // a client said it, or did not
  return names;
}

}  // namespace

Results::Results(const NodeOptions& options, NodeId self, const WallTime& wall, Runs& runs,
                 Outside& outside, Post& post)
    : self_(self),
      wall_(wall),
      runs_(runs),
      outside_(outside),
      post_(post),
      announce_time_(options.lanes.announce_time),
      cache_(outside.results == nullptr ? 0 : options.result_cache_bytes),
      claims_(post),
      in_memory_(bytes_in_memory) {}

// --- Probes

KnownWork Results::known(Instant now, const ProbeLoad& probe) const {
  const auto entry = runs_.book().require(probe.recipe, probe.recipe_digest);
  if (!entry) return KnownWork::nothing;
  const Work work = work_with(probe.work, entry.value()->fingerprint);
  if (cache_.contains(work.key)) return KnownWork::kept;
  if (going_on(work)) return KnownWork::going_on;
  const Digest of_image = failure_key_of(probe.image, probe.recipe_digest);
  const bool has_failed =
      failed_.is_to_be_tried_here(now, work.key) || failed_.is_to_be_tried_here(now, of_image);
  return has_failed ? KnownWork::failed : KnownWork::nothing;
}

Results::Work Results::work_with(const Digest& work, const std::optional<Digest>& fingerprint) {
  return {result_key_of(work, fingerprint.value_or(Digest{})), result_key_of(work, Digest{}),
          fingerprint};
}

std::optional<Results::FlightId> Results::going_on(const Work& work) const {
  for (const Digest& key : {work.key, work.early_key}) {
    if (const auto found = joinable_.find(key); found != joinable_.end()) return found->second;
  }
  return std::nullopt;
}

void Results::on_probe(Instant now, LinkId from, const ProbeLoad& probe) {
  now_ = now;
  probe_ = &probe;
  runs_.on_probe(now, from, probe);
  probe_ = nullptr;
  if (probe.work != Digest{} && !is_first_of_work(now, probe)) {
    runs_.on_release(now, {probe.request, {}});
  }
}

// All who want the same make one run at most: a thousand of them do not fill a queue.
bool Results::is_first_of_work(Instant now, const ProbeLoad& probe) {
  if (known(now, probe) != KnownWork::nothing) return false;
  std::erase_if(announced_, [now](const auto& one) { return now >= one.second.until; });
  const auto [place, is_new] =
      announced_.try_emplace(probe.work, Announced{probe.request, now + announce_time_});
  return is_new || place->second.request == probe.request;
}

void Results::on_release(Instant now, const ReleaseLoad& release) {
  claims_.on_placed(now, release.request, release.placed_at);
  if (release.placed_at != self_) runs_.on_release(now, release);
}

// --- Starts

std::optional<Results::Work> Results::work_of_start(const RunStart& start) const {
  if (!runs_.book().require(start.recipe, start.recipe_digest)) return std::nullopt;
  const auto work =
      work_of_chain(runs_.book(), start.input.digest, start.recipe, start.arguments, start.then);
  if (!work) return std::nullopt;
  return work_with(work->work, work->fingerprint);
}

void Results::on_start(Instant now, LinkId from, const RunStart& start, const InputPlace& place) {
  now_ = now;
  if (is_retry(now, from, start)) return;
  const auto work = work_of_start(start);
  if (!work) return runs_.on_start(now, from, start, place);  // which says why
  const Asker asker{from, start.operation, now + asker_waits,
                    now + std::chrono::milliseconds(start.deadline_ms)};
  if (!start.force) {
    if (cache_.contains(work->key)) {
      runs_.on_release(now, {start.request, {}});
      return begin_hit(asker, start, work->key, place);
    }
    if (is_refused(now, from, start, work->key)) return;
    if (const auto flight = going_on(*work)) {
      runs_.on_release(now, {start.request, {}});
      return join(*flight, start, asker);
    }
  }
  lead(now, from, start, *work, place, asker);
}

bool Results::has(const RunStart& start) const {
  const auto work = start.force ? std::nullopt : work_of_start(start);
  return work && cache_.contains(work->key);
}

// The same wish once more: whoever waits for it is asked to answer there.
bool Results::is_retry(Instant now, LinkId from, const RunStart& start) {
  const auto again = [&](Asker& asker) {
    asker.link = from;
    asker.operation = start.operation;
    asker.until = now + asker_waits;
  };
  if (const auto hit = hits_.find(start.request); hit != hits_.end()) {
    again(hit->second.asker);
    if (hit->second.intact) tell_hit(hit->second);
    return true;
  }
  const auto asking = asking_.find(start.request);
  if (asking == asking_.end()) return false;
  Flight& flight = flights_.at(asking->second);
  Asker& asker = flight.askers.at(start.request);
  again(asker);
  runs_.on_alive(now, {flight.start.request});  // who asks again is there, for the run too
  if (flight.done) {
    if (!flight.reading) tell(flight, start.request, asker);
  } else if (flight.position) {
    post_.to_link(from, RunAccepted{start.operation, *flight.position});
  }
  return true;
}

bool Results::is_refused(Instant now, LinkId from, const RunStart& start, const Digest& key) {
  auto refusal = failed_.refusal_of(now, key);
  const bool is_of_image = !refusal;
  if (!refusal) {
    refusal = failed_.refusal_of(now, failure_key_of(start.input.digest, start.recipe_digest));
  }
  if (!refusal) return false;
  runs_.on_release(now, {start.request, {}});
  RunDone done;
  done.operation = start.operation;
  done.code = ErrorCode::tool_failed;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(refusal->left).count();
  done.detail = (is_of_image ? "the tool crashed on this image with whatever parameters, and is "
                             : "the tool crashed twice on this, and is ");
  done.detail += "not tried again for " + std::to_string(seconds) +
                 " s ('pixmesh run --force' does); " + refusal->text;
  done.key = key;
  post_.to_link(from, std::move(done));
  return true;
}

void Results::begin_hit(const Asker& asker, const RunStart& start, const Digest& key,
                        const InputPlace& place) {
  cache_.hold(key);
  note_names(key, names_in(start));
  runs_.journal().on_shared(now_, start, "kept");
  const Kept& kept = kept_.at(key);
  Output output{result_path(key, kept.facts.extension), kept.bytes.size, kept.bytes.checksums};
  if (output.checksums.size() > 8) post_.to_link(asker.link, RunAccepted{asker.operation, 0});
  RunDone done = done_of(kept.facts, kept.bytes.size);
  Hit& hit = hits_[start.request];
  hit = {++last_hit_, key, start, place, asker, std::move(output), std::move(done), false};
  if (const Bytes* bytes = in_memory_.find(key)) return on_hit(hit, *bytes);
  readings_.push_back({{start.request, hit.number}, hit.output});
}

void Results::on_hit(Hit& hit, const Bytes& output) {
  hit.intact = true;
  ++hit_count_;
  tell_hit(hit, output);
}

void Results::end_hit(std::map<RequestId, Hit>::iterator hit) {
  const Digest key = hit->second.key;
  hits_.erase(hit);
  drop(cache_.let_go(key));
}

void Results::on_read(Instant now, const ReadResult& result) {
  now_ = now;
  if (result.whom().flight != 0) return on_flight_read(now, result.whom().flight, result.bytes());
  const auto found = hits_.find(result.whom().request);
  const bool is_gone = found == hits_.end() || found->second.number != result.whom().hit;
  if (is_gone) return;  // or its asker, with the same request, wants something else by now
  if (result.intact()) {
    const auto kept = kept_.find(found->second.key);
    const bool is_latest =
        kept != kept_.end() && kept->second.bytes.checksums == found->second.output.checksums;
    if (is_latest && !result.bytes().empty()) in_memory_.add(kept->first, result.bytes());
    return on_hit(found->second, result.bytes());
  }
  Hit hit = found->second;
  hit.start.operation = hit.asker.operation;  // of its last try
  outside_.log.event(LogLevel::warning, "result_damaged", {{"key", to_text(hit.key)}});
  forget_kept(hit.key);
  end_hit(found);
  on_start(now, hit.asker.link, hit.start, hit.place);
}

void Results::tell_hit(const Hit& hit, const Bytes& output) {
  RunDone done = hit.done;
  if (outside_.transport.has_room(hit.asker.link)) done.output = output;
  done.operation = hit.asker.operation;
  if (!done.output.empty()) runs_.journal().on_fetching(now_, hit.start.request);
  post_.to_link(hit.asker.link, std::move(done));
}

void Results::join(FlightId id, const RunStart& start, const Asker& asker) {
  Flight& flight = flights_.at(id);
  flight.askers[start.request] = asker;
  flight.names.add(names_in(start).names, false);
  asking_[start.request] = id;
  ++joined_count_;
  runs_.journal().on_shared(now_, start, "joined");
  runs_.on_alive(now_, {flight.start.request});
  if (flight.done && !flight.reading) return tell(flight, start.request, asker);
  const std::uint32_t position = flight.position.value_or(0);
  post_.to_link(asker.link, RunAccepted{asker.operation, position});
}

void Results::lead(Instant now, LinkId from, const RunStart& start, const Work& work,
                   const InputPlace& place, const Asker& asker) {
  const FlightId id = ++last_flight_;
  Flight& flight = flights_[id];
  flight.key = work.key;
  flight.fingerprint = work.fingerprint;
  flight.start = start;
  flight.link = from;
  flight.place = place;
  flight.deadline = asker.deadline;
  flight.askers[start.request] = asker;
  flight.names = names_in(start);
  asking_[start.request] = id;
  at_runs_[{from, start.operation}] = id;
  if (!start.force) joinable_.try_emplace(work.key, id);
  ++miss_count_;
  runs_.on_start(now, from, start, place);
}

// --- Askers that live, and that go

void Results::on_alive(Instant now, const RunAlive& alive) {
  if (const auto hit = hits_.find(alive.request); hit != hits_.end()) {
    hit->second.asker.until = now + asker_waits;
    return;
  }
  const auto asking = asking_.find(alive.request);
  if (asking == asking_.end()) return runs_.on_alive(now, alive);
  Flight& flight = flights_.at(asking->second);
  flight.askers.at(alive.request).until = now + asker_waits;
  runs_.on_alive(now, {flight.start.request});
}

void Results::on_cancel(Instant now, const RunCancel& cancel) {
  now_ = now;
  if (const auto hit = hits_.find(cancel.request); hit != hits_.end()) return end_hit(hit);
  const auto asking = asking_.find(cancel.request);
  if (asking == asking_.end()) return runs_.on_cancel(now, cancel);
  part(now, asking->second, cancel.request);
}

void Results::part(Instant now, FlightId id, RequestId request) {
  flights_.at(id).askers.erase(request);
  asking_.erase(request);
  end_if_over(now, id);
}

std::vector<Results::Asker*> Results::askers_on(LinkId link) {
  std::vector<Asker*> askers;
  for (auto& [request, hit] : hits_) {
    if (hit.asker.link == link) askers.push_back(&hit.asker);
  }
  for (auto& [id, flight] : flights_) {
    for (auto& [request, asker] : flight.askers) {
      if (asker.link == link) askers.push_back(&asker);
    }
  }
  return askers;
}

void Results::on_link_closed(Instant now, LinkId link) {
  for (Asker* asker : askers_on(link)) {
    asker->until = std::min(asker->until, now + closed_patience);
    closed_.insert(link);
  }
}

void Results::on_heard(Instant now, LinkId link) {
  if (closed_.erase(link) == 0) return;
  for (Asker* asker : askers_on(link)) asker->until = now + asker_waits;
}

void Results::on_deadline(Instant now) {
  now_ = now;
  claims_.on_deadline(now);
  std::vector<RequestId> gone;
  for (const auto& [request, hit] : hits_) {
    if (now >= hit.asker.until) gone.push_back(request);
  }
  for (const auto& [id, flight] : flights_) {
    for (const auto& [request, asker] : flight.askers) {
      if (now >= asker.until) gone.push_back(request);
    }
  }
  for (const RequestId& request : gone) {
    outside_.log.event(LogLevel::info, "run_asker_gone", {{"request", to_text(request)}});
    on_cancel(now, {request});
  }
  if (gone.empty()) return;
  std::erase_if(closed_, [this](const LinkId& link) { return askers_on(link).empty(); });
}

std::optional<Instant> Results::next_deadline() const {
  std::optional<Instant> first = claims_.next_deadline();
  const auto earlier = [&](Instant at) {
    if (!first || at < *first) first = at;
  };
  for (const auto& [request, hit] : hits_) earlier(hit.asker.until);
  for (const auto& [id, flight] : flights_) {
    for (const auto& [request, asker] : flight.askers) earlier(asker.until);
  }
  return first;
}

// --- What is asked of it

std::optional<Results::Output> Results::output_of(RequestId request) const {
  if (const auto hit = hits_.find(request); hit != hits_.end()) {
    if (!hit->second.intact) return std::nullopt;
    return hit->second.output;
  }
  const auto asking = asking_.find(request);
  const auto output = runs_.output_of(
      asking == asking_.end() ? request : flights_.at(asking->second).start.request);
  if (!output) return std::nullopt;
  return Output{output->path, output->size, {}};
}

std::vector<Results::Reading> Results::take_readings() { return std::exchange(readings_, {}); }

ResultsStatus Results::status() const {
  return {cache_.count(), cache_.bytes(), cache_.quota(), hit_count_, miss_count_, joined_count_};
}

}  // namespace pixmesh
