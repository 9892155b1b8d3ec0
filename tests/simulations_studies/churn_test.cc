#include "simulations/studies/churn.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <set>

#include "simulations/studies/svg.h"

using namespace pixmesh;
using namespace pixmesh::studies;

namespace {

ChurnOptions small_study() {
  ChurnOptions options;
  options.nodes = {4};
  options.between_seconds = {0};
  options.minutes = 3;
  options.images = 10;
  options.partition_bits = 6;
  return options;
}

ChurnShape small_mesh() {
  ChurnShape shape;
  shape.nodes = 4;
  shape.images = 40;
  shape.length = 600s;
  shape.partition_bits = 6;
  return shape;
}

}  // namespace

TEST_CASE("studies: the same seed gives the same churn report, another one another") {
  ChurnOptions options = small_study();
  const Json first = json_of(churn_study(options));

  CHECK(json_of(churn_study(options)) == first);
  options.seed = 2;
  CHECK(json_of(churn_study(options)) != first);
}

TEST_CASE("studies: a churn report has a row for each kind of change, and draws them") {
  const Report report = churn_study(small_study());

  const Json all = json_of(report);
  CHECK(all["churn"].size() == 1);
  CHECK(all["changes"].back()["kind"] == "all");
  CHECK(svg_of(report.charts).find("one by one, worst") != std::string::npos);
}

TEST_CASE("studies: changes one by one move what the tables differ by, and a restart nothing") {
  ChurnMesh mesh(small_mesh());

  mesh.run();

  std::set<ChangeKind> seen;
  for (const ChangeSeen& change : mesh.changes()) {
    seen.insert(change.kind);
    CAPTURE(word_of(change.kind));
    CHECK(change.whole.has_value());
    CHECK(change.moved_bytes == change.ideal_bytes);
    CHECK((change.ideal_bytes == 0) == (change.kind == ChangeKind::restart));
  }
  CHECK(seen.size() == change_kind_count);
}

TEST_CASE("studies: a copy takes no less time than its link needs") {
  ChurnShape shape = small_mesh();
  shape.length = 80s;  // time for one join
  const auto time_of_join = [](const ChurnShape& of) {
    ChurnMesh mesh(of);
    mesh.run();
    CHECK(mesh.changes().front().whole >= mesh.changes().front().least);
    return *mesh.changes().front().whole;
  };
  const Duration fast = time_of_join(shape);

  shape.link_bytes_per_second /= 10;

  CHECK(time_of_join(shape) > fast + 5s);
}

TEST_CASE("studies: clients of a mesh that changes get answers") {
  ChurnShape shape = small_mesh();
  shape.between = 20s;
  shape.length = 150s;
  shape.between_reads = 500ms;
  shape.between_writes = 2s;
  ChurnMesh mesh(shape);

  mesh.run();

  CHECK(mesh.load().reads() > 200);
  CHECK(mesh.load().reads_done() == mesh.load().reads());
  CHECK(mesh.load().writes_done() == mesh.load().writes());
}
