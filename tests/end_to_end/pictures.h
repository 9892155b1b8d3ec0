#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace pixmesh {

struct PictureSize {
  int width = 0;
  int height = 0;
  friend bool operator==(const PictureSize&, const PictureSize&) = default;
};

/// A colour picture of noise, made by libvips once a run and kept; the ending says the format:
/// "jpg" (about 5 MB), "png" (about 8 MB), "tif" (tiled, about 8 MB).
[[nodiscard]] std::filesystem::path picture(const std::string& ending, int seed);
[[nodiscard]] PictureSize picture_size_of(const std::string& ending);  // of what `picture` makes

/// What libvips finds in a file; 0 x 0: it is no picture.
[[nodiscard]] PictureSize size_of_picture(const std::filesystem::path& file);

/// A file of noise that is no picture; kept like a picture.
[[nodiscard]] std::filesystem::path random_file(std::uint64_t bytes, int seed);

/// BLAKE2b-256 in hexadecimal, by the tool that everybody has.
[[nodiscard]] std::string b2sum_of(const std::filesystem::path& file);

}  // namespace pixmesh
