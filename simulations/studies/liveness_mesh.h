#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <utility>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "base/signature.h"
#include "base/time.h"
#include "membership/liveness.h"
#include "membership/record_exchange.h"
#include "simulations/studies/message_sizes.h"

namespace pixmesh::studies {

enum class Links : std::uint8_t {
  datagram,  // a lost message is gone
  stream,    // a lost one comes late, after 200 ms, 400 ms, … more, and holds up those behind it
};

struct LivenessMeshOptions {
  std::size_t nodes = 10;
  std::uint64_t seed = 1;
  Duration latency = 500us;         // one way
  Duration jitter = 500us;          // added, evenly up to this
  std::uint32_t loss_permille = 0;  // of all messages, each for itself
  Links links = Links::datagram;
  bool with_records = false;  // signed member records too, and what makes them equal
  LivenessOptions liveness{};
};

/// The product's Liveness machines of up to 10,000 nodes in one thread, on virtual time. They start
/// from an agreed state: everybody knows all members, and holds them alive.
///
/// Events happen in the order (time, timers before messages, number). A paused node does nothing;
/// its timers and messages wait for its end, as those of a stopped process do. Nodes are numbers in
/// the order of their ids. Memory: 36 bytes for each pair of nodes, and little else.
/// The same options give the same history. Not thread-safe.
class LivenessMesh {
 public:
  explicit LivenessMesh(LivenessMeshOptions options);
  ~LivenessMesh();

  void crash(std::size_t node);
  /// Its process is stopped: timers and messages wait.
  void pause(std::size_t node, Duration time);
  /// Its process runs, but what it sends or should receive meanwhile arrives after that time. This
  /// is the anomaly that Lifeguard was measured with.
  void stall(std::size_t node, Duration time);
  /// While set, messages for which it says true are lost, on streams too.
  void cut(std::function<bool(std::size_t from, std::size_t to)> is_cut) {
    is_cut_ = std::move(is_cut);
  }
  /// Changes a member's own record, as if its weight changed. Only with records.
  void change_record(std::size_t node);

  /// Lets time pass until `end`, or until stop() is called out of `on_change`.
  void run_until(Instant end);
  void run_for(Duration time) { run_until(now_ + time); }
  void stop() { stopped_ = true; }
  /// From now on time stands still once event_count() has come to this.
  void limit_events(std::uint64_t most) { events_max_ = most; }
  [[nodiscard]] bool is_exhausted() const { return event_count_ >= events_max_; }

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] bool running(std::size_t node) const { return nodes_[node].running; }
  [[nodiscard]] std::size_t running_count() const { return running_count_; }
  [[nodiscard]] const Liveness& liveness(std::size_t node) const { return *nodes_[node].liveness; }
  [[nodiscard]] LifeState state(std::size_t observer, std::size_t of) const {
    return liveness(observer).state_of(ids_[of]);
  }
  [[nodiscard]] const MemberTable& table(std::size_t node) const;  // only with records
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }
  [[nodiscard]] std::uint64_t event_count() const { return event_count_; }
  [[nodiscard]] Rng& chance() { return chance_; }  // of the faults, apart from the network's

  std::function<void(std::size_t observer, std::size_t about, const MemberChanged&)> on_change;
  std::function<void(std::size_t node)> on_table;  // its records have changed

 private:
  using Message = std::variant<LivenessMessage, RecordMessage>;
  struct Records;
  struct Node {
    std::optional<Liveness> liveness;
    std::unique_ptr<Records> records;
    bool running = true;
    Instant paused_until{};
    Instant stalled_until{};
    Instant timer = Instant::max();  // of the one entry in the queue that counts
  };
  struct Letter {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    Message message;
  };
  static constexpr std::uint32_t no_letter = ~0U;
  struct Due {
    Instant at;
    std::uint64_t order = 0;
    std::uint32_t node = 0;
    std::uint32_t letter = no_letter;
    [[nodiscard]] bool is_timer() const { return letter == no_letter; }
    friend bool operator>(const Due& a, const Due& b) {
      if (a.at != b.at) return a.at > b.at;
      return a.is_timer() != b.is_timer() ? b.is_timer() : a.order > b.order;
    }
  };

  void make_plain_nodes();
  void make_nodes_with_records();
  void use_table(std::size_t node);
  void perform(std::size_t node, Liveness::Effects effects);
  void perform(std::size_t node, RecordExchange::Effects effects);
  void post(std::size_t from, NodeId to, Message message);
  [[nodiscard]] std::optional<Instant> arrival(std::size_t from, std::size_t to);
  [[nodiscard]] std::uint32_t keep(Letter letter);
  void handle(const Due& due);
  void on_timer(std::size_t node);
  void on_letter(const Due& due);
  void set_timer(std::size_t node);
  [[nodiscard]] std::size_t number_of(NodeId id) const;

  RememberedSignatures signatures_;
  LivenessMeshOptions options_;
  MessageSizes sizes_;
  Rng network_;
  Rng chance_;
  Instant now_{};
  bool stopped_ = false;
  std::uint64_t order_ = 0;
  std::uint64_t event_count_ = 0;
  std::uint64_t events_max_ = ~0ULL;
  std::size_t running_count_ = 0;
  Traffic traffic_;
  std::vector<NodeId> ids_;  // sorted
  std::vector<Node> nodes_;
  std::vector<Letter> letters_;
  std::vector<std::uint32_t> free_letters_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> queue_;
  std::map<std::pair<std::size_t, std::size_t>, Instant> stalled_;  // streams: nothing newer before
  std::function<bool(std::size_t, std::size_t)> is_cut_;
};

}  // namespace pixmesh::studies
