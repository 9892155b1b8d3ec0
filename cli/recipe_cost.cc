#include <algorithm>
#include <filesystem>
#include <random>

#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/recipe_chain.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

Duration span_of(std::uint64_t count) { return std::chrono::microseconds(count); }

/// "24.0": of pixels; "-" when they are not known.
std::string megapixels_of(std::uint64_t pixels) {
  if (pixels == 0) return "-";
  const std::uint64_t tenths = (pixels + 50'000) / 100'000;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

std::string memory_of(std::uint64_t bytes) { return bytes == 0 ? "-" : size_at_a_glance(bytes); }

Json json_of(const RecipeCost& cost) {
  Json object{{"recipe", cost.recipe},
              {"way", cost.way},
              {"digest", to_text(cost.digest)},
              {"points", Json::array()}};
  for (const CostPoint& point : cost.points) {
    object["points"].push_back(Json{{"pixels", point.pixels},
                                    {"runs", point.runs},
                                    {"wall_micros", point.wall_micros},
                                    {"cpu_micros", point.cpu_micros},
                                    {"memory_bytes", point.memory_bytes}});
  }
  return object;
}

int show_costs(CommandContext& context) {
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  const auto costs = client.value()->costs();
  if (!costs) return context.fail(costs.error());
  TextTable table({{"RECIPE"},
                   {"WAY"},
                   {"MEGAPIXELS", Align::right},
                   {"RUNS", Align::right},
                   {"TIME", Align::right},
                   {"CPU", Align::right},
                   {"MEMORY", Align::right}});
  for (const RecipeCost& cost : costs.value()) {
    for (const CostPoint& point : cost.points) {
      table.add({cost.recipe, cost.way, megapixels_of(point.pixels), std::to_string(point.runs),
                 span_at_a_glance(span_of(point.wall_micros)),
                 span_at_a_glance(span_of(point.cpu_micros)), memory_of(point.memory_bytes)});
    }
    context.output().object(json_of(cost));
  }
  if (costs->empty()) {
    context.output().say(
        "nothing has run on this node yet; measure with 'pixmesh recipe calibrate RECIPE IMAGE'");
    return exit_ok;
  }
  context.output().print(table);
  return exit_ok;
}

/// The output of a run that is only measured.
class NoOutput : public ByteSink {
 public:
  Result<Done> write(ByteView) override { return Done{}; }
  Result<Done> restart() override { return Done{}; }
};

struct CalibrateFlags {
  std::string recipe;
  std::vector<std::string> images;
  std::uint32_t runs = 3;
};

/// Runs a recipe several times on each image, and tells what it took.
class Calibration {
 public:
  Calibration(CommandContext& context, Client& client, const CalibrateFlags& flags,
              RecipeChain chain)
      : context_(context), client_(client), flags_(flags), chain_(std::move(chain)) {}

  int run() {
    for (const std::string& image : flags_.images) {
      if (const Result<Done> done = measure(image); !done) {
        const int code = context_.fail(done.error(), Json{{"image", image}});
        if (code_ == exit_ok) code_ = code;
      }
      if (context_.interrupted()) return exit_interrupted;
    }
    if (measured_) context_.output().print(table_);
    return code_;
  }

 private:
  /// A file of this machine is stored for as long as it is measured; else it is an image's name.
  Result<Done> measure(const std::string& image) {
    if (!is_file(image)) return measure_stored(image, image);
    auto source = open_source(image, context_.cancel_fd());
    if (!source) return source.error();
    PutOptions put;
    put.name = temporary_name();
    const auto stored = client_.put(put, *source.value(), {});
    if (!stored) return stored.error();
    Result<Done> done = measure_stored(image, put.name);
    const auto removed = client_.remove(put.name);
    if (done && !removed) return removed.error();
    return done;
  }

  static bool is_file(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored);
  }

  static std::string temporary_name() {
    std::random_device chance;
    std::string name = "pixmesh-calibrate/";
    for (int i = 0; i < 4; ++i) name += std::to_string(chance());
    return name;
  }

  Result<Done> measure_stored(const std::string& image, const std::string& name) {
    RunOptions options;
    options.recipe = chain_.recipe;
    options.arguments = chain_.arguments;
    options.then = chain_.then;
    options.name = name;
    options.force = true;  // what is kept tells nothing of what a run takes
    const auto plan = client_.plan(options);
    if (!plan) return plan.error();
    std::vector<RunReceipt> receipts;
    for (std::uint32_t i = 0; i < flags_.runs; ++i) {
      NoOutput nowhere;
      auto receipt = client_.run(options, nowhere, {});
      if (!receipt) return receipt.error();
      receipts.push_back(std::move(receipt).value());
    }
    const MediaFacts& media = plan->input.media;
    tell(image, std::uint64_t{media.width} * media.height, std::move(receipts));
    return Done{};
  }

  void tell(const std::string& image, std::uint64_t pixels, std::vector<RunReceipt> receipts) {
    std::ranges::sort(receipts, {}, &RunReceipt::wall);
    const RunReceipt& middle = receipts[receipts.size() / 2];
    std::uint64_t memory = 0;
    Json nodes = Json::array();
    for (const RunReceipt& receipt : receipts) {
      memory = std::max(memory, receipt.memory_bytes);
      nodes.push_back(to_text(receipt.node));
    }
    table_.add({printable(image), megapixels_of(pixels), std::to_string(receipts.size()),
                span_at_a_glance(middle.wall), span_at_a_glance(middle.cpu), memory_of(memory)});
    measured_ = true;
    context_.output().object(Json{{"image", image},
                                  {"recipe", flags_.recipe},
                                  {"pixels", pixels},
                                  {"runs", receipts.size()},
                                  {"wall_micros", middle.wall / 1us},
                                  {"cpu_micros", middle.cpu / 1us},
                                  {"memory_bytes", memory},
                                  {"nodes", nodes}});
  }

  CommandContext& context_;
  Client& client_;
  const CalibrateFlags& flags_;
  const RecipeChain chain_;
  TextTable table_{{{"IMAGE"},
                    {"MEGAPIXELS", Align::right},
                    {"RUNS", Align::right},
                    {"TIME", Align::right},
                    {"CPU", Align::right},
                    {"MEMORY", Align::right}}};
  bool measured_ = false;
  int code_ = exit_ok;
};

int calibrate(CommandContext& context, const CalibrateFlags& flags) {
  auto chain = parse_chain(flags.recipe, {});
  if (!chain) return context.fail(chain.error());
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  return Calibration(context, *client.value(), flags, std::move(chain).value()).run();
}

}  // namespace

void add_recipe_cost(CommandLine& line, const Command& family) {
  line.add_below(family, "cost",
                 "What runs have taken on the contacted node, by way of use and size of image",
                 show_costs);
  const auto flags = std::make_shared<CalibrateFlags>();
  const Command app = line.add_below(
      family, "calibrate", "Measure a recipe on images; the nodes that ran it learn from it",
      [flags](CommandContext& context) { return calibrate(context, *flags); });
  app.add_option("RECIPE", flags->recipe,
                 "The recipe, also with parameters or a chain: \"convert format=webp\"")
      .required();
  app.add_option("IMAGE", flags->images,
                 "Files of this machine, stored while they are measured, or names of images")
      .required();
  app.add_option("--runs", flags->runs, "How often each; the middle one is told")
      .within(1, 1'000)
      .shows_default();
}

}  // namespace pixmesh
