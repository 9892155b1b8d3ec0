#pragma once

#include "replication/operation.h"

namespace pixmesh {

/// Reads every copy of one disk again and again, so that a rotten one is found while others are
/// whole. Goes through the blobs in order of digest, one at a time, at the pace that makes one pass
/// take `period`, the reading included. Where it stands is stored now and then, and a restart goes
/// on there; the time in which the node does not run does not count.
class Scrub : public Operation {
 public:
  struct Options {
    Duration period = 168h;          // of one pass
    Duration look_every = 10min;     // how much there is to read, which sets the pace
    Duration remember_every = 1min;  // at most that much is read twice after a crash
  };
  struct Progress {
    std::uint64_t passes = 0;    // completed on this disk
    std::uint64_t damaged = 0;   // copies found since the process started
    std::uint32_t permille = 0;  // of the pass under way, told from the digest it is at
    bool hurried = false;        // it makes no pauses
  };
  /// @param partition  any of the disk
  Scrub(OperationId id, PartitionId partition, Options options)
      : Operation(id), partition_(partition), options_(options) {}

  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override;
  bool finished() const override { return false; }

  /// Begins a pass that makes no pauses; if one is under way already it goes on.
  [[nodiscard]] Effects hurry(Instant now);
  [[nodiscard]] Progress progress() const;

 private:
  enum class Step { load, look, verify, remember, pause };
  [[nodiscard]] Effects look(Instant now);
  [[nodiscard]] Effects verify_if_due(Instant now);
  [[nodiscard]] Effects on_verified(Instant now, const BlobVerified& verified);
  [[nodiscard]] Effects remember(Instant now);
  void restore(const TableRows& facts);

  PartitionId partition_;
  Options options_;
  Step step_ = Step::load;
  Digest next_;  // the pass goes on here
  std::uint64_t passes_ = 0;
  std::uint64_t damaged_ = 0;
  bool hurried_ = false;
  bool begin_anew_ = false;  // with the answer that is still to come
  std::uint64_t total_bytes_ = 0;
  std::uint64_t last_size_ = 0;  // of the blob read last
  Instant last_at_;   // when that began
  Instant begun_at_;  // the reading under way
  Instant looked_at_;
  Instant remembered_at_;
};

}  // namespace pixmesh
