// What it takes to look at the header of an image before a tool starts, file reads included: the
// files are in memory, as they are just after an upload.
//
//   header_benchmark
//
// `inspect_progressive/15` walks 15 MB of coded data for its scans; everything else is one MiB.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "base/digest.h"
#include "base/limits.h"
#include "base/rng.h"
#include "host/disk/inspect_image.h"
#include "host/system/file_handle.h"
#include "image_bytes.h"
#include "processing/header_scan.h"

using namespace pixmesh;
using namespace pixmesh::test;

namespace {

/// Coded data as cameras write it: bytes of noise, 0xff stuffed, so one in 256.
Bytes coded_noise(std::size_t count) {
  Rng rng(1);
  Bytes noise(count);
  rng.fill(noise);
  for (std::size_t i = 0; i + 1 < noise.size(); ++i) {
    if (noise[i] == 0xff) noise[++i] = 0x00;
  }
  noise.back() = 0x31;
  return noise;
}

/// A JPEG of `megabytes` of coded data in `scans` scans.
Bytes photograph(std::size_t megabytes, bool progressive, std::uint32_t scans) {
  const Bytes noise = coded_noise(megabytes * 1'000'000 / scans);
  const Bytes start = jpeg_bytes({.progressive = progressive, .scans = 1, .scan_bytes = 0});
  Bytes jpeg(start.begin(), start.end() - 2);
  const std::size_t scan_bytes = 2 + 6 + 2 * 3 + 2 - 2;
  const Bytes scan(jpeg.end() - static_cast<std::ptrdiff_t>(scan_bytes), jpeg.end());
  jpeg.insert(jpeg.end(), noise.begin(), noise.end());
  for (std::uint32_t i = 1; i < scans; ++i) {
    jpeg.insert(jpeg.end(), scan.begin(), scan.end());
    jpeg.insert(jpeg.end(), noise.begin(), noise.end());
  }
  jpeg.insert(jpeg.end(), {0xff, 0xd9});
  return jpeg;
}

/// A file that the benchmark inspects as a disk does.
class StoredImage {
 public:
  explicit StoredImage(const Bytes& bytes) : file_(::memfd_create("image", MFD_CLOEXEC)) {
    if (!write_at(file_, bytes, 0, "image")) std::abort();
    asked_.path = "image";
    asked_.size = bytes.size();
    for (std::size_t at = 0; at < bytes.size(); at += chunk_bytes_max) {
      const std::size_t count = std::min<std::size_t>(bytes.size() - at, chunk_bytes_max);
      asked_.checksums.push_back(chunk_checksum(ByteView(bytes).subspan(at, count)));
    }
  }
  [[nodiscard]] ImageHeader inspect() const {
    const auto header =
        inspect_image("/proc/self/fd/" + std::to_string(file_.descriptor()), asked_);
    if (!header) std::abort();
    return header.value();
  }

 private:
  FileHandle file_;
  InspectImage asked_;
};

void inspect(benchmark::State& state, const Bytes& bytes, std::uint32_t scans) {
  const StoredImage image(bytes);
  for (auto _ : state) {
    const ImageHeader header = image.inspect();
    if (header.scans != scans) state.SkipWithError("it counted other scans");
    benchmark::DoNotOptimize(header);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}

void inspect_photograph(benchmark::State& state) { inspect(state, photograph(15, false, 1), 1); }
BENCHMARK(inspect_photograph)->Unit(benchmark::kMillisecond);

void inspect_progressive(benchmark::State& state) {
  inspect(state, photograph(static_cast<std::size_t>(state.range(0)), true, 10), 10);
}
BENCHMARK(inspect_progressive)->Arg(5)->Arg(15)->Arg(60)->Unit(benchmark::kMillisecond);

void inspect_thousand_scans(benchmark::State& state) {
  inspect(state, jpeg_bytes({.progressive = true, .scans = 1'000, .scan_bytes = 2'300}), 101);
}
BENCHMARK(inspect_thousand_scans)->Unit(benchmark::kMillisecond);

void inspect_png_bomb(benchmark::State& state) {
  inspect(state, png_bytes({.width = 60'000, .height = 60'000, .picture_bytes = 440'000}), 0);
}
BENCHMARK(inspect_png_bomb)->Unit(benchmark::kMillisecond);

void inspect_tiff_with_directory_last(benchmark::State& state) {
  inspect(state, tiff_bytes({.before_directory = 15'000'000}), 0);
}
BENCHMARK(inspect_tiff_with_directory_last)->Unit(benchmark::kMillisecond);

void inspect_gif_of_pieces(benchmark::State& state) {
  Bytes gif = gif_bytes({});
  gif.resize(gif.size() - 2);
  while (gif.size() < 15'000'000) gif.resize(gif.size() + 256, 0xff);
  inspect(state, gif, 0);
}
BENCHMARK(inspect_gif_of_pieces)->Unit(benchmark::kMillisecond);

/// The worst that bytes can do: a step for every second byte, until it is given up.
void inspect_stuffed_jpeg(benchmark::State& state) {
  Bytes jpeg = jpeg_bytes({.progressive = true});
  jpeg.resize(jpeg.size() - 2);
  while (jpeg.size() < 15'000'000) jpeg.insert(jpeg.end(), {0xff, 0x00});
  inspect(state, jpeg, 1);
}
BENCHMARK(inspect_stuffed_jpeg)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
