#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

struct VerifyFlags {
  std::vector<std::string> names;
  std::string prefix;
};

std::string verdict_of(const CopyReport& copy) {
  if (copy.code == ErrorCode{}) return "whole";
  if (copy.code == ErrorCode::corrupt) return "damaged; it is being mended";
  if (copy.code == ErrorCode::not_found) return "missing";
  return "unknown: " + copy.detail;
}

std::string state_of(ErrorCode code) {
  if (code == ErrorCode{}) return "whole";
  if (code == ErrorCode::corrupt) return "damaged";
  return code == ErrorCode::not_found ? "missing" : "unknown";
}

/// Goes through names, says what is wrong, and adds up.
class Verification {
 public:
  explicit Verification(CommandContext& context, Client& client)
      : context_(context), client_(client), progress_(context.output(), "verifying") {}

  void verify(const std::string& name) {
    const auto copies = client_.verify(name);
    if (!copies) {
      // What was listed and is gone now was removed by somebody else.
      if (!listed_ || copies.error().code != ErrorCode::not_found)
        note(context_.fail({copies.error().code, shown(name) + ": " + copies.error().detail},
                           Json{{"name", name}}));
      return;
    }
    ++images_;
    Json object{{"name", name}, {"copies", Json::array()}};
    for (const CopyReport& copy : copies.value()) {
      count(copy);
      object["copies"].push_back(Json{{"node", to_text(copy.node)},
                                      {"address", copy.control},
                                      {"state", state_of(copy.code)},
                                      {"detail", copy.detail}});
      if (copy.code == ErrorCode{}) continue;
      context_.output().print(printable(name) + ": the copy of node " + short_text(copy.node) +
                              " is " + verdict_of(copy) + "\n");
    }
    context_.output().object(object);
    progress_.show_text(std::to_string(images_) + " images");
  }

  Result<Done> verify_listed(const std::string& prefix) {
    listed_ = true;
    const auto complete = client_.list(prefix, {}, [&](const ListEntry& entry) {
      verify(entry.name);
      return !context_.interrupted();
    });
    if (!complete) return complete.error();
    if (!complete.value()) {
      return Error{ErrorCode::fewer_copies,
                   "the list may lack images: too few holders of some partitions answer"};
    }
    return Done{};
  }

  int finish() {
    context_.output().print(std::to_string(images_) + (images_ == 1 ? " image, " : " images, ") +
                            std::to_string(whole_) + " whole copies, " + std::to_string(damaged_) +
                            " damaged, " + std::to_string(missing_) + " missing, " +
                            std::to_string(unknown_) + " unknown\n");
    if (damaged_ > 0) note(exit_code_of(ErrorCode::corrupt));
    if (missing_ + unknown_ > 0) note(exit_code_of(ErrorCode::fewer_copies));
    return code_;
  }
  void note(int code) {
    if (code_ == exit_ok) code_ = code;
  }

 private:
  void count(const CopyReport& copy) {
    const std::string word = state_of(copy.code);
    ++(word == "whole"     ? whole_
       : word == "damaged" ? damaged_
       : word == "missing" ? missing_
                           : unknown_);
  }

  CommandContext& context_;
  Client& client_;
  ProgressLine progress_;
  bool listed_ = false;
  std::uint64_t images_ = 0;
  std::uint64_t whole_ = 0;
  std::uint64_t damaged_ = 0;
  std::uint64_t missing_ = 0;
  std::uint64_t unknown_ = 0;
  int code_ = exit_ok;
};

int verify(CommandContext& context, const VerifyFlags& flags, bool with_prefix) {
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  Verification verification(context, *client.value());
  for (const std::string& name : flags.names) {
    if (context.interrupted()) break;
    verification.verify(name);
  }
  if ((with_prefix || flags.names.empty()) && !context.interrupted()) {
    const auto listed = verification.verify_listed(flags.prefix);
    if (!listed) verification.note(context.fail(listed.error()));
  }
  if (context.interrupted()) return context.fail({ErrorCode::failed, "interrupted"});
  return verification.finish();
}

}  // namespace

void add_verify(CommandLine& line) {
  const auto flags = std::make_shared<VerifyFlags>();
  const auto prefix = std::make_shared<std::optional<Flag>>();
  const Command app = line.add(mesh_group, "verify",
                               "Have every holder of images read its copy and compare digests",
                               [flags, prefix](CommandContext& context) {
                                 return verify(context, *flags, (*prefix)->given());
                               });
  app.add_option("NAME", flags->names, "Images; none: all");
  *prefix = app.add_option("--prefix", flags->prefix, "All images whose names begin with it");
}

}  // namespace pixmesh
