#pragma once

#include <functional>

#include "node/post.h"
#include "node/run_journal.h"
#include "processing/recipe_book.h"
#include "replication/find_image.h"
#include "routing/avoidance.h"
#include "routing/hot_images.h"
#include "routing/request.h"
#include "routing/run_messages.h"

namespace pixmesh {

/// The router's half of a run: finds the image, probes its living holders, and tells the client
/// where to start it, best holder first. What is kept at the router itself needs neither probe nor
/// start, if the client agreed to that.
class RouteRun : public Operation {
 public:
  /// @param is_heard  whether a member is alive just now and not suspected: the view counts
  /// suspects
  ///                  in until they are dead
  /// What of runs this node has kept itself.
  struct KeptHere {
    std::function<bool(const RunStart&)> has;
    std::function<void(Instant, const RunStart&)> start;
  };
  RouteRun(OperationId id, const MeshView& mesh, const RecipeBook& book, Avoidance& avoidance,
           HotImages& hot, RunJournal& journal, Post& post, RunRequest request,
           PartitionId partition, HolderLists lists, LinkId client,
           std::function<bool(NodeId)> is_heard, KeptHere kept);

  Effects start(Instant now) override;
  Effects on_message(Instant now, NodeId from, const PeerMessage& message) override;
  Effects on_member_down(Instant now, NodeId member) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override;
  bool finished() const override { return answered_; }

  void on_load(Instant now, NodeId from, const LoadAnswer& answer);

 private:
  [[nodiscard]] Effects after_lookup(Instant now, Effects effects);
  [[nodiscard]] bool start_if_kept(Instant now);
  void place(Instant now);
  [[nodiscard]] Digest work() const;
  [[nodiscard]] std::vector<NodeId> helpers(Instant now) const;
  void perform(Instant now, const RunPlacement::Effects& effects);
  void answer(RunCandidates candidates);
  void fail(ErrorCode code, std::string detail, Duration retry_after = {});
  [[nodiscard]] RunCandidate candidate_of(const Candidate& ranked) const;

  const MeshView& mesh_;
  const RecipeBook& book_;
  Avoidance& avoidance_;
  HotImages& hot_images_;
  RunJournal& journal_;
  Post& post_;
  std::function<bool(NodeId)> is_heard_;
  KeptHere kept_;
  RunRequest request_;
  Instant deadline_{};  // then nobody waits for the answer
  PartitionId partition_;
  LinkId client_;
  Lookup lookup_;
  std::optional<RunPlacement> placement_;
  RunCandidates result_;
  std::string choices_;  // as of choices_of
  std::uint64_t memory_most_ = 0;
  bool answered_ = false;
};

}  // namespace pixmesh
