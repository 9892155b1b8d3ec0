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
#include "membership/member_table.h"

namespace pixmesh {

/// What the sender's table holds in one range of node ids, without the records themselves.
struct RecordOffer {
  std::array<std::uint8_t, 32> digest{};  // of the sender's whole table
  bool has_stamps = false;                // false: only the digest counts
  std::uint64_t settings_generation = 0;  // 0: has none
  std::uint64_t settings_hash = 0;        // first eight bytes
  std::optional<NodeId> after;            // the page starts behind it; none: at the first id
  bool is_last = true;                    // the page ends at the last id, else at its last stamp
  std::vector<MemberStamp> stamps;        // by id, at most page_entries_max
};

/// Records themselves, and a wish for others.
struct RecordPush {
  std::optional<MeshSettings> settings;
  std::vector<MemberRecord> records;  // at most page_entries_max, like every list here
  std::vector<Eviction> evictions;
  bool settings_wanted = false;
  std::vector<NodeId> wanted;  // send me what you have about these
  bool is_news = false;        // pass on what you did not know
};

using RecordMessage = std::variant<RecordOffer, RecordPush>;

struct RecordExchangeOptions {
  Duration interval = 30s;        // between two comparisons with a member picked by chance
  Duration peer_pause = 200ms;    // between two exchanges that we start with one peer …
  Duration peer_pause_max = 5s;   // … doubling up to this while our table stays as it was
  Duration join_retry = 1s;       // between offers of a node that has no mesh yet
  std::uint32_t news_fanout = 4;  // members to whom news are passed on
};

struct SendRecords {
  NodeId to;
  RecordMessage message;
};
/// The table has changed: persist it before anything is decided by it.
struct TableChanged {
  std::vector<NodeId> nodes;  // whose record or eviction is new, by id
  bool settings = false;
  bool epoch = false;  // placement may differ
};
/// Somebody holds another record of our id (or our eviction) at this generation: our record must go
/// above it before we serve.
struct OwnRecordChallenged {
  std::uint64_t generation = 0;
  bool evicted = false;
};
struct RecordRefused {  // a fact for the log
  NodeId from;
  NodeId about;  // all zero for settings
  MergeOutcome outcome = MergeOutcome::ignored;
};
using RecordEffect = std::variant<SendRecords, TableChanged, OwnRecordChallenged, RecordRefused>;

/// Makes member tables equal. News are pushed and passed on at once, each node telling
/// `news_fanout` others what it did not know; what that misses is found because every liveness
/// message carries the table's digest:
///
///   tables differ ──> RecordOffer (stamps, in pages) ──> RecordPush (newer ones, wishes)
///                                                    ──> RecordPush (what was wished for)
///
/// A new node without settings offers an empty page to any member and is given everything.
/// The table belongs to the same owner and outlives this. Not thread-safe.
class RecordExchange {
 public:
  using Effects = std::vector<RecordEffect>;

  RecordExchange(MemberTable& table, RecordExchangeOptions options, Rng rng);

  /// Whom news and comparisons may go to: the members that seem alive.
  void set_alive(Instant now, std::vector<NodeId> alive);

  /// Starts an exchange, unless one was started with this peer less than `peer_pause` ago. Also how
  /// a node without a mesh joins through `with`; that is repeated until it has settings.
  [[nodiscard]] Effects on_tables_differ(Instant now, NodeId with);
  [[nodiscard]] Effects on_offer(Instant now, NodeId from, const RecordOffer& offer);
  [[nodiscard]] Effects on_push(Instant now, NodeId from, const RecordPush& push);
  [[nodiscard]] Effects on_message(Instant now, NodeId from, const RecordMessage& message);
  [[nodiscard]] Effects on_deadline(Instant now);

  /// Tells `news_fanout` members what the table now holds about `node` (after set_own() or the
  /// merge of an eviction made here), or the settings.
  [[nodiscard]] Effects announce(NodeId node);
  [[nodiscard]] Effects announce_settings();

  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void check_invariants() const;

 private:
  struct Pause {
    NodeId peer;
    Instant until;
    Duration length{};
    TableDigest digest{};  // of our table when the exchange began
  };
  struct Joining {
    NodeId through;
    Instant retry_at;
  };

  [[nodiscard]] bool pause_over(Instant now, NodeId peer);
  void offer(NodeId to, Effects& out) const;
  void add_facts(NodeId node, RecordPush& push) const;
  void answer_stamps(const RecordOffer& offer, RecordPush& push) const;
  void send_in_pages(NodeId to, RecordPush push, Effects& out) const;
  void pass_on(NodeId from, const RecordPush& news, Effects& out);
  [[nodiscard]] std::vector<NodeId> pick(std::size_t count, NodeId without);
  void plan_comparison(Instant now);

  MemberTable* table_;
  RecordExchangeOptions options_;
  Rng rng_;
  std::vector<NodeId> alive_;  // without ourselves
  std::vector<Pause> pauses_;  // over for less than peer_pause_max
  std::optional<Joining> joining_;
  std::optional<Instant> next_comparison_;
};

static_assert(Machine<RecordExchange>);

}  // namespace pixmesh
