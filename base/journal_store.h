#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace pixmesh {

/// What a node wants to be able to tell about a request later. The store does not read it.
struct JournalRow {
  RequestId request;
  std::uint64_t at_micros = 0;  // since 1970; a row is forgotten some time after this
  Bytes bytes;                  // at most journal_row_max; more is not kept
};
inline constexpr std::size_t journal_row_max = 64U << 10;

/// Comes back as an event: the rows of one request, in the order in which they were appended.
struct JournalFound {
  OperationId ticket;
  std::vector<Bytes> rows;
};

/// Rows about requests, for people. Nothing is synced and nobody waits for a write: a power cut, a
/// full disk or too many rows at one time lose some. Calls return at once.
class JournalStore {
 public:
  virtual ~JournalStore() = default;
  /// @returns false if so much waits to be written that these are lost.
  virtual bool append(std::vector<JournalRow> rows) = 0;
  /// Answered by one JournalFound. @returns false if too many wait for an answer already.
  [[nodiscard]] virtual bool find(OperationId ticket, RequestId request) = 0;
};

}  // namespace pixmesh
