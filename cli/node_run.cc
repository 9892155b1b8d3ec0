#include <unistd.h>

#include <filesystem>

#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/node_process.h"
#include "cli/node_settings.h"
#include "host/disk/disk_folder.h"
#include "host/disk/lmdb_disk.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

struct RunFlags {
  NodeFlags settings;
  bool create = false;
  bool hold = false;
  std::vector<std::string> forget_disks;
  std::string log_file;
};

int run(CommandContext& context, const RunFlags& flags) {
  Result<Configuration> configuration = flags.settings.read(::environ);
  if (!configuration) return context.fail(configuration.error());
  NodeProcessOptions options;
  options.settings = std::move(configuration).value().node;
  options.create = flags.create;
  options.hold = flags.hold;
  options.join = options.settings.join;
  options.log_file = flags.log_file;
  options.forget_disks = flags.forget_disks;
  if (const Result<Done> fine = check_node_settings(options.settings, options.create); !fine) {
    return context.fail(fine.error());
  }
  return run_node(options);
}

/// Takes the index away; a node without one reads its record files when it starts.
Result<bool> drop_index(const std::string& data) {
  std::error_code unknown;
  if (!std::filesystem::exists(std::filesystem::path(data) / "pixmesh.disk", unknown)) {
    return Error{ErrorCode::usage, "'" + shown(data) +
                                       "' is no node's data folder; name the "
                                       "folder that was given to 'pixmesh node run --data'"};
  }
  const auto folder = DiskFolder::open(data, LmdbDiskOptions::default_sync());
  if (!folder && folder.error().code == ErrorCode::denied) {
    return Error{ErrorCode::overloaded, "a node runs in '" + shown(data) +
                                            "'; stop it before 'pixmesh node "
                                            "rebuild-index'"};
  }
  if (!folder) return folder.error();
  if (!std::filesystem::exists(std::filesystem::path(data) / "index", unknown)) return false;
  if (Result<Done> moved = folder.value()->move_to_trash("index"); !moved) return moved.error();
  return true;
}

int rebuild_index(CommandContext& context, const std::vector<std::string>& folders) {
  int first_failure = exit_ok;
  for (const std::string& data : folders) {
    const Result<bool> dropped = drop_index(data);
    const Json facts{{"folder", data}};
    if (!dropped) {
      const int code = context.fail(dropped.error(), facts);
      first_failure = first_failure == exit_ok ? code : first_failure;
      continue;
    }
    context.output().print(printable(data) + (dropped.value()
                                                  ? ": the index is in the trash; the next start "
                                                    "makes it anew from the files\n"
                                                  : ": has no index; the next start makes one\n"));
    context.output().object(Json{{"folder", data}, {"had_index", dropped.value()}});
  }
  return first_failure;
}

}  // namespace

void add_node_process(CommandLine& line) {
  const Command family = line.family(mesh_group, "node", "Run a node, or tell one what to do");
  const auto flags = std::make_shared<RunFlags>();
  const Command node = line.add_below(
      family, "run", "Run a node in the foreground; a restart needs neither --create nor --join",
      [flags](CommandContext& context) { return run(context, *flags); });
  flags->settings.add_to(node);
  const Flag create = node.add_flag("--create", flags->create, "Found a mesh");
  node.add_flag("--hold", flags->hold,
                "Join, but hold no images until 'pixmesh ring plan join' was looked at and applied")
      .excludes(create);
  node.add_option("--log-file", flags->log_file, "Where events go (default: stderr)")
      .type_name("FILE");
  node.add_option("--forget-disk", flags->forget_disks,
                  "A disk that 'pixmesh node disk add' put in is gone for good")
      .type_name("DIR");
  const auto folders = std::make_shared<std::vector<std::string>>();
  const Command rebuild = line.add_below(
      family, "rebuild-index", "Make a stopped node's index anew from its files",
      [folders](CommandContext& context) { return rebuild_index(context, *folders); });
  rebuild.add_option("--data", *folders, "Its data folders").type_name("DIR").required();
}

}  // namespace pixmesh
