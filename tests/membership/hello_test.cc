#include "membership/hello.h"

#include <doctest/doctest.h>

#include <deque>

#include "sample_mesh.h"

using namespace pixmesh;

namespace {

constexpr LinkId first_link{7};

struct End {
  explicit End(std::uint32_t number)
      : machine(key_of(number), LinkIdentityOptions{}, Rng(number)),
        id(sample_record(number).node) {
    (void)machine.set_own(Instant{}, sample_record(number), true);
  }
  LinkIdentity machine;
  NodeId id;
  std::vector<LinkVerified> verified;
  std::vector<LinkFailed> failed;
};

/// One link: `asker` opened it.
struct Call {
  explicit Call(std::uint32_t from = 1, std::uint32_t to = 2) : asker(from), answerer(to) {}
  Instant now = Instant{} + 10s;
  End asker;
  End answerer;
  std::vector<HelloMessage> seen;

  void talk(LinkIdentity::Effects effects, End* speaker) {
    std::deque<std::pair<End*, HelloMessage>> flying;
    const auto take = [&](End* from, LinkIdentity::Effects said) {
      for (LinkIdentityEffect& effect : said) {
        if (auto* send = std::get_if<SendHello>(&effect)) {
          flying.push_back({from == &asker ? &answerer : &asker, send->message});
        } else if (auto* verified = std::get_if<LinkVerified>(&effect)) {
          from->verified.push_back(*verified);
        } else {
          from->failed.push_back(*std::get_if<LinkFailed>(&effect));
        }
      }
    };
    take(speaker, std::move(effects));
    while (!flying.empty()) {
      auto [to, message] = std::move(flying.front());
      flying.pop_front();
      seen.push_back(message);
      take(to, to->machine.on_message(now, first_link, message));
      to->machine.check_invariants();
    }
  }
  void open(std::optional<NodeId> expected = std::nullopt) {
    talk(asker.machine.opened(now, first_link, expected), &asker);
  }
};

template <typename Message>
Message first_of(const LinkIdentity::Effects& effects) {
  for (const LinkIdentityEffect& effect : effects) {
    const auto* send = std::get_if<SendHello>(&effect);
    if (send != nullptr && std::holds_alternative<Message>(send->message)) {
      return std::get<Message>(send->message);
    }
  }
  FAIL("no such message");
  return {};
}

}  // namespace

TEST_CASE("membership: a hello tells both ends of a link who the other is") {
  Call call;
  call.open(call.answerer.id);

  CHECK(call.asker.machine.identity_of(first_link) == call.answerer.id);
  CHECK(call.answerer.machine.identity_of(first_link) == call.asker.id);
  REQUIRE(call.asker.verified.size() == 1);
  CHECK(call.asker.verified[0].record == sample_record(2));
  CHECK_FALSE(call.asker.machine.next_deadline());
  CHECK_FALSE(call.answerer.machine.next_deadline());
}

TEST_CASE("membership: a node of another mesh is refused and told why") {
  Call call;
  MemberRecord foreign = sample_record(1);
  foreign.mesh.raw.fill(9);
  (void)call.asker.machine.set_own(Instant{}, sign_record(foreign, key_of(1)), true);
  call.open();

  CHECK_FALSE(call.answerer.machine.identity_of(first_link));
  CHECK(call.answerer.failed.at(0).failure == LinkFailure::other_mesh);
  CHECK(call.asker.failed.at(0).failure == LinkFailure::refused);
  CHECK(call.asker.failed.at(0).reason.find("belongs to mesh 09090909") != std::string::npos);
}

TEST_CASE("membership: a node that has no mesh yet may call any") {
  Call call;
  MemberRecord fresh = sample_record(1);
  fresh.mesh = {};
  (void)call.asker.machine.set_own(Instant{}, sign_record(fresh, key_of(1)), false);
  call.open();

  CHECK(call.asker.machine.identity_of(first_link) == call.answerer.id);
  REQUIRE(call.answerer.verified.size() == 1);
  CHECK_FALSE(call.answerer.verified[0].has_mesh);
}

TEST_CASE("membership: a node that answers for another one is not believed") {
  Call call;
  call.open(sample_record(3).node);
  CHECK(call.asker.failed.at(0).failure == LinkFailure::wrong_node);
  CHECK_FALSE(call.asker.machine.identity_of(first_link));
  CHECK_FALSE(call.answerer.machine.identity_of(first_link));
}

TEST_CASE("membership: a caller with our own identity is another process, or we ourselves") {
  Call call(1, 1);
  call.open();
  CHECK(call.answerer.failed.at(0).failure == LinkFailure::own_call);

  Call twin(1, 1);
  MemberRecord booted = sample_record(1);
  booted.boot.fill(3);
  (void)twin.asker.machine.set_own(Instant{}, sign_record(booted, key_of(1)), true);
  twin.open();
  CHECK(twin.answerer.failed.at(0).failure == LinkFailure::own_identity);
  CHECK(twin.asker.failed.at(0).reason == "another process uses this identity");
}

TEST_CASE("membership: whoever only repeats a hello or an answer proves nothing") {
  Call call;
  const Hello hello = first_of<Hello>(call.asker.machine.opened(call.now, first_link, {}));
  const HelloAnswer answer =
      first_of<HelloAnswer>(call.answerer.machine.on_hello(call.now, first_link, hello));
  const HelloProof proof =
      first_of<HelloProof>(call.asker.machine.on_answer(call.now, first_link, answer));

  // A thief repeats hello and proof on a link of its own: the answerer's nonce is another.
  const LinkId stolen{8};
  (void)call.answerer.machine.on_hello(call.now, stolen, hello);
  const auto effects = call.answerer.machine.on_proof(call.now, stolen, proof);
  CHECK_FALSE(call.answerer.machine.identity_of(stolen));
  CHECK(first_of<HelloRefused>(effects).reason == "the proof's signature is wrong");

  // It repeats the answer to a new question: the asker's nonce is another.
  (void)call.asker.machine.opened(call.now, stolen, {});
  (void)call.asker.machine.on_answer(call.now, stolen, answer);
  CHECK_FALSE(call.asker.machine.identity_of(stolen));

  (void)call.answerer.machine.on_proof(call.now, first_link, proof);
  CHECK(call.answerer.machine.identity_of(first_link) == call.asker.id);
}

TEST_CASE("membership: an answer's signature is no proof of the asker") {
  Call call;
  const Hello hello = first_of<Hello>(call.asker.machine.opened(call.now, first_link, {}));
  const HelloAnswer answer =
      first_of<HelloAnswer>(call.answerer.machine.on_hello(call.now, first_link, hello));
  (void)call.answerer.machine.on_proof(call.now, first_link, HelloProof{answer.signature});
  CHECK_FALSE(call.answerer.machine.identity_of(first_link));
}

TEST_CASE("membership: an answerer that restarted asks for the hello again and gets it") {
  Call call;
  call.open();
  call.answerer = End(2);
  CHECK_FALSE(call.answerer.machine.identity_of(first_link));

  call.talk(call.asker.machine.on_wanted(call.now, first_link), &call.asker);

  CHECK(call.answerer.machine.identity_of(first_link) == call.asker.id);
  CHECK(call.asker.machine.identity_of(first_link) == call.answerer.id);
}

TEST_CASE("membership: silence fails a hello after five seconds, on either side") {
  Call call;
  const Hello hello = first_of<Hello>(call.asker.machine.opened(call.now, first_link, {}));
  (void)call.answerer.machine.on_hello(call.now, first_link, hello);
  CHECK(call.asker.machine.on_deadline(call.now + 4999ms).empty());
  CHECK(call.asker.machine.next_deadline() == call.now + 5s);

  const auto asked = call.asker.machine.on_deadline(call.now + 5s);
  const auto called = call.answerer.machine.on_deadline(call.now + 5s);

  CHECK(std::get<LinkFailed>(asked.at(0)).failure == LinkFailure::timed_out);
  CHECK(std::get<LinkFailed>(called.at(0)).failure == LinkFailure::timed_out);
  CHECK_FALSE(call.asker.machine.next_deadline());
}

TEST_CASE("membership: calls nobody proves, and old calls of one node, do not pile up") {
  End end(2);
  LinkIdentity caller(key_of(1), LinkIdentityOptions{}, Rng(5));
  (void)caller.set_own(Instant{}, sample_record(1), true);
  const Instant now{};
  const Hello hello = first_of<Hello>(caller.opened(now, first_link, {}));
  const std::uint32_t most = LinkIdentityOptions{}.pending_max;
  for (std::uint64_t i = 0; i < most; ++i) (void)end.machine.on_hello(now, LinkId{100 + i}, hello);
  const auto refused = end.machine.on_hello(now, LinkId{5}, hello);
  CHECK(std::get<LinkFailed>(refused.at(1)).failure == LinkFailure::busy);

  Call call;
  for (std::uint64_t i = 1; i <= 12; ++i) {
    const LinkId one{i};
    const Hello asked = first_of<Hello>(call.asker.machine.opened(now, one, {}));
    const auto answer = first_of<HelloAnswer>(call.answerer.machine.on_hello(now, one, asked));
    const auto proof = first_of<HelloProof>(call.asker.machine.on_answer(now, one, answer));
    (void)call.answerer.machine.on_proof(now, one, proof);
  }
  CHECK_FALSE(call.answerer.machine.identity_of(LinkId{4}));
  CHECK(call.answerer.machine.identity_of(LinkId{5}) == call.asker.id);
  CHECK(call.answerer.machine.identity_of(LinkId{12}) == call.asker.id);
}

TEST_CASE("hello: a node without a record of its own answers as soon as it has one") {
  LinkIdentity caller(key_of(1), LinkIdentityOptions{}, Rng(5));
  LinkIdentity founder(key_of(2), LinkIdentityOptions{}, Rng(6));
  const Instant now{};
  (void)caller.set_own(now, sample_record(1), false);
  const auto hello = std::get<SendHello>(caller.opened(now, LinkId{7}, std::nullopt).front());
  CHECK(founder.on_message(now, LinkId{9}, hello.message).empty());

  const auto effects = founder.set_own(now, sample_record(2), true);

  REQUIRE(effects.size() == 1);
  const auto& answer = std::get<SendHello>(effects.front());
  CHECK(answer.link == LinkId{9});
  CHECK(std::holds_alternative<HelloAnswer>(answer.message));
  CHECK(founder.set_own(now, sample_record(2), true).empty());
}
