#include "simulations/faults/fault_player.h"
#include "spoiled_mesh.h"

using namespace pixmesh;

namespace {

/// All copies of the one image are destroyed.
void destroy(SpoiledMesh& mesh, std::uint32_t number) {
  FaultPlayer player(mesh.world_, mesh.atlas_);
  Event event;
  event.kind = EventKind::destroyed;
  event.node = mesh.holders().front();
  event.number = number;
  player.begin(event);
}

}  // namespace

TEST_CASE("simulations: what is destroyed beyond hope is wrong at each holder") {
  for (const std::uint32_t number : {0U, 1U}) {  // flipped, zeroed
    CAPTURE(number);
    SpoiledMesh mesh;
    const Bytes whole = *mesh.world_.disk(mesh.holders().front()).file(mesh.path());
    destroy(mesh, number);
    CHECK(mesh.world_.is_lost(mesh.path()));
    for (const std::uint32_t node : mesh.holders()) {
      CHECK(*mesh.world_.disk(node).file(mesh.path()) != whole);
    }
  }
}

TEST_CASE("simulations: a lost image is no fault where its holders say so, and one where not") {
  SpoiledMesh mesh;
  destroy(mesh, 1);
  CHECK(mesh.world_.unrest().size() == mesh.holders().size());  // nobody has noticed
  for (const std::uint32_t node : mesh.holders()) {
    CHECK(mesh.world_.command(node, NodeCommand::scrub).code == ErrorCode{});
  }
  CHECK(mesh.world_.run_until_settled());
  CHECK(mesh.world_.look_up(0, "image").code == ErrorCode{});
  CHECK_FALSE(mesh.world_.get(0, "image").has_value());
  CHECK(mesh.promise_at_rest() == "");

  // One that forgets the mark says of bytes that are gone that it has them.
  const TableRow row = damaged_row(mesh.record().digest, std::nullopt);
  VirtualDisk& disk = mesh.world_.disk(mesh.holders().front());
  VirtualDisk::Contents contents = disk.contents();
  contents.tables[Table::damaged].erase(row.key);
  disk.restore(std::move(contents));
  CHECK(mesh.promise_at_rest() == "I2");
}
