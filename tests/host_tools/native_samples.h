#pragma once

#include <string>

namespace pixmesh {

inline const std::string vips_worker = PIXMESH_VIPS_WORKER;  // empty: it was not built

/// The JPEG with an Exif segment that says orientation 6: a quarter turn to the right.
inline std::string turned(const std::string& jpeg) {
  const std::string exif(
      "\xff\xe1\x00\x22"
      "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
      36);
  return jpeg.substr(0, 2) + exif + jpeg.substr(2);
}

}  // namespace pixmesh
