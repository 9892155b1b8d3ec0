#include "node/gone_results.h"

#include <doctest/doctest.h>

using namespace pixmesh;

namespace {

ResultFacts made_for(std::vector<std::string> names, std::uint8_t source = 1) {
  ResultFacts facts;
  facts.source = Digest{{source}};
  facts.names = std::move(names);
  return facts;
}

}  // namespace

TEST_CASE("results: what is found late is gone by its source, a name, or the begin of a name") {
  GoneResults gone;
  CHECK_FALSE(gone.has(made_for({"a"})));
  gone.add_source(Digest{{7}});
  gone.add_name("cat.png");
  gone.add_prefix("dogs/");

  CHECK(gone.has(made_for({"x"}, 7)));
  CHECK(gone.has(made_for({"x", "cat.png"})));
  CHECK_FALSE(gone.has(made_for({"cat.png.jpg", "cat.pn"})));
  CHECK(gone.has(made_for({"dogs/"})));
  CHECK(gone.has(made_for({"dogs/1.png"})));
  CHECK_FALSE(gone.has(made_for({"dogs", "dogt/1.png", "a dogs/"})));
}

TEST_CASE("results: what has more names than are remembered is gone with any name") {
  ResultFacts facts = made_for({"a"});
  facts.more_names = true;
  GoneResults gone;
  gone.add_source(Digest{{7}});
  CHECK_FALSE(gone.has(facts));
  gone.add_prefix("b");
  CHECK(gone.has(facts));
}

TEST_CASE("results: of prefixes of which one begins with another the shorter one holds") {
  GoneResults gone;
  for (const char* prefix : {"ab", "abc/d", "b", "abc", "a", "abz", "c/1", "c/2"}) {
    gone.add_prefix(prefix);
  }
  for (const char* name : {"a", "abc/e", "az", "b1", "c/1", "c/29"}) {
    CAPTURE(name);
    CHECK(gone.has(made_for({name})));
  }
  for (const char* name : {"A", "c", "c/", "c/0", "c/3", "d"}) {
    CAPTURE(name);
    CHECK_FALSE(gone.has(made_for({name})));
  }
}

TEST_CASE("results: more that is gone than can be remembered makes all that is found late go") {
  GoneResults gone;
  for (int i = 0; i < 10'000; ++i) gone.add_name(std::to_string(i));
  CHECK_FALSE(gone.has(made_for({"a"})));
  gone.add_prefix("b");
  CHECK(gone.has(made_for({"a"})));

  gone.end();

  gone.add_name("a");
  CHECK_FALSE(gone.has(made_for({"a"})));
}
