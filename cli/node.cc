#include "cli/commands.h"
#include "cli/errors.h"

namespace pixmesh {
namespace {

/// For the node that is contacted itself.
int tell_contacted(CommandContext& context, NodeCommand what, bool accept_fewer_copies) {
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  CommandRequest command;
  command.command = what;
  command.target = client.value()->mesh().node;
  command.accept_fewer_copies = accept_fewer_copies;
  return context.order(*client.value(), command);
}

struct LeaveFlags {
  bool cancel = false;
  bool accept_fewer_copies = false;
};

void add_leave(CommandLine& line, Command family) {
  const auto flags = std::make_shared<LeaveFlags>();
  const Command app = line.add_below(
      family, "leave", "Hand over every copy, then go", [flags](CommandContext& context) {
        return tell_contacted(context,
                              flags->cancel ? NodeCommand::cancel_leave : NodeCommand::leave,
                              flags->accept_fewer_copies);
      });
  const Flag cancel = app.add_flag("--cancel", flags->cancel, "Stay after all");
  app.add_flag("--accept-fewer-copies", flags->accept_fewer_copies,
               "Go even if the others cannot keep every copy")
      .excludes(cancel);
}

}  // namespace

void add_node(CommandLine& line) {
  const Command family = line.family(mesh_group, "node", "Run a node, or tell one what to do");
  line.add_below(family, "drain", "Take no new work, keep the images", [](CommandContext& context) {
    return tell_contacted(context, NodeCommand::drain, false);
  });
  line.add_below(family, "undrain", "Take work again", [](CommandContext& context) {
    return tell_contacted(context, NodeCommand::undrain, false);
  });
  add_leave(line, family);
  add_node_forget(line, family);
  add_node_disk(line, family);
}

}  // namespace pixmesh
