#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/map_report.h"
#include "cli/map_work.h"
#include "processing/closest.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

struct MapFlags {
  std::string chain;
  std::vector<std::string> parameters;
  std::string prefix;
  bool by_prefix = false;
  std::string from;
  std::vector<std::string> tags;
  std::string output;
  std::string store;
  std::string journal;
  std::string deadline;
  bool resume = false;
  bool rerun_failed = false;
  bool strict = false;
  std::uint64_t limit = 0;
  std::uint32_t concurrency = 0;
};

constexpr const char* journal_name = ".pixmesh-map.jsonl";
constexpr Duration draw_every = 100ms;
constexpr Duration say_every = 10s;

Error bad_words(std::string text) { return {ErrorCode::usage, std::move(text)}; }

Result<Done> check(const MapFlags& flags) {
  if (flags.output.empty() == flags.store.empty()) {
    return bad_words("say where the results go: -o FOLDER, or --store PREFIX for new images");
  }
  const int ways = int{flags.by_prefix} + int{!flags.from.empty()};
  const bool selects = ways > 0 || !flags.tags.empty();
  if (ways > 1 || (!flags.from.empty() && !flags.tags.empty())) {
    return bad_words("--from FILE names the images; leave out --prefix and --tag");
  }
  if (!selects && (!flags.rerun_failed || flags.resume)) {
    return bad_words(
        "say which images: --prefix PREFIX (\"\" for all), --tag KEY=VALUE or --from FILE");
  }
  return Done{};
}

/// One `pixmesh map`.
class MapCommand {
 public:
  MapCommand(CommandContext& context, const MapFlags& flags) : context_(context), flags_(flags) {}

  int run() {
    if (const auto ready = prepare(); !ready) return context_.fail(ready.error());
    if (items_.empty() && counts_.total == 0) {
      context_.output().say("no image to process");
      return complete_ ? exit_ok : list_lacks();
    }
    work_through();
    return report();
  }

 private:
  Result<Done> prepare() {
    if (auto good = check(flags_); !good) return good;
    auto chain = parse_chain(flags_.chain, flags_.parameters);
    if (!chain) return chain.error();
    orders_.chain = std::move(chain).value();
    orders_.strict = flags_.strict;
    orders_.concurrency = flags_.concurrency;
    const auto timeout = context_.timeout();
    if (!timeout) return timeout.error();
    if (timeout.value()) orders_.deadline = *timeout.value();
    if (!flags_.deadline.empty()) {
      const auto span = parse_duration(flags_.deadline);
      if (!span) return bad_words("--deadline: " + span.error().detail);
      if (span.value() <= Duration{}) return bad_words("--deadline: must be above 0, like 30s");
      orders_.deadline = span.value();
    }
    auto client = context_.connect(orders_.deadline);
    if (!client) return client.error();
    client_ = std::move(client).value();
    if (auto done = know_nodes(); !done) return done;
    if (auto done = find(); !done) return done;
    if (auto done = try_chain(); !done) return done;
    if (auto done = open(); !done) return done;
    leave_out_what_is_done();
    learn_means();
    learn_costs();
    return Done{};
  }

  // The one that was named may not be there for as long as a map takes.
  Result<Done> know_nodes() {
    auto named = context_.nodes();
    if (!named) return named.error();
    orders_.nodes = std::move(named).value();
    for (const HolderAddress& member : client_->mesh().members) {
      const Endpoint node{member.control};
      const bool known = std::ranges::find(orders_.nodes, node) != orders_.nodes.end();
      if (!known && member.alive) orders_.nodes.push_back(node);
    }
    return Done{};
  }

  Result<Done> find() {
    if (flags_.rerun_failed && !flags_.resume) return Done{};  // the journal names them
    MapSelection selection;
    selection.prefix = flags_.prefix;
    selection.from = flags_.from;
    selection.leave_out = flags_.store;
    auto tags = parse_pairs(flags_.tags);
    if (!tags) return bad_words("--tag: " + tags.error().detail);
    selection.tags = std::move(tags).value();
    auto found = find_items(*client_, selection, context_.cancel_fd());
    if (!found) return found.error();
    items_ = std::move(found->items);
    complete_ = found->complete;
    return Done{};
  }

  // A recipe or parameter that nobody knows would fail for every image, in the same words.
  Result<Done> try_chain() {
    std::set<std::string> faults;
    const std::size_t count = std::min<std::size_t>(items_.size(), 3);
    for (std::size_t i = 0; i < count; ++i) {
      RunOptions options;
      options.recipe = orders_.chain.recipe;
      options.arguments = orders_.chain.arguments;
      options.then = orders_.chain.then;
      options.name = items_[i].name;
      const auto plan = client_->plan(options);
      if (plan) kind_ = {orders_.chain.recipe, plan->recipe_digest, plan->choices};
      if (plan || plan.error().code != ErrorCode::usage) return Done{};
      faults.insert(plan.error().detail);
    }
    if (faults.size() == 1 && count > 1) return bad_words(*faults.begin());
    return Done{};
  }

  Result<Done> open() {
    MapHeading heading{text_of_chain(orders_.chain), "store " + flags_.store};
    std::string path = flags_.journal.empty() ? journal_name : flags_.journal;
    if (flags_.store.empty()) {
      auto target = open_folder_target(flags_.output, label_of_chain(orders_.chain));
      if (!target) return target.error();
      target_ = std::move(target).value();
      std::error_code failed;
      heading.target = std::filesystem::canonical(flags_.output, failed).string();
      if (flags_.journal.empty()) path = inside_folder(flags_.output, journal_name);
    }
    const bool goes_on = flags_.resume || flags_.rerun_failed;
    auto journal = MapJournal::open(path, heading, goes_on ? MapMode::resume : MapMode::fresh);
    if (!journal) return journal.error();
    journal_ = std::move(journal).value();
    if (flags_.store.empty()) remove_stale_parts(flags_.output);
    if (!flags_.store.empty()) target_ = open_store_target(flags_.store, journal_->lines());
    return Done{};
  }

  void leave_out_what_is_done() {
    if (flags_.rerun_failed && !flags_.resume) {
      for (const auto& [name, line] : journal_->lines()) {
        if (!line.done) items_.push_back({name, line.digest});
      }
    } else {
      std::erase_if(items_, [this](const MapItem& item) { return is_over(item); });
    }
    std::set<std::string> to_do;
    if (flags_.limit > 0 && items_.size() > flags_.limit) {
      items_.resize(flags_.limit);
      limited_ = true;
    }
    for (const MapItem& item : items_) to_do.insert(item.name);
    for (const auto& [name, line] : journal_->lines()) {
      if (!to_do.contains(name)) ++(line.done ? counts_.done : counts_.failed);
    }
    counts_.total = counts_.done + counts_.failed + items_.size();
  }

  [[nodiscard]] bool is_over(const MapItem& item) const {
    const auto known = journal_->lines().find(item.name);
    if (known == journal_->lines().end()) return false;
    const MapLine& line = known->second;
    const bool is_same = item.digest.empty() || line.digest.empty() || item.digest == line.digest;
    if (!is_same) return false;
    return line.done ? target_->still_has(line) : !flags_.rerun_failed;
  }

  void learn_means() {
    means_.concurrency = orders_.concurrency;
    means_.files = files_to_open();
    const auto reports = client_->status();
    if (reports) {
      means_.nodes = 0;
      for (const NodeReport& one : reports.value()) {
        if (!one.status) continue;
        ++means_.nodes;
        means_.workers += one.status->workers;
      }
    }
    orders_.bounds = map_bounds(means_);
    if (orders_.bounds.most < orders_.concurrency) {
      context_.output().say("at most " + std::to_string(orders_.bounds.most) +
                            " images at one time: this process may open " +
                            std::to_string(means_.files) + " files for them (ulimit -n)");
    }
  }

  // Each has a connection of its own to every node that it talks to.
  static std::size_t files_to_open() {
    constexpr rlim_t own = 64;       // of everything else
    constexpr rlim_t most = 60'000;  // ZeroMQ is given 30,000 sockets
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) (void)::getrlimit(RLIMIT_NOFILE, &limit);
    return std::clamp<rlim_t>(limit.rlim_cur, own, most + own) - own;
  }

  // By what a few nodes have learned: each has run some of it.
  void learn_costs() {
    constexpr std::size_t nodes_asked = 4;
    MapForecast forecast(kind_, means_.workers);
    if (kind_.digest == Digest{}) return;
    for (std::size_t i = 0; i < std::min(orders_.nodes.size(), nodes_asked); ++i) {
      const auto client = context_.connect_to({orders_.nodes[i]}, 2s);
      const auto costs =
          client ? client.value()->costs() : Result<std::vector<RecipeCost>>(client.error());
      if (!costs) continue;
      for (const RecipeCost& cost : costs.value()) forecast.learn(cost);
    }
    orders_.forecast = std::move(forecast);
  }

  void work_through() {
    MapWork work(context_, *target_, *journal_, orders_, std::move(items_), counts_);
    began_ = said_ = since_boot();
    std::optional<ProgressLine> progress;
    bool going = true;
    while (going) {
      going = work.go_on();
      if (!context_.sleep_for(going ? draw_every : Duration{})) going = false;
      tell(work.take_lines(), progress);
      if (context_.output().broken()) going = false;
      show(work, progress);
    }
    work.end();
    tell(work.take_lines(), progress);
    fault_ = work.fault();
    counts_ = work.counts();
  }

  void show(MapWork& work, std::optional<ProgressLine>& progress) {
    Output& output = context_.output();
    if (output.options().animation) {
      if (!progress) progress.emplace(output, label_of_chain(orders_.chain));
      return progress->show_text(work.progress());
    }
    if (since_boot() - said_ < say_every) return;
    said_ = since_boot();
    output.say(label_of_chain(orders_.chain) + "  " + work.progress());
  }

  void tell(const std::vector<MapLine>& lines, std::optional<ProgressLine>& progress) {
    Output& output = context_.output();
    for (const MapLine& line : lines) {
      output.object(json_of(line, text_of_chain(orders_.chain)));
      if (line.done) continue;
      progress.reset();
      output.say("pixmesh: " + failure_text(line));
    }
  }

  int list_lacks() {
    return context_.output().fail(
        {ErrorCode::fewer_copies,
         "the list may lack images: too few holders of some partitions answer; see 'pixmesh "
         "status', and go on with --resume"});
  }

  int report() {
    Output& output = context_.output();
    const bool is_over = counts_.done + counts_.failed == counts_.total;
    output.say(summary_of(counts_, since_boot() - began_) + where());
    if (context_.interrupted()) {
      output.say("pixmesh: interrupted; the same command with --resume goes on");
      return exit_interrupted;
    }
    if (fault_) {
      output.say("pixmesh: once that is mended, the same command with --resume goes on");
      return context_.fail(*fault_);
    }
    if (is_over && complete_ && !limited_) {
      if (const auto ended = journal_->end(); !ended) return context_.fail(ended.error());
    }
    const int code = exit_code_of(journal_->lines());
    if (code != exit_ok) {
      output.say("'--rerun-failed' tries these again; 'pixmesh why REQUEST' tells more");
    }
    if (code == exit_ok && !complete_) return list_lacks();
    return code;
  }

  [[nodiscard]] std::string where() const {
    const std::string results = flags_.store.empty() ? "; results in " + flags_.output
                                                     : "; stored as " + flags_.store + "…";
    return results + "; report in " + journal_->path();
  }

  static Duration since_boot() { return std::chrono::steady_clock::now().time_since_epoch(); }

  CommandContext& context_;
  const MapFlags& flags_;
  MapOrders orders_;
  MapMeans means_;
  MapWorkKind kind_;
  std::unique_ptr<Client> client_;
  std::vector<MapItem> items_;
  bool complete_ = true;
  bool limited_ = false;
  std::unique_ptr<MapTarget> target_;
  std::unique_ptr<MapJournal> journal_;
  MapCounts counts_;
  std::optional<Error> fault_;
  Duration began_{};
  Duration said_{};
};

}  // namespace

void add_map(CommandLine& line) {
  const auto flags = std::make_shared<MapFlags>();
  const auto prefix = std::make_shared<std::optional<Flag>>();
  const Command app =
      line.add(processing_group, "map", "Process many images, each on a node that holds it",
               [flags, prefix](CommandContext& context) {
                 flags->by_prefix = (*prefix)->given();
                 return MapCommand(context, *flags).run();
               });
  app.add_option("RECIPE", flags->chain, "A recipe, or a chain: \"thumbnail width=400 | sharpen\"")
      .required();
  app.add_option("KEY=VALUE", flags->parameters, "Parameters of the recipe");
  *prefix = app.add_option("--prefix", flags->prefix, "Images whose names begin with it");
  app.add_option("--tag", flags->tags, "Only images with this tag, KEY=VALUE; repeatable")
      .one_value_each();
  app.add_option("--from", flags->from, "A file of names, one a line; - is stdin")
      .type_name("FILE");
  app.add_option("-o,--output", flags->output, "The folder for results: NAME.RECIPE.EXTENSION")
      .type_name("FOLDER");
  app.add_option(
      "--store", flags->store,
      "Store results as new images, called PREFIX and the image's name; names that begin "
      "with it are left out");
  app.add_option("--journal", flags->journal,
                 "The report and memory of this map (default: .pixmesh-map.jsonl in the folder)")
      .type_name("FILE");
  app.add_flag("--resume", flags->resume, "Go on after Ctrl-C or a crash: only what is not done");
  app.add_flag("--rerun-failed", flags->rerun_failed, "Do again what failed");
  app.add_option("--limit", flags->limit, "At most so many images now; 0: all").type_name("COUNT");
  app.add_option("--concurrency", flags->concurrency,
                 "Images under way at one time; 0: as many as the mesh has places for")
      .within(0, static_cast<int>(MapPace::most));
  app.add_option("--deadline", flags->deadline,
                 "For one image, such as 30s (default: --timeout, else 2m)")
      .type_name("TIME");
  app.add_flag("--strict", flags->strict, "Refuse an image that no quorum confirms");
}

}  // namespace pixmesh
