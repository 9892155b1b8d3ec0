#include "cli/map_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "processing/closest.h"

namespace pixmesh {
namespace {

constexpr const char* journal_kind = "pixmesh map";
constexpr int journal_format = 1;

Error bad_journal(std::string text) { return {ErrorCode::usage, std::move(text)}; }

Error file_error(const std::string& path) {
  const ErrorCode code =
      errno == ENOSPC || errno == EDQUOT ? ErrorCode::no_space : ErrorCode::failed;
  return {code, "the journal " + shown(path) + ": " + std::strerror(errno)};
}

std::string json_line(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

MapLine read_line(const Json& object) {
  MapLine line;
  line.name = object.at("name").get<std::string>();
  line.done = object.at("outcome") == "done";
  line.file = object.value("file", "");
  line.digest = object.value("digest", "");
  line.bytes = object.value("bytes", std::uint64_t{0});
  line.error = object.value("error", "");
  line.exit = object.value("exit", 0);
  line.detail = object.value("detail", "");
  line.request = object.value("request", "");
  line.node = object.value("node", "");
  line.queued_micros = object.value("queued_micros", std::uint64_t{0});
  line.wall_micros = object.value("wall_micros", std::uint64_t{0});
  line.cpu_micros = object.value("cpu_micros", std::uint64_t{0});
  line.at_micros = object.value("at_micros", std::uint64_t{0});
  return line;
}

/// @throws Json::exception for what is none.
void take_line(const Json& object, bool is_first, MapRecord& record) {
  if (is_first) {
    const bool is_ours =
        object.at("journal") == journal_kind && object.at("format") == journal_format;
    if (!is_ours) throw Json::other_error::create(501, "no journal of ours", nullptr);
    record.heading.recipe = object.at("recipe").get<std::string>();
    record.heading.target = object.at("target").get<std::string>();
  } else if (object.contains("ended")) {
    record.ended = true;
  } else {
    MapLine line = read_line(object);
    record.ended = false;
    record.lines[line.name] = std::move(line);
  }
}

Result<std::string> text_of_file(int fd, const std::string& path) {
  std::string text;
  char piece[1 << 16];
  while (true) {
    const ssize_t got = ::pread(fd, piece, sizeof(piece), static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(path);
    if (got == 0) return text;
    text.append(piece, static_cast<std::size_t>(got));
  }
}

Result<Done> check_may_go_on(const MapRecord& record, const MapHeading& heading,
                             const std::string& path) {
  if (record.heading == heading) return Done{};
  return bad_journal("the journal " + shown(path) + " is of \"" + shown(record.heading.recipe) +
                     "\" to " + shown(record.heading.target) +
                     "; give these again, or another --journal FILE");
}

}  // namespace

std::string heading_line(const MapHeading& heading) {
  return json_line(Json{{"journal", journal_kind},
                        {"format", journal_format},
                        {"recipe", heading.recipe},
                        {"target", heading.target}});
}

Json json_of(const MapLine& line) {
  Json object{{"name", line.name}, {"outcome", line.done ? "done" : "failed"}};
  if (line.done) {
    object["file"] = line.file;
    object["bytes"] = line.bytes;
    object["node"] = line.node;
    object["queued_micros"] = line.queued_micros;
    object["wall_micros"] = line.wall_micros;
    object["cpu_micros"] = line.cpu_micros;
  } else {
    object["error"] = line.error;
    object["exit"] = line.exit;
    object["detail"] = line.detail;
  }
  if (!line.digest.empty()) object["digest"] = line.digest;
  object["request"] = line.request;
  object["at_micros"] = line.at_micros;
  return object;
}

std::string journal_line(const MapLine& line) { return json_line(json_of(line)); }

Result<MapRecord> parse_map_journal(std::string_view text) {
  MapRecord record;
  std::size_t number = 0;
  while (true) {
    const std::size_t end = text.find('\n', record.whole_bytes);
    if (end == std::string_view::npos) break;
    const std::string_view line = text.substr(record.whole_bytes, end - record.whole_bytes);
    try {
      take_line(Json::parse(line), number == 0, record);
    } catch (const Json::exception&) {
      return bad_journal("line " + std::to_string(number + 1) +
                         " is no line of a journal of 'map'");
    }
    ++number;
    record.whole_bytes = end + 1;
  }
  return record;
}

Result<std::unique_ptr<MapJournal>> MapJournal::open(const std::string& path,
                                                     const MapHeading& heading, MapMode mode) {
  OwnedFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (file.fd() < 0) return file_error(path);
  if (::flock(file.fd(), LOCK_EX | LOCK_NB) != 0) {
    return bad_journal("another map is at work with the journal " + shown(path) +
                       "; wait for it, or name another with --journal FILE");
  }
  const auto text = text_of_file(file.fd(), path);
  if (!text) return text.error();
  auto record = parse_map_journal(text.value());
  if (!record) return bad_journal(shown(path) + ": " + record.error().detail);
  const bool is_empty = record->whole_bytes == 0;
  // What has no whole line is ours only if it is the beginning of what we would write.
  if (is_empty && !heading_line(heading).starts_with(text.value())) {
    return bad_journal(shown(path) + " is no journal of 'map'; name another with --journal FILE");
  }
  if (mode == MapMode::resume && is_empty) {
    return bad_journal("there is nothing to go on with: " + shown(path) +
                       " has no journal; leave out "
                       "--resume and --rerun-failed");
  }
  if (mode == MapMode::resume) {
    if (const auto same = check_may_go_on(record.value(), heading, path); !same)
      return same.error();
  } else if (!is_empty && !record->ended) {
    return bad_journal(
        "an earlier map did not come to its end; go on with --resume, or begin anew after "
        "'rm " +
        shown(path) + "'");
  }
  const std::uint64_t kept = mode == MapMode::resume ? record->whole_bytes : 0;
  if (::ftruncate(file.fd(), static_cast<off_t>(kept)) != 0) return file_error(path);
  MapRecord taken = mode == MapMode::resume ? std::move(record).value() : MapRecord{};
  std::unique_ptr<MapJournal> journal(new MapJournal(path, std::move(file), std::move(taken)));
  if (mode == MapMode::resume) return journal;
  if (const auto written = journal->write(heading_line(heading)); !written) return written.error();
  return journal;
}

// Half a line, as a full disk leaves it, is taken back: nothing may come behind it.
Result<Done> MapJournal::write(std::string_view text) {
  if (fault_) return *fault_;
  const off_t before = ::lseek(file_.fd(), 0, SEEK_END);
  while (!text.empty()) {
    const ssize_t written = ::write(file_.fd(), text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      fault_ = file_error(path_);
      (void)!::ftruncate(file_.fd(), before);
      return *fault_;
    }
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return Done{};
}

Result<Done> MapJournal::add(const MapLine& line) {
  const auto written = write(journal_line(line));
  if (written) record_.lines[line.name] = line;
  return written;
}

Result<Done> MapJournal::end() { return write(json_line(Json{{"ended", true}})); }

}  // namespace pixmesh
