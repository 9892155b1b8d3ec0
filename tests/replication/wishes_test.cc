// What clients may say again goes along when a partition gets a new holder.
#include <doctest/doctest.h>

#include "replication/answers.h"
#include "replication/partition_sync.h"
#include "replication/request_memory.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

constexpr Instant now{};
constexpr PartitionId partition{7};
const Result<DiskAnswer> done = DiskAnswer(Done{});

RememberedWish wish_of(std::uint32_t number) {
  RememberedWish wish;
  wish.request.raw[0] = static_cast<std::uint8_t>(number >> 8);
  wish.request.raw[1] = static_cast<std::uint8_t>(number);
  wish.version = {1'000 + number, node(1)};
  return wish;
}

TableRows rows_of(std::uint32_t count) {
  TableRows rows;
  for (std::uint32_t i = 0; i < count; ++i) {
    const TableRow row = request_row(partition, wish_of(i));
    rows.rows.emplace_back(row.key, *row.value);
  }
  return rows;
}

WishesAnswer page_of(const TableRows& rows, std::optional<RequestId> after) {
  ReadWishes reading(OperationId{3}, {OperationId{8}, partition, after}, LinkId{4});
  const Effects asked = reading.start(now);
  const auto& load = std::get<LoadTable>(std::get<UseDisk>(asked.front()).operation);
  CHECK(load.table == Table::requests);
  CHECK(load.prefix == row_prefix(partition));
  const Effects answered = reading.on_disk(now, DiskAnswer(rows));
  CHECK(reading.finished());
  return std::get<WishesAnswer>(std::get<Answer>(answered.front()).message);
}

/// A sync that has read what is here and now asks node 2.
struct Asking {
  explicit Asking(bool with_wishes)
      : sync(OperationId{8}, view, codec, partition, nodes({2}), with_wishes) {
    (void)sync.start(now);
    (void)sync.on_disk(now, DiskAnswer(TableRows{}));
    asked = sync.on_disk(now, DiskAnswer(RecordPage{{}, true}));
  }
  MeshView view = view_of({1, 2});
  RecordCodec codec;
  PartitionSync sync;
  Effects asked;
};

bool asks_for_records(const Effects& effects) {
  if (effects.size() != 1) return false;
  const auto* ask = std::get_if<Ask>(&effects.front());
  return ask != nullptr && std::holds_alternative<InventoryRequest>(ask->message);
}

}  // namespace

TEST_CASE("wishes: they are read a page at a time, every one once, rows of old formats left out") {
  TableRows rows = rows_of(page_entries_max + 5);
  rows.rows.emplace_back(Bytes(16, 255), *request_row(partition, wish_of(1)).value);
  const WishesAnswer first = page_of(rows, std::nullopt);
  REQUIRE(first.wishes.size() == page_entries_max);
  CHECK_FALSE(first.complete);
  CHECK(first.wishes.front() == wish_of(0));

  const WishesAnswer last = page_of(rows, first.wishes.back().request);
  REQUIRE(last.wishes.size() == 5);
  CHECK(last.complete);
  CHECK(last.wishes.back() == wish_of(page_entries_max + 4));
}

TEST_CASE("wishes: a sync for a new holder stores all pages of them before it takes records") {
  Asking rest(true);
  WishesAnswer page{OperationId{8}, {}, {wish_of(1), wish_of(2)}, false};
  REQUIRE(std::holds_alternative<WishesRequest>(std::get<Ask>(rest.asked.front()).message));
  const Effects stored = rest.sync.on_message(now, node(2), page);
  const auto& rows = std::get<PutValues>(std::get<UseDisk>(stored.front()).operation).rows;
  REQUIRE(rows.size() == 2);
  CHECK(rows[1].key == request_key(partition, wish_of(2).request));
  CHECK(parse_request_row(*rows[1].value) == wish_of(2).version);

  const Effects again = rest.sync.on_disk(now, done);
  const auto& next = std::get<WishesRequest>(std::get<Ask>(again.front()).message);
  CHECK(next.after == wish_of(2).request);
  (void)rest.sync.on_message(now, node(2), WishesAnswer{OperationId{8}, {}, {wish_of(3)}, true});
  CHECK(asks_for_records(rest.sync.on_disk(now, done)));
  (void)rest.sync.on_message(now, node(2), InventoryAnswer{});
  CHECK(rest.sync.merged() == nodes({2}));
}

TEST_CASE("wishes: a source whose wishes cannot be had is not merged") {
  Asking refused(true);
  WishesAnswer failed;
  failed.code = ErrorCode::failed;
  (void)refused.sync.on_message(now, node(2), failed);
  CHECK(refused.sync.finished());
  CHECK(refused.sync.merged().empty());

  Asking full(true);
  (void)full.sync.on_message(now, node(2), WishesAnswer{OperationId{8}, {}, {wish_of(3)}, true});
  (void)full.sync.on_disk(now, Error{ErrorCode::failed, "no room"});
  CHECK(full.sync.finished());
  CHECK(full.sync.merged().empty());
}

TEST_CASE("wishes: hints and repair ask for records alone") {
  CHECK(asks_for_records(Asking(false).asked));
}
