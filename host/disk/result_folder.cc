#include "host/disk/result_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "base/digest.h"
#include "base/limits.h"
#include "host/disk/framed_file.h"
#include "host/system/file_handle.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view facts_ending = "-facts";
constexpr std::size_t head_bytes = 32 + 4;  // key, length of the extension

int leave_unsynced(int) { return 0; }

fs::path facts_path(const fs::path& bytes) {
  return bytes.parent_path() / (bytes.stem().string() + std::string(facts_ending));
}

Result<Done> write_facts(const fs::path& disk, const FactsToKeep& result) {
  CanonicalBytes payload;
  payload.raw(result.key.raw).text(result.extension).u64(result.bytes.size);
  payload.u32(static_cast<std::uint32_t>(result.bytes.checksums.size()));
  for (const std::uint64_t checksum : result.bytes.checksums) payload.u64(checksum);
  payload.raw(result.facts);
  const fs::path path = facts_path(disk / result_path(result.key, result.extension));
  return write_framed_file(path, path.string() + ".new", payload.bytes(), leave_unsynced);
}

std::optional<ResultKept> read_payload(ByteView payload) {
  if (payload.size() < head_bytes) return std::nullopt;
  ResultKept found{{}, {}, {}, KeptBytes{}};
  std::copy_n(payload.begin(), found.key.raw.size(), found.key.raw.begin());
  const std::uint64_t letters = little_endian(payload.subspan(32, 4));
  payload = payload.subspan(head_bytes);
  if (letters == 0 || letters > 8 || payload.size() < letters + 12) return std::nullopt;
  found.extension = text_of(payload.first(letters));
  KeptBytes kept;
  kept.size = little_endian(payload.subspan(letters, 8));
  const std::uint64_t count = little_endian(payload.subspan(letters + 8, 4));
  payload = payload.subspan(letters + 12);
  if (count > payload.size() / 8) return std::nullopt;
  for (std::uint64_t i = 0; i < count; ++i) {
    kept.checksums.push_back(little_endian(payload.subspan(8 * i, 8)));
  }
  payload = payload.subspan(8 * count);
  found.facts.assign(payload.begin(), payload.end());
  found.kept = std::move(kept);
  return found;
}

Result<KeptBytes> read_output(const fs::path& path) {
  const Result<FileHandle> file = FileHandle::open(path, O_RDONLY | O_NOFOLLOW);
  if (!file) return file.error();
  struct stat facts {};
  if (fstat(file->descriptor(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
    return Error{ErrorCode::failed, path.string() + " is no plain file"};
  }
  KeptBytes kept;
  kept.size = static_cast<std::uint64_t>(facts.st_size);
  Bytes piece(chunk_bytes_max);
  for (std::uint64_t at = 0; at < kept.size; at += chunk_bytes_max) {
    const auto wanted = std::min<std::uint64_t>(chunk_bytes_max, kept.size - at);
    const std::span<std::uint8_t> part = std::span(piece).first(wanted);
    const Result<std::size_t> got = read_at(file.value(), part, at, path);
    if (!got) return got.error();
    if (got.value() != wanted) return Error{ErrorCode::failed, path.string() + " became shorter"};
    kept.checksums.push_back(chunk_checksum(part));
  }
  return kept;
}

Result<KeptBytes> write_result(const fs::path& disk, const ResultToKeep& result) {
  const fs::path path = disk / result_path(result.key, result.extension);
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return system_error(error.value(), "mkdir", path.parent_path());
  ::unlink(facts_path(path).c_str());
  ::unlink(path.c_str());
  Result<KeptBytes> kept = read_output(result.output_path);
  if (!kept) return kept;
  if (::link(result.output_path.c_str(), path.c_str()) != 0) {
    return system_error(errno, "link", path);
  }
  const Result<Done> written =
      write_facts(disk, {result.key, result.extension, kept.value(), result.facts});
  if (written) return kept;
  ::unlink(path.c_str());
  return written.error();
}

/// What the facts in this file say, if they are whole and their bytes have the right length.
std::optional<ResultKept> look_at(const fs::path& disk, const fs::path& facts) {
  const Result<Bytes> payload = read_framed_file(facts);
  if (!payload) return std::nullopt;
  std::optional<ResultKept> found = read_payload(payload.value());
  if (!found) return std::nullopt;
  const fs::path path = disk / result_path(found->key, found->extension);
  std::error_code error;
  const bool is_whole = facts_path(path) == facts && fs::is_regular_file(path, error) &&
                        fs::file_size(path, error) == found->kept->size;
  if (!is_whole) return std::nullopt;
  found->found = true;
  return found;
}

}  // namespace

ResultFolder::ResultFolder(std::filesystem::path disk, EventSink& events)
    : disk_(std::move(disk)),
      events_(events),
      queue_({.name = "results"}, [this](std::vector<Order> batch) {
        for (const Order& order : batch) {
          std::visit([this](const auto& one) { obey(one); }, order);
        }
      }) {
  queue_.push(LookThrough{});
}

void ResultFolder::keep(ResultToKeep result) { queue_.push(std::move(result)); }

void ResultFolder::keep_facts(FactsToKeep facts) { queue_.push(std::move(facts)); }

void ResultFolder::drop(const Digest& key, const std::string& extension) {
  queue_.push(Drop{key, extension});
}

void ResultFolder::obey(const ResultToKeep& result) {
  events_.post(ResultKept{result.key, result.extension, result.facts, write_result(disk_, result)});
}

// If it cannot be written the facts that are there stay.
void ResultFolder::obey(const FactsToKeep& facts) {
  std::error_code error;
  const fs::path bytes = disk_ / result_path(facts.key, facts.extension);
  if (fs::exists(facts_path(bytes), error)) (void)write_facts(disk_, facts);
}

void ResultFolder::obey(const Drop& order) {
  const fs::path path = disk_ / result_path(order.key, order.extension);
  ::unlink(facts_path(path).c_str());
  ::unlink(path.c_str());
}

void ResultFolder::obey(const LookThrough&) {
  std::error_code error;
  for (const fs::directory_entry& folder : fs::directory_iterator(disk_ / "results", error)) {
    std::set<fs::path> all, known;
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(folder.path(), gone)) all.insert(entry.path());
    for (const fs::path& path : all) {
      if (!path.filename().string().ends_with(facts_ending)) continue;
      std::optional<ResultKept> found = look_at(disk_, path);
      if (!found) continue;
      known.insert({path, disk_ / result_path(found->key, found->extension)});
      events_.post(std::move(*found));
    }
    for (const fs::path& path : all) {
      if (!known.contains(path)) fs::remove(path, gone);
    }
  }
  events_.post(AllResultsFound{});
}

}  // namespace pixmesh
