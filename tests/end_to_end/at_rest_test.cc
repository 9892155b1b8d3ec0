// What nodes cost while nobody asks them anything: bytes sent and CPU time of each, with some small
// images stored. PIXMESH_REST_NODES=3,10,50 and PIXMESH_REST_SECONDS=60 for the long run; alone in
// a network namespace (unshare -n) the loopback counters tell what the network adds.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/bytes.h"
#include "base/rng.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t image_count = 300;
constexpr std::size_t image_bytes = 8'000;

std::string setting(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

/// Seconds of CPU that a process has taken, all threads together.
double cpu_seconds(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  std::istringstream fields(text.substr(text.rfind(')') + 2));  // the third field is the first here
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Bytes that the loopback has sent, with the headers of IP and TCP.
double loopback_bytes() {
  std::ifstream file("/proc/net/dev");
  for (std::string line; std::getline(file, line);) {
    const std::size_t name = line.find("lo:");
    if (name == std::string::npos) continue;
    std::istringstream fields(line.substr(name + 3));
    double bytes = 0;
    for (int field = 0; field < 9; ++field) fields >> bytes;
    return bytes;
  }
  return 0;
}

struct Sums {
  double membership = 0;
  double repair = 0;
  double other = 0;
  double messages = 0;
  double cpu = 0;
  double cpu_most = 0;
  double loopback = 0;
};

class MeshAtRest {
 public:
  explicit MeshAtRest(std::size_t nodes) : mesh_(MeshOptions{.nodes = nodes}) {
    const fs::path images = mesh_.folder() / "pictures";
    fs::create_directories(images);
    Rng rng(nodes);
    Bytes bytes(image_bytes);
    for (std::size_t i = 0; i < image_count; ++i) {
      rng.fill(bytes);
      std::ofstream(images / ("image" + std::to_string(i)), std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    }
    (void)mesh_.must({"put", "--recursive", images.string()});
    mesh_.wait_calm(120s);
  }

  /// Each figure a node and a second. The two questions at the ends are answered meanwhile.
  Sums over(Duration duration) {
    const std::vector<double> cpu_before = cpu();
    const double loopback_before = loopback_bytes();
    const Sums before = sent();
    const auto began = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(duration);  // the measurement itself: nothing is waited for
    const std::vector<double> cpu_after = cpu();
    const double loopback_after = loopback_bytes();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const Sums after = sent();
    const double share = 1 / (took.count() * static_cast<double>(mesh_.size()));
    Sums rates;
    rates.membership = (after.membership - before.membership) * share;
    rates.repair = (after.repair - before.repair) * share;
    rates.other = (after.other - before.other) * share;
    rates.messages = (after.messages - before.messages) * share;
    rates.loopback = (loopback_after - loopback_before) * share;
    for (std::size_t node = 0; node < mesh_.size(); ++node) {
      const double one = (cpu_after[node] - cpu_before[node]) / took.count();
      rates.cpu += one / static_cast<double>(mesh_.size());
      rates.cpu_most = std::max(rates.cpu_most, one);
    }
    return rates;
  }

 private:
  std::vector<double> cpu() {
    std::vector<double> seconds;
    for (std::size_t node = 0; node < mesh_.size(); ++node) {
      seconds.push_back(cpu_seconds(mesh_.pid(node)));
    }
    return seconds;
  }
  Sums sent() {
    const Json status = mesh_.json({"status"});
    Sums sums;
    for (const Json& node : status["nodes"]) {
      REQUIRE(node.contains("sent"));
      sums.membership += node["sent"]["membership_bytes"].get<double>();
      sums.repair += node["sent"]["repair_bytes"].get<double>();
      sums.other += node["sent"]["other_bytes"].get<double>();
      sums.messages += node["sent"]["messages"].get<double>();
    }
    return sums;
  }

  TestMesh mesh_;
};

}  // namespace

TEST_SUITE("operators") {
  TEST_CASE("rest: nodes that nobody asks anything take next to nothing") {
    const std::chrono::seconds seconds(std::stoi(setting("PIXMESH_REST_SECONDS", "10")));
    std::istringstream counts(setting("PIXMESH_REST_NODES", "3"));
    for (std::string count; std::getline(counts, count, ',');) {
      MeshAtRest mesh(static_cast<std::size_t>(std::stoi(count)));
      const Sums rates = mesh.over(seconds);
      std::printf(
          "  %s nodes, each a second: gossip %.0f bytes, anti-entropy %.0f, other %.0f, %.1f "
          "messages; loopback %.0f bytes; CPU %.2f %%, of the busiest %.2f %%\n",
          count.c_str(), rates.membership, rates.repair, rates.other, rates.messages,
          rates.loopback, 100 * rates.cpu, 100 * rates.cpu_most);
      CHECK(rates.membership > 0);
      CHECK(rates.membership < 5'000);
      CHECK(rates.cpu < 0.05);  // the goal is 0.01, of one core
    }
  }
}
