#include "host/tools/error_pipe.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/limits.h"
#include "host/tools/pipe.h"

namespace pixmesh {
namespace {

constexpr std::size_t read_bytes = 64U << 10;
constexpr int reads_max = 16;  // then other runs get their turn

/// Terminals obey control characters; an error text is only to be read.
std::string without_controls(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < ' ' && c != '\n' && c != '\t') || byte == 127) c = '?';
  }
  return text;
}

}  // namespace

Result<ErrorPipe> ErrorPipe::open() {
  Result<Pipe> opened = open_pipe();
  if (!opened) return opened.error();
  Pipe pipe = std::move(opened).value();
  return ErrorPipe(std::move(pipe.reading), std::move(pipe.writing));
}

ErrorPipe::ErrorPipe(FileHandle reading, FileHandle writing)
    : reading_(std::move(reading)), writing_(std::move(writing)) {}

void ErrorPipe::read() {
  std::array<char, read_bytes> bytes;
  for (int i = 0; i < reads_max && reading_.is_open(); ++i) {
    const ssize_t count = ::read(reading_.descriptor(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      reading_ = FileHandle();
      return;
    }
    text_.append(bytes.data(), static_cast<std::size_t>(count));
    if (text_.size() > error_bytes_max) text_.erase(0, text_.size() - error_bytes_max);
  }
}

std::string ErrorPipe::take_text() { return without_controls(std::exchange(text_, {})); }

}  // namespace pixmesh
