#include "simulations/scenario/event.h"

#include <charconv>
#include <vector>

namespace pixmesh {
namespace {

constexpr std::array<std::string_view, fault_class_count> class_words{
    "operation",  "network", "crash",  "pause", "clock",   "disk",  "loss", "tool",   "client",
    "membership", "motion",  "repeat", "rot",   "restore", "state", "rare", "beyond", "bay"};

using enum FaultClass;

//                                               node   peer   for    amount number name   disk
constexpr std::array<EventForm, event_kind_count> forms{{
    {"put", operation, true, true, false, true, true, true},
    {"put-twice", client, true, true, false, true, true, true},
    {"put-broken", client, true, true, false, true, true, true},
    {"put-absent", operation, true, true, false, true, true, true},
    {"put-again", repeat, true, true, true, true, true, true},
    {"remove", operation, true, true, false, false, true, true},
    {"remove-again", repeat, true, true, true, false, true, true},
    {"get", operation, true, true, false, false, true, true},
    {"get-broken", client, true, true, false, false, true, true},
    {"list", operation, true, true, false, false, true, true},
    {"run", operation, true, true, false, false, true, true},
    {"storm", client, true, true, false, true, true, true},
    {"tag", operation, true, true, false, false, true, true},
    {"copy", operation, true, true, false, false, true, true},
    {"garbage", client, true, true, false, false, true, false},
    {"lie", client, true, false, false, false, true, false},
    {"cut", network, true, true, true, false, false, false},
    {"cut-way", network, true, true, true, false, false, false},
    {"hold", network, true, true, true, false, false, false},
    {"reset", network, true, true, false, false, false, false},
    {"clog", network, true, true, true, true, false, false},
    {"flap", network, true, true, true, true, false, false},
    {"isolate", network, true, false, true, false, false, false},
    {"split", network, false, false, true, true, false, false},
    {"bridge", network, true, false, true, true, false, false},
    {"ring", network, false, false, true, false, false, false},
    {"latency", network, false, false, true, true, false, false},
    {"lossy", network, false, false, true, true, false, false},
    {"late", network, false, false, true, true, false, false},
    {"crash", crash, true, false, true, false, false, false},
    {"crash-in-step", crash, true, false, true, true, false, false, true},
    {"power-cut", crash, false, false, true, false, false, false},
    {"pause", pause, true, false, true, false, false, false},
    {"slow", pause, true, false, true, true, false, false},
    {"clock-shift", clock, true, false, false, true, false, false},
    {"clock-drift", clock, true, false, false, true, false, false},
    {"clock-back", clock, true, false, true, true, false, false},
    {"disk-full", disk, true, false, true, false, false, false, true},
    {"disk-slow", disk, true, false, true, true, false, false, true},
    {"write-errors", disk, true, false, false, true, false, false, true},
    {"short-writes", disk, true, false, false, true, false, false, true},
    {"sync-errors", disk, true, false, false, true, false, false, true},
    {"read-errors", disk, true, false, false, true, false, false, true},
    {"misreads", disk, true, false, false, true, false, false, true},
    {"disk-lost", loss, true, false, true, false, false, false, true},
    {"disk-rolled-back", loss, true, false, true, false, false, false, true},
    {"rot", rot, true, false, false, true, true, false},
    {"zeroed", rot, true, false, false, true, true, false},
    {"destroyed", beyond, true, false, false, true, true, false},
    {"add-disk", bay, true, false, false, true, false, false},
    {"replace-disk", bay, true, false, true, false, false, false, true},
    {"remove-disk", bay, true, false, true, false, false, false, true},
    {"node-rolled-back", restore, true, false, true, false, false, false},
    {"twin", restore, true, false, false, false, false, false},
    {"state-full", state, true, false, true, false, false, false},
    {"state-slow", state, true, false, true, true, false, false},
    {"state-errors", state, true, false, false, true, false, false},
    {"tool-trouble", tool, true, false, true, true, false, false},
    {"tool-slow", tool, true, false, true, true, false, false},
    {"join", membership, true, false, false, true, false, false},
    {"leave", membership, true, false, false, false, false, false},
    {"stay", membership, true, false, false, false, false, false},
    {"drain", membership, true, false, true, false, false, false},
    {"forget", membership, true, true, false, false, false, false},
    {"weigh", membership, true, false, false, true, false, false},
    {"copies", membership, true, false, false, true, true, false},
    {"strike", motion, false, false, true, true, true, false},
}};

std::string seconds_of(Duration duration) {
  const auto micros = static_cast<std::uint64_t>(duration / 1us);
  const std::string fraction = std::to_string(micros % 1'000'000);
  return std::to_string(micros / 1'000'000) + "." + std::string(6 - fraction.size(), '0') +
         fraction;
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// Seconds with exactly six digits behind the point, as they are written.
bool parse_seconds(std::string_view text, Duration& duration) {
  const std::size_t point = text.find('.');
  std::uint64_t whole = 0;
  std::uint64_t micros = 0;
  if (point == std::string_view::npos || text.size() != point + 7) return false;
  if (!parse_number(text.substr(0, point), whole)) return false;
  if (!parse_number(text.substr(point + 1), micros)) return false;
  duration = std::chrono::seconds(whole) + std::chrono::microseconds(micros);
  return true;
}

bool read_field(std::string_view word, Event& event) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view key = word.substr(0, equals);
  const std::string_view value = word.substr(equals + 1);
  const EventForm& form = form_of(event.kind);
  if (key == "node") return form.node && parse_number(value, event.node);
  if (key == "peer") return form.peer && parse_number(value, event.peer);
  if (key == "for") return form.lasting && parse_seconds(value, event.lasting);
  if (key == "amount") return form.amount && parse_number(value, event.amount);
  if (key == "number") return form.number && parse_number(value, event.number);
  if (key == "disk") return form.disk && parse_number(value, event.disk);
  if (key != "name" || !form.name) return false;
  event.name = value;
  return true;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos) break;
    line.remove_prefix(begin);
    const std::size_t end = line.find(' ');
    words.push_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end);
  }
  return words;
}

}  // namespace

std::string_view word_of(FaultClass one) { return class_words[static_cast<std::size_t>(one)]; }

std::optional<FaultClass> parse_fault_class(std::string_view word) {
  for (std::size_t i = 0; i < class_words.size(); ++i) {
    if (class_words[i] == word) return static_cast<FaultClass>(i);
  }
  return std::nullopt;
}

const EventForm& form_of(EventKind kind) { return forms[static_cast<std::size_t>(kind)]; }

std::string text_of(const Event& event) {
  const EventForm& form = form_of(event.kind);
  std::string text = seconds_of(event.at) + " " + std::string(form.word);
  if (form.node) text += " node=" + std::to_string(event.node);
  if (form.peer) text += " peer=" + std::to_string(event.peer);
  if (form.lasting) text += " for=" + seconds_of(event.lasting);
  if (form.amount) text += " amount=" + std::to_string(event.amount);
  if (form.number) text += " number=" + std::to_string(event.number);
  if (form.name) text += " name=" + event.name;
  if (form.disk && event.disk > 0) text += " disk=" + std::to_string(event.disk);
  return text;
}

std::optional<Event> parse_event(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  Event event;
  if (words.size() < 2 || !parse_seconds(words[0], event.at)) return std::nullopt;
  std::size_t kind = 0;
  while (kind < forms.size() && forms[kind].word != words[1]) ++kind;
  if (kind == forms.size()) return std::nullopt;
  event.kind = static_cast<EventKind>(kind);
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (!read_field(words[i], event)) return std::nullopt;
  }
  return event;
}

}  // namespace pixmesh
