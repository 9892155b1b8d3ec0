#pragma once

#include <cstdint>

#include "base/time.h"

namespace pixmesh {

// Bounds that formats and messages rely on. Sizes and delays that an operator or the simulator
// may change are fields of the options of the machine that uses them.

inline constexpr std::uint32_t format_version = 1;  // of records, files, hellos and settings
inline constexpr std::uint32_t chunk_bytes_max = 1U << 20;
inline constexpr std::uint64_t image_bytes_max = 1ULL << 36;  // 64 GiB whole-slide scans
inline constexpr std::uint32_t name_bytes_max = 1024;
inline constexpr std::uint32_t tags_max = 64;
inline constexpr std::uint32_t tag_bytes_max = 256;  // key and value, each
inline constexpr std::uint32_t members_max = 10'000;
inline constexpr std::uint32_t replicas_max = 8;
inline constexpr std::uint32_t partition_bits_max = 16;
inline constexpr std::uint32_t weight_max = 255;
inline constexpr std::uint32_t page_entries_max = 1'000;  // of any list on the wire
inline constexpr std::uint32_t message_bytes_max = 2U << 20;
inline constexpr std::uint32_t small_result_bytes = 128U << 10;  // goes along with its RunDone
inline constexpr std::uint32_t error_bytes_max = 16U << 10;  // a tool's stderr, an error's detail

// Who waits at a node says so. When the connection has ended the node waits for `closed_patience`
// for the word on a new one, which is made within 200 ms.
inline constexpr Duration run_alive_every = 2s;  // while it watches its connection
inline constexpr Duration alive_often = 500ms;   // while nobody does, and when it has ended
inline constexpr Duration shell_alive_every = 300ms;
inline constexpr Duration closed_patience = 700ms;
static_assert(shell_alive_every < alive_often && alive_often + 200ms <= closed_patience);

static_assert(image_bytes_max % chunk_bytes_max == 0);
static_assert(chunk_bytes_max < message_bytes_max);

}  // namespace pixmesh
