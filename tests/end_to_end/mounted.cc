#include "mounted.h"

#include <sys/mount.h>

#include <utility>

#include "child_process.h"

namespace pixmesh {

namespace fs = std::filesystem;

Mounted Mounted::memory(const fs::path& at, const std::string& size) {
  Mounted mounted;
  fs::create_directories(at);
  if (::mount("tmpfs", at.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0) mounted.at_ = at;
  return mounted;
}

Mounted Mounted::image(const fs::path& file, const fs::path& at, const std::string& options) {
  Mounted mounted;
  fs::create_directories(at);
  if (succeeds({"mount", "-o", options, file.string(), at.string()})) mounted.at_ = at;
  return mounted;
}

Mounted::Mounted(Mounted&& other) noexcept : at_(std::exchange(other.at_, {})) {}

Mounted& Mounted::operator=(Mounted&& other) noexcept {
  if (exists()) ::umount2(at_.c_str(), MNT_DETACH);
  at_ = std::exchange(other.at_, {});
  return *this;
}

Mounted::~Mounted() {
  if (exists()) ::umount2(at_.c_str(), MNT_DETACH);
}

bool Mounted::unmount() {
  const bool done = becomes_true(10s, [&] { return ::umount2(at_.c_str(), 0) == 0; });
  if (done) at_.clear();
  return done;
}

bool succeeds(std::vector<std::string> words) {
  Launch launch;
  launch.words = std::move(words);
  ChildProcess program(launch);
  return program.wait(60s) == 0;
}

}  // namespace pixmesh
