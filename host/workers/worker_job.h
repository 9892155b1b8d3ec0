#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pixmesh {

/// One operation on one image, as a node gives it to a worker. Input and output come beside it as
/// open descriptors: a worker opens no file.
struct WorkerJob {
  std::string operation;               // "thumbnail", or one of libvips
  std::vector<std::string> arguments;  // its required ones besides input and output
  std::vector<std::pair<std::string, std::string>> options;
  std::string save_options;          // "[Q=85]", or ""
  std::string output_extension;      // "jpg": decides the format
  bool fast_shrink_on_load = false;  // of a thumbnail; as of a recipe
  std::uint64_t cpu_seconds = 0;
  std::uint64_t memory_bytes = 0;  // of address space
  std::uint64_t output_bytes = 0;
  friend bool operator==(const WorkerJob&, const WorkerJob&) = default;
};

inline constexpr std::size_t worker_job_bytes_max = 64U << 10;

/// The job's bytes: numbers and texts, each text with its length before it.
/// @returns nothing for a job of more than worker_job_bytes_max.
[[nodiscard]] std::optional<std::string> job_bytes_of(const WorkerJob& job);
/// @returns nothing for bytes that job_bytes_of does not make.
[[nodiscard]] std::optional<WorkerJob> job_of(std::string_view bytes);

/// Exit status of a job that the worker cannot do although it is sound: the command line does it.
inline constexpr int worker_exit_not_known = 3;

/// What a worker says when it is ready to serve, and then after each job. Its words about a failed
/// job have gone to its stderr before.
struct WorkerAnswer {
  std::int32_t wait_status = 0;    // as of wait(2)
  std::uint32_t ready = 0;         // 1: no job has been done, this is the greeting
  std::uint64_t cpu_micros = 0;    // user + system, of this job
  std::uint64_t memory_bytes = 0;  // the most that its process ever had resident
};

}  // namespace pixmesh
