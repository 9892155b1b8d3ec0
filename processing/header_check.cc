#include "processing/header_check.h"

#include <algorithm>
#include <utility>

#include "processing/closest.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

constexpr std::uint64_t pixels_a_megapixel = 1'000'000;

std::string extent_of(const ImageHeader& header) {
  return std::to_string(header.width) + "x" + std::to_string(header.height);
}

/// In megapixels, the fraction cut off after one digit: "268.4".
std::string megapixels(std::uint64_t pixels) {
  const std::uint64_t tenths = pixels / (pixels_a_megapixel / 10);
  const std::string fraction = tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10);
  return std::to_string(tenths / 10) + fraction;
}

Error over(const Recipe& recipe, const std::string& found, const std::string& allowed,
           std::string_view key) {
  return {ErrorCode::denied,
          found + ", and recipe '" + recipe.name + "' takes at most " + allowed +
              ". Shrink it first, or raise '" + std::string(key) + "' in [recipe." + recipe.name +
              ".limit] on every node; 'pixmesh recipe show " + recipe.name + "' tells its limits"};
}

Error faulty(const ImageHeader& header) {
  std::string why;
  switch (header.fault) {
    case HeaderFault::none:
      break;
    case HeaderFault::truncated:
      why = "the file ends inside its header";
      break;
    case HeaderFault::malformed:
      why = "its header is damaged";
      break;
    case HeaderFault::endless:
      why = "its header has no end in the 96 MiB that are looked at";
      break;
  }
  return {ErrorCode::denied, "this is no whole " + header.type + ": " + why +
                                 ". No tool was started; store a sound copy with 'pixmesh put'"};
}

Result<Done> check_limits(const Recipe& recipe, const ImageHeader& header) {
  const HeaderLimits& limits = recipe.header_limits;
  if (std::max(header.width, header.height) > limits.side) {
    return over(recipe, "the image is " + extent_of(header) + " pixels",
                std::to_string(limits.side) + " a side", "side");
  }
  if (pixels_of(header) > limits.pixels) {
    return over(
        recipe,
        "the image is " + extent_of(header) + " = " + megapixels(pixels_of(header)) + " megapixels",
        megapixels(limits.pixels), "megapixels");
  }
  if (header.frames > limits.frames) {
    return over(recipe, "the image has " + std::to_string(header.frames) + " frames or more",
                std::to_string(limits.frames), "frames");
  }
  if (header.scans > limits.scans) {
    return over(recipe, "the image has " + std::to_string(header.scans) + " scans or more",
                std::to_string(limits.scans), "scans");
  }
  if (header.ancillary_bytes > limits.ancillary_bytes) {
    return over(
        recipe,
        "the image carries " + print_size(header.ancillary_bytes) + " or more besides the picture",
        print_size(limits.ancillary_bytes), "ancillary");
  }
  return Done{};
}

}  // namespace

std::uint64_t pixels_of(const ImageHeader& header) {
  return std::uint64_t{header.width} * header.height;
}

ImageHeader header_with(std::string type, std::uint32_t width, std::uint32_t height) {
  ImageHeader header;
  header.type = std::move(type);
  header.width = width;
  header.height = height;
  return header;
}

Result<Done> check_header(const Recipe& recipe, const ImageHeader& header) {
  const bool anything = recipe.accepts.empty();
  if (!anything && std::ranges::find(recipe.accepts, header.type) == recipe.accepts.end()) {
    return Error{ErrorCode::usage, "its first bytes are " +
                                       (header.type.empty() ? std::string("of no image we know")
                                                            : "those of a " + header.type) +
                                       ", and '" + recipe.name + "' accepts " +
                                       join_names(recipe.accepts)};
  }
  // Limits before faults: what is too large is refused for that, also where its end is missing.
  if (const Result<Done> within = check_limits(recipe, header); !within) return within;
  if (header.fault != HeaderFault::none && !anything) return faulty(header);
  return Done{};
}

}  // namespace pixmesh
