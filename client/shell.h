#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

namespace pixmesh {

struct TerminalSize {
  std::uint32_t rows = 24;
  std::uint32_t columns = 80;
  friend bool operator==(const TerminalSize&, const TerminalSize&) = default;
};

struct ShellOptions {
  std::string name;
  bool strict = false;
  std::optional<NodeId> on;              // none: any holder
  std::vector<std::string> words;        // what to run; none: a shell
  std::optional<TerminalSize> terminal;  // none: pipes
  std::string term;                      // what the terminal is: "xterm-256color"
  std::string who;                       // for the nodes' logs: "user@machine"
};

struct ShellReceipt {
  NodeId node;
  std::string control;
  std::uint32_t exit_status = 0;  // of what ran
  std::uint32_t signal = 0;       // that ended it; 0: none
};

/// Who sits at a shell: a terminal, or files and pipes. Called by one thread; nothing here waits
/// but `finish`.
class ShellUser {
 public:
  virtual ~ShellUser() = default;

  /// It is open. @param path  of the image, as the shell sees it.
  virtual void opened(NodeId node, const std::string& control, const std::string& path) = 0;

  /// Descriptors that are readable when there is something new. @param typed  whether `take` is
  /// wanted: there is room for input on its way.
  [[nodiscard]] virtual std::vector<int> watched(bool typed) = 0;

  struct Typed {
    std::string bytes;
    bool ended = false;  // nothing comes behind them
  };
  /// What was typed since, if anything; at most so many bytes.
  [[nodiscard]] virtual std::optional<Typed> take(std::size_t bytes_max) = 0;
  /// The terminal's new size, if it has one.
  [[nodiscard]] virtual std::optional<TerminalSize> resized() = 0;
  /// Whether nobody sits there any more.
  [[nodiscard]] virtual bool has_left() = 0;

  /// To be shown, as it is: the bytes may be commands to a terminal.
  virtual void show(Bytes piece, bool is_error) = 0;
  /// How many pieces have been shown: so many more may come.
  [[nodiscard]] virtual std::uint64_t shown() = 0;
  /// Returns when all have.
  virtual void finish() = 0;
};

}  // namespace pixmesh
