#include "host/config/setting_table.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "processing/closest.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

using Texts = std::vector<std::string>;

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};

constexpr std::uint64_t memory_min = 128ULL << 20;

Error usage(std::string text) { return {ErrorCode::usage, std::move(text)}; }

/// A text's check: what is wrong with it, or nothing.
using Fault = std::string;

Fault fault_of_endpoint(std::string_view text) {
  return is_endpoint(text) ? Fault()
                           : "'" + shown(text) + "' is no address; write it like 10.0.0.5:7600";
}

Fault fault_of_path(std::string_view text) {
  return text.empty() || text.find('\0') != std::string_view::npos ? "a path is missing" : Fault();
}

Fault fault_of_sandbox(std::string_view text) {
  return text == "bwrap" || text == "off"
             ? Fault()
             : "'" + shown(text) + "' is no sandbox; it is bwrap or off";
}

Fault fault_of_shown_folder(std::string_view text) {
  return text.starts_with('/') && text.find('\0') == std::string_view::npos
             ? Fault()
             : "'" + shown(text) + "' is no absolute path";
}

Fault fault_of_zone(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  const bool sane = !text.empty() && text.size() <= 64 && std::ranges::all_of(text, allowed);
  return sane ? Fault()
              : "'" + shown(text) + "' is no zone name; use up to 64 letters, digits and . _ -";
}

Fault fault_of_native(std::string_view text) {
  const bool known = text == "shared" || text == "job" || text == "off";
  return known ? Fault() : "'" + shown(text) + "' is not one of shared, job and off";
}

template <std::string NodeSettings::*field, Fault (*fault_of)(std::string_view)>
Result<Done> read_text(NodeSettings& node, const Texts& texts) {
  if (const Fault fault = fault_of(texts.front()); !fault.empty()) return usage(fault);
  node.*field = texts.front();
  return Done{};
}

template <std::string NodeSettings::*field>
std::string print_text(const NodeSettings& node) {
  return node.*field;
}

template <Texts NodeSettings::*field, Fault (*fault_of)(std::string_view)>
Result<Done> read_list(NodeSettings& node, const Texts& texts) {
  for (const std::string& text : texts) {
    if (const Fault fault = fault_of(text); !fault.empty()) return usage(fault);
  }
  node.*field = texts;
  return Done{};
}

template <Texts NodeSettings::*field>
std::string print_list(const NodeSettings& node) {
  std::string all;
  for (const std::string& text : node.*field) all += (all.empty() ? "" : ",") + text;
  return all;
}

template <std::uint32_t NodeSettings::*field, std::uint32_t lowest, std::uint32_t highest>
Result<Done> read_count(NodeSettings& node, const Texts& texts) {
  const Result<std::int64_t> number = parse_integer(texts.front());
  if (!number || number.value() < lowest || number.value() > highest) {
    return usage("'" + shown(texts.front()) + "' is no whole number from " +
                 std::to_string(lowest) + " to " + std::to_string(highest));
  }
  node.*field = static_cast<std::uint32_t>(number.value());
  return Done{};
}

template <std::uint32_t NodeSettings::*field>
std::string print_count(const NodeSettings& node) {
  return std::to_string(node.*field);
}

Result<Done> read_insecure(NodeSettings& node, const Texts& texts) {
  if (texts.front() != "true" && texts.front() != "false") return usage("write true or false");
  node.insecure = texts.front() == "true";
  return Done{};
}

std::string print_insecure(const NodeSettings& node) { return node.insecure ? "true" : "false"; }

template <std::uint64_t NodeSettings::*field>
Result<Done> read_size(NodeSettings& node, const Texts& texts) {
  const Result<std::uint64_t> bytes = parse_size(texts.front());
  if (!bytes) return bytes.error();
  node.*field = bytes.value();
  return Done{};
}

template <std::uint64_t NodeSettings::*field>
std::string print_size_of(const NodeSettings& node) {
  return print_size(node.*field);
}

std::string print_capacity(const NodeSettings& node) {
  return node.capacity == 0 ? "" : print_size(node.capacity);
}

Result<Done> read_memory(NodeSettings& node, const Texts& texts) {
  const Result<std::uint64_t> bytes = parse_size(texts.front());
  if (!bytes) return bytes.error();
  if (bytes.value() < memory_min) {
    return usage("'" + shown(texts.front()) + "' is less than a tool needs; give at least 128MiB");
  }
  node.memory = bytes.value();
  return Done{};
}

std::string print_memory(const NodeSettings& node) {
  return node.memory == 0 ? "" : print_size(node.memory);
}

Result<Done> read_queue_time(NodeSettings& node, const Texts& texts) {
  const Result<Duration> span = parse_duration(texts.front());
  if (!span) return span.error();
  if (span.value() < 1s || span.value() > 1h) {
    return usage("'" + shown(texts.front()) + "' is not from 1s to 1h");
  }
  node.queue_time = span.value();
  return Done{};
}

std::string print_queue_time(const NodeSettings& node) { return print_duration(node.queue_time); }

Result<Done> read_out_delay(NodeSettings& node, const Texts& texts) {
  if (texts.front() == "off") {
    node.out_delay.reset();
    return Done{};
  }
  const Result<Duration> delay = parse_duration(texts.front());
  if (!delay) return delay.error();
  if (delay.value() < 5s || delay.value() > 720h) {
    return usage("'" + shown(texts.front()) + "' is not from 5s to 720h; 'off' is never");
  }
  node.out_delay = delay.value();
  return Done{};
}

std::string print_out_delay(const NodeSettings& node) {
  return node.out_delay ? print_duration(*node.out_delay) : "off";
}

Result<Done> read_log_level(NodeSettings& node, const Texts& texts) {
  const auto found = std::ranges::find(level_names, texts.front());
  if (found == level_names.end()) {
    return usage("'" + shown(texts.front()) + "' is no log level; it is debug, info, warning or " +
                 "error");
  }
  node.log_level = static_cast<LogLevel>(found - level_names.begin());
  return Done{};
}

std::string print_log_level(const NodeSettings& node) {
  return std::string(level_names.at(static_cast<std::size_t>(node.log_level)));
}

using Node = NodeSettings;

template <std::string Node::*field, Fault (*fault_of)(std::string_view)>
constexpr SettingRule text_rule(std::string_view key) {
  return {key, false, read_text<field, fault_of>, print_text<field>};
}
template <Texts Node::*field, Fault (*fault_of)(std::string_view)>
constexpr SettingRule list_rule(std::string_view key) {
  return {key, true, read_list<field, fault_of>, print_list<field>};
}
template <std::uint64_t Node::*field>
constexpr SettingRule size_rule(std::string_view key) {
  return {key, false, read_size<field>, print_size_of<field>};
}
template <std::uint32_t Node::*field, std::uint32_t lowest, std::uint32_t highest>
constexpr SettingRule count_rule(std::string_view key) {
  return {key, false, read_count<field, lowest, highest>, print_count<field>};
}

constexpr std::array<SettingRule, 24> rules{
    text_rule<&Node::listen, fault_of_endpoint>("listen"),
    text_rule<&Node::bulk_listen, fault_of_endpoint>("bulk_listen"),
    text_rule<&Node::advertise, fault_of_endpoint>("advertise"),
    SettingRule{"insecure", false, read_insecure, print_insecure},
    text_rule<&Node::zone, fault_of_zone>("zone"),
    SettingRule{"capacity", false, read_size<&Node::capacity>, print_capacity},
    count_rule<&Node::workers, 1, 1024>("workers"),
    count_rule<&Node::queue_max, 0, 65'536>("queue_max"),
    SettingRule{"queue_time", false, read_queue_time, print_queue_time},
    SettingRule{"memory", false, read_memory, print_memory},
    size_rule<&Node::result_cache>("result_cache"),
    size_rule<&Node::journal>("journal"),
    count_rule<&Node::replicas, 1, replicas_max>("replicas"),
    count_rule<&Node::write_quorum, 1, replicas_max>("write_quorum"),
    SettingRule{"out_delay", false, read_out_delay, print_out_delay},
    list_rule<&Node::data, fault_of_path>("data"),
    text_rule<&Node::state, fault_of_path>("state"),
    text_rule<&Node::recipes, fault_of_path>("recipes"),
    text_rule<&Node::sandbox, fault_of_sandbox>("sandbox"),
    list_rule<&Node::sandbox_bind, fault_of_shown_folder>("sandbox_bind"),
    count_rule<&Node::shells, 0, 64>("shells"),
    text_rule<&Node::native, fault_of_native>("native"),
    list_rule<&Node::join, fault_of_endpoint>("join"),
    SettingRule{"log_level", false, read_log_level, print_log_level},
};

}  // namespace

std::span<const SettingRule> setting_rules() { return rules; }

}  // namespace pixmesh
