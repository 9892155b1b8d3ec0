#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/files.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

Error read_failure(const std::string& path, int number) {
  return {ErrorCode::failed, shown(path) + ": " + std::strerror(number)};
}

bool same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/// A plain file, as it was when it was opened.
class FileSource : public ByteSource {
 public:
  FileSource(OwnedFd file, std::string path, const struct stat& status)
      : file_(std::move(file)), path_(std::move(path)), status_(status) {}

  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    std::size_t filled = 0;
    const std::size_t wanted = std::min<std::uint64_t>(into.size(), total() - given_);
    while (filled < wanted) {
      const ssize_t got = ::pread(file_.fd(), into.data() + filled, wanted - filled,
                                  static_cast<off_t>(given_ + filled));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return read_failure(path_, errno);
      if (got == 0) return changed("became shorter");
      filled += static_cast<std::size_t>(got);
    }
    given_ += filled;
    if (given_ == total() && wanted > 0 && was_changed()) return changed("was changed");
    return filled;
  }

  bool rewind() override {
    given_ = 0;
    return true;
  }

  std::optional<std::uint64_t> size() const override { return total(); }

 private:
  [[nodiscard]] std::uint64_t total() const { return static_cast<std::uint64_t>(status_.st_size); }

  [[nodiscard]] bool was_changed() const {
    struct stat now {};
    return ::fstat(file_.fd(), &now) != 0 || now.st_size != status_.st_size ||
           !same_time(now.st_mtim, status_.st_mtim);
  }

  [[nodiscard]] Error changed(const char* how) const {
    return {ErrorCode::failed, shown(path_) + ": the file " + how +
                                   " while it was read; nothing was stored. Put it again with "
                                   "'pixmesh put' when it is complete."};
  }

  OwnedFd file_;
  std::string path_;
  struct stat status_;
  std::uint64_t given_ = 0;
};

/// Bytes that come once: stdin or a named pipe.
class PipeSource : public ByteSource {
 public:
  PipeSource(OwnedFd pipe, std::string path, int cancel_fd)
      : pipe_(std::move(pipe)), path_(std::move(path)), cancel_fd_(cancel_fd) {}

  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    std::size_t filled = 0;
    while (filled < into.size() && !ended_) {
      if (!wait()) return Error{ErrorCode::failed, path_ + ": interrupted"};
      const ssize_t got = ::read(pipe_.fd(), into.data() + filled, into.size() - filled);
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got < 0) return read_failure(path_, errno);
      ended_ = got == 0;
      filled += static_cast<std::size_t>(got);
    }
    started_ = true;
    return filled;
  }

  bool rewind() override { return !started_; }
  std::optional<std::uint64_t> size() const override { return std::nullopt; }

 private:
  /// @returns false if the person wants to stop.
  [[nodiscard]] bool wait() const {
    std::array<pollfd, 2> watched{pollfd{pipe_.fd(), POLLIN, 0}, pollfd{cancel_fd_, POLLIN, 0}};
    while (true) {
      if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return true;
      if ((watched[1].revents & POLLIN) != 0) return false;
      if (watched[0].revents != 0) return true;
    }
  }

  OwnedFd pipe_;
  std::string path_;
  int cancel_fd_;
  bool started_ = false;
  bool ended_ = false;
};

Result<OwnedFd> open_file(const std::string& path) {
  // Not blocking: a named pipe nobody writes to would hold up Ctrl-C.
  OwnedFd file(path == "-" ? ::dup(0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd() < 0 && errno == ENOENT) {
    return Error{ErrorCode::failed, "there is no file '" + shown(path) + "'"};
  }
  if (file.fd() < 0) return read_failure(path, errno);
  return file;
}

}  // namespace

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) ::close(fd_);
}

int OwnedFd::release() { return std::exchange(fd_, -1); }

Result<std::unique_ptr<ByteSource>> open_source(const std::string& path, int cancel_fd) {
  Result<OwnedFd> opened = open_file(path);
  if (!opened) return opened.error();
  OwnedFd file = std::move(opened).value();
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return read_failure(path, errno);
  const std::string name = path == "-" ? "stdin" : path;
  if (S_ISDIR(status.st_mode)) {
    return Error{ErrorCode::usage, "'" + shown(path) + "' is a folder; add --recursive"};
  }
  if (path == "-" && ::isatty(0) == 1) {
    return Error{ErrorCode::usage,
                 "stdin is a terminal; send an image into it, as in "
                 "'pixmesh put - --name NAME < FILE'"};
  }
  const bool from_start = path != "-" || ::lseek(file.fd(), 0, SEEK_CUR) == 0;
  if (!S_ISREG(status.st_mode) || !from_start) {
    return std::unique_ptr<ByteSource>(
        std::make_unique<PipeSource>(std::move(file), name, cancel_fd));
  }
  if (status.st_size == 0) return Error{ErrorCode::usage, shown(path) + ": the file is empty"};
  return std::unique_ptr<ByteSource>(std::make_unique<FileSource>(std::move(file), name, status));
}

}  // namespace pixmesh
