#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tool_bench.h"

namespace pixmesh {

/// Workers that do odd jobs, beside a program `vips` that writes "by command" whatever it is told.
class OddBench {
 public:
  explicit OddBench(NativeWorkersOptions native, std::optional<Sandbox> sandbox = {},
                    std::optional<MemoryGroups> groups = {})
      : bench_(std::move(sandbox), std::move(native), tool_path(), std::move(groups)) {}

  ToolRun job(const std::string& operation) {
    ToolRun tool = bench_.tool({"vips", operation, "{in}", "{out}"});
    tool.engine = ToolEngine::vips;
    return tool;
  }
  ToolRun job(const std::string& operation, const std::string& argument) {
    ToolRun tool = job(operation);
    tool.argv.push_back(argument);
    return tool;
  }
  ToolReport run(const std::string& operation) { return bench_.run(job(operation)); }
  ToolBench& bench() { return bench_; }

 private:
  std::string tool_path() {
    const std::filesystem::path program = folder_.path() / "vips";
    write_text(program, "#!/bin/sh\nprintf 'by command' >\"$3\"\n");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    return folder_.path().string();
  }

  TestFolder folder_;
  ToolBench bench_;
};

inline NativeWorkersOptions odd_workers(bool forked = false) {
  NativeWorkersOptions native;
  native.program = PIXMESH_ODD_WORKER;
  native.fork_per_job = forked;
  return native;
}

/// A program that is not there, one that ends at once, and none.
inline std::vector<NativeWorkersOptions> workers_that_do_nothing() {
  NativeWorkersOptions absent = odd_workers();
  absent.program = "/absent/worker";
  NativeWorkersOptions dying = odd_workers();
  dying.program = "/bin/false";
  return {absent, dying, NativeWorkersOptions{}};
}

}  // namespace pixmesh
