#include <doctest/doctest.h>

#include <array>
#include <string_view>

#include "base/rng.h"
#include "processing/render.h"
#include "sample_recipe.h"

using namespace pixmesh;

// No byte that a user chose reaches a command line: a value is read as a number, a truth or one of
// the recipe's own words, and what is printed is printed anew.
namespace {

constexpr int rounds = 1'000'000;

/// A number as the node itself prints it: no sign but a minus, no needless zero, no exponent.
bool is_printed_number(std::string_view text, bool real) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  if (whole.empty() || whole.find_first_not_of("0123456789") != whole.npos) return false;
  if (whole.size() > 1 && whole.front() == '0') return false;
  if (point == text.npos) return true;
  const std::string_view rest = text.substr(point + 1);
  return real && !rest.empty() && rest.size() <= 6 && rest.back() != '0' &&
         rest.find_first_not_of("0123456789") == rest.npos;
}

/// What stands between the fixed beginning and the fixed end of an argument; none if they differ.
std::string_view inner(std::string_view text, std::string_view begin, std::string_view end) {
  if (text.size() < begin.size() + end.size()) return "?";
  if (!text.starts_with(begin) || !text.ends_with(end)) return "?";
  return text.substr(begin.size(), text.size() - begin.size() - end.size());
}

/// Whether this is a command line of the sample recipe, every byte of it.
bool is_own(const ToolCommand& command) {
  const auto& argv = command.argv;
  if (argv.size() != 8 || argv[0] != "tool" || argv[1] != "{in}" || argv[2] != "--size") {
    return false;
  }
  const std::string_view size = argv[3];
  const std::size_t cross = size.find('x');
  return cross != size.npos && is_printed_number(size.substr(0, cross), false) &&
         is_printed_number(size.substr(cross + 1), false) &&
         is_printed_number(inner(argv[4], "--sigma=", ""), true) &&
         (argv[5] == "true" || argv[5] == "false") && argv[6] == "-o" &&
         is_printed_number(inner(argv[7], "{out}[Q=", "]"), false) &&
         (command.output_extension == "jpg" || command.output_extension == "png");
}

/// Texts that come near to what is allowed, and bytes that mean something to shells and tools.
class HostileTexts {
 public:
  explicit HostileTexts(std::uint64_t seed) : rng_(seed) {}

  void draw(std::string& text) {
    text.clear();
    if (rng_.below(4) != 0) text = near_[rng_.below(near_.size())];
    const auto drawn = rng_.below(8);
    for (auto left = drawn < 4 ? drawn : 0; left > 0; --left) {
      const char byte =
          rng_.below(8) == 0 ? static_cast<char>(rng_.below(256)) : odd_[rng_.below(odd_.size())];
      text.insert(rng_.below(text.size() + 1), 1, byte);
    }
  }
  std::uint64_t below(std::uint64_t bound) { return rng_.below(bound); }

 private:
  static constexpr std::array<std::string_view, 16> near_{
      "800",   "1",    "0.5", "-1.25",  "true", "false",      "jpg",   "png",
      "{out}", "{in}", "-o",  "--help", "../x", "a.png[Q=1]", "msl:x", "o%d.png"};
  static constexpr std::string_view odd_ = "0123456789.-+ex{}[]()'\"`$;|&<>*?~!#%@:/\\\n\t ,=";
  Rng rng_;
};

}  // namespace

TEST_CASE("processing: of 1,000,000 random names and values no byte reaches the command line") {
  const Recipe recipe = sample_recipe();
  HostileTexts texts(20'261'129);
  GivenParameters given;
  int accepted = 0;
  int foreign = 0;
  for (int round = 0; round < rounds; ++round) {
    given.resize(1 + texts.below(2));
    for (auto& [key, value] : given) {
      key = recipe.parameters[texts.below(recipe.parameters.size())].name;
      texts.draw(value);
    }
    if (texts.below(16) == 0) texts.draw(given[0].first);
    const Result<ToolCommand> command = render_arguments(recipe, given);
    if (!command) continue;
    ++accepted;
    if (!is_own(command.value())) ++foreign;
  }

  CHECK(foreign == 0);
  CHECK(accepted > rounds / 200);  // else the texts are too odd to say anything
  CHECK(accepted < rounds / 2);
}
