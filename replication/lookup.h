#pragma once

#include "replication/operation.h"

namespace pixmesh {

struct LookupOptions {
  Duration repeat_after = 1s;   // until whoever owes an answer is asked again
  Duration timeout = 4s;        // then the answer is what is known, or `unreachable`
  Duration retry_after = 60ms;  // until the next attempt while lists disagree; twice as long each
                                // time, at most `repeat_after`
  Duration clock_after = 10ms;  // until a clock that gave no version is asked again
  Duration linger = 15ms;       // after the quorum, for the last holders' answers
};

struct LookupOutcome {
  ErrorCode code{};  // 0: the quorum answered, or `confirmed` is false; else unreachable
  std::string detail;
  bool confirmed = true;
  HolderLists lists;
  std::optional<ImageRecord> record;       // the newest; a tombstone too
  std::vector<NodeId> have;                // that answered with this very version; sorted
  std::optional<Version> request_version;  // what this request id was given before
  std::uint64_t collected = 0;             // a new version must be above

  /// The answer to a wish that made `record`, its current version, in an earlier try.
  [[nodiscard]] WriteDone as_receipt() const;
};

/// Finds the newest version of a name: asks every living holder, needs the read quorum in the
/// settled and in the target set. A part of an operation, not one itself.
///
/// If a holder's lists differ from those used, the newer ones are taken and all are asked again:
/// counting answers under different lists could miss a write.
class Lookup {
 public:
  /// @param lists  what we know of the partition; at least its target set
  Lookup(OperationId id, const MeshView& mesh, PartitionId partition, NameDigest name,
         std::optional<RequestId> request, HolderLists lists, LookupOptions options = {});

  [[nodiscard]] Effects start(Instant now);
  /// Once more, for a fresh version: above what was found, and from a clock that gives one again.
  [[nodiscard]] Effects again(Instant now);
  [[nodiscard]] Effects on_message(Instant now, NodeId from, const PeerMessage& message);
  [[nodiscard]] Effects on_member_down(Instant now, NodeId member);
  [[nodiscard]] Effects on_deadline(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] const LookupOutcome& outcome() const { return outcome_; }
  [[nodiscard]] const HolderLists& lists() const { return outcome_.lists; }
  /// Have enough holders the newest version for a write to be acknowledged?
  [[nodiscard]] bool is_acknowledged() const;
  /// The version that an earlier try of this wish was given, where a retry may take it: its record
  /// was found, or something newer than it, or that is collected. Where only a holder's memory has
  /// it, a holder that joins may keep the record and not show it: nobody knows what that version
  /// means.
  [[nodiscard]] std::optional<Version> version_of_earlier_try() const;
  /// An earlier try was carried out, and what was found came after it.
  [[nodiscard]] bool is_overtaken() const;
  /// The wish that made what was found, if it is another: whoever overtakes it remembers it.
  [[nodiscard]] std::optional<RememberedWish> wish_found() const;
  /// No version that was found, not that of an earlier try either, has a later clock.
  [[nodiscard]] std::uint64_t newest_clock() const;
  /// A version with a later one, and above what other writers had taken before this one asked
  /// (version_floors.h). Its clock was taken before the holders were asked: what they acknowledged
  /// since is above it, also where their answers came late. None where that is not above what was
  /// found, or the clock gave none: then look up `again`.
  [[nodiscard]] std::optional<Version> fresh_version() const;
  /// Our wall clock for holders to judge, if the wish makes the first version of its name.
  [[nodiscard]] WallTime first_at() const;

 private:
  [[nodiscard]] Effects ask_all(Instant now);
  [[nodiscard]] Effects repeat(Instant now);
  [[nodiscard]] Effects on_lists(Instant now, const HolderLists& lists);
  [[nodiscard]] Effects on_version(Instant now, NodeId from, const VersionAnswer& answer);
  void note(NodeId from, const VersionAnswer& answer);
  void retry_later(Instant now);
  [[nodiscard]] std::optional<Version> version_taken() const;
  [[nodiscard]] bool has_quorum() const;
  [[nodiscard]] Effects ask_holders();
  void settle_if_complete(Instant now);
  void give_up(Instant now);

  OperationId id_;
  const MeshView& mesh_;
  PartitionId partition_;
  NameDigest name_;
  std::optional<RequestId> request_;
  LookupOptions options_;
  LookupOutcome outcome_;
  std::optional<std::uint64_t> clock_;  // for a fresh version
  Version floor_;                       // what others have taken
  std::uint32_t round_ = 0;             // answers to an earlier one do not count
  std::uint64_t doubts_ = 0;            // of MeshView, when all were asked
  Tally tally_;
  std::vector<NodeId> waiting_for_;  // sorted
  std::optional<Instant> deadline_;  // of the whole
  std::optional<Instant> repeat_at_;
  std::optional<Instant> retry_at_;
  bool waits_for_behind_ = false;  // the next attempt is for who has older lists, or none yet
  Duration retry_wait_{};          // until the attempt after that
  std::optional<Instant> linger_until_;
  bool done_ = false;
};

/// Why a try ended that nobody waits for any more.
inline constexpr const char* said_again_text = "the client has asked for the same again";

/// "no quorum for '…': 1 of 2 holders answer; silent: ab12cd34, …"
[[nodiscard]] std::string quorum_text(const MeshView& mesh, const HolderLists& lists);
/// The same for a write, with what an operator can do about it and what that costs.
[[nodiscard]] std::string write_quorum_text(const MeshView& mesh, const HolderLists& lists);

}  // namespace pixmesh
