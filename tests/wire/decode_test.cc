#include <doctest/doctest.h>

#include <sys/resource.h>

#include <algorithm>

#include "filled_message.h"
#include "wire/stored.h"

using namespace pixmesh;

namespace {

// Bytes this process has asked for at most, as the operating system saw it, in KiB.
long peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

void decode_everything(ByteView bytes) {
  (void)decode_message(bytes);
  (void)decode_bulk(bytes);
  (void)decode_record(bytes);
  (void)decode_lists(bytes);
  (void)decode_member(bytes);
  (void)decode_settings(bytes);
  (void)decode_eviction(bytes);
}

std::vector<Bytes> sample_frames(std::uint64_t seed) {
  std::vector<Bytes> frames;
  Filler filler{Rng(seed)};
  for_each_kind<AnyMessage>(
      filler, [&](const auto& message) { frames.push_back(encode(Message(message))); });
  for_each_kind<BulkMessage>(
      filler, [&](const auto& message) { frames.push_back(encode(BulkMessage(message))); });
  return frames;
}

}  // namespace

TEST_CASE("wire: random bytes are malformed and never more") {
  Rng rng(7);
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes(rng.below(200));
    rng.fill(bytes);
    CHECK_FALSE(decode_message(bytes).has_value());
    decode_everything(bytes);
  }
}

TEST_CASE("wire: a message cut short anywhere is malformed") {
  for (const Bytes& frame : sample_frames(3)) {
    for (std::size_t size = 0; size < frame.size(); ++size) {
      const ByteView part = ByteView(frame).first(size);
      CHECK_FALSE(decode_message(part).has_value());
      CHECK_FALSE(decode_bulk(part).has_value());
    }
    Bytes longer = frame;
    longer.push_back(0);
    CHECK_FALSE(decode_message(longer).has_value());
    CHECK_FALSE(decode_bulk(longer).has_value());
  }
}

TEST_CASE("wire: messages with flipped bytes are read or refused, never worse") {
  Rng rng(11);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const Bytes& frame : sample_frames(seed)) {
      for (int i = 0; i < 10; ++i) {
        Bytes mutated = frame;
        for (std::uint64_t flips = 1 + rng.below(4); flips > 0; --flips) {
          const std::uint64_t place = rng.below(mutated.size());
          mutated[place] = static_cast<std::uint8_t>(rng.below(256));
        }
        decode_everything(mutated);
      }
    }
  }
}

TEST_CASE("wire: promises of huge lists, texts and nests are refused without asking for memory") {
  const long before = peak_memory();
  const std::vector<Bytes> bombs = {
      {0xdd, 0xff, 0xff, 0xff, 0xff},                    // array of 4 billion
      {0xdf, 0xff, 0xff, 0xff, 0xff},                    // map of 4 billion
      {0xdb, 0xff, 0xff, 0xff, 0xff},                    // text of 4 GiB
      {0xc6, 0xff, 0xff, 0xff, 0xff},                    // bytes of 4 GiB
      {0xc9, 0xff, 0xff, 0xff, 0xff, 0x01},              // extension of 4 GiB
      {0x93, 0x01, 0x2a, 0xdd, 0x7f, 0xff, 0xff, 0xff},  // inside an envelope
      {0x93, 0x01, 0x2a, 0x96, 0xdd, 0x00, 0xff, 0xff, 0xff},
      Bytes(1U << 20, 0x91),  // a million nested arrays
      Bytes(1U << 20, 0x81),
  };
  for (const Bytes& bomb : bombs) {
    CHECK_FALSE(decode_message(bomb).has_value());
    decode_everything(bomb);
  }
  Bytes wide{0x93, 0x01, 0x2a, 0xdc, 0x0f, 0xff};  // lists of 4,095 lists, all only promised
  for (int i = 0; i < 1'000; ++i) wide.insert(wide.end(), {0xdc, 0x0f, 0xff});
  decode_everything(wide);
  CHECK(peak_memory() - before < 64 * 1024);
}

TEST_CASE("wire: another format number is refused") {
  Bytes frame = encode(Message(StatusRequest{OperationId{5}}));
  REQUIRE(decode_message(frame).has_value());
  REQUIRE(frame[1] == format_version);
  frame[1] = format_version + 1;
  CHECK_FALSE(decode_message(frame).has_value());
}

TEST_CASE("wire: a control message is no bulk message and the other way round") {
  CHECK_FALSE(decode_bulk(encode(Message(StatusRequest{OperationId{5}}))).has_value());
  CHECK_FALSE(decode_message(encode(BulkMessage(StreamCredit{{}, 3}))).has_value());
}

TEST_CASE("wire: fields that a newer sender appends are ignored") {
  Bytes frame = encode(BulkMessage(StreamCredit{{}, 3}));
  const auto place = std::find(frame.begin() + 2, frame.end(), 0x92);  // the two fields' array
  REQUIRE(place != frame.end());
  *place = 0x93;
  frame.push_back(0x2a);
  const auto decoded = decode_bulk(frame);
  REQUIRE(decoded.has_value());
  CHECK(std::get<StreamCredit>(decoded.value()).count == 3);
}
