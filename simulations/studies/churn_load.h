#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "simulations/oracle/observation.h"
#include "simulations/studies/samples.h"
#include "simulations/workload/workload.h"

namespace pixmesh::studies {

/// The clients of a mesh under churn: they read images that are there and write new ones, each
/// asking any node, and try again as clients do.
class ChurnLoad : public Observer {
 public:
  ChurnLoad(MeshWorld& world, Rng rng);

  void read(std::uint32_t via, const std::string& name);
  /// A new name, content of its own.
  void write(std::uint32_t via, std::uint64_t bytes);

  [[nodiscard]] std::uint64_t reads() const { return reads_; }
  [[nodiscard]] std::uint64_t reads_done() const { return reads_done_; }
  [[nodiscard]] std::uint64_t lookups_unanswered() const { return lookups_unanswered_; }
  [[nodiscard]] std::uint64_t writes() const { return writes_; }
  [[nodiscard]] std::uint64_t writes_done() const { return stored_.size(); }
  /// From the wish to the receipt.
  [[nodiscard]] const Samples& write_times() const { return write_times_; }
  /// What is stored for sure, and since when.
  [[nodiscard]] const std::map<std::string, Instant>& stored() const { return stored_; }
  [[nodiscard]] std::uint64_t open_count() const { return workload_.open_count(); }

  void on_write(const WriteSeen& seen) override;
  void on_lookup(const LookupSeen& seen) override;
  void on_bytes(const BytesSeen& seen) override;
  void on_list(const ListSeen&) override {}
  void on_run(const RunSeen&) override {}

 private:
  MeshWorld& world_;
  Oracle oracle_;
  Workload workload_;
  std::uint32_t number_ = 0;
  std::uint64_t reads_ = 0;
  std::uint64_t reads_done_ = 0;
  std::uint64_t lookups_unanswered_ = 0;
  std::uint64_t writes_ = 0;
  std::map<std::string, Instant> stored_;
  Samples write_times_;
};

}  // namespace pixmesh::studies
