#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "cli/table.h"

namespace pixmesh {

using Json = nlohmann::ordered_json;

inline constexpr int json_schema = 1;  // told with every object; raised when a key changes meaning

struct OutputOptions {
  bool json = false;
  bool quiet = false;
  bool colour = false;         // on stdout
  bool animation = false;      // on stderr: it is a terminal that can go back in a line
  bool json_on_error = false;  // stdout carries an image, so objects go to stderr
  int result_fd = 1;
  int talk_fd = 2;
};

/// @param terminal  whether the stream is one.
/// @returns whether it may carry colours: never with NO_COLOR or TERM=dumb.
[[nodiscard]] bool colour_allowed(bool terminal, const char* no_color, const char* term);

/// Results go to stdout, talk to stderr. With `--json` a result is one object a line, with a
/// `schema` number; with `--quiet` talk is left out, but never an error.
class Output {
 public:
  explicit Output(OutputOptions options) : options_(options) {}

  [[nodiscard]] const OutputOptions& options() const { return options_; }
  void use_stderr_for_json() { options_.json_on_error = true; }

  /// A result for people; nothing with `--json`.
  void print(std::string_view text);
  void print(const TextTable& table) { print(table.text(options_.colour)); }
  /// A result for programs, `schema` put in front; nothing without `--json`.
  void object(const Json& object);
  /// Talk: one line on stderr, unless quiet.
  void say(std::string_view text);
  /// A failure: its text on stderr; with `--json` also an object with `error`, `exit` and `detail`.
  /// @param facts  further keys, such as the file. @returns the exit code.
  int fail(const Error& error, Json facts = Json::object());

  /// Nobody reads stdout any more: `pixmesh ls | head`.
  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] std::string in(Colour colour, std::string_view text) const {
    return painted(options_.colour ? colour : Colour::plain, text);
  }

 private:
  void write(int fd, std::string_view text);

  OutputOptions options_;
  bool broken_ = false;  // nobody reads stdout any more
};

/// One line on a terminal's stderr that is written over: "photo.jpg  45%  5.94MB of 13.2MB
/// 58.0MB/s  0.1s left". Silent unless Output says that animation is fine. Cleared by its end.
class ProgressLine {
 public:
  ProgressLine(const Output& output, std::string label);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Cheap to call often: it draws ten times a second.
  void show(std::uint64_t done, std::uint64_t total);
  void show_text(std::string_view text);

 private:
  [[nodiscard]] bool may_draw();

  bool on_;
  int fd_;
  std::string label_;
  Duration started_;
  Duration drawn_{};
  bool visible_ = false;
};

/// What the line says. @param total  0: not known.
[[nodiscard]] std::string progress_text(std::string_view label, std::uint64_t done,
                                        std::uint64_t total, Duration elapsed);

}  // namespace pixmesh
