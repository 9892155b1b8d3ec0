#include "cli/node_settings.h"

#include <doctest/doctest.h>
#include <CLI/CLI.hpp>

using namespace pixmesh;

namespace {

NodeSettings good() {
  NodeSettings settings;
  settings.data = {"/disk"};
  return settings;
}

std::string fault_of(const NodeSettings& settings, bool create = false) {
  const Result<Done> checked = check_node_settings(settings, create);
  if (checked) return "";
  CHECK(checked.error().code == ErrorCode::usage);
  return checked.error().detail;
}

}  // namespace

TEST_CASE("cli: a node without a folder, or one that founds and joins, is refused") {
  CHECK(fault_of(good(), true).empty());
  CHECK(fault_of(NodeSettings{}).find("--data") != std::string::npos);
  NodeSettings both = good();
  both.join = {"a:1"};
  CHECK(fault_of(both, true).find("--create or --join") != std::string::npos);
  CHECK(fault_of(both, false).empty());
}

TEST_CASE("cli: listening beyond this machine needs --insecure, and is told why") {
  NodeSettings open = good();
  open.listen = "0.0.0.0:7600";
  CHECK(fault_of(open).find("not encrypted") != std::string::npos);
  CHECK(fault_of(open).find("--insecure") != std::string::npos);
  open.insecure = true;
  CHECK(fault_of(open).empty());
  NodeSettings bulk = good();
  bulk.bulk_listen = "10.0.0.1:1";
  CHECK_FALSE(fault_of(bulk).empty());
  CHECK(is_loopback("[::1]:7600"));
  CHECK(is_loopback("localhost:7600"));
  CHECK_FALSE(is_loopback("[::]:7600"));
}

TEST_CASE("cli: a control port without room for the bulk port is refused") {
  NodeSettings high = good();
  high.listen = "127.0.0.1:65000";
  CHECK(fault_of(high).find("--bulk-listen") != std::string::npos);
  high.bulk_listen = "127.0.0.1:65001";
  CHECK(fault_of(high).empty());
}

TEST_CASE("cli: flags win over the environment, and every key has a flag") {
  CLI::App app;
  NodeFlags flags;
  flags.add_to(Command(app));
  for (std::string key : setting_keys()) {
    for (char& c : key) c = c == '_' ? '-' : c;
    CHECK_NOTHROW((void)app.get_option("--" + key));
  }
  app.parse("--zone b --data /x /y --insecure");
  const std::vector<const char*> variables{"PIXMESH_ZONE=a", "PIXMESH_WORKERS=3", nullptr};
  const auto configuration = flags.read(variables.data());
  REQUIRE(configuration.has_value());
  CHECK(configuration->node.zone == "b");
  CHECK(configuration->node.workers == 3);
  CHECK(configuration->node.insecure);
  CHECK(configuration->node.data == std::vector<std::string>{"/x", "/y"});
}
