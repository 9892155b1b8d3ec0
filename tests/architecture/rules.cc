#include "rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

namespace pixmesh::architecture {
namespace {

std::string at_line(std::size_t line, const std::string& fault) {
  return "line " + std::to_string(line) + ": " + fault;
}

// The identifiers of a line, in order.
std::vector<std::string_view> identifiers_of(std::string_view line) {
  std::vector<std::string_view> found;
  for (std::size_t i = 0; i < line.size();) {
    std::size_t end = i;
    while (end < line.size() && is_word(line[end])) ++end;
    if (end > i) found.push_back(line.substr(i, end - i));
    i = std::max(end, i + 1);
  }
  return found;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

std::string stem_of(const std::string& file) { return file.substr(0, file.rfind('.')); }

bool lists_stem(const std::vector<std::string>& files, const std::string& stem) {
  return std::any_of(files.begin(), files.end(),
                     [&](const std::string& file) { return stem_of(file) == stem; });
}

bool is_impure_header(std::string_view header) {
  static const std::set<std::string, std::less<>> forbidden{
      "atomic",        "condition_variable", "ctime",  "filesystem", "fstream",
      "future",        "iostream",           "mutex",  "random",     "semaphore",
      "shared_mutex",  "stop_token",         "thread", "unistd.h",   "fcntl.h",
      "unordered_map", "unordered_set",      "time.h", "barrier",    "latch"};
  return forbidden.contains(header) || header.rfind("sys/", 0) == 0;
}

bool is_impure_word(std::string_view word) {
  static const std::set<std::string, std::less<>> forbidden{
      "steady_clock",  "system_clock",  "high_resolution_clock",
      "clock_gettime", "gettimeofday",  "jthread",
      "thread",        "this_thread",   "thread_local",
      "mutex",         "shared_mutex",  "atomic",
      "atomic_flag",   "async",         "random_device",
      "mt19937",       "mt19937_64",    "rand",
      "srand",         "unordered_map", "unordered_set",
      "double",        "float",         "getenv"};
  return forbidden.contains(word) || ends_with(word, "_distribution");
}

bool shares_ownership(std::string_view word) {
  return word == "shared_ptr" || word == "make_shared" || word == "weak_ptr";
}

constexpr std::array<std::string_view, 16> empty_words{
    "manager", "managers", "handler", "handlers",  "helper",     "helpers", "util", "utils",
    "utility", "common",   "misc",    "processor", "processors", "data",    "info", "infos"};

// Exceptions would stand here, each with its reason. There are none.
bool says_nothing(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(empty_words.begin(), empty_words.end(), word) != empty_words.end();
}

// "node_data.h" -> node, data, h; "NodeData" -> Node, Data.
std::vector<std::string> parts_of(std::string_view name) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool letter = std::isalnum(static_cast<unsigned char>(name[i])) != 0;
    const bool upper = std::isupper(static_cast<unsigned char>(name[i])) != 0;
    if (!letter || upper) parts.emplace_back();
    if (letter) parts.back() += name[i];
  }
  return parts;
}

std::string empty_word_in(std::string_view name) {
  for (const std::string& part : parts_of(name)) {
    if (says_nothing(part)) return part;
  }
  return {};
}

// The text without what Markdown shows as code.
std::string without_code(std::string_view markdown) {
  std::string text;
  bool fenced = false;
  for (const std::string_view line : lines_of(markdown)) {
    const std::size_t start = line.find_first_not_of(' ');
    const bool fence = start != std::string_view::npos && line.substr(start, 3) == "```";
    if (fence) fenced = !fenced;
    bool inline_code = fenced || fence;
    for (const char c : line) {
      if (c == '`' && !fenced) inline_code = !inline_code;
      text += inline_code ? ' ' : c;
    }
    text += '\n';
  }
  return text;
}

std::string_view between(std::string_view text, std::string_view open, std::string_view close) {
  const std::size_t begin = text.find(open);
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin + open.size());
  return text.substr(0, text.find(close));
}

// "&Ping::sequence, &Ping::rumours" -> "sequence, rumours"; "-" if there are none.
std::string field_names_in(std::string_view list) {
  std::string names;
  for (std::size_t at = list.find("::"); at != std::string_view::npos; at = list.find("::", at)) {
    at += 2;
    const auto words = identifiers_of(list.substr(at));
    names += (names.empty() ? "" : ", ") + std::string(words.front());
  }
  return names.empty() ? "-" : names;
}

bool is_elsewhere(std::string_view link) {
  return link.find("://") != std::string_view::npos || link.rfind("mailto:", 0) == 0;
}

}  // namespace

std::string module_name_of(std::string folder) {
  std::replace(folder.begin(), folder.end(), '/', '_');
  return folder;
}

std::set<std::string> modules_allowed(const std::string& file, const std::vector<Target>& folder,
                                      const std::vector<Target>& all) {
  std::set<std::string> allowed;
  for (const Target& target : folder) {
    const bool is_public =
        std::find(target.headers.begin(), target.headers.end(), file) != target.headers.end();
    const bool is_part = target.is_module || lists_stem(target.sources, stem_of(file));
    if (!is_part) continue;
    allowed.insert(target.uses.begin(), target.uses.end());
    if (target.is_module) allowed.insert(target.name);
    if (is_public) return allowed;
    allowed.insert(target.links.begin(), target.links.end());
    if (target.is_module) continue;
    for (const Target& linked : all) {  // a program sees what its libraries show
      const bool used =
          std::find(target.links.begin(), target.links.end(), linked.name) != target.links.end();
      if (linked.is_module && used) allowed.insert(linked.uses.begin(), linked.uses.end());
    }
  }
  return allowed;
}

Faults include_faults(std::string_view source, const std::set<std::string>& allowed,
                      const std::set<std::string>& modules) {
  Faults faults;
  for (const Include& include : includes_of(source)) {
    if (include.path.find("..") != std::string::npos) {
      faults.push_back(at_line(include.line, "'" + include.path + "' climbs out of its folder"));
      continue;
    }
    if (!include.quoted) continue;
    const std::size_t file = include.path.rfind('/');
    const std::string module =
        file == std::string::npos ? "" : module_name_of(include.path.substr(0, file));
    if (!modules.contains(module)) {
      faults.push_back(at_line(include.line, "'" + include.path + "' names no module"));
    } else if (!allowed.contains(module)) {
      faults.push_back(at_line(include.line, "'" + include.path + "': its USES has no " + module));
    }
  }
  return faults;
}

Faults library_faults(std::string_view source, const std::string& owner, bool is_test) {
  struct Library {
    std::string_view start;
    std::set<std::string> owners;
  };
  static const std::vector<Library> libraries{{"zmq", {"host"}},
                                              {"lmdb", {"host"}},
                                              {"toml++", {"host"}},
                                              {"vips/", {"host"}},
                                              {"msgpack", {"wire"}},
                                              {"sodium", {"base", "host"}},
                                              {"xxhash", {"base"}},
                                              {"CLI/", {"cli", "flags", "simulations"}},
                                              {"nlohmann/", {"cli", "simulations"}}};
  Faults faults;
  for (const Include& include : includes_of(source)) {
    for (const Library& library : libraries) {
      if (include.path.rfind(library.start, 0) != 0 || library.owners.contains(owner)) continue;
      if (is_test && library.start == "nlohmann/") continue;  // tests read what commands print
      faults.push_back(
          at_line(include.line, "<" + include.path + "> does not belong into " + owner));
    }
  }
  return faults;
}

Faults purity_faults(std::string_view source, bool may_share_ownership) {
  Faults faults;
  for (const Include& include : includes_of(source)) {
    if (is_impure_header(include.path)) {
      faults.push_back(at_line(include.line, "<" + include.path + "> in a pure module"));
    }
  }
  const std::string code = code_of(source);
  std::size_t number = 0;
  for (const std::string_view line : lines_of(code)) {
    ++number;
    if (line.rfind("#include", 0) == 0) continue;
    for (const std::string_view word : identifiers_of(line)) {
      if (!is_impure_word(word) && (may_share_ownership || !shares_ownership(word))) continue;
      faults.push_back(at_line(number, std::string(word) + " in a pure module"));
    }
  }
  return faults;
}

Faults todo_faults(std::string_view text) {
  static const std::string mark = std::string("TO") + "DO";  // this file is read too
  Faults faults;
  std::size_t number = 0;
  for (const std::string_view line : lines_of(text)) {
    ++number;
    for (std::size_t at = line.find(mark); at != std::string_view::npos;
         at = line.find(mark, at + 1)) {
      std::size_t end = at + mark.size();
      const bool opened = line.substr(end, 2) == "(#";
      const std::size_t digits = end + 2;
      end = opened ? line.find_first_not_of("0123456789", digits) : std::string_view::npos;
      const bool numbered = opened && end != std::string_view::npos && end > digits;
      if (!numbered || line[end] != ')') {
        faults.push_back(at_line(number, "write " + mark + "(#12) with the issue's number"));
      }
    }
  }
  return faults;
}

Faults link_faults(std::string_view markdown,
                   const std::function<bool(const std::string&)>& exists) {
  Faults faults;
  const std::string text = without_code(markdown);
  std::size_t number = 0;
  for (const std::string_view line : lines_of(text)) {
    ++number;
    for (std::size_t at = line.find("]("); at != std::string_view::npos;
         at = line.find("](", at + 2)) {
      const std::size_t close = line.find_first_of(") ", at);
      std::string link(
          line.substr(at + 2, close == std::string_view::npos ? close : close - at - 2));
      link = link.substr(0, link.find('#'));
      if (link.empty() || is_elsewhere(link) || exists(link)) continue;
      faults.push_back(at_line(number, "the link to '" + link + "' leads nowhere"));
    }
  }
  return faults;
}

Faults message_faults(std::string_view fields, std::string_view document) {
  static constexpr std::string_view begin = "struct Fields<";
  Faults faults;
  std::set<std::string> numbers;
  const std::string code = code_of(fields);
  for (std::size_t at = code.find(begin); at != std::string::npos; at = code.find(begin, at + 1)) {
    const std::string_view block = std::string_view(code).substr(at, code.find("\n};", at) - at);
    const std::string number(between(block, "number = ", ";"));
    if (number.empty()) continue;  // a value inside messages
    const std::string name(between(block, "<", ">"));
    if (!numbers.insert(number).second)
      faults.push_back(name + " uses number " + number + " again");
    const std::string row = "| " + number + " | `" + name + "` | " +
                            field_names_in(between(block, "FieldList<", ">;")) + " |";
    if (document.find(row) == std::string_view::npos) faults.push_back("no row: " + row);
  }
  return faults;
}

Faults file_name_faults(std::string_view file) {
  const std::string word = empty_word_in(file);
  if (word.empty()) return {};
  return {"'" + word + "' in the file's name says nothing"};
}

Faults type_name_faults(std::string_view source) {
  static const std::set<std::string, std::less<>> declares{"class", "struct",  "enum",
                                                           "using", "concept", "union"};
  Faults faults;
  const std::string code = code_of(source);
  std::size_t number = 0;
  for (const std::string_view line : lines_of(code)) {
    ++number;
    const auto words = identifiers_of(line);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      if (!declares.contains(words[i]) || declares.contains(words[i + 1])) continue;
      if (words[i] == "using" && line.find('=') == std::string_view::npos) continue;
      const std::string word = empty_word_in(words[i + 1]);
      if (word.empty()) continue;
      faults.push_back(
          at_line(number, "'" + word + "' in " + std::string(words[i + 1]) + " says nothing"));
    }
  }
  return faults;
}

Faults length_faults(std::string_view text) {
  Faults faults;
  const auto lines = lines_of(text);
  if (lines.size() > lines_max) {
    faults.push_back(std::to_string(lines.size()) + " lines; more than " +
                     std::to_string(lines_max) + " is two things");
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto columns = std::count_if(lines[i].begin(), lines[i].end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // not inside a UTF-8 sequence
    });
    if (static_cast<std::size_t>(columns) <= columns_max) continue;
    faults.push_back(at_line(i + 1, std::to_string(columns) + " columns"));
  }
  return faults;
}

Faults unlisted_faults(std::string_view cmake, const std::vector<std::string>& files) {
  const std::vector<std::string> words = words_of(cmake);
  Faults faults;
  for (const std::string& file : files) {
    if (std::find(words.begin(), words.end(), file) != words.end()) continue;
    faults.push_back("'" + file + "' is in no CMakeLists.txt");
  }
  return faults;
}

}  // namespace pixmesh::architecture
