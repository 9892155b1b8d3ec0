#include <algorithm>

#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/names.h"
#include "cli/recipe_chain.h"
#include "routing/hot_images.h"

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
  bool force = false;
  bool verbose = false;
};

Result<RunOptions> options_of(const RunFlags& flags) {
  auto chain = parse_chain(flags.recipe, flags.arguments);
  if (!chain) return chain.error();
  RunOptions options;
  options.recipe = std::move(chain->recipe);
  options.name = flags.name;
  options.strict = flags.strict;
  options.batch = flags.batch;
  options.force = flags.force;
  options.arguments = std::move(chain->arguments);
  options.then = std::move(chain->then);
  return options;
}

/// What file names say of the recipe, or of the chain.
std::string label_of(const RunOptions& options) {
  return label_of_chain({options.recipe, options.arguments, options.then});
}

Duration micros(std::uint64_t count) { return std::chrono::microseconds(count); }

std::string quoted(const std::vector<std::string>& argv) {
  std::string text;
  for (const std::string& word : argv) {
    if (word == "|") {  // between the steps of a chain
      text += " |";
      continue;
    }
    const bool plain = word.find_first_of(" \t'\"\\$*?[]();&|<>") == std::string::npos;
    text += (text.empty() ? "" : " ") + (plain && !word.empty() ? word : "'" + word + "'");
  }
  return printable(text);
}

/// A refusal with when to come back.
Error with_pause(const Error& error, Duration retry_after) {
  if (error.code != ErrorCode::overloaded || retry_after <= Duration{}) return error;
  return {error.code, error.detail + ", for about " + span_at_a_glance(retry_after) + " more"};
}

Json json_of_pause(const Error& error, Duration retry_after) {
  if (error.code != ErrorCode::overloaded || retry_after <= Duration{}) return Json::object();
  return Json{{"retry_after_ms", retry_after / 1ms}};
}

/// What is counted for the run, of what is free.
std::string memory_of(const RunCandidate& candidate) {
  const std::string needed = size_at_a_glance(candidate.memory_bytes);
  if (candidate.memory_free == 0) return needed;
  return needed + " of " + size_at_a_glance(candidate.memory_free);
}

/// Of each step, as the contacted node has them.
std::vector<std::string> limits_of(Client& client, const RunOptions& options) {
  std::vector<std::string> limits;
  const auto recipes = client.recipes();
  if (!recipes) return limits;
  std::vector<std::string> names{options.recipe};
  for (const RunStep& step : options.then) names.push_back(step.recipe);
  for (const std::string& name : names) {
    const auto found = std::ranges::find(recipes.value(), name, &RecipeStatus::name);
    if (found == recipes->end()) continue;
    limits.push_back((names.size() > 1 ? name + ": " : "") + found->limits);
  }
  return limits;
}

bool is_source(const RunCandidates& plan, NodeId node) {
  return std::ranges::find(plan.input.sources, node) != plan.input.sources.end();
}

/// What of a score is neither wait, run nor moving: runs that others place there at this moment.
std::uint64_t burst_of(const RunCandidate& candidate) {
  if (candidate.workers == 0) return 0;
  const std::uint64_t alone =
      candidate.wait_micros + candidate.run_micros / candidate.workers + candidate.moving_micros;
  return candidate.score_micros > alone ? candidate.score_micros - alone : 0;
}

TextTable table_of(const std::vector<RunCandidate>& candidates) {
  TextTable table({{"NODE"},
                   {"ADDRESS"},
                   {"WAIT", Align::right},
                   {"RUN", Align::right},
                   {"WORKERS", Align::right},
                   {"BURST", Align::right},
                   {"TO MOVE", Align::right},
                   {"MOVING", Align::right},
                   {"MEMORY", Align::right},
                   {"SCORE", Align::right}});
  for (const RunCandidate& candidate : candidates) {
    table.add({short_text(candidate.node), candidate.control,
               span_at_a_glance(micros(candidate.wait_micros)),
               span_at_a_glance(micros(candidate.run_micros)), std::to_string(candidate.workers),
               span_at_a_glance(micros(burst_of(candidate))),
               size_at_a_glance(candidate.bytes_to_move),
               span_at_a_glance(micros(candidate.moving_micros)), memory_of(candidate),
               span_at_a_glance(micros(candidate.score_micros))});
  }
  return table;
}

Json json_of(const std::vector<RunCandidate>& candidates) {
  Json all = Json::array();
  for (const RunCandidate& candidate : candidates) {
    all.push_back(Json{{"node", to_text(candidate.node)},
                       {"address", candidate.control},
                       {"score_micros", candidate.score_micros},
                       {"wait_micros", candidate.wait_micros},
                       {"run_micros", candidate.run_micros},
                       {"workers", candidate.workers},
                       {"burst_micros", burst_of(candidate)},
                       {"bytes_to_move", candidate.bytes_to_move},
                       {"moving_micros", candidate.moving_micros},
                       {"memory_bytes", candidate.memory_bytes},
                       {"memory_free", candidate.memory_free}});
  }
  return all;
}

/// Why nodes that hold no copy are among the candidates or not.
std::string help_text(const RunCandidates& plan) {
  const bool helped = std::ranges::any_of(
      plan.candidates, [&](const RunCandidate& one) { return !is_source(plan, one.node); });
  if (!plan.lost.empty()) {
    return "Nodes without a copy that would be done no sooner than the best holder:";
  }
  if (helped) return "Nodes without a copy are asked too: its holders have been busy for a second.";
  return "Nodes without a copy are asked only when each holder's wait has been above " +
         span_at_a_glance(HotImagesOptions{}.busy_wait) + " for a second.";
}

int explain(CommandContext& context, Client& client, const RunOptions& options) {
  const Result<RunCandidates> plan = client.plan(options);
  if (!plan) {
    return context.fail(with_pause(plan.error(), client.retry_after()),
                        json_of_pause(plan.error(), client.retry_after()));
  }
  Output& output = context.output();
  warn_unconfirmed(output, options.name, plan->confirmed);
  output.print("command  " + quoted(plan->argv) + "\n");
  output.print("recipe   " + to_text(plan->recipe_digest) + "\n");
  const std::vector<std::string> limits = limits_of(client, options);
  for (const std::string& one : limits) output.print("limits   " + printable(one) + "\n");
  output.print("input    " + to_text(plan->input.digest) + "  " + type_of(plan->input.media) +
               "  " + pixels_of(plan->input.media) + "  " + size_at_a_glance(plan->input.size) +
               "\n");
  output.print("\nNodes that could run it, best first:\n");
  output.print(table_of(plan->candidates));
  output.print(
      "SCORE = WAIT + RUN / WORKERS + BURST + MOVING: BURST is what others place there at this "
      "moment, MOVING what it takes to bring the image there.\n");
  output.print("\n" + help_text(plan.value()) + "\n");
  if (!plan->lost.empty()) output.print(table_of(plan->lost));
  output.object(Json{{"recipe", options.recipe},
                     {"name", options.name},
                     {"argv", plan->argv},
                     {"recipe_digest", to_text(plan->recipe_digest)},
                     {"digest", to_text(plan->input.digest)},
                     {"limits", limits},
                     {"confirmed", plan->confirmed},
                     {"candidates", json_of(plan->candidates)},
                     {"lost", json_of(plan->lost)}});
  return exit_ok;
}

const char* word_of_origin(ResultOrigin origin) {
  switch (origin) {
    case ResultOrigin::made:
      return "made";
    case ResultOrigin::joined:
      return "joined";
    case ResultOrigin::kept:
      return "kept";
  }
  return "made";
}

std::string way_of(const RunReceipt& receipt) {
  const std::string node = short_text(receipt.node) + " (" + receipt.control + ")";
  if (receipt.origin == ResultOrigin::kept) {
    return "kept on " + node + "  took " + span_at_a_glance(receipt.wall) + " when it was made";
  }
  return "ran on " + node + "  waited " + span_at_a_glance(receipt.queued) + "  took " +
         span_at_a_glance(receipt.wall);
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
              {"memory_bytes", receipt.memory_bytes},
              {"verify_micros", in_micros(receipt.verified)},
              {"result", word_of_origin(receipt.origin)},
              {"cached", receipt.origin == ResultOrigin::kept},
              {"key", to_text(receipt.key)},
              {"source", to_text(receipt.source)},
              {"recipe_digest", to_text(receipt.recipe_digest)},
              {"fingerprint", receipt.fingerprint == Digest{} ? "" : to_text(receipt.fingerprint)},
              {"argv", receipt.argv},
              {"made_by", to_text(receipt.made_by)},
              {"made_at_micros", receipt.made_at.microseconds}};
}

/// Where the output belongs, once its extension is known.
Result<std::string> target_of(const RunFlags& flags, const std::string& label,
                              const std::string& extension) {
  if (flags.output == "-") return std::string("-");
  const Result<std::string> own = output_name_of(flags.name, label, extension);
  if (flags.output.empty()) return own;
  return own ? inside_folder(flags.output, own.value()) : flags.output;
}

/// Opened before the extension is known.
Result<std::unique_ptr<OutputFile>> open_target(const RunFlags& flags, int cancel_fd) {
  if (flags.output.empty()) return open_output_in(".");
  if (is_folder(flags.output)) return open_output_in(flags.output);
  return open_output(flags.output, cancel_fd);
}

/// A failure of a request that nodes know of, and how to ask them.
int fail(CommandContext& context, const Error& error, RequestId request, Duration retry_after) {
  Json more = json_of_pause(error, retry_after);
  more["request"] = to_text(request);
  const int code = context.fail(with_pause(error, retry_after), std::move(more));
  const bool nodes_know = error.code != ErrorCode::usage && error.code != ErrorCode::not_found;
  if (nodes_know && !context.interrupted()) {
    context.output().say("request " + to_text(request) + ": 'pixmesh why " + to_text(request) +
                         "' tells what became of it");
  }
  return code;
}

int run_tool(CommandContext& context, Client& client, const RunFlags& flags, RunOptions options) {
  options.request = client.fresh_request();
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
  if (!receipt) return fail(context, receipt.error(), options.request, client.retry_after());
  const Result<std::string> target = target_of(flags, label_of(options), receipt->extension);
  if (!target) return context.fail(target.error());
  if (Result<Done> done = file.value()->publish(target.value()); !done) {
    return context.fail(done.error());
  }
  warn_unconfirmed(output, flags.name, receipt->confirmed);
  if (!file.value()->is_stdout()) {
    output.say(target.value() + "  " + size_at_a_glance(receipt->output_size) + "  " +
               way_of(receipt.value()));
  }
  if (flags.verbose) output.say("request  " + to_text(receipt->request));
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
  app.add_option("RECIPE", flags->recipe,
                 "What to do; 'pixmesh recipe ls' lists them; a chain is \"thumbnail | sharpen\"")
      .required();
  app.add_option("NAME", flags->name, "The image").required();
  app.add_option("KEY=VALUE", flags->arguments, "Parameters of the recipe");
  app.add_option("-o,--output", flags->output,
                 "File or folder to write; - is stdout (default: NAME.RECIPE.EXTENSION, here)")
      .type_name("FILE");
  app.add_flag("--explain", flags->explain, "Show command and candidates; run nothing");
  app.add_flag("--batch", flags->batch,
               "Let those go first who wait at a screen; wait while queues are full");
  app.add_flag("-v,--verbose", flags->verbose, "Say the request's number, for 'pixmesh why'");
  app.add_flag("--strict", flags->strict, "Refuse an image that no quorum confirms");
  app.add_flag("--force", flags->force, "Run the tool, also when its result is kept or it crashed");
}

}  // namespace pixmesh
