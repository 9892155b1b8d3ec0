// What becomes of a flight, and of the results that are kept.
#include <algorithm>
#include <utility>

#include "node/results.h"
#include "node/run_chain.h"
#include "processing/render.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

constexpr std::uint64_t block_bytes = 4'096;
constexpr Duration worth_a_try = 100ms;  // less time is left: no use to begin anew

/// What a result takes on the disk, with the file beside it.
std::uint64_t space_of(std::uint64_t size) {
  return (size + block_bytes - 1) / block_bytes * block_bytes + block_bytes;
}

constexpr int signal_kill = 9;  // what a kernel without memory sends, and people

/// How much the end of a tool counts for `FailedWork`, which refuses at 4.
struct CrashWeight {
  std::uint32_t of_work = 0;   // recipe and parameters
  std::uint32_t of_image = 0;  // with whatever parameters
};

// A decoder that dies has met bytes that it cannot bear. A limit may have been met for the sake of
// the parameters.
CrashWeight weight_of(const ToolReport& report) {
  switch (report.end) {
    case ToolEnd::killed:
      return {2, report.exit_status == signal_kill ? 0U : 2U};
    case ToolEnd::wall_limit:
    case ToolEnd::cpu_limit:
    case ToolEnd::memory_limit:
    case ToolEnd::output_limit:
      return {2, 1};
    case ToolEnd::finished:
    case ToolEnd::exit_status:
    case ToolEnd::no_output:
    case ToolEnd::not_started:
    case ToolEnd::cancelled:
      break;
  }
  return {};
}

std::uint64_t spent_by(const ResultFacts& facts) {
  return std::max(facts.wall_micros, facts.cpu_micros) + facts.verify_micros;
}

}  // namespace

void Results::to_member(NodeId to, Message message) { post_.to_member(to, std::move(message)); }

// Runs is in the middle of something: what it says of a flight is dealt with in `settle`.
void Results::to_link(LinkId to, Message message) {
  if (auto* load = std::get_if<LoadAnswer>(&message); load != nullptr && probe_ != nullptr) {
    if (probe_->work != Digest{}) load->known = known(now_, *probe_);
    return claims_.answer(now_, to, *probe_, std::move(*load));
  }
  std::optional<OperationId> operation;
  if (const auto* accepted = std::get_if<RunAccepted>(&message)) operation = accepted->operation;
  if (const auto* done = std::get_if<RunDone>(&message)) operation = done->operation;
  const auto flight = operation ? at_runs_.find({to, *operation}) : at_runs_.end();
  if (flight == at_runs_.end()) return post_.to_link(to, std::move(message));
  said_.emplace_back(flight->second, std::move(message));
}

bool Results::settle(Instant now) {
  now_ = now;
  const bool was_anything = !said_.empty();
  while (!said_.empty()) {
    for (auto& [id, message] : std::exchange(said_, {})) {
      if (!flights_.contains(id)) continue;
      if (const auto* accepted = std::get_if<RunAccepted>(&message)) on_accepted(id, *accepted);
      if (auto* done = std::get_if<RunDone>(&message)) on_done(now, id, std::move(*done));
    }
  }
  return was_anything;
}

void Results::on_accepted(FlightId id, const RunAccepted& accepted) {
  Flight& flight = flights_.at(id);
  flight.position = accepted.position;
  for (const auto& [request, asker] : flight.askers) {
    post_.to_link(asker.link, RunAccepted{asker.operation, accepted.position});
  }
}

void Results::on_done(Instant now, FlightId id, RunDone done) {
  const ToolReport* report = runs_.report_of(flights_.at(id).start.request);
  if (leads_again(now, id, done)) return;
  Flight& flight = flights_.at(id);
  done.key = flight.key;
  done.fingerprint = flight.fingerprint.value_or(Digest{});
  if (report != nullptr && report->end != ToolEnd::not_started) done.made_by = self_;
  done.made_at_micros = wall_.microseconds;
  flight.done = done;
  remember_failure(now, flight, done, report);
  const bool worked = done.code == ErrorCode{} && report != nullptr;
  if (worked) keep(id, *report);
  const auto output = worked ? runs_.output_of(flight.start.request) : std::nullopt;
  if (output && is_small_result(output->size)) {
    flight.reading = true;
    readings_.push_back({{{}, 0, id}, {output->path, output->size, {}}});
    return end_if_over(now, id);
  }
  for (const auto& [request, asker] : flight.askers) tell(flight, request, asker);
  if (!worked) return end(now, id);
  end_if_over(now, id);
}

// Without them, for they could not be read, askers open a stream and learn why.
void Results::on_flight_read(Instant now, FlightId id, const Bytes& bytes) {
  const auto place = flights_.find(id);
  if (place == flights_.end()) return;  // all have gone
  Flight& flight = place->second;
  flight.reading = false;
  for (const auto& [request, asker] : flight.askers) tell(flight, request, asker, bytes);
  end_if_over(now, id);
}

// The time of the request that began it was over, not that of all who wait: another one begins.
bool Results::leads_again(Instant now, FlightId id, const RunDone& done) {
  Flight& flight = flights_.at(id);
  if (done.code != ErrorCode::timed_out) return false;
  const auto next = std::ranges::find_if(flight.askers, [&](const auto& entry_of) {
    const Instant deadline = entry_of.second.deadline;
    return deadline > flight.deadline && deadline > now + worth_a_try;
  });
  if (next == flight.askers.end()) return false;
  const RequestId last = flight.start.request;
  at_runs_.erase({flight.link, flight.start.operation});
  flight.start.request = next->first;
  flight.start.operation = next->second.operation;
  flight.link = next->second.link;
  flight.deadline = next->second.deadline;
  flight.start.deadline_ms = static_cast<std::uint32_t>((next->second.deadline - now) / 1ms);
  flight.position.reset();
  at_runs_[{flight.link, flight.start.operation}] = id;
  std::vector<RequestId> over;
  for (const auto& [request, asker] : flight.askers) {
    if (asker.deadline > now + worth_a_try) continue;
    RunDone late = done;
    late.operation = asker.operation;
    post_.to_link(asker.link, std::move(late));
    over.push_back(request);
  }
  for (const RequestId& request : over) {
    flight.askers.erase(request);
    asking_.erase(request);
  }
  runs_.on_cancel(now, {last});
  const RunStart start = flight.start;
  runs_.on_start(now, flight.link, start, flight.place);
  return true;
}

void Results::remember_failure(Instant now, const Flight& flight, const RunDone& done,
                               const ToolReport* report) {
  if (report == nullptr) return;
  const Digest& source = flight.start.input.digest;
  const Digest of_image = failure_key_of(source, flight.start.recipe_digest);
  if (done.code == ErrorCode{}) {
    failed_.forget(flight.key);
    return failed_.forget(of_image);
  }
  if (done.code != ErrorCode::tool_failed) return;  // cut short by the deadline of an asker
  const CrashWeight weight = weight_of(*report);
  failed_.on_crash(now, flight.key, source, weight.of_work, done.detail);
  const bool read_image = runs_.ended_at_image(flight.start.request);
  if (!read_image || has_result_by(source, flight.start.recipe_digest)) return;
  failed_.on_crash(now, of_image, source, weight.of_image, done.detail);
}

bool Results::has_result_by(const Digest& source, const Digest& recipe) const {
  return std::ranges::any_of(cache_.made_of(source), [&](const Digest& key) {
    return kept_.at(key).facts.recipe_digest == recipe;
  });
}

// With `{in}` and `{out}` in place.
std::vector<std::string> Results::command_of(const RunStart& start) const {
  const BookEntry* entry = runs_.book().find(start.recipe);
  if (entry == nullptr || entry->digest != start.recipe_digest) return {};
  const auto first = render_arguments(entry->recipe, given_of(start.arguments));
  if (!first) return {};
  const auto steps = render_chain(runs_.book(), {entry, first.value()}, start.then, true);
  return steps ? argv_of(steps.value()) : std::vector<std::string>{};
}

void Results::keep(FlightId id, const ToolReport& report) {
  Flight& flight = flights_.at(id);
  const RunDone& done = *flight.done;
  const bool may = flight.fingerprint && flight.is_fresh && !keeping_.contains(flight.key) &&
                   cache_.would_keep(space_of(report.output_size));
  if (!may) return;
  ResultFacts facts;
  facts.key = flight.key;
  facts.source = flight.start.input.digest;
  facts.recipe = flight.start.recipe;
  facts.recipe_digest = flight.start.recipe_digest;
  facts.fingerprint = *flight.fingerprint;
  facts.argv = command_of(flight.start);
  facts.node = self_;
  facts.made_at_micros = done.made_at_micros;
  facts.queued_micros = done.queued_micros;
  facts.verify_micros = done.verify_micros;
  facts.wall_micros = done.wall_micros;
  facts.cpu_micros = done.cpu_micros;
  facts.memory_bytes = done.memory_bytes;
  facts.extension = done.extension;
  facts.names.assign(flight.names.names.begin(), flight.names.names.end());
  facts.more_names = flight.names.more;
  flight.keeping = true;
  keeping_[flight.key] = id;
  outside_.results->keep(
      {flight.key, report.output_path, done.extension, encode_result_facts(facts)});
}

// The answer to `keep`, or one that lay there when this process began.
void Results::on_kept(Instant now, const ResultKept& kept) {
  now_ = now;
  if (kept.found && keeping_.contains(kept.key)) return on_found_late(kept);
  const auto place = keeping_.find(kept.key);
  const bool is_ours = place != keeping_.end();
  const FlightId id = is_ours ? place->second : 0;
  bool is_wanted = true;
  if (is_ours) {
    keeping_.erase(place);
    Flight& flight = flights_.at(id);
    flight.keeping = false;
    is_wanted = flight.is_fresh;
  }
  auto facts = decode_result_facts(kept.facts);
  const bool is_right = kept.kept && facts && facts->key == kept.key &&
                        facts->extension == kept.extension && !kept.kept->checksums.empty();
  if (is_right && !is_ours) is_wanted = !gone_.has(facts.value());
  if (is_right && is_wanted) {
    const std::uint64_t space = space_of(kept.kept->size);
    const ResultCache::Entry entry{facts->source, space, spent_by(facts.value())};
    extensions_[kept.key] = kept.extension;
    KnownNames names = is_ours ? flights_.at(id).names : KnownNames{};
    if (const auto before = kept_.find(kept.key); before != kept_.end()) {
      names.add(before->second.facts.names, before->second.facts.more_names);
    }
    erase_kept(kept.key);  // it may have been made anew
    for (const std::string& name : facts->names) names_.add(name, kept.key);
    if (facts->more_names) names_.add_others(kept.key);
    kept_[kept.key] = {std::move(facts).value(), kept.kept.value()};
    note_names(kept.key, names);
    drop(cache_.add(kept.key, entry));
  } else {
    forget_kept(kept.key);  // what was there before is gone too
    outside_.results->drop(kept.key, kept.extension);
  }
  if (is_ours) end_if_over(now, id);
}

// What lay there is being replaced; only its names stay.
void Results::on_found_late(const ResultKept& kept) {
  const auto facts = decode_result_facts(kept.facts);
  if (!facts || gone_.has(facts.value())) return;
  flights_.at(keeping_.at(kept.key)).names.add(facts->names, facts->more_names);
}

void Results::drop(const ResultCache::Drops& keys) {
  for (const Digest& key : keys) {
    erase_kept(key);
    const auto extension = extensions_.extract(key);
    if (extension) outside_.results->drop(key, extension.mapped());
  }
}

void Results::forget_kept(const Digest& key) {
  const ResultCache::Drops drops = cache_.remove(key);
  erase_kept(key);
  drop(drops);
}

void Results::erase_kept(const Digest& key) {
  in_memory_.remove(key);
  const auto kept = kept_.extract(key);
  if (kept) names_.remove(kept.mapped().facts.names, key);
}

// So that it is found by them, also by the next process.
void Results::note_names(const Digest& key, const KnownNames& names) {
  Kept& kept = kept_.at(key);
  ResultFacts& facts = kept.facts;
  const std::size_t before = facts.names.size();
  const bool had_more = facts.more_names;
  facts.more_names = had_more || names.more;
  for (const std::string& name : names.names) {
    if (std::ranges::find(facts.names, name) != facts.names.end()) continue;
    if (facts.names.size() >= KnownNames::most) {
      facts.more_names = true;
      break;
    }
    facts.names.push_back(name);
    names_.add(name, key);
  }
  if (facts.more_names) names_.add_others(key);
  const bool is_news = facts.names.size() > before || facts.more_names != had_more;
  // Beside other bytes these checksums would be wrong; `on_kept` notes the names.
  if (!is_news || keeping_.contains(key)) return;
  outside_.results->keep_facts({key, facts.extension, kept.bytes, encode_result_facts(facts)});
}

void Results::tell(const Flight& flight, RequestId request, const Asker& asker,
                   const Bytes& output) {
  RunDone done = *flight.done;
  if (outside_.transport.has_room(asker.link)) done.output = output;
  done.operation = asker.operation;
  if (request != flight.start.request) done.origin = ResultOrigin::joined;
  if (!done.output.empty()) runs_.journal().on_fetching(now_, request);
  post_.to_link(asker.link, std::move(done));
}

// Nobody waits for it any more: what still runs is ended. What is being kept is ended later.
void Results::end_if_over(Instant now, FlightId id) {
  const Flight& flight = flights_.at(id);
  const auto place = joinable_.find(flight.key);
  // From here on it is found in the cache, or made again.
  const bool was_kept = flight.done && !flight.keeping;
  if (was_kept && place != joinable_.end() && place->second == id && cache_.contains(flight.key)) {
    joinable_.erase(place);
  }
  if (flight.askers.empty() && !flight.keeping) end(now, id);
}

void Results::end(Instant now, FlightId id) {
  const auto node = flights_.extract(id);
  const Flight& flight = node.mapped();
  for (const auto& [request, asker] : flight.askers) asking_.erase(request);
  const auto place = joinable_.find(flight.key);
  if (place != joinable_.end() && place->second == id) joinable_.erase(place);
  at_runs_.erase({flight.link, flight.start.operation});
  runs_.on_cancel(now, {flight.start.request});
}

}  // namespace pixmesh
