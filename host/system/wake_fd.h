#pragma once

namespace pixmesh {

/// A file descriptor that one thread polls and any other makes readable (eventfd).
/// Wakes add up to one: after `clear` the descriptor is quiet until the next `wake`.
class WakeFd {
 public:
  WakeFd();
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;
  ~WakeFd();

  void wake();
  void clear();
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace pixmesh
