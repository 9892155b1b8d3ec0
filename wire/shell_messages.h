#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/shell_host.h"
#include "routing/run_messages.h"

// A shell beside an image, in the sandbox of a node that holds it. Bytes travel in pieces of at
// most shell_piece_bytes_max, numbered from 0 in each direction, of which at most shell_pieces_max
// are under way: so much may come at first, and more as the other side has dealt with what came.
namespace pixmesh {

inline constexpr std::size_t shell_words_max = 1'000;
inline constexpr std::size_t shell_words_bytes_max = 48U << 10;  // of all words together
inline constexpr std::size_t shell_text_bytes_max = 200;         // of `who`; `term` has 32

struct ShellOpen {  // to a holder
  OperationId operation;
  RequestId request;  // names the shell from now on
  RunInput input;
  std::string name;                // of the image, for the log
  std::string who;                 // "user@machine", as the asker says, for the log
  std::vector<std::string> words;  // what to run; none: a shell
  bool terminal = false;           // it gets one; else pipes
  std::uint32_t rows = 24;
  std::uint32_t columns = 80;
  std::string term;  // [A-Za-z0-9-]
};
struct ShellOpened {
  OperationId operation;
  ErrorCode code{};  // else there is no shell
  std::string detail;
  std::string path;  // of the image, as the shell sees it
};
struct ShellInput {
  RequestId request;
  std::uint64_t index = 0;
  Bytes bytes;
  bool ended = false;  // nothing comes behind it
};
struct ShellOutput {
  RequestId request;
  std::uint64_t index = 0;
  Bytes bytes;
  bool is_error = false;  // stderr, where there is no terminal
};
struct ShellCredit {  // to who sends bytes
  RequestId request;
  std::uint64_t until = 0;  // pieces with a lower index may come
};
struct ShellResize {
  RequestId request;
  std::uint32_t rows = 24;
  std::uint32_t columns = 80;
};
struct ShellAlive {  // said every 300 ms by who sits at it, and answered with the same
  RequestId request;
};
struct ShellClose {  // nobody sits at it any more
  RequestId request;
};
struct ShellEnded {  // also the answer to ShellAlive about a shell that the node does not know
  RequestId request;
  ErrorCode code{};
  std::string detail;
  std::uint32_t exit_status = 0;
  std::uint32_t signal = 0;  // that killed it; 0: none
};

using ShellMessage = std::variant<ShellOpen, ShellOpened, ShellInput, ShellOutput, ShellCredit,
                                  ShellResize, ShellAlive, ShellClose, ShellEnded>;

}  // namespace pixmesh
