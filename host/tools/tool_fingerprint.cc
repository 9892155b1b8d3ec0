#include "host/tools/tool_fingerprint.h"

#include <elf.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <sstream>

#include "base/digest.h"
#include "host/system/file_handle.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t head_bytes = 4'096;
constexpr std::size_t piece_bytes = 1U << 20;
constexpr int scripts_max = 4;  // an interpreter may be a script

Bytes head_of(const fs::path& program) {
  Bytes head(head_bytes);
  const auto file = FileHandle::open(program, O_RDONLY);
  if (!file) return {};
  const auto got = read_at(file.value(), head, 0, program);
  head.resize(got ? got.value() : 0);
  return head;
}

/// The dynamic linker that a program names; empty if it needs none.
std::string linker_of(const Bytes& head) {
  Elf64_Ehdr header;
  if (head.size() < sizeof header) return {};
  std::memcpy(&header, head.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return {};
  if (header.e_ident[EI_CLASS] != ELFCLASS64) return {};
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    const std::uint64_t at = header.e_phoff + i * sizeof(Elf64_Phdr);
    Elf64_Phdr part;
    if (at > head.size() || head.size() - at < sizeof part) return {};
    std::memcpy(&part, head.data() + at, sizeof part);
    if (part.p_type != PT_INTERP) continue;
    if (part.p_offset > head.size() || head.size() - part.p_offset < part.p_filesz) return {};
    const std::string_view text = text_of(ByteView(head).subspan(part.p_offset, part.p_filesz));
    return std::string(text.substr(0, text.find('\0')));
  }
  return {};
}

/// The words behind `#!`; empty if it is no script.
std::vector<std::string> interpreter_of(const Bytes& head) {
  const std::string_view text = text_of(head);
  if (!text.starts_with("#!")) return {};
  std::istringstream line{std::string(text.substr(2, text.find('\n') - 2))};
  std::vector<std::string> words;
  for (std::string word; line >> word;) words.push_back(word);
  return words;
}

std::string output_of(const std::vector<std::string>& words) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  const FileHandle reading(ends[0]);
  FileHandle writing(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, writing.descriptor(), 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::array<char*, 1> environment{nullptr};
  pid_t child = -1;
  const int failed = posix_spawn(&child, words.front().c_str(), &actions, nullptr, argv.data(),
                                 environment.data());
  posix_spawn_file_actions_destroy(&actions);
  writing = FileHandle();
  if (failed != 0) return {};
  std::string text;
  std::array<char, head_bytes> piece;
  for (;;) {
    const ssize_t got = ::read(reading.descriptor(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return text;
}

/// The absolute paths in "	libvips.so.42 => /lib/x86_64-linux-gnu/libvips.so.42 (0x…)".
void add_listed(const std::string& text, std::set<fs::path>& files) {
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word.starts_with('/')) files.insert(word);
  }
}

void add_files_of(const fs::path& program, int depth, std::set<fs::path>& files) {
  if (depth > scripts_max || !files.insert(program).second) return;
  const Bytes head = head_of(program);
  if (const std::string linker = linker_of(head); !linker.empty()) {
    files.insert(linker);
    return add_listed(output_of({linker, "--list", program.string()}), files);
  }
  const std::vector<std::string> words = interpreter_of(head);
  for (std::size_t i = 0; i < words.size() && i < 2; ++i) {  // the second one of `env NAME`
    if (const auto path = find_program(words[i])) add_files_of(*path, depth + 1, files);
  }
}

}  // namespace

std::vector<fs::path> files_of_program(const fs::path& program) {
  std::set<fs::path> files;
  add_files_of(program, 0, files);
  if (head_of(program).empty()) return {};
  return {files.begin(), files.end()};
}

std::optional<Digest> ToolFingerprints::of_file(const fs::path& file) {
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0) return std::nullopt;
  const Known now{static_cast<std::uint64_t>(facts.st_size),
                  static_cast<std::uint64_t>(facts.st_ino),
                  std::int64_t{facts.st_ctim.tv_sec} * 1'000'000'000 + facts.st_ctim.tv_nsec,
                  {}};
  Known& known = known_[file];
  if (known.digest != Digest{} && known.size == now.size && known.inode == now.inode &&
      known.changed_nanos == now.changed_nanos) {
    return known.digest;
  }
  const auto opened = FileHandle::open(file, O_RDONLY);
  if (!opened) return std::nullopt;
  Hasher hasher;
  Bytes piece(piece_bytes);
  for (std::uint64_t at = 0;;) {
    const auto got = read_at(opened.value(), piece, at, file);
    if (!got) return std::nullopt;
    hasher.update(ByteView(piece).first(got.value()));
    at += got.value();
    if (got.value() < piece.size()) break;
  }
  known = now;
  known.digest = hasher.finish();
  return known.digest;
}

std::optional<Digest> ToolFingerprints::of(const std::vector<fs::path>& programs) {
  CanonicalBytes all;
  all.text("pixmesh tools");
  for (const fs::path& program : programs) {
    const std::vector<fs::path> files = files_of_program(program);
    if (files.empty()) return std::nullopt;
    all.u32(static_cast<std::uint32_t>(files.size()));
    for (const fs::path& file : files) {
      const auto digest = of_file(file);
      if (!digest) return std::nullopt;
      all.raw(digest->raw);
    }
  }
  return digest_of(all.bytes());
}

void ToolFingerprints::add_to(RecipeBook& book, const NodeTools& tools) {
  std::map<std::vector<fs::path>, std::optional<Digest>> done;
  std::vector<std::pair<std::string, Digest>> found;
  for (const auto& [name, entry] : book.entries()) {
    if (!entry.available()) continue;
    std::vector<fs::path> programs;
    std::vector<std::string> names{entry.recipe.argv.front()};
    names.insert(names.end(), entry.recipe.needs.begin(), entry.recipe.needs.end());
    for (const std::string& one : names) {
      if (const auto path = find_program(one, tools.path)) programs.emplace_back(*path);
    }
    if (entry.recipe.fast_shrink_on_load) programs.emplace_back(tools.native_worker);
    if (!done.contains(programs)) done[programs] = of(programs);
    if (done[programs]) found.emplace_back(name, *done[programs]);
  }
  for (const auto& [name, digest] : found) book.set_fingerprint(name, digest);
}

}  // namespace pixmesh
