#pragma once

#include <functional>
#include <map>

#include "node/operations.h"
#include "node/outside.h"

namespace pixmesh {

/// Durable writes to the node's own tables, each with what is to happen once it is durable.
class StateWriter {
 public:
  using Then = std::function<void(Instant)>;
  StateWriter(Outside& outside, Operations& numbers) : outside_(outside), numbers_(numbers) {}

  void write(std::vector<TableRow> rows, Then then = {});
  /// @returns Done, or why the write failed; the node must then stop: what it would say next could
  /// be forgotten.
  [[nodiscard]] Result<Done> on_answer(Instant now, OperationId ticket,
                                       const Result<DiskAnswer>& answer);

 private:
  Outside& outside_;
  Operations& numbers_;
  std::map<OperationId, Then> waiting_;
};

[[nodiscard]] TableRow fact_row(std::string_view key, std::optional<Bytes> value);

}  // namespace pixmesh
