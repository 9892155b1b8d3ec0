// I16: a message that no member signed changes nothing: no forged record is stored, nobody is
// evicted by a stranger or by a member alone, nobody has a record of a member that is not by it.
#include "base/digest.h"
#include "membership/eviction.h"
#include "membership/member_record.h"
#include "simulations/checks/check.h"
#include "simulations/workload/forgery.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

class Strangers : public Check {
 public:
  explicit Strangers(const Scene& scene) : Check(scene, "I16") {}

  void on_record_changing(std::uint32_t node, const VirtualDisk::Key&, const std::string& name,
                          bool) override {
    if (name.rfind(forged_prefix, 0) == 0) {
      report("node " + std::to_string(node) + " stores what a stranger sent", {node});
    }
  }
  void on_scan() override {
    next_ = (next_ + 1) % scene_.world.node_count();
    look_at_records(next_);
  }
  void at_rest() override {
    for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) look_at_records(node);
    for (const std::uint32_t node : scene_.world.running()) {
      for (const MemberStatus& member : scene_.world.status(node).members) {
        const std::uint32_t number = scene_.world.number_of(member.node);
        if (member.state != "evicted" || !scene_.world.is_member(number)) continue;
        report("node " + std::to_string(node) + " thinks node " + std::to_string(number) +
                   " evicted, and nobody asked for that",
               {node, number});
      }
    }
  }

 private:
  // Each row that has changed since it was last looked at.
  void look_at_records(std::uint32_t node) {
    for (const auto& [key, value] : scene_.world.state(node).table(Table::facts).rows) {
      const std::string_view name = text_of(key);
      const bool is_record = name.rfind("member/", 0) == 0;
      const bool is_end = name.rfind("eviction/", 0) == 0 || name.rfind("given_up/", 0) == 0;
      if (!is_record && !is_end) continue;
      Bytes& seen = seen_[{node, key}];
      if (seen == value) continue;
      seen = value;
      if (is_record ? is_signed_record(seen) : is_signed_eviction(seen)) continue;
      report(
          "node " + std::to_string(node) + " keeps " +
              (is_record ? "a record that its member never signed" : "an eviction nobody signed"),
          {node});
    }
  }
  static bool is_signed_record(const Bytes& row) {
    const auto record = decode_member(row);
    return record && verify_record(record.value());
  }
  static bool is_signed_eviction(const Bytes& row) {
    const auto eviction = decode_eviction(row);
    return eviction && verify_eviction(eviction.value());
  }

  std::uint32_t next_ = 0;
  std::map<std::pair<std::uint32_t, Bytes>, Bytes> seen_;
};

}  // namespace

CheckPtr make_i16(const Scene& scene) { return std::make_unique<Strangers>(scene); }

}  // namespace pixmesh
