#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/machine.h"
#include "base/rng.h"
#include "base/time.h"
#include "membership/liveness_messages.h"
#include "membership/liveness_view.h"
#include "membership/rumour_queue.h"
#include "membership/suspicion.h"

namespace pixmesh {

struct LivenessOptions {
  Duration probe_interval = 500ms;
  Duration probe_timeout = 200ms;     // for a direct answer
  Duration indirect_timeout = 200ms;  // then for one through others; together < probe_interval
  std::uint32_t indirect_probes = 3;
  Duration gossip_interval = 100ms;  // while there are rumours …
  Duration gossip_hurry = 20ms;      // … and after the last gossip when one is news to us
  std::uint32_t gossip_fanout = 3;
  std::uint32_t rumours_max = 16;           // in one message
  std::uint32_t retransmit_factor = 3;      // a rumour is told factor * log2(members + 1) times
  std::uint32_t suspicion_multiplier = 3;   // least time: multiplier * log10(members) * interval
  std::uint32_t suspicion_most_factor = 6;  // time of a lone accuser, in least times
  std::uint32_t confirmations = 3;  // accusers for the least time; <= Suspicion::confirmations_max
  std::uint32_t health_max = 8;     // 0 switches local health off
  Duration dead_probe_min = 1s;     // between two probes of dead members, doubling …
  Duration dead_probe_max = 10s;    // … up to this
  Duration oversleep = 200ms;       // a deadline missed by more means that this process was held up
  std::uint32_t relays_max = 64;    // probes done for others at one time
};

struct SendLiveness {
  NodeId to;
  LivenessMessage message;
};
struct MemberChanged {
  NodeId node;
  LifeState state = LifeState::alive;
  LifeState was = LifeState::alive;
  NodeId by;              // the accuser of the suspect and dead; of others the member itself
  Duration silent_for{};  // since we heard it ourselves
};
struct TablesDiffer {  // in member records; RecordExchange is to be told
  NodeId with;
};
using LivenessEffect = std::variant<SendLiveness, MemberChanged, TablesDiffer>;

/// Who answers, as far as this node can tell. It may be wrong and heals itself, so it decides where
/// requests go, never where images lie.
///
///   every probe_interval:  Ping ──(probe_timeout)──> PingRequest to 3 others ──> suspect
///   suspect ──(nobody hears an objection)──> dead;  an objection is a higher incarnation
///
/// Dead members are probed now and then, told what is believed of them, and object; two sides that
/// meet again exchange whom they do not hold alive, so a healed partition merges by itself.
/// A process that was held up postpones its deadlines instead of blaming others.
///
/// Invariants: (1) a member is suspected exactly if it has a Suspicion; (2) our incarnation never
/// steps back; (3) at rest, without rumours, only probes and their answers are sent.
/// Only members given by set_members() exist; rumours about others are ignored.
/// Not thread-safe: one owner calls it. Sources: SWIM (Das, Gupta, Motivala 2002); Lifeguard
/// (Dadgar, Phillips, Currey 2018): local health, suspicion by confirmation, buddy system.
class Liveness {
 public:
  using Effects = std::vector<LivenessEffect>;

  /// @param incarnation  higher than any of an earlier run, so a restart beats old rumours.
  Liveness(NodeId self, std::uint64_t incarnation, LivenessOptions options, Rng rng);

  /// The members that the table knows (neither left nor evicted), with or without ourselves.
  [[nodiscard]] Effects set_members(Instant now, std::vector<NodeId> members);
  /// What our messages carry from now on.
  void set_table_digest(const std::array<std::uint8_t, 32>& digest);
  /// Whether somebody else was heard to have the very table that we have now.
  [[nodiscard]] bool is_table_shared() const { return table_shared_; }

  /// `from` is the verified sender. Pings of strangers are answered, so that both sides notice
  /// that their tables differ.
  [[nodiscard]] Effects on_ping(Instant now, NodeId from, const Ping& ping);
  [[nodiscard]] Effects on_ping_request(Instant now, NodeId from, const PingRequest& request);
  [[nodiscard]] Effects on_ack(Instant now, NodeId from, const Ack& ack);
  [[nodiscard]] Effects on_nack(Instant now, NodeId from, const Nack& nack);
  [[nodiscard]] Effects on_gossip(Instant now, NodeId from, const GossipPush& push);
  [[nodiscard]] Effects on_message(Instant now, NodeId from, const LivenessMessage& message);
  [[nodiscard]] Effects on_deadline(Instant now);

  /// Tells the others that this process ends. It answers on, but neither probes nor objects; stay a
  /// few gossip intervals longer for the word to spread.
  [[nodiscard]] Effects leave(Instant now);

  /// O(suspected members).
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  /// `dead` for a stranger; `alive` (or `left`) for ourselves.
  [[nodiscard]] LifeState state_of(NodeId node) const;
  [[nodiscard]] std::vector<NodeId> alive() const;  // sorted, with ourselves unless leaving
  [[nodiscard]] std::uint64_t incarnation() const { return incarnation_; }
  /// 0 (well) … health_max: our own delays are multiplied by one more than this.
  [[nodiscard]] std::uint32_t local_health() const { return health_; }
  void check_invariants() const;

 private:
  struct Probe {
    NodeId target;
    std::uint32_t sequence = 0;
    Instant until;
    bool indirect = false;
    std::uint32_t nacks_missing = 0;
    std::uint32_t helpers = 0;
  };
  struct Relay {
    NodeId asker;
    std::uint32_t asker_sequence = 0;
    std::uint32_t sequence = 0;
    Instant nack_at;
    bool nacked = false;
  };

  // What a message says about its sender and the world.
  template <typename Message>
  void hear(Instant now, NodeId from, const Message& message, bool summary, Effects& out);
  void hear_directly(Instant now, NodeId from, std::uint64_t incarnation, Effects& out);
  void hear_rumour(Instant now, LivenessRumour rumour, bool summary, Effects& out);
  void hear_about_self(Instant now, const LivenessRumour& rumour);
  void confirm(Instant now, const LivenessRumour& rumour);
  [[nodiscard]] bool is_doubtful(Instant now, const LivenessRumour& rumour, const PeerLife& peer,
                                 bool summary) const;
  void change(Instant now, PeerLife& peer, const LivenessRumour& rumour, bool news, Effects& out);
  void suspect(Instant now, const LivenessRumour& rumour);

  // Sending.
  void send(NodeId to, LivenessMessage message, Effects& out);
  void add_rumours(NodeId to, std::vector<LivenessRumour>& rumours);
  void send_summary(NodeId to, bool answer_wanted, Effects& out);
  void spread(Instant now, const LivenessRumour& rumour);

  // Time.
  void forgive_oversleep(Instant now);
  void start_timers(Instant now);
  void expire_suspicions(Instant now, Effects& out);
  void advance_probe(Instant now, Effects& out);
  void ask_helpers(Instant now, Effects& out);
  void fail_probe(Instant now, Effects& out);
  void start_probe(Instant now, Effects& out);
  void advance_relays(Instant now, Effects& out);
  void probe_dead(Instant now, Effects& out);
  void gossip(Instant now, Effects& out);
  [[nodiscard]] std::optional<NodeId> probe_target();
  [[nodiscard]] Duration scaled(Duration time) const { return time * (health_ + 1); }
  void worsen_health(std::uint32_t by);
  [[nodiscard]] std::uint32_t retransmit_limit() const;

  NodeId self_;
  LivenessOptions options_;
  Rng rng_;
  std::uint64_t incarnation_;
  std::array<std::uint8_t, 32> table_digest_{};
  bool table_shared_ = false;
  bool leaving_ = false;
  bool summary_wanted_ = true;  // a fresh process knows nothing of the dead

  LivenessView view_;
  RumourQueue rumours_;
  std::vector<Suspicion> suspicions_;
  std::vector<NodeId> urgent_;  // probed before the round goes on
  std::optional<Probe> probe_;
  std::vector<Relay> relays_;
  std::uint32_t sequence_ = 0;
  std::uint32_t health_ = 0;

  std::optional<Instant> next_probe_;
  std::optional<Instant> next_gossip_;
  std::optional<Instant> next_dead_probe_;
  Instant last_gossip_{};
  Duration dead_probe_interval_{};
};

static_assert(Machine<Liveness>);

}  // namespace pixmesh
