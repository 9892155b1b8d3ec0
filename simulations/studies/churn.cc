#include "simulations/studies/churn.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "simulations/studies/samples.h"

namespace pixmesh::studies {
namespace {

constexpr double whole_goal_seconds = 60;  // and the time of the transfer itself

Duration time_of(double seconds) {
  return std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6));
}

ChurnShape shape_of(const ChurnOptions& options, std::uint32_t nodes, double between) {
  ChurnShape shape;
  shape.seed = options.seed;
  shape.nodes = nodes;
  shape.between = time_of(between);
  shape.length = time_of(60 * options.minutes);
  shape.images = options.images * nodes;
  shape.image_bytes =
      static_cast<std::uint64_t>(std::llround(options.image_megabytes * 1e6 / options.scale));
  shape.link_bytes_per_second =
      static_cast<std::uint64_t>(std::llround(options.link_megabits / 8 * 1e6 / options.scale));
  const auto between_wishes = [nodes](double rate) {
    return rate > 0 ? time_of(1 / (rate * nodes)) : Duration{};
  };
  shape.between_reads = between_wishes(options.reads);
  shape.between_writes = between_wishes(options.writes);
  shape.down = time_of(options.down_seconds);
  shape.partition_bits = options.partition_bits;
  return shape;
}

struct Sum {
  std::uint64_t changes = 0;
  std::uint64_t unseen = 0;  // that never became whole
  double moved = 0;          // bytes as played
  double ideal = 0;
  Samples whole;
  Samples least;
  bool in_time = true;

  void add(const ChangeSeen& seen) {
    ++changes;
    moved += static_cast<double>(seen.moved_bytes);
    ideal += static_cast<double>(seen.ideal_bytes);
    least.add(seen.least);
    if (!seen.whole) {
      ++unseen;
      in_time = false;
      return;
    }
    whole.add(*seen.whole);
    in_time = in_time && *seen.whole <= seen.least + time_of(whole_goal_seconds);
  }
  [[nodiscard]] Cell ratio() const { return ideal > 0 ? number(moved / ideal, 2) : nothing(); }
};

Cell between_cell(double between) {
  return between > 0 ? word(number(between, 0).text) : word("one by one");
}

Table clients_table() {
  return {"churn",
          "Clients while nodes join, restart, leave, join, restart and are killed, in turn. A read "
          "or write has\nfailed when its client gave up; unanswered: lookups that had to be asked "
          "again.",
          {{"nodes", "nodes"},
           {"between_seconds", "s between"},
           {"changes", "changes"},
           {"reads", "reads"},
           {"reads_failed", "failed"},
           {"lookups_unanswered", "unanswered"},
           {"writes", "writes"},
           {"writes_failed", "failed"},
           {"write_p50_seconds", "p50, s"},
           {"write_p99_seconds", "p99, s"},
           {"write_worst_seconds", "worst, s"}},
          {}};
}

Table changes_table(const ChurnOptions& options) {
  return {"changes",
          "Bytes that nodes fetched of the images stored before, against the difference of the "
          "tables; and the\ntime until every image had all its copies again (least: the busiest "
          "receiver's part at link speed).\nBytes and links are played " +
              number(options.scale, 0).text +
              " times smaller. Bytes count for the change that began last, so only one by\none "
              "are they a change's own. Goal: restarts move nothing, others the ideal; whole "
              "within 60 s + least.",
          {{"nodes", "nodes"},
           {"between_seconds", "s between"},
           {"kind", "change"},
           {"changes", "changes"},
           {"ideal_gigabytes", "ideal, GB"},
           {"moved_gigabytes", "moved, GB"},
           {"moved_over_ideal", "ratio"},
           {"least_p50_seconds", "least p50, s"},
           {"whole_p50_seconds", "whole p50, s"},
           {"whole_worst_seconds", "worst, s"},
           {"never_whole", "never"},
           {"in_time", "in time"}},
          {}};
}

std::vector<Cell> clients_row(const ChurnMesh& mesh, std::uint32_t nodes, double between) {
  const ChurnLoad& load = mesh.load();
  Samples times = load.write_times();
  return {count(nodes),
          between_cell(between),
          count(mesh.changes().size()),
          count(load.reads()),
          count(load.reads() - load.reads_done()),
          count(load.lookups_unanswered()),
          count(load.writes()),
          count(load.writes() - load.writes_done()),
          number(times.quantile(0.5), 2),
          number(times.quantile(0.99), 2),
          number(times.quantile(1), 2)};
}

std::vector<Cell> changes_row(const std::string& kind, Sum& sum, const ChurnOptions& options,
                              std::uint32_t nodes, double between) {
  const double gigabyte = 1e9 / options.scale;
  return {count(nodes),
          between_cell(between),
          word(kind),
          count(sum.changes),
          number(sum.ideal / gigabyte, 2),
          number(sum.moved / gigabyte, 2),
          sum.ratio(),
          number(sum.least.quantile(0.5), 1),
          number(sum.whole.quantile(0.5), 1),
          number(sum.whole.quantile(1), 1),
          count(sum.unseen),
          yes_or_no(sum.in_time)};
}

/// The lines of the charts, by the time between changes.
struct Lines {
  Series worst;
  Series half;
  Series moved;
  Series failed;
};

class Churn {
 public:
  explicit Churn(const ChurnOptions& options)
      : options_(options), clients_(clients_table()), changes_(changes_table(options)) {}

  Report report() {
    for (const double between : options_.between_seconds) {
      const std::string name =
          between > 0 ? "every " + number(between, 0).text + " s" : "one by one";
      Lines lines{{name + ", worst", {}}, {name + ", p50", {}}, {name, {}}, {name, {}}};
      for (const std::uint32_t nodes : options_.nodes) play(nodes, between, lines);
      whole_.series.push_back(std::move(lines.worst));
      whole_.series.push_back(std::move(lines.half));
      moved_.series.push_back(std::move(lines.moved));
      failed_.series.push_back(std::move(lines.failed));
    }
    return {"churn",
            options_.seed,
            {std::move(clients_), std::move(changes_)},
            {std::move(whole_), std::move(moved_), std::move(failed_)}};
  }

 private:
  void play(std::uint32_t nodes, double between, Lines& lines) {
    ChurnMesh mesh(shape_of(options_, nodes, between));
    mesh.run();
    clients_.rows.push_back(clients_row(mesh, nodes, between));
    Sum all;
    std::array<Sum, change_kind_count> kinds;
    for (const ChangeSeen& seen : mesh.changes()) {
      all.add(seen);
      kinds[static_cast<std::size_t>(seen.kind)].add(seen);
    }
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      if (kinds[i].changes == 0) continue;
      const std::string kind = word_of(static_cast<ChangeKind>(i));
      changes_.rows.push_back(changes_row(kind, kinds[i], options_, nodes, between));
    }
    changes_.rows.push_back(changes_row("all", all, options_, nodes, between));
    const ChurnLoad& load = mesh.load();
    const auto wishes = static_cast<double>(load.reads() + load.writes());
    const auto done = static_cast<double>(load.reads_done() + load.writes_done());
    const auto x = static_cast<double>(nodes);
    lines.worst.points.push_back({x, all.whole.quantile(1)});
    lines.half.points.push_back({x, all.whole.quantile(0.5)});
    if (all.ideal > 0) lines.moved.points.push_back({x, all.moved / all.ideal});
    if (wishes > 0) lines.failed.points.push_back({x, 100 * (wishes - done) / wishes});
  }

  const ChurnOptions& options_;
  Table clients_;
  Table changes_;
  Chart whole_{"Until every image has all its copies", "nodes", "seconds", true, {}};
  Chart moved_{"Bytes moved over the table difference", "nodes", "moved over ideal", true, {}};
  Chart failed_{"Reads and writes that failed", "nodes", "percent", true, {}};
};

}  // namespace

ChurnOptions full_churn() {
  ChurnOptions options;
  options.nodes = {5, 10, 30, 100};
  options.between_seconds = {0, 120, 60, 30, 10};
  options.minutes = 30;
  return options;
}

Report churn_study(const ChurnOptions& options) { return Churn(options).report(); }

}  // namespace pixmesh::studies
