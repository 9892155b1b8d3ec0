#include "cli/commands.h"
#include "cli/errors.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

struct DiskFlags {
  std::string folder;
  std::string capacity;
};

/// Of the node that is contacted itself.
int order(CommandContext& context, NodeCommand what, const DiskFlags& flags) {
  CommandRequest command;
  command.command = what;
  command.path = flags.folder;
  if (!flags.capacity.empty()) {
    const Result<std::uint64_t> bytes = parse_size(flags.capacity);
    if (!bytes) return context.fail(bytes.error());
    command.amount = bytes.value();
  }
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  command.target = client.value()->mesh().node;
  const Result<std::string> answer = client.value()->command(command);
  if (!answer) return context.fail(answer.error());
  context.output().print(printable(answer.value(), true) + "\n");
  context.output().object(Json{{"done", true}, {"detail", answer.value()}});
  return exit_ok;
}

Command add_order(CommandLine& line, const Command& family, const std::string& name,
                  const std::string& summary, NodeCommand what,
                  const std::shared_ptr<DiskFlags>& flags) {
  const Command app = line.add_below(family, name, summary, [what, flags](CommandContext& context) {
    return order(context, what, *flags);
  });
  app.add_option("FOLDER", flags->folder, "On that node, by its whole path").required();
  return app;
}

}  // namespace

void add_node_disk(CommandLine& line, const Command& node) {
  const Command family =
      line.family_below(node, "disk", "Change the disks of the node that is contacted");
  const auto flags = std::make_shared<DiskFlags>();
  const Command adding = add_order(line, family, "add",
                                   "Put an empty folder on a new disk into use; it takes its share "
                                   "from the node's other disks",
                                   NodeCommand::add_disk, flags);
  const Command replacing = add_order(line, family, "replace",
                                      "Use the empty folder in place of the failed disk that was "
                                      "there; it is filled from other nodes",
                                      NodeCommand::replace_disk, flags);
  for (const Command& app : {adding, replacing}) {
    app.add_option("--capacity", flags->capacity,
                   "Of which its share is reckoned (default: the size of its file system)")
        .type_name("SIZE");
  }
  add_order(line, family, "remove",
            "Go on without a failed disk; the node's other disks take its share from other nodes",
            NodeCommand::remove_disk, flags);
}

}  // namespace pixmesh
