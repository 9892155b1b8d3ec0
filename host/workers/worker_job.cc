#include "host/workers/worker_job.h"

#include <cstring>

namespace pixmesh {
namespace {

constexpr std::size_t texts_max = 256;

class JobWriter {
 public:
  void number(std::uint64_t value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);  // both ends are one machine
    written_.append(bytes, sizeof value);
  }
  void text(std::string_view value) {
    number(value.size());
    written_.append(value);
  }
  [[nodiscard]] std::string take() { return std::move(written_); }

 private:
  std::string written_;
};

/// After a fault everything read is empty or zero, and `sound` is false.
class JobReader {
 public:
  explicit JobReader(std::string_view left) : left_(left) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    if (left_.size() < sizeof value) return fail();
    std::memcpy(&value, left_.data(), sizeof value);
    left_.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const std::uint64_t size = number();
    if (size > left_.size()) return std::string(fail(), ' ');
    std::string value(left_.substr(0, size));
    left_.remove_prefix(size);
    return value;
  }
  bool flag() {
    const std::uint64_t value = number();
    return value <= 1 ? value == 1 : fail() != 0;
  }
  std::size_t count() {
    const std::uint64_t value = number();
    return value <= texts_max ? value : fail();
  }
  [[nodiscard]] bool sound() const { return sound_; }
  [[nodiscard]] bool at_end() const { return left_.empty(); }

 private:
  std::size_t fail() {
    sound_ = false;
    left_ = {};
    return 0;
  }

  std::string_view left_;
  bool sound_ = true;
};

}  // namespace

std::optional<std::string> job_bytes_of(const WorkerJob& job) {
  JobWriter writer;
  writer.text(job.operation);
  writer.number(job.arguments.size());
  for (const std::string& argument : job.arguments) writer.text(argument);
  writer.number(job.options.size());
  for (const auto& [name, value] : job.options) {
    writer.text(name);
    writer.text(value);
  }
  writer.text(job.save_options);
  writer.text(job.output_extension);
  writer.number(job.fast_shrink_on_load ? 1 : 0);
  for (const std::uint64_t limit : {job.cpu_seconds, job.memory_bytes, job.output_bytes}) {
    writer.number(limit);
  }
  std::string bytes = writer.take();
  if (bytes.size() > worker_job_bytes_max) return std::nullopt;
  return bytes;
}

std::optional<WorkerJob> job_of(std::string_view bytes) {
  JobReader reader(bytes);
  WorkerJob job;
  job.operation = reader.text();
  for (std::size_t left = reader.count(); left > 0; --left) job.arguments.push_back(reader.text());
  for (std::size_t left = reader.count(); left > 0; --left) {
    std::string name = reader.text();
    job.options.emplace_back(std::move(name), reader.text());
  }
  job.save_options = reader.text();
  job.output_extension = reader.text();
  job.fast_shrink_on_load = reader.flag();
  job.cpu_seconds = reader.number();
  job.memory_bytes = reader.number();
  job.output_bytes = reader.number();
  if (!reader.sound() || !reader.at_end()) return std::nullopt;
  return job;
}

}  // namespace pixmesh
