#pragma once

#include <cstdint>

#include "base/disk.h"
#include "host/system/file_handle.h"

namespace pixmesh {

/// Type and size in pixels of an image, from the few bytes that say so: JPEG (first frame header),
/// PNG, TIFF and BigTIFF in both byte orders (first directory), WebP (VP8, VP8L, VP8X) and GIF. The
/// reading is HeaderScan's.
///
/// @param file  open for reading
/// @param size  bytes in the file; nothing behind it is looked at
/// @returns an empty type for anything else; width and height 0 where the header is damaged.
/// Never fails: a file that cannot be read is no image we know. At most 4,096 small reads,
/// whatever the file says.
[[nodiscard]] MediaFacts media_facts_of(const FileHandle& file, std::uint64_t size);

}  // namespace pixmesh
