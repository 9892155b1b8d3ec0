#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/names.h"

namespace pixmesh {
namespace {

struct GetFlags {
  std::string name;
  std::string output;
  bool strict = false;
};

Result<std::string> target_of(const GetFlags& flags) {
  if (flags.output == "-") return flags.output;
  const Result<std::string> own = file_name_of(flags.name);
  if (flags.output.empty()) return own;
  return own ? inside_folder(flags.output, own.value()) : flags.output;
}

int get(CommandContext& context, const GetFlags& flags) {
  const Result<std::string> target = target_of(flags);
  if (!target) return context.fail(target.error());
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  auto file = open_output(target.value(), context.cancel_fd());
  if (!file) return context.fail(file.error());
  Output& output = context.output();
  if (file.value()->is_stdout()) output.use_stderr_for_json();
  Result<LookupAnswer> found = Error{ErrorCode::failed, ""};
  {
    ProgressLine progress(output, flags.name);
    found = client.value()->get(
        flags.name, flags.strict, *file.value(),
        [&](std::uint64_t got, std::uint64_t total) { progress.show(got, total); });
  }
  if (!found) return context.fail(found.error());
  if (Result<Done> done = file.value()->publish(target.value()); !done) {
    return context.fail(done.error());
  }
  warn_unconfirmed(output, flags.name, found->confirmed);
  if (!file.value()->is_stdout()) {
    output.say(target.value() + "  " + size_at_a_glance(found->record.size) + "  digest verified");
  }
  Json object = json_of(found.value());
  object["file"] = target.value();
  output.object(object);
  return exit_ok;
}

}  // namespace

void add_get(CommandLine& line) {
  const auto flags = std::make_shared<GetFlags>();
  const Command app = line.add(image_group, "get", "Fetch an image and check its digest",
                               [flags](CommandContext& context) { return get(context, *flags); });
  app.add_option("NAME", flags->name, "The image").required();
  app.add_option("-o,--output", flags->output,
                 "File or folder to write; - is stdout (default: the name's last part, here)")
      .type_name("FILE");
  app.add_flag("--strict", flags->strict, "Refuse an answer that no quorum confirms");
}

}  // namespace pixmesh
