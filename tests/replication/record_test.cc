#include <doctest/doctest.h>

#include "replication/record.h"
#include "sample_view.h"

using namespace pixmesh;

TEST_CASE("record: a name is 1 to 1024 bytes of UTF-8 without NUL") {
  CHECK(check_name("a").has_value());
  CHECK(check_name("Zürich/Präparat 7/日本.tif").has_value());
  CHECK(check_name(std::string(1'024, 'x')).has_value());
  CHECK(check_name("../../etc/passwd").has_value());
  CHECK(check_name("\xf0\x9f\x94\xac").has_value());

  for (const std::string& wrong :
       {std::string(), std::string(1'025, 'x'), std::string("a\0b", 3), std::string("\xff"),
        std::string("\xc0\xaf"), std::string("\xed\xa0\x80"), std::string("\xf4\x90\x80\x80"),
        std::string("abc\xe2\x82"), std::string("\x80")}) {
    const auto checked = check_name(wrong);
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().code == ErrorCode::usage);
    CHECK_FALSE(checked.error().detail.empty());
  }
}

TEST_CASE("record: tags are few, short, and have each key once") {
  CHECK(check_tags({}).has_value());
  CHECK(check_tags({{"a", ""}, {"b", std::string(256, 'v')}}).has_value());
  CHECK_FALSE(check_tags({{"", "v"}}).has_value());
  CHECK_FALSE(check_tags({{"a", "1"}, {"a", "2"}}).has_value());
  CHECK_FALSE(check_tags({{std::string(257, 'k'), "v"}}).has_value());
  CHECK_FALSE(check_tags({{"k", std::string(257, 'v')}}).has_value());
  std::vector<Tag> many;
  for (int i = 0; i < 65; ++i) many.push_back({std::to_string(i), "v"});
  CHECK_FALSE(check_tags(many).has_value());
}

TEST_CASE("record: what gets a second name has bytes, a checksum for each chunk and a digest") {
  ImageRecord record;
  record.digest.raw[0] = 1;
  record.size = chunk_bytes_max + 1;
  record.checksums = {1, 2};
  CHECK(check_content(record).has_value());
  const auto refused = [&](auto change) {
    ImageRecord wrong = record;
    change(wrong);
    return !check_content(wrong).has_value();
  };
  CHECK(refused([](ImageRecord& one) { one.size = 0; }));
  CHECK(refused([](ImageRecord& one) { one.size = std::uint64_t{1} << 52; }));
  CHECK(refused([](ImageRecord& one) { one.checksums.pop_back(); }));
  CHECK(refused([](ImageRecord& one) { one.digest = {}; }));
  CHECK(refused([](ImageRecord& one) { one.tombstone = true; }));
}

TEST_CASE("record: changes to tags set, replace and remove, and the keys stay in order") {
  const auto tags = merged_tags({{"b", "1"}, {"c", "2"}}, {{"a", "3"}, {"c", ""}, {"b", "4"}});
  CHECK(tags == std::vector<Tag>{{"a", "3"}, {"b", "4"}});
}

TEST_CASE("record: paths are made of digests and say the type, never of names") {
  Digest digest;
  digest.raw[0] = 0xab;
  digest.raw[1] = 0xcd;
  const std::string path = blob_path(digest, {"jpeg", 1, 1});
  CHECK(path.rfind("blobs/ab/cd/", 0) == 0);
  CHECK(path.substr(path.size() - 4) == ".jpg");
  CHECK(extension_of({"tiff", 0, 0}) == "tif");
  CHECK(extension_of({"", 0, 0}) == "bin");
  CHECK(extension_of({"../x", 0, 0}) == "bin");
  CHECK(record_path(PartitionId{0xa3}, NameDigest{}).rfind("records/00a3/", 0) == 0);
}

TEST_CASE("record: chunks cover a file exactly") {
  CHECK(chunk_count_of(0) == 0);
  for (const std::uint64_t size : {1ULL, 1ULL << 20, (1ULL << 20) + 1, 5'000'000ULL}) {
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < chunk_count_of(size); ++i) sum += chunk_size_of(size, i);
    CHECK(sum == size);
  }
}

TEST_CASE("record: edits follow their version one by one, before any other") {
  NodeId early;
  early.raw.fill(1);
  NodeId late = early;
  late.raw[7] = 2;
  const Version base = clocked_version(50, early);
  Version edited = base;
  for (std::uint8_t i = 0; i < 200; ++i) {
    RequestId wish;
    wish.raw[0] = static_cast<std::uint8_t>(i * 37);
    const Version next = edited_version(edited, wish);
    REQUIRE(next > edited);
    REQUIRE_FALSE(is_refusal(next, wish));
    REQUIRE(edited_version(edited, wish) == next);
    edited = next;
  }
  for (int i = 0; i < 300; ++i) edited = edited_version(edited, RequestId{});
  CHECK(edited < clocked_version(50, late));
  CHECK(edited < clocked_version(51, early));

  const Version refused = refused_version(base, RequestId{});
  CHECK(is_refusal(refused, RequestId{}));
  CHECK_FALSE(is_refusal(refused, RequestId{{9}}));
  CHECK(is_refusal(refused_version(refused, RequestId{}), RequestId{}));
  CHECK(refused_version(refused, RequestId{}) > refused);
  CHECK(refused > base);
  CHECK(refused < clocked_version(50, late));
}
