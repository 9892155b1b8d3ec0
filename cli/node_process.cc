#include "cli/node_process.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/mesh_key.h"
#include "cli/node_disks.h"
#include "cli/node_tools.h"
#include "cli/recipe_loader.h"
#include "host/config/recipe_file.h"
#include "host/disk/identity_file.h"
#include "host/disk/journal_folder.h"
#include "host/disk/result_folder.h"
#include "host/disk/state_store.h"
#include "host/disk/worker_background.h"
#include "host/net/zmq_transport.h"
#include "host/system/chunk_store.h"
#include "host/system/clocks.h"
#include "host/system/entropy.h"
#include "host/system/event_queue.h"
#include "host/system/signals.h"
#include "host/system/text_log.h"
#include "host/system/time_slice.h"
#include "host/tools/process_executor.h"
#include "node/node.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

std::optional<MeshSettings> settings_in(const TableRows& facts) {
  for (const auto& [key, value] : facts.rows) {
    if (text_of(key) != "settings") continue;
    if (auto settings = decode_settings(value)) return std::move(settings).value();
  }
  return std::nullopt;
}

/// "host:port" with `by` added to the port.
std::string shifted(const std::string& endpoint, int by) {
  const std::size_t colon = endpoint.rfind(':');
  const int port = std::stoi(endpoint.substr(colon + 1));
  return endpoint.substr(0, colon + 1) + std::to_string(port + by);
}

std::string host_of(const std::string& endpoint) { return endpoint.substr(0, endpoint.rfind(':')); }
std::string port_of(const std::string& endpoint) { return endpoint.substr(endpoint.rfind(':')); }

/// A node with everything around it, in the order in which it comes up and goes down.
class NodeProcess {
 public:
  explicit NodeProcess(const NodeProcessOptions& options)
      : options_(options),
        disks_(std::make_unique<NodeDisks>(
            [this](ByteView record) { return mesh_key_.place(record); },
            [this](const std::string& folder, const Error& why) { tell_of_failure(folder, why); },
            chunks_, events_)),
        tools_{.native_worker = native_worker_of(options.settings)},
        recipes_(options.settings.recipes, tools_) {}

  [[nodiscard]] Result<Done> open();
  [[nodiscard]] Result<Done> serve();

 private:
  [[nodiscard]] Result<Done> open_log();
  [[nodiscard]] Result<Done> open_state();
  [[nodiscard]] Result<Done> open_disks();
  [[nodiscard]] Result<Done> open_disk(const std::string& folder, std::uint64_t capacity);
  [[nodiscard]] Result<Done> forget_disks(std::vector<AddedDisk>& added);
  [[nodiscard]] Result<Done> open_addresses();
  [[nodiscard]] Result<Done> open_outside();
  [[nodiscard]] Result<Done> check_has_mesh() const;
  [[nodiscard]] NodeOptions node_options() const;
  void tell_of_failure(const std::string& folder, const Error& reason);
  void on_recipes_loaded();
  void loop();

  const NodeProcessOptions& options_;
  fs::path state_folder_;
  std::unique_ptr<TextLog> log_;
  EventQueue events_;
  ChunkStore chunks_;
  Identity identity_;
  std::unique_ptr<StateStore> state_;
  NodeMemory memory_;
  std::optional<MeshSettings> mesh_;
  MeshKey mesh_key_;
  std::unique_ptr<NodeDisks> disks_;
  std::uint64_t capacity_ = 0;
  std::string bulk_listen_;
  std::unique_ptr<ProcessExecutor> executor_;
  NodeTools tools_;
  RecipeLoader recipes_;
  std::unique_ptr<WorkerBackground> background_;
  std::unique_ptr<ZmqTransport> transport_;
  RecipeBook book_;
  std::unique_ptr<ResultFolder> results_;
  std::unique_ptr<JournalFolder> journal_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<SignalThread> signals_;
};

Result<Done> NodeProcess::open() {
  for (const auto step : {&NodeProcess::open_log, &NodeProcess::open_state,
                          &NodeProcess::open_disks, &NodeProcess::open_addresses}) {
    if (auto done = (this->*step)(); !done) return done;
  }
  if (auto has = check_has_mesh(); !has) return has;
  return open_outside();
}

Result<Done> NodeProcess::open_log() {
  const NodeSettings& settings = options_.settings;
  if (settings.data.empty()) {
    return Error{ErrorCode::usage, "no data folder is named; add --data DIR"};
  }
  state_folder_ =
      settings.state.empty() ? fs::path(settings.data.front()) / "state" : fs::path(settings.state);
  if (options_.log_file.empty()) {
    log_ = std::make_unique<TextLog>(settings.log_level);
    return Done{};
  }
  auto log = TextLog::open(options_.log_file, settings.log_level);
  if (!log) return log.error();
  log_ = std::move(log).value();
  return Done{};
}

Result<Done> NodeProcess::open_state() {
  auto identity = load_identity(state_folder_);
  if (!identity) return identity.error();
  identity_ = identity.value();
  StateStoreOptions options;
  options.folder = state_folder_;
  options.index = state_disk;
  auto state = StateStore::open(options, events_);
  if (!state) return state.error();
  state_ = std::move(state).value();
  auto facts = state_->load(Table::facts);
  if (!facts) return facts.error();
  memory_.facts = std::move(facts).value();
  auto hints = state_->load(Table::hints);
  if (!hints) return hints.error();
  memory_.hints = std::move(hints).value();
  mesh_ = settings_in(memory_.facts);
  if (mesh_) mesh_key_.set(*mesh_);
  return Done{};
}

// Those that are named, then those that were put in while the node ran.
Result<Done> NodeProcess::open_disks() {
  std::vector<AddedDisk> added = added_disks_in(memory_.facts);
  if (const auto forgotten = forget_disks(added); !forgotten) return forgotten.error();
  for (const std::string& folder : options_.settings.data) {
    const auto same = std::ranges::find_if(added, [&](const AddedDisk& disk) {
      return fs::absolute(disk.folder).lexically_normal() ==
             fs::absolute(folder + "/.").lexically_normal().parent_path();
    });
    const std::uint64_t capacity = same == added.end() ? 0 : same->capacity;
    if (same != added.end()) added.erase(same);
    if (const auto opened = open_disk(folder, capacity); !opened) return opened;
  }
  for (const AddedDisk& disk : added) {
    if (const auto there = check_holds(disk); !there) return there;
    if (const auto opened = open_disk(disk.folder, disk.capacity); !opened) return opened;
  }
  if (options_.settings.capacity > 0) capacity_ = options_.settings.capacity;
  return Done{};
}

Result<Done> NodeProcess::forget_disks(std::vector<AddedDisk>& added) {
  for (const std::string& folder : options_.forget_disks) {
    const auto forgotten = std::ranges::find(added, folder, &AddedDisk::folder);
    if (forgotten == added.end()) {
      return Error{ErrorCode::usage, "no disk was added to this node in " + folder};
    }
    const auto done = state_->put({fact_row(fact_of_added(*forgotten), std::nullopt)});
    if (!done) return done;
    added.erase(forgotten);
  }
  return Done{};
}

Result<Done> NodeProcess::open_disk(const std::string& folder, std::uint64_t capacity) {
  const auto disk = disks_->open_next(folder, capacity);
  if (!disk) return disk.error();
  const LmdbDisk& opened = *disk.value();
  const RecoveryReport& found = opened.recovery();
  log_->event(LogLevel::info, "disk_opened",
              {{"folder", folder},
               {"temp_removed", std::to_string(found.temp_removed)},
               {"records_restored", std::to_string(found.records_restored)},
               {"blobs_trashed", std::to_string(found.blobs_trashed)},
               {"blobs_missing", std::to_string(found.blobs_missing)},
               {"index_rebuilt", found.index_rebuilt ? "true" : "false"}});
  auto lists = opened.load(Table::lists);
  if (!lists) return lists.error();
  memory_.lists.push_back(std::move(lists).value());
  auto collected = opened.load(Table::collected);
  if (!collected) return collected.error();
  memory_.collected.push_back(std::move(collected).value());
  auto facts = opened.load(Table::facts);
  if (!facts) return facts.error();
  memory_.disk_facts.push_back(std::move(facts).value());
  capacity_ += disks_->descriptions().back().capacity_bytes;
  return Done{};
}

void NodeProcess::tell_of_failure(const std::string& folder, const Error& reason) {
  log_->event(
      LogLevel::error, "disk_failed",
      {{"folder", folder},
       {"reason", reason.detail},
       {"next",
        "this node acknowledges nothing more on it and goes on with its other disks; "
        "check the device; 'pixmesh node disk replace' takes an empty one in its place, 'pixmesh "
        "node disk remove' goes on without it, a new start tries it again"}});
}

// The bulk port is chosen once and kept, so that peers' addresses stay true.
Result<Done> NodeProcess::open_addresses() {
  bulk_listen_ = options_.settings.bulk_listen;
  if (!bulk_listen_.empty()) return Done{};
  bulk_listen_ = shifted(options_.settings.listen, 1000);
  return Done{};
}

Result<Done> NodeProcess::check_has_mesh() const {
  if (mesh_) {
    if (options_.create || !options_.join.empty()) {
      log_->event(
          LogLevel::warning, "in_a_mesh_already",
          {{"reason", "a mesh is neither founded nor joined"}, {"mesh", to_text(mesh_->mesh)}});
    }
    return Done{};
  }
  if (options_.create || !options_.join.empty()) return Done{};
  std::fprintf(stderr,
               "pixmesh: this node belongs to no mesh yet and waits.\n"
               "Found one with 'pixmesh node run --create --data %s', or join one with\n"
               "'pixmesh node run --join HOST:PORT --data %s'.\n",
               options_.settings.data.front().c_str(), options_.settings.data.front().c_str());
  return Done{};
}

Result<Done> NodeProcess::open_outside() {
  ProcessExecutorOptions tools;
  tools.folder_of = [this](std::uint32_t disk) { return disks_->folder_of(disk); };
  tools.scratch = disks_->folder_of(0) / "scratch";
  auto sandbox = sandbox_of(options_.settings);
  if (!sandbox) return sandbox.error();
  tools.sandbox = std::move(sandbox).value();
  tools.memory_groups = memory_groups_of(*log_);
  tools.native = native_workers_of(options_.settings, *log_);
  auto executor = ProcessExecutor::open(std::move(tools), events_);
  if (!executor) return executor.error();
  executor_ = std::move(executor).value();
  background_ = std::make_unique<WorkerBackground>(events_);
  results_ = std::make_unique<ResultFolder>(disks_->folder_of(0), events_);
  if (options_.settings.journal > 0) {
    JournalFolderOptions journal;
    journal.folder = state_folder_ / "journal";
    journal.bytes_max = options_.settings.journal;
    journal_ = std::make_unique<JournalFolder>(std::move(journal), events_);
  }
  auto book = load_recipe_book(options_.settings.recipes, tools_);
  if (!book) return book.error();
  book_ = std::move(book).value();
  ZmqTransportOptions wires;
  wires.control_bind = {options_.settings.listen};
  wires.bulk_bind = {bulk_listen_};
  auto transport = ZmqTransport::start(std::move(wires), chunks_, events_);
  if (!transport) return transport.error();
  transport_ = std::move(transport).value();
  return Done{};
}

NodeOptions NodeProcess::node_options() const {
  const NodeSettings& settings = options_.settings;
  NodeOptions node;
  node.key = identity_.signing;
  node.link_key = identity_.link_public;
  node.control = {settings.advertise.empty() ? settings.listen : settings.advertise};
  node.bulk = {host_of(node.control.text) + port_of(bulk_listen_)};
  node.zone = settings.zone;
  node.capacity_bytes = capacity_;
  node.create = options_.create;
  node.hold = options_.hold;
  node.asks_first = true;
  node.founding.replicas = settings.replicas;
  node.founding.write_quorum = settings.write_quorum;
  node.founding.partition_bits = 14;
  for (const std::string& at : options_.join) node.join.push_back({at});
  node.disks = disks_->descriptions();
  node.scratch_root = (fs::absolute(settings.data.front()) / "scratch").string();
  node.version = PIXMESH_VERSION;
  node.sandbox = settings.sandbox;
  node.shells = settings.shells;
  node.lanes = lanes_of(settings);
  node.result_cache_bytes = settings.result_cache;
  node.out_delay = settings.out_delay;
  return node;
}

Result<Done> NodeProcess::serve() {
  node_ = std::make_unique<Node>(
      node_options(), std::move(book_), memory_,
      Outside{*transport_, disks_->all(), *state_, *executor_, *background_, *log_, disks_.get(),
              results_.get(), executor_.get(), journal_.get()},
      Rng(seed_from_entropy()));
  memory_ = {};
  signals_ = std::make_unique<SignalThread>(events_);
  node_->start(monotonic_now(), wall_now());
  recipes_.load(*background_, false);
  if (node_->settings() != nullptr) mesh_key_.set(*node_->settings());
  std::printf("node %s listens on %s (bulk %s)\n",
              to_text(node_id_of(identity_.signing.public_key)).c_str(),
              options_.settings.listen.c_str(), bulk_listen_.c_str());
  std::fflush(stdout);
  loop();
  signals_.reset();
  transport_->stop();
  executor_.reset();
  background_.reset();
  results_.reset();
  journal_.reset();  // writes what was appended
  disks_->close();   // does what was submitted, closes cleanly
  state_.reset();
  if (!node_->failure().empty()) return Error{ErrorCode::failed, node_->failure()};
  return Done{};
}

// The one loop that product and simulator do not share.
void NodeProcess::loop() {
  std::optional<Instant> due = node_->next_deadline();  // it looks at all that waits
  while (!node_->stopped()) {
    HostEvent event{StopAsked{}};
    const bool came = events_.wait_next(due.value_or(monotonic_now() + 1s), event);
    const Instant now = monotonic_now();
    if (came) {
      if (std::holds_alternative<ReloadAsked>(event)) recipes_.load(*background_, true);
      const auto* done = std::get_if<BackgroundDone>(&event);
      if (done != nullptr && done->ticket == RecipeLoader::ticket) on_recipes_loaded();
      node_->on_event(now, wall_now(), event);
      if (const auto* arrived = std::get_if<MessageArrived>(&event); arrived && arrived->chunk) {
        chunks_.release(*arrived->chunk);
      }
      if (const auto* answered = std::get_if<DiskAnswered>(&event); answered && answered->answer) {
        const auto* read = std::get_if<RangeRead>(&answered->answer.value());
        if (read != nullptr) chunks_.release(read->chunk);
      }
    }
    if (!mesh_key_.is_set() && node_->settings() != nullptr) mesh_key_.set(*node_->settings());
    due = node_->next_deadline();
    if (!due || now < *due) continue;
    node_->on_deadline(now, wall_now());
    due = node_->next_deadline();
  }
}

void NodeProcess::on_recipes_loaded() {
  RecipeLoader::Loaded loaded = recipes_.take();
  if (!loaded.book) {
    log_->event(LogLevel::error, "recipes_not_reloaded", {{"reason", loaded.book.error().detail}});
    return;
  }
  node_->set_recipes(std::move(loaded.book).value());
  if (!loaded.again) return;
  executor_->renew_workers();
  log_->event(LogLevel::info, "recipes_reloaded", {});
}

}  // namespace

int run_node(const NodeProcessOptions& options) {
  block_signals();
  ask_for_time_slices(200us);
  NodeProcess process(options);
  auto done = process.open();
  if (done) done = process.serve();
  if (done) return 0;
  std::fprintf(stderr, "pixmesh: %s\n", done.error().detail.c_str());
  return static_cast<int>(done.error().code) <= 11 ? static_cast<int>(done.error().code) : 1;
}

}  // namespace pixmesh
