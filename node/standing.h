#pragma once

#include "node/options.h"
#include "node/peers.h"
#include "node/state_writer.h"
#include "wire/operator_messages.h"

namespace pixmesh {

/// This node's own place in the mesh: its signed record, the settings it lives by, what it stores
/// of the others, and how it joins, drains and leaves.
///
/// Invariant: the own record is durable before another node is told of it, and its generation never
/// steps back.
class Standing {
 public:
  Standing(const NodeOptions& options, const TableRows& facts, MemberTable& table,
           StateWriter& writer, Outside& outside, Rng rng);

  /// Counts the starts of this identity; higher than in any earlier life.
  [[nodiscard]] std::uint64_t boot_number() const { return boot_number_; }
  [[nodiscard]] std::uint64_t clock_ceiling() const { return clock_ceiling_; }
  [[nodiscard]] bool has_mesh() const { return table_.settings() != nullptr; }
  [[nodiscard]] bool is_leaving() const;
  [[nodiscard]] bool is_held() const;  // it has joined, and waits for a place in the ring
  /// Whether only an operator ends that, and why; empty: an operator wanted it.
  [[nodiscard]] const std::optional<std::string>& held_for() const { return held_for_; }
  void hold(std::string why);
  /// Nothing keeps it any longer.
  void take_place_now(Instant now, Peers& peers);
  [[nodiscard]] bool has_left() const;  // and its last record is durable
  [[nodiscard]] bool takes_new_work() const;

  /// @returns true if a mesh was founded: every partition is then this node's.
  [[nodiscard]] bool start(Instant now, Peers& peers);
  /// Asks at the addresses to join for a mesh as long as there is none, and for the other members
  /// of ours while half or fewer of those that are known answer. Renews the own record.
  void on_deadline(Instant now, Peers& peers, bool few_answer);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// Stores what changed; takes its place in a mesh that just became known.
  void on_members_changed(Instant now, Peers& peers, const MembersChanged& changed);
  /// Whether a later record of ours than the stolen one is on its way already.
  [[nodiscard]] bool is_told(const OwnRecordStolen& stolen) const;
  /// Answers with a later record; that all copies are doubted is durable with it.
  /// @returns an error when this has happened twice in a minute: another process is us.
  [[nodiscard]] Result<Done> on_record_stolen(Instant now, Peers& peers,
                                              const OwnRecordStolen& stolen);

  [[nodiscard]] Result<std::string> on_command(Instant now, Peers& peers,
                                               const CommandRequest& command);
  /// A planned change of this node: `pixmesh ring apply`. Errors: those of on_command.
  [[nodiscard]] Result<std::string> change_place(Instant now, Peers& peers,
                                                 const RingChange& change, bool accept_fewer);
  /// Every partition has been handed over.
  void left(Instant now, Peers& peers);

 private:
  void ask_to_join(Instant now, Peers& peers, bool few_answer);
  void change_own(Instant now, Peers& peers, const std::function<void(MemberRecord&)>& change,
                  std::vector<TableRow> with = {});
  void restore(const TableRows& facts);
  [[nodiscard]] bool still_holds(MemberRecord next) const;
  void go_on_with_own(Instant now, Peers& peers);
  void found(Instant now, Peers& peers);
  [[nodiscard]] Result<std::string> leave(Instant now, Peers& peers, bool accept_fewer);
  [[nodiscard]] Result<std::string> set_copies(Peers& peers, const CommandRequest& command);
  [[nodiscard]] MemberRecord fresh_record() const;
  void take_place(MemberRecord& own);

  const NodeOptions& options_;
  MemberTable& table_;
  StateWriter& writer_;
  Outside& outside_;
  Rng rng_;
  std::uint64_t boot_number_ = 1;
  std::uint64_t clock_ceiling_ = 0;
  std::array<std::uint8_t, 16> boot_{};
  std::optional<MemberRecord> last_own_;  // as stored
  std::optional<std::string> held_for_;
  std::vector<Instant> stolen_at_;
  std::uint64_t answer_ = 0;  // the generation that we answered the last one with
  std::optional<Instant> join_at_;
  std::optional<Instant> renew_at_;
};

/// The weight of a node with this capacity where one unit has weight 1: 1 … weight_max.
[[nodiscard]] std::uint32_t weight_of(std::uint64_t capacity, std::uint64_t unit);

}  // namespace pixmesh
