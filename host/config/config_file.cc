#include "host/config/config_file.h"

#include <algorithm>
#include <utility>

#include "host/config/setting_table.h"
#include "host/config/toml_source.h"
#include "host/system/file_handle.h"
#include "processing/closest.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

using Texts = std::vector<std::string>;

constexpr std::size_t file_bytes_max = 1U << 20;
constexpr std::string_view variable_prefix = "PIXMESH_";
constexpr std::size_t host_size_max = 253;

const SettingRule* rule_of(std::string_view key) {
  const auto rules = setting_rules();
  const auto found = std::ranges::find(rules, key, &SettingRule::key);
  return found == rules.end() ? nullptr : &*found;
}

/// Collects values in order of rank and remembers where each came from.
class SettingCollector {
 public:
  SettingCollector() {
    for (const SettingRule& rule : setting_rules()) {
      SettingRow row;
      row.key = rule.key;
      row.place = "default";
      configuration_.rows.push_back(std::move(row));
    }
  }

  /// Errors: usage, without the place.
  Result<Done> set(const SettingRule& rule, const Texts& texts, SettingOrigin origin,
                   std::string place) {
    if (texts.empty() || (!rule.list && texts.size() != 1)) {
      return Error{ErrorCode::usage, rule.list ? "a value is missing" : "write one value"};
    }
    if (Result<Done> done = rule.read(configuration_.node, texts); !done) return done;
    SettingRow& row = *std::ranges::find(configuration_.rows, rule.key, &SettingRow::key);
    row.origin = origin;
    row.place = std::move(place);
    return Done{};
  }

  /// Fills what follows from other values, checks how they fit, and prints them.
  Result<Configuration> finish() {
    NodeSettings& node = configuration_.node;
    const SettingRow& quorum =
        *std::ranges::find(configuration_.rows, "write_quorum", &SettingRow::key);
    if (quorum.origin == SettingOrigin::standard) node.write_quorum = node.replicas / 2 + 1;
    if (node.write_quorum > node.replicas || node.write_quorum <= node.replicas / 2) {
      return Error{ErrorCode::usage, quorum.place + ": write_quorum must be above half of the " +
                                         std::to_string(node.replicas) +
                                         " replicas, and not above all of them"};
    }
    const auto rules = setting_rules();
    for (std::size_t i = 0; i < rules.size(); ++i) {
      configuration_.rows[i].value = rules[i].print(node);
    }
    return configuration_;
  }

 private:
  Configuration configuration_;
};

/// Numbers and booleans may stand without quotes.
Result<Texts> texts_in(const TomlSource& source, const TomlEntry& entry) {
  if (const auto* number = entry.value->as_integer()) return Texts{std::to_string(number->get())};
  if (const auto* flag = entry.value->as_boolean()) return Texts{flag->get() ? "true" : "false"};
  if (entry.value->is_array()) return source.texts_of(entry.key, *entry.value);
  Result<std::string> text = source.text_of(entry.key, *entry.value);
  if (!text) return text.error();
  return Texts{std::move(text).value()};
}

Result<Done> add_file(SettingCollector& collector, const std::filesystem::path& file) {
  const Result<Bytes> bytes = read_whole(file, file_bytes_max);
  if (!bytes) return bytes.error();
  const Result<TomlSource> source = TomlSource::parse(text_of(bytes.value()), file.string());
  if (!source) return source.error();
  if (Result<Done> known = source->check_keys(source->root(), setting_keys()); !known) {
    return known;
  }
  for (const TomlEntry& entry : entries_of(source->root())) {
    const Result<Texts> texts = texts_in(source.value(), entry);
    if (!texts) return texts.error();
    const Result<Done> done = collector.set(*rule_of(entry.key), texts.value(), SettingOrigin::file,
                                            source->place_of(entry.place));
    if (!done) return source->fault(entry.place, entry.key + ": " + done.error().detail);
  }
  return Done{};
}

std::string in_case(std::string_view text, char first, char last, int step) {
  std::string changed(text);
  for (char& c : changed) {
    if (c >= first && c <= last) c = static_cast<char>(c + step);
  }
  return changed;
}

std::string variable_of(std::string_view key) {
  return std::string(variable_prefix) + in_case(key, 'a', 'z', 'A' - 'a');
}

std::string flag_of(std::string_view key) {
  std::string flag = "--" + std::string(key);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

Result<Done> add_given(SettingCollector& collector, const GivenSettings& given,
                       SettingOrigin origin) {
  for (const auto& [key, texts] : given) {
    const bool variable = origin == SettingOrigin::environment;
    const std::string place = variable ? variable_of(key) : flag_of(key);
    const SettingRule* rule = rule_of(key);
    if (rule == nullptr) {
      return Error{ErrorCode::usage,
                   "no setting '" + shown(key) + "'" + suggestion(key, setting_keys())};
    }
    if (const Result<Done> done = collector.set(*rule, texts, origin, place); !done) {
      return Error{ErrorCode::usage, place + ": " + done.error().detail};
    }
  }
  return Done{};
}

Texts split_list(std::string_view text) {
  Texts parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

}  // namespace

Result<Configuration> read_configuration(const std::optional<std::filesystem::path>& file,
                                         const GivenSettings& environment,
                                         const GivenSettings& flags) {
  SettingCollector collector;
  if (file) {
    if (const Result<Done> done = add_file(collector, *file); !done) return done.error();
  }
  Result<Done> done = add_given(collector, environment, SettingOrigin::environment);
  if (done) done = add_given(collector, flags, SettingOrigin::flag);
  if (!done) return done.error();
  return collector.finish();
}

Result<GivenSettings> settings_of_environment(const char* const* variables) {
  GivenSettings given;
  for (; *variables != nullptr; ++variables) {
    const std::string_view line = *variables;
    const std::size_t end = line.find('=');
    if (!line.starts_with(variable_prefix) || end == std::string_view::npos) continue;
    const std::string_view name = line.substr(variable_prefix.size(), end - variable_prefix.size());
    const std::string key = in_case(name, 'A', 'Z', 'a' - 'A');
    const std::string_view value = line.substr(end + 1);
    if (const SettingRule* rule = rule_of(key)) {
      given.emplace_back(key, rule->list ? split_list(value) : Texts{std::string(value)});
    } else if (const auto near = closest_name(key, setting_keys())) {
      return Error{ErrorCode::usage, shown(line.substr(0, end)) + " is not known; did you mean '" +
                                         variable_of(*near) + "'?"};
    }
  }
  return given;
}

std::vector<std::string> setting_keys() {
  std::vector<std::string> keys;
  for (const SettingRule& rule : setting_rules()) keys.emplace_back(rule.key);
  return keys;
}

bool is_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon > host_size_max) return false;
  const std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  const std::string_view inside = bracketed ? host.substr(1, host.size() - 2) : host;
  const bool plain = std::ranges::all_of(inside, [bracketed](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || (bracketed && c == ':');
  });
  const Result<std::int64_t> port = parse_integer(text.substr(colon + 1));
  return plain && port && port.value() >= 1 && port.value() <= 65'535;
}

std::string_view to_text(SettingOrigin origin) {
  switch (origin) {
    case SettingOrigin::standard:
      return "default";
    case SettingOrigin::file:
      return "file";
    case SettingOrigin::environment:
      return "environment";
    case SettingOrigin::flag:
      break;
  }
  return "flag";
}

}  // namespace pixmesh
