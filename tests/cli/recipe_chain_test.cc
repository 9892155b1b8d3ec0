#include "cli/recipe_chain.h"

#include <doctest/doctest.h>

using namespace pixmesh;

namespace {

std::string read_back(const std::string& text, const std::vector<std::string>& more = {}) {
  const auto chain = parse_chain(text, more);
  return chain ? text_of_chain(chain.value()) : "error: " + chain.error().detail;
}

}  // namespace

TEST_CASE("cli: a chain is recipes with their parameters between bars") {
  CHECK(read_back("thumbnail") == "thumbnail");
  CHECK(read_back("thumbnail", {"width=400"}) == "thumbnail width=400");
  CHECK(read_back(" thumbnail  width=400|sharpen ") == "thumbnail width=400 | sharpen");
  const auto chain = parse_chain("thumbnail width=4 height=5 | rotate angle=90", {}).value();
  CHECK(chain.arguments.size() == 2);
  REQUIRE(chain.then.size() == 1);
  CHECK(chain.then[0].recipe == "rotate");
  CHECK(chain.then[0].arguments[0].value == "90");
  CHECK(label_of_chain(chain) == "thumbnail+rotate");
}

TEST_CASE("cli: what is no chain is refused with what to type") {
  CHECK(read_back("").find("empty") != std::string::npos);
  CHECK(read_back("a | | b").find("empty") != std::string::npos);
  CHECK(read_back("a | b", {"width=4"}).find("behind its recipe") != std::string::npos);
  CHECK(read_back("a width").find("key=value") != std::string::npos);
  CHECK(read_back("a|a|a|a|a|a|a|a|a").find("at most 8") != std::string::npos);
}

TEST_CASE("cli: the label of a long chain is short, and not that of another one") {
  const std::string step = "a-recipe-with-a-long-name";
  const auto one = parse_chain(step + "|" + step + "|" + step + "1", {}).value();
  const auto other = parse_chain(step + "|" + step + "|" + step + "2", {}).value();
  CHECK(label_of_chain(one).size() <= 60);
  CHECK(label_of_chain(one) != label_of_chain(other));
}
