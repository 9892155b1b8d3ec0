#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "host/vips_worker/vips_job.h"
#include "host/workers/worker_loop.h"

// pixmesh-vips-worker shared|job: what a node starts to have libvips at hand.
namespace {

/// The heap keeps what a job frees, for the next one needs the same and each page anew is a page
/// fault; but no more than the lines of a picture need, for nobody counts what an idle worker has.
void keep_heap() {
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 32 << 20);
  mallopt(M_ARENA_MAX, 2);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count == 2 ? arguments[1] : "";
  if (mode != "shared" && mode != "job") {
    std::fputs("pixmesh-vips-worker is started by a node\n", stderr);
    return EXIT_FAILURE;
  }
  keep_heap();
  if (!pixmesh::open_vips(arguments[0])) return EXIT_FAILURE;
  return pixmesh::serve_jobs(
      mode == "job" ? pixmesh::JobIsolation::forked : pixmesh::JobIsolation::shared,
      pixmesh::run_vips_job);
}
