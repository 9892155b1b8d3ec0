#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "simulations/checks/findings.h"
#include "simulations/faults/atlas.h"
#include "simulations/oracle/observation.h"
#include "simulations/oracle/oracle.h"
#include "simulations/scenario/scenario.h"
#include "simulations/world/mesh_world.h"

namespace pixmesh {

/// What a check may look at.
struct Scene {
  MeshWorld& world;
  const Oracle& oracle;
  const Atlas& atlas;
  const Scenario& scenario;
  Findings& findings;

  /// Whether at some time the node's disk comes back empty or older, with or without its state
  /// folder, or a copy of it knows what it does not.
  [[nodiscard]] bool loses_disk(std::uint32_t node) const;
  /// Of these, those whose state folder does so too.
  [[nodiscard]] bool loses_state(std::uint32_t node) const;
};

/// Once nothing is wrong any more, no hint is kept longer.
inline constexpr Duration hints_end_within = 60s;

/// One promise of the mesh, watched. A check overrides what it needs: cheap looks at what has just
/// happened, a scan of everything now and then, and a scan when the mesh is at rest. It changes
/// nothing but its own notes.
class Check {
 public:
  Check(const Scene& scene, std::string promise) : scene_(scene), promise_(std::move(promise)) {}
  Check(const Check&) = delete;
  Check& operator=(const Check&) = delete;
  virtual ~Check() = default;

  virtual void on_step(std::uint32_t) {}
  virtual void on_record_changing(std::uint32_t, const VirtualDisk::Key&, const std::string&,
                                  bool /*dropping*/) {}
  virtual void on_crashed(std::uint32_t) {}
  virtual void on_sent(PartyId, PartyId, Plane, ByteView) {}
  virtual void on_write(const WriteSeen&) {}
  virtual void on_lookup(const LookupSeen&) {}
  virtual void on_bytes(const BytesSeen&) {}
  virtual void on_list(const ListSeen&) {}
  virtual void on_run(const RunSeen&) {}
  /// Every thousand events.
  virtual void on_scan() {}
  /// No fault is going on and the mesh says it is in order. Time may pass meanwhile.
  virtual void at_rest() {}

 protected:
  void report(std::string what, std::vector<std::uint32_t> nodes = {}) {
    scene_.findings.report({promise_, std::move(what), scene_.world.now(), std::move(nodes)});
  }

  Scene scene_;

 private:
  std::string promise_;
};

/// One function a promise; what each says is in the first line of its file.
using CheckPtr = std::unique_ptr<Check>;
[[nodiscard]] CheckPtr make_i01(const Scene& scene);
[[nodiscard]] CheckPtr make_i02(const Scene& scene);
[[nodiscard]] CheckPtr make_i03(const Scene& scene);
[[nodiscard]] CheckPtr make_i04(const Scene& scene);
[[nodiscard]] CheckPtr make_i05(const Scene& scene);
[[nodiscard]] CheckPtr make_i06(const Scene& scene);
[[nodiscard]] CheckPtr make_i07(const Scene& scene);
[[nodiscard]] CheckPtr make_i08(const Scene& scene);
[[nodiscard]] CheckPtr make_i09(const Scene& scene);
[[nodiscard]] CheckPtr make_i10(const Scene& scene);
[[nodiscard]] CheckPtr make_i11(const Scene& scene);
[[nodiscard]] CheckPtr make_i12(const Scene& scene);
[[nodiscard]] CheckPtr make_i13(const Scene& scene);
[[nodiscard]] CheckPtr make_i14(const Scene& scene);
[[nodiscard]] CheckPtr make_i15(const Scene& scene);
[[nodiscard]] CheckPtr make_i16(const Scene& scene);
[[nodiscard]] CheckPtr make_i17(const Scene& scene);
[[nodiscard]] CheckPtr make_clock_rule(const Scene& scene);

}  // namespace pixmesh
