#include "host/tools/process_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

namespace pixmesh {
namespace {

constexpr std::size_t status_bytes_max = 4'096;
constexpr std::uint64_t kibibytes = 1'024;

FileHandle proc_file(int process, const char* name, int flags) {
  auto file = FileHandle::open("/proc/" + std::to_string(process) + "/" + name, flags);
  return file ? std::move(file).value() : FileHandle();
}

}  // namespace

ProcessMemory::ProcessMemory(int process)
    : status_(proc_file(process, "status", O_RDONLY)),
      clear_refs_(proc_file(process, "clear_refs", O_WRONLY)) {}

void ProcessMemory::begin_peak() {
  peak_is_fresh_ = clear_refs_.is_open() && pwrite(clear_refs_.descriptor(), "5", 1, 0) == 1;
}

std::uint64_t ProcessMemory::peak() const { return peak_is_fresh_ ? status_bytes("VmHWM:") : 0; }

std::uint64_t ProcessMemory::resident() const { return status_bytes("VmRSS:"); }

std::uint64_t ProcessMemory::status_bytes(const char* name) const {
  if (!status_.is_open()) return 0;
  std::array<char, status_bytes_max> bytes;
  const ssize_t count = pread(status_.descriptor(), bytes.data(), bytes.size(), 0);
  const std::string_view text(bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  const std::size_t line = text.find(name);
  if (line == std::string_view::npos) return 0;
  const std::size_t digits = text.find_first_of("0123456789", line);
  if (digits == std::string_view::npos) return 0;
  std::uint64_t value = 0;
  std::from_chars(text.data() + digits, text.data() + text.size(), value);
  return value * kibibytes;
}

}  // namespace pixmesh
