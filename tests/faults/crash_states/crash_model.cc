#include "crash_model.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>

namespace pixmesh::crash_test {
namespace {

namespace fs = std::filesystem;
using Kind = FileChange::Kind;

constexpr std::size_t sector = 512;

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

bool is_content(Kind kind) { return kind == Kind::write || kind == Kind::truncate; }

bool is_entry(Kind kind) {
  return kind == Kind::create || kind == Kind::rename || kind == Kind::unlink ||
         kind == Kind::make_folder || kind == Kind::remove_folder;
}

/// The folder whose sync makes an entry's change last.
std::string keeper_of(const FileChange& change) {
  return folder_of(change.kind == Kind::rename ? change.target : change.path);
}

std::string_view word_of(Kind kind) {
  switch (kind) {
    case Kind::create:
      return "create";
    case Kind::write:
      return "write";
    case Kind::truncate:
      return "truncate";
    case Kind::rename:
      return "rename";
    case Kind::unlink:
      return "unlink";
    case Kind::make_folder:
      return "make folder";
    case Kind::remove_folder:
      return "remove folder";
    case Kind::sync_file:
      return "sync file";
    case Kind::sync_folder:
      return "sync folder";
    case Kind::mark:
      return "mark";
  }
  return "?";
}

std::string trimmed(std::string path) {
  while (!path.empty() && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

CrashModel::CrashModel(std::vector<FileChange> changes)
    : changes_(std::move(changes)), durable_at_(changes_.size(), changes_.size()) {
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    FileChange& change = changes_[i];
    change.path = trimmed(change.path);
    if (is_content(change.kind)) writes_[change.file].push_back(i);
    if (change.durable) durable_at_[i] = i;
    if (change.kind != Kind::sync_file && change.kind != Kind::sync_folder) continue;
    for (std::size_t j = 0; j < i; ++j) {
      const FileChange& earlier = changes_[j];
      const bool reached = change.kind == Kind::sync_file
                               ? is_content(earlier.kind) && earlier.file == change.file
                               : is_entry(earlier.kind) && keeper_of(earlier) == change.path;
      if (reached) durable_at_[j] = std::min(durable_at_[j], i);
    }
  }
}

CrashModel::Entries CrashModel::entries_after(std::size_t count, Survival survival,
                                              Rng& chance) const {
  std::map<std::string, std::size_t> open;  // by folder: changes not durable
  for (std::size_t i = 0; i < count; ++i) {
    if (is_entry(changes_[i].kind) && durable_at_[i] >= count) ++open[keeper_of(changes_[i])];
  }
  for (auto& [folder, number] : open) {
    if (survival == Survival::nothing) number = 0;
    if (survival == Survival::chance) number = chance.below(number + 1);
  }
  Entries entries;
  for (std::size_t i = 0; i < count; ++i) {
    const FileChange& change = changes_[i];
    if (!is_entry(change.kind)) continue;
    if (durable_at_[i] >= count) {
      std::size_t& left = open[keeper_of(change)];
      if (left == 0) continue;
      --left;
    }
    if (change.kind == Kind::create) entries[change.path] = Entry{change.file};
    if (change.kind == Kind::make_folder) entries[change.path] = Entry{0};
    if (change.kind == Kind::unlink || change.kind == Kind::remove_folder) {
      entries.erase(change.path);
    }
    if (change.kind == Kind::rename) {
      // The file itself, wherever the entries that are left have it.
      const auto source = entries.find(change.path);
      entries[change.target] = Entry{change.file};
      if (source != entries.end()) entries.erase(source);
    }
  }
  return entries;
}

Bytes CrashModel::bytes_of(std::uint32_t file, std::size_t count, Survival survival,
                           Rng& chance) const {
  Bytes bytes;
  const auto found = writes_.find(file);
  if (found == writes_.end()) return bytes;
  for (const std::size_t i : found->second) {
    if (i >= count) break;
    const FileChange& change = changes_[i];
    const bool durable = durable_at_[i] < count;
    if (!durable && survival == Survival::nothing) continue;
    const bool by_chance = !durable && survival == Survival::chance;
    if (by_chance && chance.below(3) == 0) continue;
    if (change.kind == Kind::truncate) {
      bytes.resize(change.offset);
      continue;
    }
    const std::size_t end = change.offset + change.bytes.size();
    if (bytes.size() < end) bytes.resize(end);
    const bool torn = by_chance && chance.below(3) == 0;
    for (std::size_t at = 0; at < change.bytes.size(); at += sector) {
      if (torn && chance.below(2) == 0) continue;
      const std::size_t stop = std::min(change.bytes.size(), at + sector);
      std::copy(change.bytes.begin() + static_cast<std::ptrdiff_t>(at),
                change.bytes.begin() + static_cast<std::ptrdiff_t>(stop),
                bytes.begin() + static_cast<std::ptrdiff_t>(change.offset + at));
    }
  }
  return bytes;
}

std::string CrashModel::story_until(std::size_t count) const {
  std::ostringstream text;
  for (std::size_t i = 0; i < count; ++i) {
    const FileChange& change = changes_[i];
    text << i << (durable_at_[i] < count ? "  " : " *") << word_of(change.kind) << ' '
         << change.path << ' ' << change.target << " file " << change.file << " at "
         << change.offset << " size " << change.bytes.size() << '\n';
  }
  return text.str();
}

void CrashModel::lay_out(std::size_t count, Survival survival, Rng& chance,
                         const fs::path& folder) const {
  std::set<std::string> folders{""};
  for (const auto& [path, entry] : entries_after(count, survival, chance)) {
    if (!folders.contains(folder_of(path))) continue;
    if (entry.file == 0) {
      fs::create_directory(folder / path);
      folders.insert(path);
      continue;
    }
    const Bytes bytes = bytes_of(entry.file, count, survival, chance);
    std::ofstream out(folder / path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
  }
}

}  // namespace pixmesh::crash_test
