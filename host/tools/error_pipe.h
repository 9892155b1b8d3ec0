#pragma once

#include <string>

#include "base/result.h"
#include "host/system/file_handle.h"

namespace pixmesh {

/// The stderr of a process, of which the last error_bytes_max bytes are kept.
class ErrorPipe {
 public:
  /// Errors: failed — no more descriptors.
  [[nodiscard]] static Result<ErrorPipe> open();

  /// What the process is given. @returns -1 after `close_writing`.
  [[nodiscard]] int writing() const { return writing_.descriptor(); }
  /// Once the process runs: when its copies are gone too, the pipe ends.
  void close_writing() { writing_ = FileHandle(); }

  /// To be polled; -1 once the pipe has ended.
  [[nodiscard]] int reading() const { return reading_.descriptor(); }

  /// Takes what stands in it, without waiting.
  void read();

  /// What was kept, fit for a terminal, and nothing is kept any more.
  [[nodiscard]] std::string take_text();
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  ErrorPipe(FileHandle reading, FileHandle writing);

  FileHandle reading_;
  FileHandle writing_;
  std::string text_;
};

}  // namespace pixmesh
