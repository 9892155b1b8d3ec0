#include "host_network.h"

#include <doctest/doctest.h>
#include <sched.h>

#include <filesystem>

#include "mounted.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

std::string address_of(std::size_t host) { return "10.77.0." + std::to_string(host + 1); }

std::string namespace_of(const std::string& process) {
  std::error_code gone;
  return fs::read_symlink("/proc/" + process + "/ns/net", gone).string();
}

}  // namespace

std::unique_ptr<HostNetwork> HostNetwork::make(std::size_t hosts, std::string& why) {
  why = "network namespaces are not allowed here";
  if (::unshare(CLONE_NEWNET) != 0) return nullptr;
  why = "nft or ip is missing, or a bridge is not allowed here";
  if (!succeeds({"nft", "list", "ruleset"}) || !succeeds({"ip", "link", "set", "lo", "up"}) ||
      !succeeds({"ip", "link", "add", "hosts", "type", "bridge"}) ||
      !succeeds({"ip", "address", "add", "10.77.0.254/24", "dev", "hosts"}) ||
      !succeeds({"ip", "link", "set", "hosts", "up"})) {
    return nullptr;
  }
  std::unique_ptr<HostNetwork> network(new HostNetwork);
  while (network->size() < hosts) {
    if (!network->add_host()) return nullptr;
  }
  return network;
}

bool HostNetwork::add_host() {
  const std::size_t host = size();
  Launch launch;
  launch.words = {"unshare", "--net", "sleep", "infinity"};
  hosts_.emplace_back(launch);
  const std::string process = std::to_string(hosts_.back().pid());
  const std::string ours = namespace_of("thread-self");
  const std::string link = "host" + std::to_string(host);
  return becomes_true(5s, [&] { return namespace_of(process) != ours; }) &&
         succeeds({"ip", "link", "add", link, "type", "veth", "peer", "name", "wire", "netns",
                   process}) &&
         succeeds({"ip", "link", "set", link, "master", "hosts", "up"}) &&
         succeeds(
             inside(host, {"ip", "address", "add", address_of(host) + "/24", "dev", "wire"})) &&
         succeeds(inside(host, {"ip", "link", "set", "lo", "up"})) &&
         succeeds(inside(host, {"ip", "link", "set", "wire", "up"}));
}

Words HostNetwork::inside(std::size_t host, const Words& words) const {
  Words all{"nsenter", "--net=/proc/" + std::to_string(hosts_.at(host).pid()) + "/ns/net"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

NodePlace HostNetwork::place(std::size_t host) const {
  NodePlace place;
  place.host = address_of(host);
  place.before = inside(host, {});
  place.words = {"--insecure"};
  return place;
}

void HostNetwork::lose(const Cuts& cuts, unsigned loss_percent) {
  for (std::size_t host = 0; host < size(); ++host) {
    std::string rules = "flush ruleset\ntable inet faults {\nchain incoming {\n";
    rules += "type filter hook input priority 0; policy accept;\n";
    for (const auto& [from, to] : cuts) {
      if (to == host) rules += "ip saddr " + address_of(from) + " drop\n";
    }
    if (loss_percent > 0) {
      rules += "ip saddr 10.77.0.0/24 numgen random mod 100 < " + std::to_string(loss_percent) +
               " drop\n";
    }
    const fs::path file = folder_.path() / "rules";
    write_file(file, rules + "}\n}\n");
    REQUIRE(succeeds(inside(host, {"nft", "-f", file.string()})));
  }
}

}  // namespace pixmesh
