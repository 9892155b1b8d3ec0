#include <doctest/doctest.h>

#include "replication/request_memory.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

TableRow row_of(std::uint8_t request, std::uint64_t clock) {
  ImageRecord record;
  record.request.raw[0] = request;
  record.version = {clock, node(1)};
  return request_row(PartitionId{3}, record);
}

}  // namespace

TEST_CASE("request memory: a row says which version a wish was given") {
  const TableRow row = row_of(7, 123'456);
  const auto version = parse_request_row(*row.value);
  REQUIRE(version.has_value());
  CHECK(version->clock == 123'456);
  CHECK(version->writer == node(1));
  CHECK_FALSE(parse_request_row({}).has_value());
  CHECK_FALSE(parse_request_row(ByteView(*row.value).first(9)).has_value());
}

TEST_CASE("request memory: wishes are forgotten five minutes after they were first seen") {
  RequestMemory memory(OperationId{1}, {PartitionId{3}});
  Instant now{};
  (void)memory.start(now);
  CHECK(memory.on_deadline(now + 59s).empty());

  const Effects asked_for = memory.on_deadline(now + 60s);
  REQUIRE(asked_for.size() == 1);
  CHECK(std::get<UseDisk>(asked_for[0]).partition == PartitionId{3});

  TableRows table;
  const auto add = [&table](const TableRow& row) { table.rows.emplace_back(row.key, *row.value); };
  add(row_of(1, 5));  // of a clock that is decades behind
  CHECK(memory.on_disk(now + 60s, DiskAnswer(table)).empty());
  add(row_of(2, 5));
  CHECK(memory.on_disk(now + 120s, DiskAnswer(table)).empty());
  CHECK(memory.on_disk(now + 359s, DiskAnswer(table)).empty());

  const Effects forgotten = memory.on_disk(now + 360s, DiskAnswer(table));
  REQUIRE(forgotten.size() == 1);
  const auto& rows = std::get<PutValues>(std::get<UseDisk>(forgotten[0]).operation).rows;
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key == row_of(1, 0).key);
  CHECK_FALSE(rows[0].value.has_value());
}

TEST_CASE("request memory: a table without old rows is left alone") {
  RequestMemory memory(OperationId{1}, {PartitionId{3}});
  CHECK(memory.on_disk({}, DiskAnswer(TableRows{})).empty());
  CHECK(memory.on_disk({}, Error{ErrorCode::failed, "the disk is gone"}).empty());
}
