#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/files.h"
#include "cli/output.h"

namespace pixmesh {

/// What a journal is of: the chain as text, and where results go.
struct MapHeading {
  std::string recipe;
  std::string target;  // the folder, as an absolute path, or "store " and the prefix
  friend bool operator==(const MapHeading&, const MapHeading&) = default;
};

/// What became of one image.
struct MapLine {
  std::string name;
  bool done = false;
  std::string file;         // below the folder, or the name it was stored under
  std::string digest;       // of the image that was processed; empty: not known
  std::uint64_t bytes = 0;  // of the result
  std::string error;        // word_of
  int exit = 0;
  std::string detail;
  std::string request;
  std::string node;
  std::uint64_t queued_micros = 0;
  std::uint64_t wall_micros = 0;
  std::uint64_t cpu_micros = 0;
  std::uint64_t at_micros = 0;  // since 1970
};

/// What a journal says: the last line of each name counts.
struct MapRecord {
  MapHeading heading;
  std::map<std::string, MapLine> lines;
  bool ended = false;             // nothing was left to do
  std::uint64_t whole_bytes = 0;  // up to the last line feed: what follows was not written whole
};

/// Reads the text of a journal. A last line without its line feed is left out: whoever wrote it was
/// killed meanwhile. Errors: usage — it is no journal, or has a line that is none.
[[nodiscard]] Result<MapRecord> parse_map_journal(std::string_view text);

[[nodiscard]] std::string heading_line(const MapHeading& heading);
[[nodiscard]] Json json_of(const MapLine& line);
[[nodiscard]] std::string journal_line(const MapLine& line);

enum class MapMode : std::uint8_t { fresh, resume };

/// The file that remembers what a map has done: JSON lines, each written after its result is under
/// its name. One map at a time has it.
class MapJournal {
 public:
  /// `fresh`: begins anew; an earlier one that did not come to its end is left alone.
  /// `resume`: goes on with what is there.
  /// Errors: usage — another map's (recipe or target differ), one that is not at its end, none to
  /// go on with, or another process is at work with it; failed, no_space.
  [[nodiscard]] static Result<std::unique_ptr<MapJournal>> open(const std::string& path,
                                                                const MapHeading& heading,
                                                                MapMode mode);

  [[nodiscard]] const std::map<std::string, MapLine>& lines() const { return record_.lines; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Result<Done> add(const MapLine& line);
  /// Nothing is left to do.
  [[nodiscard]] Result<Done> end();

 private:
  MapJournal(std::string path, OwnedFd file, MapRecord record)
      : path_(std::move(path)), file_(std::move(file)), record_(std::move(record)) {}
  [[nodiscard]] Result<Done> write(std::string_view text);

  std::string path_;
  OwnedFd file_;
  MapRecord record_;
  std::optional<Error> fault_;  // of the first line that could not be written; none comes behind it
};

}  // namespace pixmesh
