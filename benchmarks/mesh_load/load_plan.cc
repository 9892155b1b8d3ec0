#include "load_plan.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace pixmesh {
namespace {

std::vector<Endpoint> nodes_of(std::string text) {
  std::vector<Endpoint> nodes;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    nodes.push_back({text.substr(0, comma)});
    text.erase(0, comma + 1);
  }
  return nodes;
}

/// Words without a value.
bool take_switch(LoadPlan& plan, const std::string& word) {
  if (word == "--batch") return plan.batch = true;
  if (word == "--force") return plan.force = true;
  if (word == "--once") return plan.once = true;
  if (word == "--health") return plan.health = true;
  return false;
}

bool take_value(LoadPlan& plan, const std::string& key, const std::string& value) {
  const auto seconds = [&value] {
    return std::chrono::milliseconds(static_cast<std::int64_t>(std::atof(value.c_str()) * 1000));
  };
  if (key == "--nodes") {
    plan.nodes = nodes_of(value);
  } else if (key == "--prefix") {
    plan.prefix = value;
  } else if (key == "--recipe") {
    plan.recipe = value;
  } else if (key == "--rate") {
    plan.rate = std::atof(value.c_str());
  } else if (key == "--threads") {
    plan.threads = std::max(1, std::atoi(value.c_str()));
  } else if (key == "--times") {
    plan.times = std::strtoul(value.c_str(), nullptr, 10);
  } else if (key == "--seconds") {
    plan.length = seconds();
  } else if (key == "--deadline") {
    plan.deadline = seconds();
  } else {
    return false;
  }
  return true;
}

}  // namespace

Result<LoadPlan> parse_load_plan(const std::vector<std::string>& words) {
  LoadPlan plan;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (take_switch(plan, word)) continue;
    if (word.starts_with("--")) {
      if (i + 1 == words.size() || !take_value(plan, word, words[i + 1])) {
        return Error{ErrorCode::usage, "mesh_load does not know " + word};
      }
      ++i;
      continue;
    }
    const std::size_t equals = std::min(word.find('='), word.size() - 1);
    plan.arguments.push_back({word.substr(0, equals), word.substr(equals + 1)});
  }
  if (plan.nodes.empty()) return Error{ErrorCode::usage, "mesh_load needs --nodes HOST:PORT,…"};
  return plan;
}

std::string Spans::text() {
  if (spans_.empty()) return "none";
  std::ranges::sort(spans_);
  const auto ms = [this](std::size_t at) {
    return std::chrono::duration<double, std::milli>(spans_[std::min(at, spans_.size() - 1)])
        .count();
  };
  std::array<char, 96> line{};
  std::snprintf(line.data(), line.size(), "p50 %.1f p99 %.1f max %.1f ms", ms(spans_.size() / 2),
                ms(spans_.size() * 99 / 100), ms(spans_.size() - 1));
  return line.data();
}

}  // namespace pixmesh
