#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"

namespace pixmesh {
namespace {

struct ListFlags {
  std::string prefix;
  std::vector<std::string> tags;
};

std::string right(std::string text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

/// Fixed widths, because a list may be longer than what fits into memory.
std::string line_of(const ListEntry& entry) {
  return right(size_at_a_glance(entry.size), 7) + "  " + right(type_of(entry.media), 4) + "  " +
         right(pixels_of(entry.media), 11) + "  " + time_text(entry.version.clock) + "  " +
         printable(entry.name) + "\n";
}

int list_images(CommandContext& context, const ListFlags& flags) {
  const Result<std::vector<Tag>> tags = parse_pairs(flags.tags);
  if (!tags) return context.fail({ErrorCode::usage, "--tag: " + tags.error().detail});
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  Output& output = context.output();
  std::uint64_t count = 0, bytes = 0;
  const auto show = [&](const ListEntry& entry) {
    ++count;
    bytes += entry.size;
    output.print(output.options().quiet ? entry.name + "\n" : line_of(entry));
    output.object(json_of(entry));
    return !context.interrupted() && !output.broken();
  };
  const Result<bool> complete = client.value()->list(flags.prefix, tags.value(), show);
  if (!complete) return context.fail(complete.error());
  if (context.interrupted()) return context.fail({ErrorCode::failed, "interrupted"});
  if (!complete.value() && !output.broken()) {
    return output.fail({ErrorCode::fewer_copies,
                        "the list may lack images: too few holders of some partitions answer"});
  }
  output.say(std::to_string(count) + (count == 1 ? " image, " : " images, ") +
             size_at_a_glance(bytes));
  return exit_ok;
}

}  // namespace

void add_ls(CommandLine& line) {
  const auto flags = std::make_shared<ListFlags>();
  const Command app =
      line.add(image_group, "ls", "List images in the order of their names; -q prints names only",
               [flags](CommandContext& context) { return list_images(context, *flags); });
  app.add_option("PREFIX", flags->prefix, "Only names that begin with it");
  app.add_option("--tag", flags->tags, "Only images with this tag, KEY=VALUE; repeatable")
      .one_value_each();
}

}  // namespace pixmesh
