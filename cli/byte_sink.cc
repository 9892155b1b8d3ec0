#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <utility>

#include "cli/errors.h"
#include "cli/files.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

Error write_failure(const std::string& path, int number) {
  if (number == ENOSPC || number == EDQUOT) {
    return {ErrorCode::no_space,
            shown(path) + ": this machine's disk is full. Write elsewhere with -o FILE, see 'df'."};
  }
  return {ErrorCode::failed, shown(path) + ": " + std::strerror(number)};
}

Result<Done> write_whole(int fd, ByteView bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return write_failure(path, errno);
    if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return Done{};
}

/// A file that appears under its name only when it is whole.
class TempFile : public OutputFile {
 public:
  TempFile(OwnedFd file, fs::path path, std::string target)
      : file_(std::move(file)), path_(std::move(path)), target_(std::move(target)) {}
  ~TempFile() override {
    if (!published_) ::unlink(path_.c_str());
  }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  Result<Done> write(ByteView bytes) override {
    Result<Done> done = write_whole(file_.fd(), bytes, path_.string());
    if (!done) fault_ = done.error();
    return done;
  }

  Result<Done> restart() override {
    if (fault_) return *fault_;  // another try would fill the same disk
    if (::ftruncate(file_.fd(), 0) != 0 || ::lseek(file_.fd(), 0, SEEK_SET) != 0) {
      return write_failure(path_.string(), errno);
    }
    return Done{};
  }

  Result<Done> publish(const std::string& path) override {
    const std::string to = target_.empty() ? path : target_;
    if (::rename(path_.c_str(), to.c_str()) != 0) return write_failure(to, errno);
    published_ = true;
    return Done{};
  }

 private:
  OwnedFd file_;
  fs::path path_;
  std::string target_;  // empty: told to publish
  bool published_ = false;
  std::optional<Error> fault_;
};

/// stdout, a device or a named pipe: what is written cannot be taken back.
class DirectOutput : public OutputFile {
 public:
  DirectOutput(OwnedFd file, std::string path, int cancel_fd)
      : file_(std::move(file)),
        path_(std::move(path)),
        cancel_fd_(cancel_fd),
        terminal_(::isatty(file_.fd()) == 1) {}

  Result<Done> write(ByteView bytes) override {
    Result<Done> done = write_pieces(bytes);
    if (!done) fault_ = done.error();
    return done;
  }

  Result<Done> restart() override {
    if (fault_) return *fault_;
    if (!written_) return Done{};
    return Error{ErrorCode::failed,
                 "the transfer broke off after a part was written to " + path_ +
                     ", which cannot be taken back. Try again, or write to a file with -o FILE."};
  }

  Result<Done> publish(const std::string&) override { return Done{}; }
  bool is_stdout() const override { return path_ == "stdout"; }

 private:
  Result<Done> write_pieces(ByteView bytes) {
    if (terminal_ && !is_text(bytes)) {
      return Error{ErrorCode::usage,
                   "an image would only disturb the terminal; name a file with -o FILE or send "
                   "it into another program"};
    }
    // A pipe takes PIPE_BUF bytes without blocking once it says that it is ready.
    while (!bytes.empty()) {
      if (!wait()) return Error{ErrorCode::failed, path_ + ": interrupted"};
      const ByteView piece = bytes.first(std::min<std::size_t>(bytes.size(), PIPE_BUF));
      if (Result<Done> done = write_whole(file_.fd(), piece, path_); !done) return done;
      bytes = bytes.subspan(piece.size());
      written_ = true;
    }
    return Done{};
  }

  [[nodiscard]] bool wait() const {
    std::array<pollfd, 2> watched{pollfd{file_.fd(), POLLOUT, 0}, pollfd{cancel_fd_, POLLIN, 0}};
    while (true) {
      if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return true;
      if ((watched[1].revents & POLLIN) != 0) return false;
      if (watched[0].revents != 0) return true;
    }
  }

  OwnedFd file_;
  std::string path_;
  int cancel_fd_;
  bool terminal_;
  bool written_ = false;
  std::optional<Error> fault_;
};

Result<std::unique_ptr<OutputFile>> open_direct(OwnedFd file, const std::string& path,
                                                int cancel_fd) {
  if (file.fd() < 0) return write_failure(path, errno);
  return std::unique_ptr<OutputFile>(
      std::make_unique<DirectOutput>(std::move(file), path, cancel_fd));
}

/// @param target  empty: told to publish.
Result<std::unique_ptr<OutputFile>> open_temp(const fs::path& folder, const std::string& target) {
  for (int number = 0; number < 1000; ++number) {
    fs::path path = folder / (".pixmesh-" + std::to_string(::getpid()) + "-" +
                              std::to_string(number) + ".part");
    OwnedFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file.fd() >= 0) {
      return std::unique_ptr<OutputFile>(
          std::make_unique<TempFile>(std::move(file), std::move(path), target));
    }
    if (errno == ENOENT) {
      return Error{ErrorCode::usage, "there is no folder '" + shown(folder.string()) +
                                         "'; make it with mkdir, or name another with -o FILE"};
    }
    if (errno != EEXIST)
      return write_failure(folder.empty() ? "the current folder" : folder.string(), errno);
  }
  return write_failure(target, EEXIST);
}

}  // namespace

Result<std::unique_ptr<OutputFile>> open_output(const std::string& target, int cancel_fd) {
  if (target == "-") return open_direct(OwnedFd(::dup(1)), "stdout", cancel_fd);
  std::error_code unknown;
  if (fs::exists(target, unknown) && !fs::is_regular_file(target, unknown)) {
    if (is_folder(target)) {
      return Error{ErrorCode::usage, "'" + shown(target) + "' is a folder; name a file in it"};
    }
    return open_direct(OwnedFd(::open(target.c_str(), O_WRONLY | O_CLOEXEC)), target, cancel_fd);
  }
  // A link stays a link: its target gets the new content.
  const bool link = fs::is_symlink(target, unknown) && fs::exists(target, unknown);
  const fs::path path = link ? fs::canonical(target, unknown) : fs::path(target);
  return open_temp(path.parent_path(), path.string());
}

Result<std::unique_ptr<OutputFile>> open_output_in(const std::string& folder) {
  return open_temp(folder, "");
}

bool is_folder(const std::string& path) {
  std::error_code unknown;
  return path != "-" && fs::is_directory(path, unknown);
}

std::string inside_folder(const std::string& target, const std::string& file_name) {
  return is_folder(target) ? (fs::path(target) / file_name).string() : target;
}

bool is_text(ByteView bytes) {
  const std::string_view text = text_of(bytes);
  std::string clean = printable(text, true);
  // Carriage returns are harmless; bytes of no character are not.
  for (std::size_t i = 0; i < text.size() && i < clean.size(); ++i) {
    if (text[i] == '\r' && clean[i] == '?') clean[i] = '\r';
  }
  const bool binary = std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) >= 0xf8 || c == '\0'; });
  return !binary && clean == text;
}

}  // namespace pixmesh
