// I14: the generation of a node's record and the number of a partition's settled set never step
// back on its disk, also over restarts; a record is on disk before others are told of it.
#include "simulations/checks/check.h"
#include "simulations/world/message_text.h"
#include "wire/fields.h"
#include "wire/message.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

class Order : public Check {
 public:
  explicit Order(const Scene& scene) : Check(scene, "I14") {}

  void on_sent(PartyId from, PartyId, Plane plane, ByteView message) override {
    if (plane != Plane::control || from >= scene_.world.node_count()) return;
    if (message_number_of(message) != Fields<RecordPush>::number) return;
    const auto decoded = decode_message(message);
    const auto* push = decoded ? std::get_if<RecordPush>(&decoded.value()) : nullptr;
    if (push == nullptr) return;
    for (const MemberRecord& record : push->records) {
      if (record.node != scene_.world.id_of(from)) continue;
      if (record.generation <= stored_generation(from)) continue;
      report("node " + std::to_string(from) + " tells of its record " +
                 std::to_string(record.generation) + " before it is on disk",
             {from});
    }
  }
  void on_crashed(std::uint32_t node) override { look_at(node); }
  void on_scan() override {
    for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) look_at(node);
  }
  void at_rest() override { on_scan(); }

 private:
  [[nodiscard]] std::uint64_t stored_generation(std::uint32_t node) {
    std::uint64_t highest = 0;
    for (const auto& [key, value] : scene_.world.state(node).table(Table::facts).rows) {
      const auto record = decode_member(value);
      if (record && record->node == scene_.world.id_of(node)) {
        highest = std::max(highest, record->generation);
      }
    }
    return highest;
  }
  void look_at(std::uint32_t node) {
    const std::uint64_t generation = stored_generation(node);
    std::uint64_t& last = generations_[node];
    if (generation < last) {
      report("the record of node " + std::to_string(node) + " stepped back", {node});
    }
    last = generation;
  }

  std::map<std::uint32_t, std::uint64_t> generations_;
};

}  // namespace

CheckPtr make_i14(const Scene& scene) { return std::make_unique<Order>(scene); }

}  // namespace pixmesh
