#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/log.h"
#include "base/shell_host.h"
#include "node/options.h"
#include "node/post.h"
#include "node/run_checks.h"

namespace pixmesh {

/// The shells that are open beside this node's images.
///
///   ShellOpen -> (refused) or check of the copy -> shell in the sandbox -> ShellEnded
///
/// Who opened one sits at the other end of one link; messages of other links are not heard. A shell
/// ends when its program does, when nobody is heard for `asker_patience` (`closed_patience` after
/// the connection has ended), after `idle_max` without a byte either way, and after `shell_max`.
///
/// Invariant: at most shell_pieces_max pieces of output are under way to who sits at it; the host
/// reads no more. Nothing is kept here: what the shell prints goes out in the same event.
class Shells {
 public:
  static constexpr Duration asker_patience = 6s;
  static constexpr Duration echo_patience = 300ms;  // what was on its way when the connection ended
  static constexpr Duration idle_max = 10min;
  static constexpr Duration shell_max = 1h;

  /// @param host  null: no shell is opened.
  Shells(const NodeOptions& options, ShellHost* host, Log& log, Post& post);

  /// Their numbers are not those of runs.
  [[nodiscard]] static bool is_shell(RunId id) { return (id.raw & shell_numbers) != 0; }

  /// @param disk  that has the image; none: this node is no holder of it.
  void on_open(Instant now, LinkId from, const ShellOpen& wish, std::optional<std::uint32_t> disk);
  /// @returns whether the message was about a shell that is, or should be, open.
  bool on_message(Instant now, LinkId from, const Message& message);
  void on_verified(Instant now, RunId id, bool intact);
  void on_news(Instant now, const ShellNews& news);
  void on_link_closed(Instant now, LinkId link);
  void on_deadline(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// Inputs to be checked; the owner starts a VerifyFile for each.
  struct Check {
    RunId shell;
    StoredInput input;
  };
  [[nodiscard]] std::vector<Check> take_checks();
  /// Whether a shell that begins has its input, of this partition, on this disk.
  [[nodiscard]] bool reads(std::uint32_t disk, PartitionId partition) const;
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(shells_.size()); }
  /// Ends all of them; none is opened any more.
  void end_all(Instant now);

 private:
  enum class Step { checking, running, ending };
  struct Shell {
    LinkId asker;
    ShellOpen open;
    std::uint32_t disk = 0;
    Step step = Step::checking;
    std::uint64_t pieces_in = 0;     // of input that came,
    std::uint64_t pieces_taken = 0;  // and was written
    std::uint64_t pieces_out = 0;
    bool input_ended = false;
    Instant opened_at;
    Instant last_byte_at;
    Instant asker_until;
    std::optional<Instant> link_closed_at;  // and nobody was heard since
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    ErrorCode code{};  // why it is ended
    std::string detail;
  };

  static void hear(Instant now, Shell& shell);
  [[nodiscard]] static bool waits_for_check(const Shell& shell);
  [[nodiscard]] Result<Done> check(const ShellOpen& wish, std::optional<std::uint32_t> disk) const;
  [[nodiscard]] std::optional<RunId> find(RequestId request, LinkId from) const;
  template <typename Told>
  bool take(Instant now, LinkId from, const Told& told);
  void on_told(Instant now, RunId id, const ShellInput& input);
  void on_told(Instant now, RunId id, const ShellCredit& credit);
  void on_told(Instant now, RunId id, const ShellResize& size);
  void on_told(Instant now, RunId id, const ShellAlive& alive);
  void on_told(Instant now, RunId id, const ShellClose& close);
  void on_piece(Instant now, RunId id, const ShellSaid& said);
  void on_piece(Instant now, RunId id, const ShellTook& took);
  void on_piece(Instant now, RunId id, const ShellOver& over);
  [[nodiscard]] ShellStart start_of(RunId id, const Shell& shell) const;
  void end(Instant now, RunId id, ErrorCode code, std::string detail);
  void bury(Instant now, RunId id, const ShellEnded& told);

  ShellHost* host_;
  Log& log_;
  Post& post_;
  std::uint32_t shells_max_;
  bool sandboxed_;
  bool closed_ = false;  // the node stops
  std::uint64_t last_ = 0;
  std::map<RunId, Shell> shells_;
  std::vector<Check> checks_;
};

}  // namespace pixmesh
