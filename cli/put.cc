#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/names.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

struct PutFlags {
  std::vector<std::string> files;
  std::string name;
  std::string prefix;
  bool recursive = false;
  std::vector<std::string> tags;
  bool if_absent = false;
  std::string wait = "quorum";
};

/// Stores the files one after the other; a failure of one does not keep the others from it.
class PutRun {
 public:
  PutRun(CommandContext& context, PutOptions options)
      : context_(context), options_(std::move(options)) {}

  int run(const PutPlan& plan) {
    for (const Error& fault : plan.faults) note(context_.fail(fault));
    if (plan.items.empty()) return first_failure_;
    const Result<std::unique_ptr<Client>> client = context_.connect();
    if (!client) return context_.fail(client.error());
    for (const PutItem& item : plan.items) {
      note(store(*client.value(), item));
      if (context_.interrupted()) return exit_interrupted;
    }
    if (plan.items.size() > 1) {
      context_.output().say(std::to_string(stored_) + " of " + std::to_string(plan.items.size()) +
                            " stored");
    }
    return first_failure_;
  }

 private:
  void note(int code) {
    if (first_failure_ == exit_ok) first_failure_ = code;
  }

  int store(Client& client, const PutItem& item) {
    const Json facts{{"file", item.file}};
    auto source = open_source(item.file, context_.cancel_fd());
    if (!source) return context_.fail(source.error(), facts);
    options_.name = item.name;
    Result<WriteDone> done = Error{ErrorCode::failed, ""};
    {
      ProgressLine progress(context_.output(), item.name);
      done = client.put(options_, *source.value(), [&](std::uint64_t sent, std::uint64_t total) {
        progress.show(sent, total);
      });
    }
    if (!done) return context_.fail(told(item, done.error()), facts);
    ++stored_;
    return report_write(context_.output(), item.name, done.value(), facts);
  }

  /// A failure among many has to say whose it is.
  static Error told(const PutItem& item, const Error& error) {
    const std::string file = item.file == "-" ? "stdin" : shown(item.file);
    if (error.detail.find(file) != std::string::npos) return error;
    return {error.code, file + ": " + error.detail};
  }

  CommandContext& context_;
  PutOptions options_;
  int first_failure_ = exit_ok;
  std::size_t stored_ = 0;
};

int put(CommandContext& context, const PutFlags& flags) {
  PutNaming naming;
  if (!flags.name.empty()) naming.name = flags.name;
  naming.prefix = flags.prefix;
  naming.recursive = flags.recursive;
  const Result<PutPlan> plan = plan_put(flags.files, naming);
  if (!plan) return context.fail(plan.error());
  Result<std::vector<Tag>> tags = parse_pairs(flags.tags);
  if (!tags) return context.fail({ErrorCode::usage, "--tag: " + tags.error().detail});
  PutOptions options;
  options.tags = std::move(tags).value();
  options.if_absent = flags.if_absent;
  options.wait_all = flags.wait == "all";
  return PutRun(context, std::move(options)).run(plan.value());
}

}  // namespace

void add_put(CommandLine& line) {
  const auto flags = std::make_shared<PutFlags>();
  const Command app = line.add(image_group, "put", "Store images; replaces what has the same name",
                               [flags](CommandContext& context) { return put(context, *flags); });
  app.add_option("FILE", flags->files, "Files or folders; - is stdin").required();
  app.add_option("--name", flags->name, "Name of the one image (default: the file's own)");
  app.add_option("--prefix", flags->prefix, "Put in front of each name as it is: 'holiday/'");
  app.add_flag("-r,--recursive", flags->recursive,
               "Store whole folders; names are the paths below them");
  app.add_option("--tag", flags->tags, "A tag for each image, KEY=VALUE; may be repeated")
      .one_value_each();
  app.add_flag("--if-absent", flags->if_absent, "Leave an image of that name as it is");
  app.add_option("--wait", flags->wait, "Until how many copies are durable")
      .one_of({"quorum", "all"})
      .shows_default();
}

}  // namespace pixmesh
