#include "membership/record_exchange.h"

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <memory>

#include "base/limits.h"
#include "sample_mesh.h"

using namespace pixmesh;

namespace {

struct Side {
  explicit Side(std::uint32_t number)
      : table(id_of(number)), exchange(table, RecordExchangeOptions{}, Rng(number)) {}
  MemberTable table;
  RecordExchange exchange;
  std::vector<RecordEffect> others;  // what was not sent
};

/// Two nodes that talk until neither has anything more to say.
struct Pair {
  Instant now = Instant{} + 10s;
  Side one{1};
  Side two{2};
  std::size_t messages = 0;
  std::size_t longest = 0;

  Pair() {
    CHECK(one.table.merge(sample_settings(1)).outcome == MergeOutcome::adopted);
    one.table.set_own(sample_record(1));
  }

  void talk(RecordExchange::Effects effects, Side* speaker) {
    std::deque<std::pair<Side*, RecordMessage>> flying;
    const auto take = [&](Side* from, RecordExchange::Effects said) {
      for (RecordEffect& effect : said) {
        if (auto* send = std::get_if<SendRecords>(&effect)) {
          flying.push_back({from == &one ? &two : &one, std::move(send->message)});
        } else {
          from->others.push_back(std::move(effect));
        }
      }
    };
    take(speaker, std::move(effects));
    while (!flying.empty()) {
      auto [to, message] = std::move(flying.front());
      flying.pop_front();
      ++messages;
      REQUIRE(messages < 1000);
      if (const auto* push = std::get_if<RecordPush>(&message)) {
        longest = std::max(longest, push->records.size());
      }
      const NodeId from = to == &one ? id_of(2) : id_of(1);
      take(to, to->exchange.on_message(now, from, message));
    }
  }
  [[nodiscard]] bool equal() const { return one.table.table_digest() == two.table.table_digest(); }
};

}  // namespace

TEST_CASE("membership: a node without settings gets everything from one peer") {
  Pair pair;
  for (std::uint32_t number = 3; number < 20; ++number) {
    (void)pair.one.table.merge(sample_record(number));
  }
  (void)pair.one.table.merge(sample_eviction(5, 1, 1));

  pair.talk(pair.two.exchange.on_tables_differ(pair.now, id_of(1)), &pair.two);

  CHECK(pair.equal());
  CHECK(pair.two.table.is_evicted(id_of(5)));
  REQUIRE(pair.two.others.size() == 1);
  const auto& changed = std::get<TableChanged>(pair.two.others[0]);
  CHECK(changed.settings);
  CHECK(changed.epoch);
  CHECK(changed.nodes.size() == 18);
}

TEST_CASE("membership: a new node asks again until it has settings") {
  Pair pair;
  CHECK(pair.two.exchange.on_tables_differ(pair.now, id_of(1)).size() == 1);  // lost
  CHECK(pair.two.exchange.next_deadline() == pair.now + 1s);

  pair.now += 1s;
  pair.talk(pair.two.exchange.on_deadline(pair.now), &pair.two);

  CHECK(pair.equal());
  pair.now += 1s;
  CHECK(pair.two.exchange.on_deadline(pair.now).empty());
  CHECK_FALSE(pair.two.exchange.next_deadline());
}

TEST_CASE("membership: one exchange makes two tables equal, newer facts winning on both sides") {
  Pair pair;
  pair.talk(pair.two.exchange.on_tables_differ(pair.now, id_of(1)), &pair.two);
  pair.two.table.set_own(sample_record(2));
  for (std::uint32_t number = 3; number < 40; ++number) {
    Side& side = number % 2 == 0 ? pair.one : pair.two;
    Side& other = number % 2 == 0 ? pair.two : pair.one;
    (void)side.table.merge(sample_record(number, 1 + number % 3));
    if (number % 3 != 0) (void)other.table.merge(sample_record(number, 1 + number % 5));
    if (number % 7 == 0) (void)side.table.merge(sample_eviction(number, 2, 1));
  }
  (void)pair.one.table.merge(sample_settings(1, 4));

  pair.talk(pair.one.exchange.on_tables_differ(pair.now, id_of(2)), &pair.one);

  CHECK(pair.equal());
  CHECK(pair.two.table.settings()->generation == 4);
  pair.one.table.check_invariants();
  pair.two.table.check_invariants();
}

TEST_CASE("membership: an own record changed by somebody else is challenged, not overwritten") {
  Pair pair;
  pair.talk(pair.two.exchange.on_tables_differ(pair.now, id_of(1)), &pair.two);
  (void)pair.two.table.merge(sample_record(1, 8));

  pair.talk(pair.one.exchange.on_tables_differ(pair.now, id_of(2)), &pair.one);

  REQUIRE(pair.one.others.size() == 1);
  CHECK(std::get<OwnRecordChallenged>(pair.one.others[0]).generation == 8);
  CHECK(pair.one.table.find(id_of(1))->generation == 1);
}

TEST_CASE(
    "membership: with one peer an exchange starts at most every 200 ms, fruitless ones less") {
  Pair pair;
  RecordExchange& exchange = pair.one.exchange;
  CHECK_FALSE(exchange.on_tables_differ(pair.now, id_of(2)).empty());
  CHECK(exchange.on_tables_differ(pair.now + 199ms, id_of(2)).empty());
  CHECK_FALSE(exchange.on_tables_differ(pair.now + 199ms, id_of(3)).empty());
  CHECK_FALSE(exchange.on_tables_differ(pair.now + 200ms, id_of(2)).empty());
  CHECK(exchange.on_tables_differ(pair.now + 590ms, id_of(2)).empty());
  CHECK_FALSE(exchange.on_tables_differ(pair.now + 600ms, id_of(2)).empty());

  (void)pair.one.table.merge(sample_record(9));
  CHECK_FALSE(exchange.on_tables_differ(pair.now + 1400ms, id_of(2)).empty());
  CHECK_FALSE(exchange.on_tables_differ(pair.now + 1600ms, id_of(2)).empty());
}

TEST_CASE("membership: news are passed on by those to whom they are new, and by nobody twice") {
  Side side(1);
  (void)side.table.merge(sample_settings(1));
  side.table.set_own(sample_record(1));
  std::vector<NodeId> alive;
  for (std::uint32_t number = 1; number <= 9; ++number) alive.push_back(id_of(number));
  side.exchange.set_alive(Instant{}, alive);
  RecordPush news;
  news.records.push_back(sample_record(4));
  news.is_news = true;

  const auto first = side.exchange.on_push(Instant{}, id_of(2), news);
  const auto second = side.exchange.on_push(Instant{}, id_of(3), news);

  CHECK(first.size() == 5);  // the change, and four who are told
  for (const RecordEffect& effect : first) {
    const auto* send = std::get_if<SendRecords>(&effect);
    if (send == nullptr) continue;
    CHECK(send->to != id_of(1));
    CHECK(send->to != id_of(2));
  }
  CHECK(second.empty());
  side.exchange.check_invariants();
}

TEST_CASE("membership: every thirty seconds a node compares digests with one member") {
  Pair pair;
  pair.one.exchange.set_alive(pair.now, {id_of(1), id_of(2)});
  const auto due = pair.one.exchange.next_deadline();
  REQUIRE(due);
  CHECK(*due >= pair.now + 22s);
  CHECK(*due <= pair.now + 38s);

  pair.now = *due;
  pair.talk(pair.one.exchange.on_deadline(pair.now), &pair.one);

  CHECK(pair.equal());
}

TEST_CASE("membership: tables larger than a page are exchanged page by page") {
  Pair pair;
  const std::uint32_t count = page_entries_max + 200;
  for (std::uint32_t number = 3; number < count; ++number) {
    (void)pair.one.table.merge(sample_record(number));
  }
  pair.talk(pair.two.exchange.on_tables_differ(pair.now, id_of(1)), &pair.two);
  CHECK(pair.equal());
  CHECK(pair.longest == page_entries_max);

  pair.two.table.set_own(sample_record(2));
  (void)pair.one.table.merge(sample_record(count - 1, 2));
  pair.talk(pair.two.exchange.on_tables_differ(pair.now + 1s, id_of(1)), &pair.two);
  CHECK(pair.equal());
}
