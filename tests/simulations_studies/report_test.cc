#include "simulations/studies/report.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "simulations/studies/samples.h"
#include "simulations/studies/svg.h"

using namespace pixmesh;
using namespace pixmesh::studies;

namespace {

Report sample_report() {
  Table table{"rows", "What was seen.", {{"name", "name"}, {"share", "share %"}}, {}};
  table.rows.push_back({word("ada"), number(1.0 / 3, 2)});
  table.rows.push_back({word("bob & co"), nothing()});
  Chart chart{"a < b & c", "nodes", "\"seconds\"", true, {}};
  chart.series.push_back({"seen", {{10, 1.5}, {100, 2.5}, {0, 7}}});
  chart.series.push_back({"goal", {{10, 2}, {100, 3}}, true});
  return {"sample", 7, {table}, {chart}};
}

/// Whether every element of this XML is closed in order and no bare `<` or `&` stands in its text.
bool is_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  for (std::size_t at = xml.find_first_of("<&"); at != std::string::npos;
       at = xml.find_first_of("<&", at + 1)) {
    const std::size_t end = xml.find(xml[at] == '<' ? '>' : ';', at);
    if (end == std::string::npos) return false;
    const std::string inside = xml.substr(at + 1, end - at - 1);
    if (inside.empty() || inside.find('<') != std::string::npos) return false;
    if (xml[at] == '&') {
      if (inside != "lt" && inside != "gt" && inside != "amp" && inside != "quot") return false;
    } else if (inside.front() == '/') {
      if (open.empty() || open.back() != inside.substr(1)) return false;
      open.pop_back();
    } else if (inside.back() != '/') {
      open.push_back(inside.substr(0, inside.find(' ')));
    }
  }
  return open.empty();
}

}  // namespace

TEST_CASE("studies: a table has a title line, and numbers stand to the right") {
  CHECK(text_of(sample_report()) ==
        "What was seen.\n\n"
        "name      share %\n"
        "ada          0.33\n"
        "bob & co        -\n");
}

TEST_CASE("studies: JSON says what the table says") {
  CHECK(json_of(sample_report()).dump() ==
        R"({"study":"sample","seed":7,"rows":[{"name":"ada","share":0.33},)"
        R"({"name":"bob & co","share":null}]})");
}

TEST_CASE("studies: a plot is well-formed XML that shows the points it can") {
  const std::string svg = svg_of(sample_report().charts);

  CHECK(is_well_formed(svg));
  CHECK_FALSE(is_well_formed(svg + "<g>"));
  CHECK_FALSE(is_well_formed("<g>a & b</g>"));
  CHECK(svg.find("a &lt; b &amp; c") != std::string::npos);
  std::size_t dots = 0;
  for (std::size_t at = svg.find("<circle"); at != std::string::npos; ++dots) {
    at = svg.find("<circle", at + 1);
  }
  CHECK(dots == 2);
}

TEST_CASE("studies: a plot of nothing is a plot") {
  CHECK(is_well_formed(svg_of({})));
  const std::vector<Chart> charts{{"empty", "x", "y", true, {{"nobody", {}}}}};
  CHECK(is_well_formed(svg_of(charts)));
}

TEST_CASE("studies: a quantile is the least sample that enough of them do not exceed") {
  Samples samples;
  CHECK(samples.quantile(0.5) == 0);
  for (int i = 100; i >= 1; --i) samples.add(i);
  CHECK(samples.quantile(0.5) == 50);
  CHECK(samples.quantile(0.99) == 99);
  CHECK(samples.quantile(1) == 100);
  samples.add(0.5);
  CHECK(samples.quantile(0.001) == 0.5);
}
