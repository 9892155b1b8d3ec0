#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "client/client.h"

// The files of this machine as the client's sources and sinks. Their failures are `failed`, or
// `usage` where other words would help; a full disk here is `no_space`.
namespace pixmesh {

/// A descriptor closed with its owner.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd();
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] int release();

 private:
  int fd_;
};

/// Opens what is to be stored: a file, a named pipe, or stdin for "-".
///
/// A file has to keep its size and its time of change while it is read, or the upload fails before
/// its last byte is given: no mixture of an old and a new file is ever stored.
/// @param cancel_fd  readable: a read that waits for a pipe ends with `failed`.
/// Errors: usage — empty, a folder, stdin is a terminal; failed — it cannot be opened.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> open_source(const std::string& path,
                                                              int cancel_fd);

/// Where the bytes of a get or a run go.
class OutputFile : public ByteSink {
 public:
  /// Lets the whole content appear as `path`, or as the path it was opened for.
  [[nodiscard]] virtual Result<Done> publish(const std::string& path) = 0;
  /// Whether it is stdout.
  [[nodiscard]] virtual bool is_stdout() const { return false; }
};

/// Opens a target for `-o`.
///
/// "-" is stdout. A file is written as `.pixmesh-….part` beside its target and renamed by
/// `publish`; without that it is removed. What exists and is no plain file (/dev/null, a pipe) is
/// written directly. stdout refuses bytes that are no text when it is a terminal.
/// Errors: usage — the folder is not there, or it is a folder itself; failed.
[[nodiscard]] Result<std::unique_ptr<OutputFile>> open_output(const std::string& target,
                                                              int cancel_fd);
/// The same for a file whose name is known only at the end, when it is told to `publish`.
[[nodiscard]] Result<std::unique_ptr<OutputFile>> open_output_in(const std::string& folder);

[[nodiscard]] bool is_folder(const std::string& path);

/// `target`, but a folder is filled in with the file's own name.
[[nodiscard]] std::string inside_folder(const std::string& target, const std::string& file_name);

/// Whether bytes may be shown on a terminal: UTF-8 text without control characters.
[[nodiscard]] bool is_text(ByteView bytes);

}  // namespace pixmesh
