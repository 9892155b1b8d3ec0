#include "host/tools/native_worker.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "host/tools/launch_command.h"
#include "host/tools/launch_report.h"
#include "host/tools/pipe.h"
#include "host/tools/tool_process.h"
#include "host/workers/worker_socket.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kibibyte = 1'024;

struct Streams {
  int socket = -1;
  int nowhere = -1;
  int errors = -1;
  int report = -1;
};

constexpr const char* program_inside = "/pixmesh-worker";

/// The program may lie anywhere, so it is shown by itself. Its files come open through its socket.
std::vector<std::string> sandboxed_worker(const NativeWorkerStart& how, const std::string& mode) {
  SandboxView view;
  view.number = how.number;
  view.readable.push_back({how.program, program_inside});
  return how.sandbox->sandboxed(view, program_inside, {program_inside, mode});
}

std::vector<std::string> worker_environment(const NativeWorkerStart& how) {
  const std::string home = how.sandbox ? "/tmp" : how.folder.string();
  // As of a tool that runs without libvips's plug-ins; see tool_place.cc.
  std::vector<std::string> environment{
      "PATH=/usr/bin:/bin", "HOME=" + home,           "TMPDIR=" + home,       "LANG=C.UTF-8",
      "VIPS_CONCURRENCY=1", "VIPS_BLOCK_UNTRUSTED=1", "VIPSHOME=/nonexistent"};
  // /tmp is memory there: pixels are to lie in the worker's own, which has a limit.
  // libvips reads the number as an int; with a unit it may mean more.
  if (how.sandbox) environment.emplace_back("VIPS_DISC_THRESHOLD=1024g");
  return environment;
}

/// Everything about how a worker is started.
ProcessStart worker_start_of(const NativeWorkerStart& how, const Streams& streams) {
  const std::string mode = how.fork_per_job ? "job" : "shared";
  ProcessStart start;
  start.argv = how.sandbox ? sandboxed_worker(how, mode)
                           : launch_command(how.launcher, {}, how.program, {how.program, mode});
  start.program = start.argv.front();
  start.environment = worker_environment(how);
  start.folder = how.folder;
  start.standard_input = streams.socket;
  start.standard_output = streams.nowhere;
  start.standard_error = streams.errors;
  start.report = streams.report;
  // These are of the process; the worker sets those of each job below them.
  start.limits.cpu = std::chrono::hours(24 * 365);
  start.limits.memory_bytes = how.memory_bytes_max;
  start.limits.output_bytes = how.output_bytes_max;
  return start;
}

std::uint64_t whole_seconds(Duration cpu) {
  return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(cpu).count());
}

}  // namespace

Result<NativeWorker> NativeWorker::start(const NativeWorkerStart& how,
                                         std::optional<MemoryGroup> bound) {
  std::error_code error;
  fs::create_directories(how.folder, error);
  if (error) return system_error(error.value(), "mkdir", how.folder);
  const auto sockets = make_worker_sockets();
  if (!sockets) return system_error(errno, "socketpair", how.program);
  FileHandle node_end(sockets->node);
  const FileHandle worker_end(sockets->worker);
  Result<ErrorPipe> errors = ErrorPipe::open();
  if (!errors) return errors.error();
  Result<Pipe> opened_report = open_pipe();
  if (!opened_report) return opened_report.error();
  Pipe report = std::move(opened_report).value();
  const Result<FileHandle> nowhere = FileHandle::open("/dev/null", O_WRONLY);
  if (!nowhere) return nowhere.error();
  ProcessStart planned = worker_start_of(how, {worker_end.descriptor(), nowhere->descriptor(),
                                               errors->writing(), report.writing.descriptor()});
  if (bound) bound->take_in(planned);
  Result<ProcessGroup> group = ProcessGroup::start(planned);
  if (!group) return group.error();
  ErrorPipe pipe = std::move(errors).value();
  pipe.close_writing();
  return NativeWorker(std::move(bound), std::move(group).value(), std::move(node_end),
                      std::move(pipe), std::move(report.reading), how);
}

NativeWorker::NativeWorker(std::optional<MemoryGroup> bound, ProcessGroup group, FileHandle socket,
                           ErrorPipe errors, FileHandle launch_report, const NativeWorkerStart& how)
    : bound_(std::move(bound)),
      group_(std::move(group)),
      socket_(std::move(socket)),
      errors_(std::move(errors)),
      launch_report_(std::move(launch_report)),
      folder_(how.folder),
      forks_(how.fork_per_job) {}

NativeWorker::NativeWorker(NativeWorker&& other) noexcept
    : bound_(std::move(other.bound_)),
      group_(std::move(other.group_)),
      socket_(std::move(other.socket_)),
      errors_(std::move(other.errors_)),
      launch_report_(std::move(other.launch_report_)),
      folder_(std::exchange(other.folder_, fs::path())),
      forks_(other.forks_),
      memory_(std::move(other.memory_)),
      ready_(other.ready_),
      killed_(other.killed_),
      retired_(other.retired_),
      job_(std::move(other.job_)),
      jobs_done_(other.jobs_done_),
      cpu_done_(other.cpu_done_),
      resident_bytes_(other.resident_bytes_) {}

NativeWorker::~NativeWorker() {
  if (folder_.empty()) return;
  group_.kill();  // before its folder goes
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::optional<RunId> NativeWorker::run() const {
  return job_ ? std::optional(job_->tool.run) : std::nullopt;
}

std::optional<Instant> NativeWorker::wall_deadline() const {
  if (!job_ || job_->stopped) return std::nullopt;
  return job_->started + job_->tool.limits.wall;
}

Result<Done> NativeWorker::give(const ToolRun& tool, WorkerJob job, const NativeFiles& files,
                                Instant now) {
  invariant(free(), "a worker does one job at a time");
  job.cpu_seconds = whole_seconds(tool.limits.cpu);
  job.memory_bytes = tool.limits.memory_bytes;
  job.output_bytes = tool.limits.output_bytes;
  const auto bytes = job_bytes_of(job);
  if (!bytes) return Error{ErrorCode::failed, "the command is too long for a worker"};
  const Result<FileHandle> input = FileHandle::open(files.input, O_RDONLY);
  if (!input) return input.error();
  const Result<FileHandle> output = FileHandle::open(files.output, O_RDWR | O_CREAT | O_EXCL);
  if (!output) return output.error();
  memory_.begin_peak();
  if (!send_job(socket_.descriptor(), *bytes, input.value().descriptor(),
                output.value().descriptor())) {
    const Error gone = system_error(errno, "sendmsg", "worker");
    std::error_code ignored;
    fs::remove(files.output, ignored);
    return gone;
  }
  job_ = Job{tool, files.output, now, std::nullopt, kills()};
  return Done{};
}

void NativeWorker::stop(ToolEnd why) {
  if (job_ && (!job_->stopped || why == ToolEnd::cancelled)) job_->stopped = why;
  kill();
}

void NativeWorker::kill() {
  killed_ = true;
  group_.kill();
}

NativeOutcome NativeWorker::give_back() {
  Job job = std::move(*job_);
  job_.reset();
  std::error_code ignored;
  fs::remove(job.output, ignored);
  return GivenBack{std::move(job.tool)};
}

ToolReport NativeWorker::report(int wait_status, Duration cpu, std::uint64_t memory_bytes,
                                Instant now) {
  const Job job = std::move(*job_);
  job_.reset();
  const std::optional<std::uint64_t> size = output_size_of(job.output);
  ToolReport report;
  report.run = job.tool.run;
  report.end =
      tool_end_of({wait_status, job.stopped, cpu, size, errors_.text(), kills() > job.kills_before},
                  job.tool.limits);
  report.exit_status = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
  report.error_text = errors_.take_text();
  report.output_path = job.output;
  report.output_size = size.value_or(0);
  report.wall = now - job.started;
  report.cpu = cpu;
  report.memory_bytes = memory_bytes;
  return report;
}

void NativeWorker::on_greeting(int process) {
  ready_ = true;
  if (!forks_ && process > 0) memory_ = ProcessMemory(process);
  memory_.begin_peak();  // its first job may be under way
}

std::optional<NativeOutcome> NativeWorker::on_answer(Instant now) {
  const auto [state, answer, process] = take_answer(socket_.descriptor());
  if (state == AnswerState::not_yet) return std::nullopt;
  const bool greeting = answer.ready == 1;
  const bool expected = ready_ ? job_ && !greeting : greeting;
  if (state == AnswerState::broken || !expected) {
    kill();  // its end is what counts
    return std::nullopt;
  }
  errors_.read();
  if (greeting) return on_greeting(process), std::nullopt;
  const Duration cpu = std::chrono::microseconds(answer.cpu_micros);
  const std::uint64_t peak = memory_.peak();
  cpu_done_ += cpu;
  jobs_done_ += 1;
  // One that forks keeps nothing. Of another that cannot be looked at the worst is believed.
  resident_bytes_ = forks_ ? 0 : peak != 0 ? memory_.resident() : answer.memory_bytes;
  const bool not_known = answer.wait_status == worker_exit_not_known << 8;
  if (not_known && !job_->stopped) return give_back();
  return report(answer.wait_status, cpu, peak != 0 ? peak : answer.memory_bytes, now);
}

std::optional<NativeOutcome> NativeWorker::on_ended(Instant now) {
  if (auto outcome = on_answer(now)) return outcome;  // it may have answered before it ended
  const int end = group_.reap();
  errors_.read();
  if (!job_) return std::nullopt;
  if (!ready_ && !job_->stopped) return give_back();
  // There is none if the group was killed from here; then what the job took is not known.
  const auto told = read_launch_report(launch_report_.descriptor());
  if (!told) return report(end, {}, 0, now);
  const Duration cpu = std::chrono::microseconds(told->cpu_microseconds);
  return report(told->wait_status, cpu - cpu_done_, told->memory_kibibytes * kibibyte, now);
}

}  // namespace pixmesh
