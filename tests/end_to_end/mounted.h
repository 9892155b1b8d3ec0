#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pixmesh {

/// A file system mounted for a test, gone with the object; needs root. What still has files open
/// there keeps them until it ends.
class Mounted {
 public:
  /// One in memory. @param size  such as "64m"
  [[nodiscard]] static Mounted memory(const std::filesystem::path& at, const std::string& size);
  /// The file system in an image file, through a loop device.
  [[nodiscard]] static Mounted image(const std::filesystem::path& file,
                                     const std::filesystem::path& at,
                                     const std::string& options = "loop");
  Mounted() = default;
  Mounted(Mounted&& other) noexcept;
  Mounted& operator=(Mounted&& other) noexcept;
  ~Mounted();

  /// @returns whether it could be mounted at all.
  [[nodiscard]] bool exists() const { return !at_.empty(); }
  [[nodiscard]] const std::filesystem::path& path() const { return at_; }
  /// Waits until nobody uses it. @returns false if somebody goes on doing so.
  [[nodiscard]] bool unmount();

 private:
  std::filesystem::path at_;  // empty: nothing is mounted
};

/// Runs a program that says nothing when it succeeds. @returns whether it did.
[[nodiscard]] bool succeeds(std::vector<std::string> words);

}  // namespace pixmesh
