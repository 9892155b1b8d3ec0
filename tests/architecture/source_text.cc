#include "source_text.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace pixmesh::architecture {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

namespace {

// Walks over source text and blanks out comments and, if asked, the insides of literals.
class Blanker {
 public:
  Blanker(std::string_view source, bool literals) : text_(source), literals_(literals) {}

  std::string run() {
    while (at_ < text_.size()) step();
    return std::move(text_);
  }

 private:
  void step() {
    if (starts("//")) return blank_until(text_.find('\n', at_));
    if (starts("/*")) return blank_until(after("*/", at_ + 2));
    if (starts("R\"") && (at_ == 0 || !is_word(text_[at_ - 1]))) return raw_literal();
    const char c = text_[at_];
    const bool digit_separator = c == '\'' && at_ > 0 && is_word(text_[at_ - 1]);
    if ((c == '"' || c == '\'') && !digit_separator) return literal(c);
    ++at_;
  }

  void literal(char quote) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
      end += text_[end] == '\\' ? 2U : 1U;
    }
    end = std::min(end, text_.size());
    if (literals_ && !is_include_line()) blank(at_ + 1, end);
    at_ = std::min(end + 1, text_.size());
  }

  void raw_literal() {
    const std::size_t open = text_.find('(', at_);
    if (open == std::string::npos) return blank_until(open);
    const std::string close = ")" + text_.substr(at_ + 2, open - at_ - 2) + "\"";
    const std::size_t end = after(close, open);
    if (literals_) return blank_until(end);
    at_ = std::min(end, text_.size());
  }

  [[nodiscard]] bool is_include_line() const {
    const std::size_t begin = text_.rfind('\n', at_) + 1;
    return text_.compare(begin, 8, "#include") == 0;
  }
  [[nodiscard]] bool starts(std::string_view with) const {
    return text_.compare(at_, with.size(), with) == 0;
  }
  [[nodiscard]] std::size_t after(std::string_view mark, std::size_t from) const {
    const std::size_t place = text_.find(mark, from);
    return place == std::string::npos ? place : place + mark.size();
  }
  void blank(std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      if (text_[i] != '\n') text_[i] = ' ';
    }
  }
  void blank_until(std::size_t end) {
    end = std::min(end, text_.size());
    blank(at_, end);
    at_ = end;
  }

  std::string text_;
  bool literals_;
  std::size_t at_ = 0;
};

std::string without_cmake_comments(std::string_view cmake) {
  std::string text;
  for (const std::string_view line : lines_of(cmake)) {
    text += line.substr(0, line.find('#'));
    text += '\n';
  }
  return text;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0 || c == '(' || c == ')';
    if (!blank) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

void add_link(Target& target, const std::string& word) {
  if (word.rfind("pixmesh::", 0) == 0) target.links.push_back(word.substr(9));
}

Target module_of(const std::vector<std::string>& words) {
  static const std::set<std::string> keywords{"NAME",    "FOLDER",  "USES",
                                              "HEADERS", "SOURCES", "PRIVATE"};
  Target target;
  std::string keyword;
  for (const std::string& word : words) {
    if (keywords.contains(word)) {
      keyword = word;
    } else if (keyword == "NAME") {
      target.name = word;
    } else if (keyword == "USES") {
      target.uses.push_back(word);
    } else if (keyword == "HEADERS") {
      target.headers.push_back(word);
    } else if (keyword == "SOURCES") {
      target.sources.push_back(word);
    } else if (keyword == "PRIVATE") {
      add_link(target, word);
    }
  }
  return target;
}

void carry_out(const std::string& command, const std::vector<std::string>& words,
               std::vector<Target>& targets) {
  if (command == "pixmesh_module" || command == "pixmesh_test") {
    targets.push_back(module_of(words));
    targets.back().is_module = command == "pixmesh_module";
  } else if (command == "add_executable" && !words.empty()) {
    targets.push_back({});
    targets.back().name = words.front();
    targets.back().sources.assign(words.begin() + 1, words.end());
  } else if (command == "target_link_libraries" && !words.empty()) {
    for (Target& target : targets) {
      if (words.front() != target.name && words.front() != "pixmesh_" + target.name) continue;
      for (const std::string& word : words) add_link(target, word);
    }
  }
}

}  // namespace

std::string without_comments(std::string_view source) { return Blanker(source, false).run(); }

std::string code_of(std::string_view source) { return Blanker(source, true).run(); }

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::vector<Include> includes_of(std::string_view source) {
  const std::string text = without_comments(source);
  std::vector<Include> includes;
  std::size_t number = 0;
  for (const std::string_view line : lines_of(text)) {
    ++number;
    const std::size_t hash = line.find_first_not_of(" \t");
    if (hash == std::string_view::npos || line[hash] != '#') continue;
    const std::size_t word = line.find("include", hash);
    const std::size_t open = line.find_first_of("\"<", hash);
    if (word == std::string_view::npos || open == std::string_view::npos || open < word) continue;
    const bool quoted = line[open] == '"';
    const std::size_t close = line.find(quoted ? '"' : '>', open + 1);
    if (close == std::string_view::npos) continue;
    includes.push_back({std::string(line.substr(open + 1, close - open - 1)), quoted, number});
  }
  return includes;
}

std::vector<Target> targets_of(std::string_view cmake) {
  const std::string text = without_cmake_comments(cmake);
  std::vector<Target> targets;
  std::size_t at = 0;
  for (std::size_t open = text.find('('); open != std::string::npos; open = text.find('(', at)) {
    std::size_t end = open + 1;
    for (int depth = 1; end < text.size() && depth > 0; ++end) {
      if (text[end] == '(') ++depth;
      if (text[end] == ')') --depth;
    }
    const std::vector<std::string> before = split(std::string_view(text).substr(at, open - at));
    if (!before.empty()) {
      const auto inside = std::string_view(text).substr(open + 1, end - open - 2);
      carry_out(before.back(), split(inside), targets);
    }
    at = end;
  }
  return targets;
}

std::vector<std::string> words_of(std::string_view cmake) {
  return split(without_cmake_comments(cmake));
}

}  // namespace pixmesh::architecture
