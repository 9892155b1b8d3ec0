#include <doctest/doctest.h>

#include <set>

#include "filled_message.h"
#include "wire/stored.h"

using namespace pixmesh;

namespace {

// Two messages are equal when each field is. Only some structs can be compared themselves.
template <typename T>
bool same(const T& a, const T& b);
template <typename T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!same(a[i], b[i])) return false;
  }
  return true;
}
template <typename T>
bool same(const std::optional<T>& a, const std::optional<T>& b) {
  return a.has_value() == b.has_value() && (!a || same(*a, *b));
}
template <typename T>
bool same(const T& a, const T& b) {
  if constexpr (HasFields<T>) {
    return Fields<T>::List::apply([&](auto... field) { return (same(a.*field, b.*field) && ...); });
  } else {
    return a == b;
  }
}

// The fields that travel, laid side by side, are as large as the struct: none was forgotten.
template <typename T>
std::size_t bytes_of_fields() {
  std::size_t last = 0;
  T value{};
  Fields<T>::List::apply([&](auto... field) {
    const auto end_of = [&](const auto& one) {
      return static_cast<std::size_t>(reinterpret_cast<const char*>(&one) -
                                      reinterpret_cast<const char*>(&value)) +
             sizeof(one);
    };
    ((last = std::max(last, end_of(value.*field))), ...);
  });
  return last;
}

template <typename Whole>
Result<Whole> decode(ByteView bytes) {
  if constexpr (std::is_same_v<Whole, Message>) {
    return decode_message(bytes);
  } else {
    return decode_bulk(bytes);
  }
}

template <typename Variant, typename Whole = Variant>
void check_round_trips(std::uint64_t seed) {
  Filler filler{Rng(seed)};
  for_each_kind<Variant>(filler, [&]<typename T>(const T& message) {
    const auto decoded = decode<Whole>(encode(Whole(message)));
    CAPTURE(Fields<T>::number);
    REQUIRE(decoded.has_value());
    REQUIRE(std::holds_alternative<T>(decoded.value()));
    CHECK(same(std::get<T>(decoded.value()), message));
  });
}

template <typename Variant>
void collect_numbers(std::set<std::uint16_t>& numbers) {
  Filler filler{Rng(1)};
  for_each_kind<Variant>(filler, [&]<typename T>(const T&) {
    CAPTURE(Fields<T>::number);
    CHECK(numbers.insert(Fields<T>::number).second);
    if constexpr (Fields<T>::List::size > 0) {
      CHECK(sizeof(T) - bytes_of_fields<T>() < alignof(T));
    }
  });
}

}  // namespace

TEST_CASE("wire: every message comes back as it was sent") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    check_round_trips<AnyMessage, Message>(seed);
    check_round_trips<BulkMessage>(seed);
  }
}

TEST_CASE("wire: every message has its own number and its last field travels") {
  std::set<std::uint16_t> numbers;
  collect_numbers<AnyMessage>(numbers);
  collect_numbers<BulkMessage>(numbers);
  CHECK(numbers.size() == std::variant_size_v<AnyMessage> + std::variant_size_v<BulkMessage>);
}

TEST_CASE("wire: stored values come back as they were") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Filler filler{Rng(seed)};
    ImageRecord record;
    HolderLists lists;
    MemberRecord member;
    MeshSettings settings;
    Eviction eviction;
    filler.fill(record);
    filler.fill(lists);
    filler.fill(member);
    filler.fill(settings);
    filler.fill(eviction);
    CHECK(decode_record(encode_record(record)).value() == record);
    CHECK(decode_lists(encode_lists(lists)).value() == lists);
    CHECK(decode_member(encode_member(member)).value() == member);
    CHECK(decode_settings(encode_settings(settings)).value() == settings);
    CHECK(decode_eviction(encode_eviction(eviction)).value() == eviction);
  }
}

TEST_CASE("wire: the record of the largest image fits a message and comes back") {
  ImageRecord record;
  record.name = std::string(name_bytes_max, 'n');
  record.size = image_bytes_max;
  record.checksums.resize(chunk_count_of(image_bytes_max), 0x0123456789abcdefULL);
  for (std::uint32_t i = 0; i < tags_max; ++i) {
    record.tags.push_back({std::string(tag_bytes_max - 2, 'k') + std::to_string(10 + i),
                           std::string(tag_bytes_max, 'v')});
  }
  CommitRequest commit;
  commit.record = record;
  const Bytes bytes = encode(Message(commit));
  CHECK(bytes.size() < message_bytes_max);
  const auto decoded = decode_message(bytes);
  REQUIRE(decoded.has_value());
  CHECK(std::get<CommitRequest>(decoded.value()).record == record);
}
