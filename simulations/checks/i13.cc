// I13: no run is sent to a holder that its router believes silent.
#include "base/digest.h"
#include "simulations/checks/check.h"
#include "simulations/world/message_text.h"
#include "wire/fields.h"
#include "wire/message.h"

namespace pixmesh {
namespace {

constexpr Duration decided_within = 150ms;  // a holder that answered may fall silent meanwhile

/// What nodes believe, as their logs tell it.
class Beliefs {
 public:
  explicit Beliefs(const Scene& scene) : scene_(scene) {}

  void forget(std::uint32_t node) {
    read_on();
    silent_.erase(node);
  }
  /// Since when `node` has believed `member` silent; none if it has not.
  [[nodiscard]] std::optional<Instant> silent_since(std::uint32_t node, NodeId member) {
    read_on();
    const auto& silent = silent_[node];
    const auto found = silent.find(short_text(member));
    return found == silent.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  void read_on() {
    const auto& log = scene_.world.log();
    for (; next_ < log.size(); ++next_) {
      const LoggedEvent& line = log[next_];
      if (line.name != "member_changed") continue;
      const std::string member = field(line.fields, "member=");
      if (field(line.fields, "state=") == "alive") {
        silent_[line.node].erase(member);
      } else {
        silent_[line.node].try_emplace(member, line.at);
      }
    }
  }
  [[nodiscard]] static std::string field(const std::string& fields, const std::string& key) {
    const std::size_t at = fields.find(key);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + key.size();
    return fields.substr(begin, fields.find(' ', begin) - begin);
  }

  Scene scene_;
  std::size_t next_ = 0;
  std::map<std::uint32_t, std::map<std::string, Instant>> silent_;
};

class Routing : public Check {
 public:
  explicit Routing(const Scene& scene) : Check(scene, "I13"), beliefs_(scene) {}

  void on_crashed(std::uint32_t node) override { beliefs_.forget(node); }
  void on_sent(PartyId from, PartyId to, Plane plane, ByteView message) override {
    if (plane != Plane::control || from >= scene_.world.node_count()) return;
    const std::uint32_t number = message_number_of(message);
    if (number == Fields<ProbeLoad>::number && to < scene_.world.node_count()) {
      look_at(from, scene_.world.id_of(to), Duration{});
    } else if (number == Fields<RunCandidates>::number) {
      const auto decoded = decode_message(message);
      const auto* where = decoded ? std::get_if<RunCandidates>(&decoded.value()) : nullptr;
      if (where == nullptr) return;
      for (const RunCandidate& candidate : where->candidates) {
        look_at(from, candidate.node, decided_within);
      }
    }
  }

 private:
  void look_at(std::uint32_t router, NodeId holder, Duration pardoned) {
    const auto since = beliefs_.silent_since(router, holder);
    if (!since || *since + pardoned > scene_.world.now()) return;
    const std::uint32_t number = scene_.world.number_of(holder);
    report("node " + std::to_string(router) + " routes a run to node " + std::to_string(number) +
               ", which it believes silent",
           {router, number});
  }

  Beliefs beliefs_;
};

}  // namespace

CheckPtr make_i13(const Scene& scene) { return std::make_unique<Routing>(scene); }

}  // namespace pixmesh
