#include "cli/top_view.h"

#include "cli/descriptions.h"
#include "cli/map_pace.h"

namespace pixmesh {
namespace {

/// `after - before` in a thousand seconds.
std::uint64_t per_1000s(std::uint64_t before, std::uint64_t after, std::uint64_t span_ms) {
  return after < before || span_ms == 0 ? 0 : (after - before) * 1'000'000 / span_ms;
}

/// Of the runs asked for in between: those answered with a kept result, or by one that went on.
std::optional<std::uint64_t> shared_permille(const ResultsStatus& before,
                                             const ResultsStatus& after) {
  const std::uint64_t shared = after.hits + after.joined - before.hits - before.joined;
  const std::uint64_t all = shared + after.misses - before.misses;
  return all == 0 ? std::nullopt : std::optional(shared * 1000 / all);
}

std::string percent_text(std::uint64_t permille) {
  return std::to_string((permille + 5) / 10) + "%";
}

std::string memory_text(const TopRow& row) {
  if (row.memory_bytes == 0) return "-";
  return size_at_a_glance(row.memory_taken) + "/" + size_at_a_glance(row.memory_bytes);
}

std::string span_text(std::uint64_t micros) {
  return micros == 0 ? "-" : span_at_a_glance(std::chrono::microseconds(micros));
}

}  // namespace

std::vector<TopRow> TopView::rows(const std::vector<NodeReport>& reports, Instant now) {
  std::vector<TopRow> rows;
  for (const NodeReport& report : reports) {
    TopRow& row = rows.emplace_back();
    row.node = report.node;
    row.control = report.control;
    row.problem = report.problem;
    if (!report.status) continue;
    const StatusAnswer& status = *report.status;
    row.workers = status.workers;
    row.running = status.running;
    row.queued = status.queued;
    row.memory_bytes = status.tool_memory_bytes;
    row.memory_taken = status.tool_memory_taken;
    row.runs = status.runs;
    row.repair_per_second = status.repair.bytes_a_second;
    row.to_copy_bytes = status.repair.to_copy_bytes;
    const auto known = earlier_.find(report.node);
    const bool compares =
        known != earlier_.end() && known->second.uptime_seconds <= status.uptime_seconds;
    if (compares) {
      const RunStatus& before = known->second.runs;
      const auto span = static_cast<std::uint64_t>((now - known->second.at) / 1ms);
      row.cpu_permille = per_1000s(before.cpu_micros, status.runs.cpu_micros, span) / 1'000'000;
      row.runs_per_1000s = per_1000s(before.finished, status.runs.finished, span);
      row.failed_per_1000s = per_1000s(before.failed, status.runs.failed, span);
      row.shared_permille = shared_permille(known->second.results, status.results);
      row.in_per_second =
          per_1000s(before.stream_bytes_in, status.runs.stream_bytes_in, span) / 1000;
      row.out_per_second =
          per_1000s(before.stream_bytes_out, status.runs.stream_bytes_out, span) / 1000;
    }
    earlier_[report.node] = {status.runs, status.results, status.uptime_seconds, now};
  }
  return rows;
}

TextTable top_table(const std::vector<TopRow>& rows) {
  TextTable table({{"NODE"},
                   {"ADDRESS"},
                   {"RUNNING", Align::right},
                   {"QUEUED", Align::right},
                   {"MEMORY", Align::right},
                   {"CPU", Align::right},
                   {"RUNS", Align::right},
                   {"SHARED", Align::right},
                   {"FAILED", Align::right},
                   {"P50", Align::right},
                   {"P95", Align::right},
                   {"IN", Align::right},
                   {"OUT", Align::right},
                   {"REPAIR", Align::right},
                   {"TO COPY", Align::right}});
  for (const TopRow& row : rows) {
    if (!row.problem.empty()) {
      table.add({short_text(row.node), row.control, row.problem, "", "", "", "", "", "", "", "", "",
                 "", "", ""},
                Colour::red);
      continue;
    }
    table.add({short_text(row.node), row.control,
               std::to_string(row.running) + "/" + std::to_string(row.workers),
               std::to_string(row.queued), memory_text(row), percent_text(row.cpu_permille),
               rate_text(row.runs_per_1000s),
               row.shared_permille ? percent_text(*row.shared_permille) : "-",
               std::to_string(row.runs.failed), span_text(row.runs.p50_micros),
               span_text(row.runs.p95_micros), size_at_a_glance(row.in_per_second) + "/s",
               size_at_a_glance(row.out_per_second) + "/s",
               size_at_a_glance(row.repair_per_second) + "/s", size_at_a_glance(row.to_copy_bytes)},
              row.queued > 0 ? Colour::yellow : Colour::plain);
  }
  return table;
}

Json json_of(const TopRow& row) {
  Json object{{"node", to_text(row.node)}, {"address", row.control}};
  if (!row.problem.empty()) {
    object["problem"] = row.problem;
    return object;
  }
  object.update(Json{{"workers", row.workers},
                     {"running", row.running},
                     {"queued", row.queued},
                     {"memory_bytes", row.memory_bytes},
                     {"memory_taken", row.memory_taken},
                     {"cpu_permille", row.cpu_permille},
                     {"runs_per_1000s", row.runs_per_1000s},
                     {"failed_per_1000s", row.failed_per_1000s},
                     {"finished", row.runs.finished},
                     {"failed", row.runs.failed},
                     {"refused", row.runs.refused},
                     {"left", row.runs.left},
                     {"cpu_micros", row.runs.cpu_micros},
                     {"p50_micros", row.runs.p50_micros},
                     {"p95_micros", row.runs.p95_micros},
                     {"stream_bytes_in", row.runs.stream_bytes_in},
                     {"stream_bytes_out", row.runs.stream_bytes_out},
                     {"in_per_second", row.in_per_second},
                     {"out_per_second", row.out_per_second},
                     {"repair_per_second", row.repair_per_second},
                     {"to_copy_bytes", row.to_copy_bytes}});
  object["shared_permille"] = row.shared_permille ? Json(*row.shared_permille) : Json(nullptr);
  return object;
}

}  // namespace pixmesh
