#include "host/config/config_file.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tool_bench.h"

using namespace pixmesh;

namespace {

const SettingRow& row_of(const Configuration& configuration, std::string_view key) {
  return *std::ranges::find(configuration.rows, key, &SettingRow::key);
}

Result<Configuration> read_file(const std::string& text, const GivenSettings& environment = {},
                                const GivenSettings& flags = {}) {
  TestFolder folder;
  write_text(folder.path() / "pixmesh.toml", text);
  return read_configuration(folder.path() / "pixmesh.toml", environment, flags);
}

std::string fault_of(const Result<Configuration>& read) {
  return read ? std::string() : read.error().detail;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("host_tools: without file, variables and flags every setting has its default") {
  const Configuration all = read_configuration(std::nullopt, {}, {}).value();
  CHECK(all.rows.size() == setting_keys().size());
  CHECK(row_of(all, "listen").value == "127.0.0.1:7600");
  CHECK(row_of(all, "write_quorum").value == "2");
  for (const SettingRow& row : all.rows) {
    CHECK(row.origin == SettingOrigin::standard);
    CHECK(row.place == "default");
  }
}

TEST_CASE("host_tools: flags win over variables, variables over the file, and each says so") {
  const Configuration all = read_file(
                                "zone = \"a\"\nworkers = 3\ncapacity = \"10GB\"\ninsecure = true\n"
                                "data = [\"/d1\", \"/d2\"]\nlog_level = \"warning\"\n",
                                {{"zone", {"b"}}, {"workers", {"4"}}}, {{"zone", {"c"}}})
                                .value();

  CHECK(all.node.zone == "c");
  CHECK(all.node.workers == 4);
  CHECK(all.node.capacity == 10'000'000'000);
  CHECK(all.node.insecure);
  CHECK(all.node.data == std::vector<std::string>{"/d1", "/d2"});
  CHECK(all.node.log_level == LogLevel::warning);
  CHECK(row_of(all, "zone").place == "--zone");
  CHECK(row_of(all, "workers").place == "PIXMESH_WORKERS");
  CHECK(row_of(all, "capacity").place.ends_with("pixmesh.toml:3"));
  CHECK(row_of(all, "capacity").value == "10GB");
  CHECK(row_of(all, "data").value == "/d1,/d2");
  CHECK(to_text(row_of(all, "data").origin) == "file");
}

TEST_CASE("host_tools: a sandbox is bwrap or off, and may show more folders") {
  const Configuration all =
      read_file("sandbox = \"off\"\nsandbox_bind = [\"/opt/a\", \"/opt/b\"]\n").value();
  CHECK(read_file("").value().node.sandbox == "bwrap");
  CHECK(all.node.sandbox == "off");
  CHECK(row_of(all, "sandbox_bind").value == "/opt/a,/opt/b");
  CHECK(contains(fault_of(read_file("sandbox = \"none\"\n")), "it is bwrap or off"));
  CHECK(contains(fault_of(read_file("sandbox_bind = [\"opt\"]\n")), "no absolute path"));
}

TEST_CASE("host_tools: the out delay is a time span from 5 s on, or off") {
  CHECK(read_file("").value().node.out_delay == 10min);
  CHECK(read_file("out_delay = \"90s\"\n").value().node.out_delay == 90s);
  const Configuration off = read_file("out_delay = \"off\"\n").value();
  CHECK_FALSE(off.node.out_delay);
  CHECK(row_of(off, "out_delay").value == "off");
  CHECK(contains(fault_of(read_file("out_delay = \"1s\"\n")), "'1s' is not from 5s to 720h"));
}

TEST_CASE("host_tools: memory of tools and the time of the queue have bounds") {
  CHECK(read_file("").value().node.memory == 0);
  CHECK(read_file("").value().node.queue_time == 30s);
  const Configuration set = read_file("memory = \"2GiB\"\nqueue_time = \"90s\"\n").value();
  CHECK(set.node.memory == 2ULL << 30);
  CHECK(set.node.queue_time == 90s);
  CHECK(contains(fault_of(read_file("memory = \"1MB\"\n")), "at least 128MiB"));
  CHECK(contains(fault_of(read_file("queue_time = \"2h\"\n")), "'2h' is not from 1s to 1h"));
}

TEST_CASE("host_tools: faults of the configuration name their place and a remedy") {
  CHECK(contains(fault_of(read_file("\nzoen = \"a\"\n")),
                 "pixmesh.toml:2: unknown key 'zoen'; did you mean 'zone'?"));
  CHECK(contains(fault_of(read_file("capacity = \"10 gigs\"\n")),
                 "pixmesh.toml:1: capacity: '10 gigs' is no size"));
  CHECK(contains(fault_of(read_file("zone = 1.5\n")), "'zone' must be a text"));
  CHECK(contains(fault_of(read_file("zone = [\"a\", \"b\"]\n")), "write one value"));
  CHECK(contains(fault_of(read_file("listen = \"7600\"\n")), "write it like 10.0.0.5:7600"));
  CHECK(contains(fault_of(read_file("zone = \n")), "pixmesh.toml:1"));
  CHECK(contains(fault_of(read_file("", {{"workers", {"0"}}})),
                 "PIXMESH_WORKERS: '0' is no whole number from 1 to 1024"));
  CHECK(contains(fault_of(read_file("", {}, {{"bulk_listen", {"x:0"}}})), "--bulk-listen: "));
  CHECK(contains(fault_of(read_file("", {}, {{"lisen", {"x"}}})), "did you mean 'listen'?"));
  CHECK(read_configuration("/nowhere/pixmesh.toml", {}, {}).error().code == ErrorCode::not_found);
}

TEST_CASE("host_tools: the write quorum follows the replicas and stays above their half") {
  CHECK(read_file("replicas = 5\n").value().node.write_quorum == 3);
  CHECK(read_file("replicas = 1\n").value().node.write_quorum == 1);
  CHECK(read_file("replicas = 5\nwrite_quorum = 5\n").value().node.write_quorum == 5);
  CHECK(contains(fault_of(read_file("replicas = 4\nwrite_quorum = 2\n")),
                 "pixmesh.toml:2: write_quorum must be above half of the 4 replicas"));
  CHECK(contains(fault_of(read_file("replicas = 2\nwrite_quorum = 3\n")), "write_quorum"));
}

TEST_CASE("host_tools: variables of other programs are left alone, misspelt ones are not") {
  const char* fine[] = {"HOME=/root", "PIXMESH_NODE=1.2.3.4:5", "PIXMESH_DATA=/d1,/d2",
                        "PIXMESH_LOG_LEVEL=debug", nullptr};
  const GivenSettings expected{{"data", {"/d1", "/d2"}}, {"log_level", {"debug"}}};
  CHECK(settings_of_environment(fine).value() == expected);

  const char* misspelt[] = {"PIXMESH_ZONEE=a", nullptr};
  CHECK(settings_of_environment(misspelt).error().detail ==
        "PIXMESH_ZONEE is not known; did you mean 'PIXMESH_ZONE'?");
}

TEST_CASE("host_tools: an address is a host and a port") {
  for (const char* text : {"localhost:1", "10.0.0.5:7600", "[::1]:65535", "a-b.example.org:80"}) {
    CHECK(is_endpoint(text));
  }
  for (const char* text : {"", "7600", ":7600", "host:", "host:0", "host:65536", "host:+1",
                           "::1:80", "a b:80", "host:80 ", "[]:80", "tcp://host:80"}) {
    CHECK_FALSE(is_endpoint(text));
  }
}
