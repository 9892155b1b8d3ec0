#include "host/disk/journal_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "base/digest.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t lead_bytes = 4 + 8;      // length, checksum
constexpr std::size_t head_bytes = 16 + 8;     // request, time
constexpr std::uint64_t parts = 16;            // files that the bytes, and the time, are cut into
constexpr std::size_t waiting_max = 8U << 20;  // bytes that wait to be written
constexpr std::size_t questions_max = 4;       // that wait
constexpr std::size_t rows_told_max = 64;      // of one request, the last ones
constexpr std::size_t read_at_once = 1U << 20;
constexpr std::string_view ending = ".rows";

std::uint64_t now_micros() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

Bytes framed_row(const JournalRow& row) {
  const Bytes rest =
      CanonicalBytes().raw(row.request.raw).u64(row.at_micros).raw(row.bytes).bytes();
  return CanonicalBytes()
      .u32(static_cast<std::uint32_t>(rest.size()))
      .u64(chunk_checksum(rest))
      .raw(rest)
      .bytes();
}

/// Gives the rows of a file one after the other, up to the first that is not whole.
class RowReader {
 public:
  explicit RowReader(fs::path path) : path_(std::move(path)) {
    auto file = FileHandle::open(path_, O_RDONLY | O_NOFOLLOW);
    if (file) file_ = std::move(file).value();
  }

  /// Request, time and bytes, until the next call; none: this was all.
  std::optional<ByteView> next() {
    const auto lead = take(lead_bytes);
    if (!lead) return std::nullopt;
    const auto length = static_cast<std::size_t>(little_endian(lead->first(4)));
    const std::uint64_t checksum = little_endian(lead->subspan(4, 8));
    if (length < head_bytes || length > head_bytes + journal_row_max) return std::nullopt;
    const auto rest = take(length);
    if (!rest || chunk_checksum(*rest) != checksum) return std::nullopt;
    return rest;
  }

 private:
  std::optional<ByteView> take(std::size_t count) {
    if (end_ - at_ < count) fill();
    if (end_ - at_ < count) return std::nullopt;
    const ByteView bytes = ByteView(buffer_).subspan(at_, count);
    at_ += count;
    return bytes;
  }

  void fill() {
    if (!file_.is_open()) return;
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(at_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= at_;
    at_ = 0;
    const auto got = read_at(file_, std::span(buffer_).subspan(end_), offset_, path_);
    if (!got) return;
    offset_ += got.value();
    end_ += got.value();
  }

  fs::path path_;
  FileHandle file_;
  Bytes buffer_ = Bytes(read_at_once);
  std::size_t at_ = 0;   // in the buffer: what is next
  std::size_t end_ = 0;  // and what lies behind the last byte
  std::uint64_t offset_ = 0;
};

}  // namespace

JournalFolder::JournalFolder(JournalFolderOptions options, EventSink& events)
    : options_(std::move(options)),
      events_(events),
      queue_({.name = "journal", .idle = std::chrono::minutes(10)},
             [this](std::vector<Order> batch) {
               if (batch.empty()) drop_old(0);  // nothing came for long
               for (const Order& order : batch) {
                 std::visit([this](const auto& one) { obey(one); }, order);
               }
             }) {
  if (!options_.wall_micros) options_.wall_micros = now_micros;
  options_.bytes_max = std::max<std::uint64_t>(options_.bytes_max, 1U << 20);
  queue_.push(LookThrough{});
}

bool JournalFolder::append(std::vector<JournalRow> rows) {
  Rows framed;
  for (const JournalRow& row : rows) {
    if (row.bytes.size() > journal_row_max) continue;
    const Bytes one = framed_row(row);
    framed.bytes.insert(framed.bytes.end(), one.begin(), one.end());
  }
  if (bytes_waiting_ + framed.bytes.size() > waiting_max) return false;
  bytes_waiting_ += framed.bytes.size();
  queue_.push(std::move(framed));
  return true;
}

bool JournalFolder::find(OperationId ticket, RequestId request) {
  if (questions_waiting_ >= questions_max) return false;
  ++questions_waiting_;
  queue_.push(Question{ticket, request});
  return true;
}

void JournalFolder::obey(const LookThrough&) {
  std::error_code error;
  fs::create_directories(options_.folder, error);
  for (const fs::directory_entry& entry : fs::directory_iterator(options_.folder, error)) {
    const std::string name = entry.path().filename().string();
    std::uint64_t number = 0;
    const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (wrong != std::errc{} || std::string_view(end) != ending) continue;
    struct stat facts {};
    if (::stat(entry.path().c_str(), &facts) != 0) continue;
    const auto seconds = static_cast<std::uint64_t>(facts.st_mtim.tv_sec);
    segments_.push_back({number, static_cast<std::uint64_t>(facts.st_size), seconds * 1'000'000});
    bytes_ += segments_.back().bytes;
  }
  std::ranges::sort(segments_, {}, &Segment::number);
  if (!segments_.empty()) last_number_ = segments_.back().number;
  drop_old(0);
}

void JournalFolder::obey(const Rows& rows) {
  bytes_waiting_ -= rows.bytes.size();
  const std::uint64_t now = options_.wall_micros();
  const auto kept = static_cast<std::uint64_t>(std::chrono::microseconds(options_.kept).count());
  const bool is_full = !segments_.empty() && open_.is_open() &&
                       (segments_.back().bytes + rows.bytes.size() > options_.bytes_max / parts ||
                        now - opened_micros_ > kept / parts);
  if (is_full) open_ = {};
  drop_old(rows.bytes.size());
  if (!open_.is_open() && !begin_segment()) return;
  Segment& last = segments_.back();
  last.last_micros = now;
  if (!write_at(open_, rows.bytes, last.bytes, path_of(last))) return;  // the next goes there
  last.bytes += rows.bytes.size();
  bytes_ += rows.bytes.size();
}

bool JournalFolder::begin_segment() {
  const Segment fresh{last_number_ + 1, 0, options_.wall_micros()};
  auto file = FileHandle::open(path_of(fresh), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  if (!file) return false;
  open_ = std::move(file).value();
  last_number_ = fresh.number;
  opened_micros_ = fresh.last_micros;
  segments_.push_back(fresh);
  return true;
}

// The one that is written to goes last.
void JournalFolder::drop_old(std::uint64_t bytes_to_come) {
  const auto kept = static_cast<std::uint64_t>(std::chrono::microseconds(options_.kept).count());
  const std::uint64_t now = options_.wall_micros();
  const auto is_old = [&](const Segment& one) { return now > one.last_micros + kept; };
  while (!segments_.empty() &&
         (bytes_ + bytes_to_come > options_.bytes_max || is_old(segments_.front()))) {
    const Segment& first = segments_.front();
    if (segments_.size() == 1) open_ = {};
    ::unlink(path_of(first).c_str());
    bytes_ -= first.bytes;
    segments_.pop_front();
  }
}

void JournalFolder::obey(const Question& question) {
  --questions_waiting_;
  const auto kept = static_cast<std::uint64_t>(std::chrono::microseconds(options_.kept).count());
  const std::uint64_t now = options_.wall_micros();
  JournalFound found{question.ticket, {}};
  for (const Segment& segment : segments_) {
    RowReader rows(path_of(segment));
    while (const auto row = rows.next()) {
      if (!std::ranges::equal(row->first(16), question.request.raw)) continue;
      if (now > little_endian(row->subspan(16, 8)) + kept) continue;
      const ByteView bytes = row->subspan(head_bytes);
      if (found.rows.size() == rows_told_max) found.rows.erase(found.rows.begin());
      found.rows.emplace_back(bytes.begin(), bytes.end());
    }
  }
  events_.post(std::move(found));
}

fs::path JournalFolder::path_of(const Segment& segment) const {
  return options_.folder / (std::to_string(segment.number) + std::string(ending));
}

}  // namespace pixmesh
