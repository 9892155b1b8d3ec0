#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "register_writer.h"
#include "test_mesh.h"

namespace pixmesh {

struct TrafficOptions {
  std::string prefix = "writer";  // of all names
  std::size_t writers = 3;
  std::uint64_t largest = 3'000'000;  // bytes of an image
  Duration deadline = 30s;            // of each call
};

/// What the rescue script finds without pixmesh, by name.
using Rescued = std::map<std::string, Digest>;

/// Clients that write to a mesh, each its own names, while something is done to the mesh.
class Traffic {
 public:
  explicit Traffic(const TestMesh& mesh, const TrafficOptions& options = {});

  /// Fails the test for what they found wrong meanwhile.
  void stop();
  void start();  // again
  void doubt(bool doubted);
  [[nodiscard]] std::uint64_t acknowledged() const;
  [[nodiscard]] std::uint64_t unknown() const;
  [[nodiscard]] std::uint64_t reads() const;
  /// Every name through every node that runs: what was acknowledged, or something of unknown
  /// outcome.
  void check_through_each_node(TestMesh& mesh) const;
  void check_rescued(const Rescued& rescued) const;
  [[nodiscard]] std::string figures() const;  // for people

 private:
  std::vector<std::unique_ptr<RegisterWriter>> writers_;
};

/// @param folders  of disks that no node uses at the moment
[[nodiscard]] Rescued rescued_from(const std::vector<std::filesystem::path>& folders);

/// Each holder of each image is asked whether its copy is whole, again until all are. What a killed
/// coordinator left unfinished nobody counts: it is found when holders compare, ten seconds later.
void check_every_copy(TestMesh& mesh, Duration limit = 60s);

/// The number in this variable of the environment; a long run sets it.
[[nodiscard]] std::size_t asked_count(const char* variable, std::size_t otherwise);

}  // namespace pixmesh
