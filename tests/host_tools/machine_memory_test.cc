#include "host/system/machine_memory.h"

#include <stdlib.h>

#include <doctest/doctest.h>

#include <fstream>

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// A /proc and a /sys of the test's own.
struct SmallRoot {
  SmallRoot() {
    std::string name = (fs::temp_directory_path() / "pixmesh-root.XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root = name;
  }
  ~SmallRoot() { fs::remove_all(root); }
  SmallRoot(const SmallRoot&) = delete;
  SmallRoot& operator=(const SmallRoot&) = delete;

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  }
  fs::path root;
};

constexpr std::uint64_t gibi = 1ULL << 30;

}  // namespace

TEST_CASE("host_tools: the memory of the machine is the total, or the lowest limit of its groups") {
  const SmallRoot small;
  CHECK(machine_memory(small.root) == 0);
  small.write("proc/meminfo", "MemTotal:       16777216 kB\nMemFree:        1024 kB\n");
  CHECK(machine_memory(small.root) == 16 * gibi);

  small.write("proc/self/cgroup", "0::/a.slice/b.service\n");
  small.write("sys/fs/cgroup/a.slice/b.service/memory.max", "max\n");
  CHECK(machine_memory(small.root) == 16 * gibi);
  small.write("sys/fs/cgroup/a.slice/memory.max", "4294967296\n");
  CHECK(machine_memory(small.root) == 4 * gibi);
}

TEST_CASE("host_tools: limits of control groups of version 1 count too") {
  const SmallRoot small;
  small.write("proc/meminfo", "MemTotal:       16777216 kB\n");
  small.write("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/box\n");
  small.write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "2147483648\n");
  CHECK(machine_memory(small.root) == 2 * gibi);
}
