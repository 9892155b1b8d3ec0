#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/names.h"

namespace pixmesh {
namespace {

struct RunFlags {
  std::string recipe;
  std::string name;
  std::vector<std::string> arguments;
  std::string output;
  bool explain = false;
  bool strict = false;
  bool batch = false;
};

Result<RunOptions> options_of(const RunFlags& flags) {
  const Result<std::vector<Tag>> pairs = parse_pairs(flags.arguments);
  if (!pairs) return pairs.error();
  RunOptions options;
  options.recipe = flags.recipe;
  options.name = flags.name;
  options.strict = flags.strict;
  options.batch = flags.batch;
  for (const Tag& pair : pairs.value()) {
    RunArgument argument;
    argument.key = pair.key;
    argument.value = pair.value;
    options.arguments.push_back(std::move(argument));
  }
  return options;
}

Duration micros(std::uint64_t count) { return std::chrono::microseconds(count); }

std::string quoted(const std::vector<std::string>& argv) {
  std::string text;
  for (const std::string& word : argv) {
    const bool plain = word.find_first_of(" \t'\"\\$*?[]();&|<>") == std::string::npos;
    text += (text.empty() ? "" : " ") + (plain && !word.empty() ? word : "'" + word + "'");
  }
  return printable(text);
}

/// A refusal with when to come back.
int refused(CommandContext& context, const Error& error, Duration retry_after) {
  if (error.code != ErrorCode::overloaded || retry_after <= Duration{}) return context.fail(error);
  return context.fail(
      {error.code, error.detail + ", for about " + span_at_a_glance(retry_after) + " more"},
      Json{{"retry_after_ms", retry_after / 1ms}});
}

/// What is counted for the run, of what is free.
std::string memory_of(const RunCandidate& candidate) {
  const std::string needed = size_at_a_glance(candidate.memory_bytes);
  if (candidate.memory_free == 0) return needed;
  return needed + " of " + size_at_a_glance(candidate.memory_free);
}

int explain(CommandContext& context, Client& client, const RunOptions& options) {
  const Result<RunCandidates> plan = client.plan(options);
  if (!plan) return refused(context, plan.error(), client.retry_after());
  Output& output = context.output();
  warn_unconfirmed(output, options.name, plan->confirmed);
  output.print("command  " + quoted(plan->argv) + "\n");
  output.print("recipe   " + to_text(plan->recipe_digest) + "\n");
  output.print("input    " + to_text(plan->input.digest) + "  " + type_of(plan->input.media) +
               "  " + pixels_of(plan->input.media) + "  " + size_at_a_glance(plan->input.size) +
               "\n");
  TextTable table({{"NODE"},
                   {"ADDRESS"},
                   {"WAIT", Align::right},
                   {"RUN", Align::right},
                   {"TO MOVE", Align::right},
                   {"MEMORY", Align::right},
                   {"SCORE", Align::right}});
  Json candidates = Json::array();
  for (const RunCandidate& candidate : plan->candidates) {
    table.add({short_text(candidate.node), candidate.control,
               span_at_a_glance(micros(candidate.wait_micros)),
               span_at_a_glance(micros(candidate.run_micros)),
               size_at_a_glance(candidate.bytes_to_move), memory_of(candidate),
               span_at_a_glance(micros(candidate.score_micros))});
    candidates.push_back(Json{{"node", to_text(candidate.node)},
                              {"address", candidate.control},
                              {"score_micros", candidate.score_micros},
                              {"wait_micros", candidate.wait_micros},
                              {"run_micros", candidate.run_micros},
                              {"bytes_to_move", candidate.bytes_to_move},
                              {"memory_bytes", candidate.memory_bytes},
                              {"memory_free", candidate.memory_free}});
  }
  output.print("\nNodes that could run it, best first:\n");
  output.print(table);
  output.print(
      "SCORE is WAIT, the run's share of the node's workers, and what moving the image takes.\n");
  output.object(Json{{"recipe", options.recipe},
                     {"name", options.name},
                     {"argv", plan->argv},
                     {"recipe_digest", to_text(plan->recipe_digest)},
                     {"digest", to_text(plan->input.digest)},
                     {"confirmed", plan->confirmed},
                     {"candidates", candidates}});
  return exit_ok;
}

Json json_of(const RunFlags& flags, const RunReceipt& receipt, const std::string& file) {
  const auto in_micros = [](Duration span) { return span / 1us; };
  return Json{{"recipe", flags.recipe},
              {"name", flags.name},
              {"file", file},
              {"request", to_text(receipt.request)},
              {"node", to_text(receipt.node)},
              {"address", receipt.control},
              {"output_size", receipt.output_size},
              {"extension", receipt.extension},
              {"confirmed", receipt.confirmed},
              {"queued_micros", in_micros(receipt.queued)},
              {"wall_micros", in_micros(receipt.wall)},
              {"cpu_micros", in_micros(receipt.cpu)},
              {"memory_bytes", receipt.memory_bytes}};
}

/// Where the output belongs, once its extension is known.
Result<std::string> target_of(const RunFlags& flags, const std::string& extension) {
  if (flags.output == "-") return std::string("-");
  const Result<std::string> own = output_name_of(flags.name, flags.recipe, extension);
  if (flags.output.empty()) return own;
  return own ? inside_folder(flags.output, own.value()) : flags.output;
}

/// Opened before the extension is known.
Result<std::unique_ptr<OutputFile>> open_target(const RunFlags& flags, int cancel_fd) {
  if (flags.output.empty()) return open_output_in(".");
  if (is_folder(flags.output)) return open_output_in(flags.output);
  return open_output(flags.output, cancel_fd);
}

int run_tool(CommandContext& context, Client& client, const RunFlags& flags,
             const RunOptions& options) {
  auto file = open_target(flags, context.cancel_fd());
  if (!file) return context.fail(file.error());
  Output& output = context.output();
  if (file.value()->is_stdout()) output.use_stderr_for_json();
  Result<RunReceipt> receipt = Error{ErrorCode::failed, ""};
  {
    ProgressLine progress(output, flags.recipe + " " + flags.name);
    receipt = client.run(options, *file.value(), [&](std::uint64_t got, std::uint64_t total) {
      progress.show(got, total);
    });
  }
  if (!receipt) return refused(context, receipt.error(), client.retry_after());
  const Result<std::string> target = target_of(flags, receipt->extension);
  if (!target) return context.fail(target.error());
  if (Result<Done> done = file.value()->publish(target.value()); !done) {
    return context.fail(done.error());
  }
  warn_unconfirmed(output, flags.name, receipt->confirmed);
  if (!file.value()->is_stdout()) {
    output.say(target.value() + "  " + size_at_a_glance(receipt->output_size) + "  ran on " +
               short_text(receipt->node) + " (" + receipt->control + ")  waited " +
               span_at_a_glance(receipt->queued) + "  took " + span_at_a_glance(receipt->wall));
  }
  output.object(json_of(flags, receipt.value(), target.value()));
  return exit_ok;
}

int run(CommandContext& context, const RunFlags& flags) {
  const Result<RunOptions> options = options_of(flags);
  if (!options) return context.fail(options.error());
  // A name that gives no file name is better refused before the work than after it.
  if (!flags.explain && flags.output.empty()) {
    if (const auto own = file_name_of(flags.name); !own) return context.fail(own.error());
  }
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  if (flags.explain) return explain(context, *client.value(), options.value());
  return run_tool(context, *client.value(), flags, options.value());
}

}  // namespace

void add_run(CommandLine& line) {
  const auto flags = std::make_shared<RunFlags>();
  const Command app = line.add(processing_group, "run", "Process an image on a node that holds it",
                               [flags](CommandContext& context) { return run(context, *flags); });
  app.add_option("RECIPE", flags->recipe, "What to do; 'pixmesh recipe ls' lists them").required();
  app.add_option("NAME", flags->name, "The image").required();
  app.add_option("KEY=VALUE", flags->arguments, "Parameters of the recipe");
  app.add_option("-o,--output", flags->output,
                 "File or folder to write; - is stdout (default: NAME.RECIPE.EXTENSION, here)")
      .type_name("FILE");
  app.add_flag("--explain", flags->explain, "Show command and candidates; run nothing");
  app.add_flag("--batch", flags->batch,
               "Let those go first who wait at a screen; wait while queues are full");
  app.add_flag("--strict", flags->strict, "Refuse an image that no quorum confirms");
}

}  // namespace pixmesh
