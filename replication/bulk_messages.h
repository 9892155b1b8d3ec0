#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "replication/record.h"

// What goes over the bulk plane: the bytes of images and results, and what steers them.
namespace pixmesh {

struct StreamChunk {  // with the bytes behind it
  StreamId stream;
  std::uint32_t index = 0;
  bool last = false;
};
struct StreamCredit {  // that many more chunks may come
  StreamId stream;
  std::uint32_t count = 0;
};
struct StreamOpen {  // send me this
  StreamId stream;
  std::uint32_t credit = 0;
  std::optional<RequestId> run;  // the result of a run; else the file of these:
  PartitionId partition;
  Digest digest;
  MediaFacts media;
  std::uint64_t size = 0;
  std::vector<std::uint64_t> checksums;  // checked before a chunk is sent; may be empty
  std::uint32_t first_chunk = 0;         // resume here
};
struct StreamEnd {  // either side gives up; `code` 0: the receiver has enough
  StreamId stream;
  ErrorCode code{};
  std::string detail;
  bool lost = false;  // the sender's own copy was found damaged before this question, and is
};
using BulkMessage = std::variant<StreamChunk, StreamCredit, StreamOpen, StreamEnd>;

}  // namespace pixmesh
