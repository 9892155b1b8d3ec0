#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "base/signature.h"
#include "base/time.h"
#include "membership/liveness.h"
#include "membership/record_exchange.h"

namespace pixmesh {

struct SmallMeshOptions {
  std::uint64_t seed = 1;
  Duration latency = 1ms;           // one way
  Duration jitter = 0ms;            // added, evenly up to this
  std::uint32_t loss_permille = 0;  // of all messages
  bool with_records = true;         // else members are simply told
  LivenessOptions liveness{};
};

/// The membership machines of several nodes in one thread, on virtual time, with a network that
/// loses and cuts. Nodes are numbers: 0 … size() - 1.
class SmallMesh {
 public:
  explicit SmallMesh(SmallMeshOptions options);

  std::size_t add(const std::string& name);  // known to us, not running
  void found();                              // all added so far start as members of one mesh
  void join(std::size_t node, std::size_t via);
  void crash(std::size_t node);
  void start(std::size_t node);  // again, with what it knew of the members
  void pause(std::size_t node, Duration time);
  void leave(std::size_t node);
  void cut(std::size_t from, std::size_t to) { cuts_.insert({from, to}); }
  void mend() { cuts_.clear(); }

  void run_until(Instant end);
  /// Runs until `done` or `end`; looked at after every event.
  void run_until(Instant end, const std::function<bool()>& done);

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] std::size_t size() const { return peers_.size(); }
  [[nodiscard]] bool running(std::size_t node) const { return peers_[node]->running; }
  [[nodiscard]] NodeId id_of(std::size_t node) const { return peers_[node]->id; }
  [[nodiscard]] std::size_t number_of(NodeId id) const;
  [[nodiscard]] const std::string& name_of(std::size_t node) const { return peers_[node]->name; }
  [[nodiscard]] const Liveness& liveness(std::size_t node) const { return *peers_[node]->liveness; }
  [[nodiscard]] const MemberTable& table(std::size_t node) const { return *peers_[node]->table; }
  [[nodiscard]] LifeState state(std::size_t observer, std::size_t of) const {
    return liveness(observer).state_of(id_of(of));
  }
  [[nodiscard]] std::uint64_t sent_count() const { return sent_count_; }

  /// A member changes its own record and tells of it.
  void change_own(std::size_t node, const std::function<void(MemberRecord&)>& change);

  std::function<void(std::size_t observer, const MemberChanged&)> on_change;
  std::function<void(std::size_t from, std::size_t to, const LivenessMessage&, bool arrives)>
      on_send;
  std::function<void(std::size_t node, const TableChanged&)> on_table;

 private:
  using Message = std::variant<LivenessMessage, RecordMessage>;
  struct Envelope {
    Instant at;
    std::uint64_t order = 0;
    std::size_t from = 0;
    std::size_t to = 0;
    Message message;
    friend bool operator>(const Envelope& a, const Envelope& b) {
      return std::pair{a.at, a.order} > std::pair{b.at, b.order};
    }
  };
  struct Peer {
    std::string name;
    SigningKey key;
    NodeId id;
    bool running = false;
    Instant paused_until{};
    std::uint64_t boots = 0;
    std::optional<MemberTable> table;
    std::optional<Liveness> liveness;
    std::optional<RecordExchange> exchange;
  };

  void boot(Peer& peer);
  void use_table(std::size_t node);
  void write_own(Peer& peer);
  void perform(std::size_t node, Liveness::Effects effects);
  void perform(std::size_t node, RecordExchange::Effects effects);
  void post(std::size_t from, NodeId to, Message message);
  void deliver(Envelope envelope);
  [[nodiscard]] std::optional<std::pair<Instant, std::size_t>> first_deadline() const;
  bool step(Instant end);

  SmallMeshOptions options_;
  Rng rng_;
  Instant now_{};
  std::uint64_t order_ = 0;
  std::uint64_t sent_count_ = 0;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::set<std::pair<std::size_t, std::size_t>> cuts_;
  std::priority_queue<Envelope, std::vector<Envelope>, std::greater<>> flying_;
};

}  // namespace pixmesh
