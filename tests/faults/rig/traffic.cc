#include "traffic.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <sstream>

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

template <typename Count>
std::uint64_t sum_of(const std::vector<std::unique_ptr<RegisterWriter>>& writers, Count count) {
  std::uint64_t sum = 0;
  for (const auto& writer : writers) sum += count(*writer);
  return sum;
}

std::string text_of(const Content& content) { return content ? to_text(*content) : "nothing"; }

/// `blobs/ab/cd/<60 hex digits>.jpg` is named by its digest.
Digest digest_in(const fs::path& file) {
  const std::string text = file.parent_path().parent_path().filename().string() +
                           file.parent_path().filename().string() + file.stem().string();
  Digest digest;
  REQUIRE(parse_id(text, digest));
  return digest;
}

}  // namespace

Traffic::Traffic(const TestMesh& mesh, const TrafficOptions& options) {
  WriterOptions writer;
  writer.largest = options.largest;
  writer.deadline = options.deadline;
  for (std::size_t node = 0; node < mesh.size(); ++node) {
    writer.nodes.push_back({mesh.address(node)});
  }
  for (std::size_t i = 0; i < options.writers; ++i) {
    writer.prefix = options.prefix + std::to_string(i) + "/";
    writer.seed = 100 + i;
    writers_.push_back(std::make_unique<RegisterWriter>(writer));
  }
}

void Traffic::stop() {
  for (const auto& writer : writers_) writer->stop();
  for (const auto& writer : writers_) {
    for (const std::string& finding : writer->findings()) FAIL_CHECK(finding);
  }
}

void Traffic::start() {
  for (const auto& writer : writers_) writer->start();
}

void Traffic::doubt(bool doubted) {
  for (const auto& writer : writers_) writer->doubt(doubted);
}

std::uint64_t Traffic::acknowledged() const {
  return sum_of(writers_, [](const RegisterWriter& writer) { return writer.acknowledged(); });
}

std::uint64_t Traffic::unknown() const {
  return sum_of(writers_, [](const RegisterWriter& writer) { return writer.unknown(); });
}

std::uint64_t Traffic::reads() const {
  return sum_of(writers_, [](const RegisterWriter& writer) { return writer.reads(); });
}

void Traffic::check_through_each_node(TestMesh& mesh) const {
  for (std::size_t node = 0; node < mesh.size(); ++node) {
    if (!mesh.running(node)) continue;
    ClientOptions options;
    options.nodes = {{mesh.address(node)}};
    auto client = Client::connect(options);
    REQUIRE_MESSAGE(client, "node " << node << ": " << client.error().detail);
    for (const auto& writer : writers_) {
      for (const auto& [name, kept] : writer->registers()) {
        const Result<Content> found = content_of(*client.value(), name, false);
        REQUIRE_MESSAGE(found, name << " at node " << node << ": " << found.error().detail);
        CHECK_MESSAGE(kept.allows(found.value()),
                      name << " at node " << node << " holds " << text_of(found.value()));
      }
    }
  }
}

void Traffic::check_rescued(const Rescued& rescued) const {
  for (const auto& writer : writers_) {
    for (const auto& [name, kept] : writer->registers()) {
      const auto at = rescued.find(name);
      const Content found = at == rescued.end() ? Content() : Content(at->second);
      CHECK_MESSAGE(kept.allows(found), name << " was rescued as " << text_of(found));
    }
  }
}

std::string Traffic::figures() const {
  std::ostringstream text;
  text << acknowledged() << " acknowledged writes, " << unknown() << " of unknown outcome, "
       << reads() << " strict reads";
  return text.str();
}

Rescued rescued_from(const std::vector<fs::path>& folders) {
  const TempFolder scratch;
  Launch launch;
  launch.words = {"perl", PIXMESH_RESCUE};
  for (const fs::path& folder : folders) launch.words.push_back(folder.string());
  const ProcessAnswer answer = run_to_end(std::move(launch), scratch.path(), 120s);
  CHECK_MESSAGE(answer.exit == 0, answer.err);
  CHECK(answer.err.empty());
  Rescued found;
  std::istringstream lines(answer.out);
  for (std::string state, path, name;
       lines >> state >> path && std::getline(lines >> std::ws, name);) {
    CHECK_MESSAGE(state == "ok", name << ": " << state);
    if (state == "ok") found[name] = digest_in(path);
  }
  return found;
}

void check_every_copy(TestMesh& mesh, Duration limit) {
  ProcessAnswer last;
  const bool whole = becomes_true(limit, [&] {
    last = mesh.cli({"verify"});
    return last.exit == 0;
  });
  CHECK_MESSAGE(whole, last.out << last.err);
}

std::size_t asked_count(const char* variable, std::size_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoul(text, nullptr, 10) : otherwise;
}

}  // namespace pixmesh
