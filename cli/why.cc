#include <algorithm>

#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"

namespace pixmesh {
namespace {

Duration told_span(std::uint64_t micros) { return std::chrono::microseconds(micros); }

Json json_of(const WhyHolder& holder) {
  return Json{{"node", to_text(holder.node)},
              {"answered", holder.answered},
              {"answer_micros", holder.answer_micros},
              {"has_recipe", holder.has_recipe},
              {"accepts_work", holder.accepts_work},
              {"running", holder.running},
              {"queued", holder.queued},
              {"announced", holder.announced},
              {"workers", holder.workers},
              {"service_micros", holder.service_micros},
              {"wait_micros", holder.wait_micros},
              {"score_micros", holder.score_micros}};
}

Json json_of(const RouteReport& route, const NodeId& node) {
  Json holders = Json::array();
  for (const WhyHolder& holder : route.holders) holders.push_back(json_of(holder));
  return Json{{"node", to_text(node)},
              {"asked", time_text(route.asked_micros)},
              {"name", route.name},
              {"recipe", route.recipe},
              {"lookup_micros", route.lookup_micros},
              {"decided_micros", route.decided_micros},
              {"error", route.code == ErrorCode{} ? "" : std::string(word_of(route.code))},
              {"detail", route.detail},
              {"holders", holders}};
}

Json json_of(const RunReport& run, const NodeId& node) {
  return Json{{"node", to_text(node)},
              {"asked", time_text(run.asked_micros)},
              {"recipe", run.recipe},
              {"state", run.state},
              {"limit", run.limit},
              {"position", run.position},
              {"inspect_micros", run.inspect_micros},
              {"queue_micros", run.queue_micros},
              {"verify_micros", run.verify_micros},
              {"run_micros", run.run_micros},
              {"send_micros", run.send_micros},
              {"cpu_micros", run.cpu_micros},
              {"memory_bytes", run.memory_bytes},
              {"output_size", run.output_size},
              {"error", run.code == ErrorCode{} ? "" : std::string(word_of(run.code))},
              {"detail", run.detail}};
}

std::string standing_of(const WhyHolder& holder) {
  if (!holder.answered) return "no answer";
  if (!holder.has_recipe) return "not this recipe";
  if (!holder.accepts_work) return "takes no work";
  return holder.score_micros == 0 ? "not chosen" : span_at_a_glance(told_span(holder.score_micros));
}

void print(Output& output, const RouteReport& route, const NodeId& node) {
  output.print(time_text(route.asked_micros) + "  asked " + short_text(node) + " where '" +
               printable(route.recipe) + "' of " + printable(route.name) + " should run\n");
  output.print("  holders known after " + span_at_a_glance(told_span(route.lookup_micros)) +
               ", decided after " + span_at_a_glance(told_span(route.decided_micros)) + "\n");
  if (route.code != ErrorCode{}) {
    output.print("  refused: " + printable(advice_of({route.code, route.detail}), true) + "\n");
  }
  if (route.holders.empty()) return;
  TextTable table({{"  HOLDER"},
                   {"SCORE", Align::right},
                   {"RUN", Align::right},
                   {"WAIT", Align::right},
                   {"RUNNING", Align::right},
                   {"QUEUED", Align::right},
                   {"ANNOUNCED", Align::right},
                   {"WORKERS", Align::right},
                   {"ANSWERED", Align::right}});
  for (const WhyHolder& holder : route.holders) {
    table.add({"  " + short_text(holder.node), standing_of(holder),
               span_at_a_glance(told_span(holder.service_micros)),
               span_at_a_glance(told_span(holder.wait_micros)), std::to_string(holder.running),
               std::to_string(holder.queued), std::to_string(holder.announced),
               std::to_string(holder.workers),
               holder.answered ? span_at_a_glance(told_span(holder.answer_micros)) : "-"});
  }
  output.print(table);
}

void print(Output& output, const RunReport& run, const NodeId& node) {
  output.print(time_text(run.asked_micros) + "  started on " + short_text(node) + ": " + run.state +
               (run.limit.empty() ? "" : ", limit: " + run.limit) + "\n");
  const auto span = [&](const char* what, std::uint64_t micros) {
    if (micros > 0)
      output.print(std::string("  ") + what + span_at_a_glance(told_span(micros)) + "\n");
  };
  span("header   ", run.inspect_micros);
  span("queue    ", run.queue_micros);
  span("verify   ", run.verify_micros);
  span("run      ", run.run_micros);
  span("send     ", run.send_micros);
  span("cpu      ", run.cpu_micros);
  if (run.memory_bytes > 0) output.print("  memory   " + size_at_a_glance(run.memory_bytes) + "\n");
  if (run.output_size > 0) output.print("  output   " + size_at_a_glance(run.output_size) + "\n");
  if (run.code != ErrorCode{} || !run.detail.empty()) {
    output.print("  why      " + printable(advice_of({run.code, run.detail}), true) + "\n");
  }
}

/// What one node remembers, and when that was.
struct Memory {
  std::uint64_t asked_micros = 0;
  const RouteReport* route = nullptr;
  const RunReport* run = nullptr;
  NodeId node;
};

std::vector<Memory> memories_of(const std::vector<WhyReport>& reports) {
  std::vector<Memory> all;
  for (const WhyReport& report : reports) {
    for (const RouteReport& route : report.answer.routes) {
      all.push_back({route.asked_micros, &route, nullptr, report.answer.node});
    }
    for (const RunReport& run : report.answer.runs) {
      all.push_back({run.asked_micros, nullptr, &run, report.answer.node});
    }
  }
  std::ranges::stable_sort(all, {}, &Memory::asked_micros);
  return all;
}

int why(CommandContext& context, const std::string& text) {
  RequestId request;
  if (!parse_id(text, request)) {
    return context.fail({ErrorCode::usage, "'" + printable(text) +
                                               "' is no request: it has 32 hexadecimal digits, as "
                                               "'pixmesh run -v' says them"});
  }
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  const auto reports = client.value()->why(request);
  if (!reports) return context.fail(reports.error());
  Output& output = context.output();
  std::vector<std::string> silent;
  for (const WhyReport& report : reports.value()) {
    if (!report.problem.empty()) silent.push_back(report.control);
  }
  const std::vector<Memory> all = memories_of(reports.value());
  std::string missing;
  for (const std::string& control : silent) missing += (missing.empty() ? "" : ", ") + control;
  if (all.empty()) {
    return context.fail({ErrorCode::not_found,
                         "no node remembers this request; they do for a day, while they have room" +
                             (silent.empty() ? "" : " (" + missing + " did not answer)") +
                             ". 'pixmesh top' shows what they do now"});
  }
  Json routes = Json::array(), runs = Json::array();
  for (const Memory& one : all) {
    if (one.route != nullptr) {
      print(output, *one.route, one.node);
      routes.push_back(json_of(*one.route, one.node));
    } else {
      print(output, *one.run, one.node);
      runs.push_back(json_of(*one.run, one.node));
    }
  }
  if (!silent.empty()) output.say(missing + " did not answer and may know more");
  output.object(Json{{"request", text}, {"routes", routes}, {"runs", runs}, {"silent", silent}});
  return exit_ok;
}

}  // namespace

void add_why(CommandLine& line) {
  const auto request = std::make_shared<std::string>();
  const Command app =
      line.add(processing_group, "why", "Tell what became of one request, and why",
               [request](CommandContext& context) { return why(context, *request); });
  app.add_option("REQUEST", *request, "Its number, as 'run -v', 'run --json' and 'map' say it")
      .required();
}

}  // namespace pixmesh
