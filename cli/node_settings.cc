#include "cli/node_settings.h"

#include <array>
#include <cstdlib>

#include "processing/closest.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

struct FlagText {
  const char* key;
  const char* type;
  const char* summary;
};

constexpr std::array<FlagText, 23> flag_texts{{
    {"data", "DIR", "Folders for images, one a disk"},
    {"join", "HOST:PORT", "Members to ask for the mesh, also while half of it is silent"},
    {"listen", "HOST:PORT", "Control address (default 127.0.0.1:7600)"},
    {"bulk_listen", "HOST:PORT", "Address for image bytes (default: 1000 above the control port)"},
    {"advertise", "HOST:PORT", "Address that others should use (default: --listen)"},
    {"zone", "NAME", "What fails together: a rack, a room (default 'default')"},
    {"capacity", "SIZE", "Share of the images by size: 4TB (default: the size of the disks)"},
    {"workers", "N", "Tools that run at a time (default: one a core)"},
    {"queue_max", "N", "Runs that may wait (default 64)"},
    {"queue_time", "TIME", "Predicted wait above which runs are refused (default 30s)"},
    {"memory", "SIZE", "For all tools at one time (default: half of the machine's memory)"},
    {"result_cache", "SIZE", "Results kept for the next who asks; 0: none (default 1GiB)"},
    {"journal", "SIZE",
     "What 'why' tells of requests, in files, for a day; 0: in memory only (default 256MiB)"},
    {"replicas", "N", "Copies of each image; read when a mesh is founded (default 3)"},
    {"write_quorum", "N", "Durable copies before a put is acknowledged (default 2)"},
    {"out_delay", "TIME",
     "Dead for that long, a member is evicted if the others agree; 'off': never (default 10m)"},
    {"state", "DIR", "Identity and counters (default: 'state' in the first data folder)"},
    {"recipes", "FILE", "More recipes, or others of the same name"},
    {"sandbox", "LEVEL", "What is around tools: bwrap (bubblewrap), or off (default bwrap)"},
    {"sandbox_bind", "DIR", "Folders beside /usr that tools in a sandbox may read"},
    {"shells", "N", "Shells beside images at a time, see 'pixmesh shell'; 0: none (default 2)"},
    {"native", "MODE", "libvips workers: 'shared', 'job' (a process a job) or 'off'"},
    {"log_level", "LEVEL", "debug, info, warning or error"},
}};

std::string flag_of(std::string key) {
  for (char& c : key) c = c == '_' ? '-' : c;
  return "--" + key;
}

Error usage(std::string text) { return {ErrorCode::usage, std::move(text)}; }

}  // namespace

void NodeFlags::add_to(Command app) {
  for (const FlagText& text : flag_texts) {
    auto value = std::make_unique<Value>();
    value->key = text.key;
    const bool list = value->key == "data" || value->key == "join" || value->key == "sandbox_bind";
    value->flag =
        app.add_option(flag_of(text.key), value->texts, text.summary).type_name(text.type);
    if (!list) value->flag->one_value_each();
    values_.push_back(std::move(value));
  }
  auto insecure = std::make_unique<Value>();
  insecure->key = "insecure";
  insecure->flag = app.add_flag("--insecure", insecure->insecure,
                                "Allow --listen beyond this machine; links are not encrypted");
  values_.push_back(std::move(insecure));
  app.add_option("--config", config_, "Settings as TOML (default: $PIXMESH_CONFIG)")
      .type_name("FILE");
}

Result<Configuration> NodeFlags::read(const char* const* variables) const {
  const Result<GivenSettings> environment = settings_of_environment(variables);
  if (!environment) return environment.error();
  GivenSettings flags;
  for (const auto& value : values_) {
    if (!value->flag->given()) continue;
    const bool is_flag = value->key == "insecure";
    flags.emplace_back(value->key, is_flag ? std::vector<std::string>{"true"} : value->texts);
  }
  std::optional<std::filesystem::path> file;
  const char* from_environment = std::getenv("PIXMESH_CONFIG");
  if (!config_.empty()) {
    file = config_;
  } else if (from_environment != nullptr && *from_environment != '\0') {
    file = from_environment;
  }
  return read_configuration(file, environment.value(), flags);
}

bool is_loopback(std::string_view endpoint) {
  const std::string_view host = endpoint.substr(0, endpoint.rfind(':'));
  return host.starts_with("127.") || host == "localhost" || host == "[::1]";
}

Result<Done> check_node_settings(const NodeSettings& settings, bool create) {
  if (settings.data.empty()) {
    return usage("a node needs a folder for its images; add --data DIR");
  }
  if (create && !settings.join.empty()) {
    return usage("a node either founds a mesh or joins one; leave out --create or --join");
  }
  for (const std::string* address : {&settings.listen, &settings.bulk_listen}) {
    if (address->empty() || is_loopback(*address) || settings.insecure) continue;
    return usage("links between nodes are not encrypted yet, and anybody who reaches " +
                 shown(*address) +
                 " could read and change images. Listen on 127.0.0.1, or add --insecure if the "
                 "network is your own");
  }
  const std::string_view port = std::string_view(settings.listen);
  const Result<std::int64_t> control = parse_integer(port.substr(port.rfind(':') + 1));
  if (settings.bulk_listen.empty() && control && control.value() + 1000 > 65'535) {
    return usage("the port for image bytes would be 1000 above " + shown(settings.listen) +
                 ", which is too high; name one with --bulk-listen HOST:PORT");
  }
  return Done{};
}

}  // namespace pixmesh
