#include "test_mesh.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <sstream>

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

bool case_has_failed = false;
std::vector<const TestMesh*> live_meshes;

/// Tells the meshes that outlive a failed test to show their logs.
struct FailureWatch : doctest::IReporter {
  explicit FailureWatch(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData& test) override {
    case_has_failed = false;
    started_ = std::chrono::steady_clock::now();
    name_ = test.m_name;
  }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    const Duration took = std::chrono::steady_clock::now() - started_;
    std::printf("%6.1f s  %s\n", seconds(took), name_);
    std::fflush(stdout);
    if (stats.failure_flags == 0) return;
    for (const TestMesh* mesh : live_meshes) mesh->print_logs();
  }
  void test_case_exception(const doctest::TestCaseException&) override { case_has_failed = true; }
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData& assertion) override {
    case_has_failed = case_has_failed || assertion.m_failed;
  }
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

  std::chrono::steady_clock::time_point started_;
  const char* name_ = "";
};

DOCTEST_REGISTER_LISTENER("failure-watch", 1, FailureWatch);

bool can_bind(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return bound;
}

void append(Words& words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
}

}  // namespace

TempFolder::TempFolder() {
  std::string name = (fs::temp_directory_path() / "pixmesh-test-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

// Below the ports that the system gives to outgoing connections, so that none of those gets in
// between; two test programs begin at different ones.
int free_port() {
  static int next = 15'000 + (static_cast<int>(::getpid()) * 37) % 12'000;
  while (!can_bind(++next)) {
  }
  return next;
}

ProcessAnswer run_pixmesh(Words words, const fs::path& folder, Duration limit) {
  Launch launch;
  launch.words = {PIXMESH_PROGRAM};
  append(launch.words, words);
  launch.folder = folder;
  return run_to_end(std::move(launch), folder, limit);
}

std::size_t run_folders_in(const fs::path& storage) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(storage / "scratch")) {
    const std::string name = entry.path().filename();
    const bool is_run = name.starts_with("run-") && name.size() > 4;
    if (!is_run) continue;
    const std::size_t rest = std::min(name.find_first_not_of("0123456789", 4), name.size());
    count += rest == name.size() || name.substr(rest) == ".out" ? 1 : 0;
  }
  return count;
}

NodePlace without_sandbox() {
  NodePlace place;
  place.variables = {"PIXMESH_SANDBOX=off"};
  return place;
}

bool sandbox_works() {
  static const bool works = [] {
    const TempFolder folder;
    const ProcessAnswer answer = run_pixmesh({"doctor", "--json"}, folder.path());
    const Json told = json_lines(answer.out).at(0);
    for (const Json& check : told["checks"]) {
      if (check["check"] != "sandbox") continue;
      if (check["result"] == "ok") return true;
      std::printf("nodes run with --sandbox=off: %s\n", check["seen"].dump().c_str());
      return false;
    }
    FAIL("'pixmesh doctor' says nothing of a sandbox");
    return false;
  }();
  return works;
}

std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> objects;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    objects.push_back(Json::parse(line, nullptr, false));
    REQUIRE_MESSAGE(!objects.back().is_discarded(), line);
  }
  return objects;
}

TestMesh::TestMesh(MeshOptions options) : options_(std::move(options)) {
  if (options_.root.empty()) options_.root = folder_.path();
  live_meshes.push_back(this);
  for (std::size_t node = 0; node < options_.nodes; ++node) (void)add_node();
  wait_calm();
}

TestMesh::~TestMesh() {
  if (case_has_failed) print_logs();
  std::erase(live_meshes, this);
}

std::size_t TestMesh::add_node(const Words& more) {
  Node node;
  if (options_.place) node.place = options_.place(nodes_.size());
  node.port = free_port();
  node.bulk_port = free_port();
  node.root = options_.root / ("node-" + std::to_string(nodes_.size()));
  fs::create_directories(node.root);
  nodes_.push_back(std::move(node));
  const std::size_t number = nodes_.size() - 1;
  Words words = number == 0 ? Words{"--create"} : Words{"--join", address(0)};
  append(words, more);
  start(number, words);
  return number;
}

void TestMesh::start(std::size_t number, const Words& more) {
  Node& node = nodes_.at(number);
  Launch launch;
  launch.words = node.place.before;
  append(launch.words, {PIXMESH_PROGRAM, "node", "run", "--data", storage_of(number).string(),
                        "--state", (node.root / "state").string(), "--listen", address(number),
                        "--bulk-listen", node.place.host + ":" + std::to_string(node.bulk_port)});
  if (!sandbox_works()) append(launch.words, {"--sandbox", "off"});
  append(launch.words, options_.node_words);
  append(launch.words, node.place.words);
  launch.variables = node.place.variables;
  append(launch.words, more);
  launch.output = folder_.path() / ("node-" + std::to_string(number) + ".log");
  launch.errors = launch.output;
  node.process = std::make_unique<ChildProcess>(launch);
}

void TestMesh::kill_node(std::size_t node) {
  nodes_.at(node).process->signal(SIGKILL);
  REQUIRE(nodes_.at(node).process->wait(10s) == 128 + SIGKILL);
}

std::optional<int> TestMesh::stop_node(std::size_t node) {
  nodes_.at(node).process->signal(SIGTERM);
  return nodes_.at(node).process->wait(20s);
}

void TestMesh::restart_node(std::size_t node) {
  REQUIRE_FALSE(running(node));
  start(node, {});
}

void TestMesh::wait_calm(Duration limit) {
  const auto running_nodes = [this] {
    return static_cast<std::size_t>(
        std::ranges::count_if(nodes_, [](const Node& node) { return node.process->running(); }));
  };
  ProcessAnswer last;
  const bool calm = becomes_true(limit, [&] {
    last = cli({"status", "--wait", "--json", "--timeout", "3s"});
    if (last.exit != 0) return false;
    return json_lines(last.out).at(0)["totals"]["nodes"] == running_nodes();
  });
  REQUIRE_MESSAGE(calm, "not calm: " << last.out << last.err);
}

std::string TestMesh::address(std::size_t node) const {
  return nodes_.at(node).place.host + ":" + std::to_string(nodes_.at(node).port);
}

fs::path TestMesh::storage_of(std::size_t node) const { return nodes_.at(node).root / "images"; }

std::string TestMesh::log_of(std::size_t node) const {
  return text_of_file(folder_.path() / ("node-" + std::to_string(node) + ".log"));
}

std::size_t TestMesh::node_at(const std::string& where) const {
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    if (address(node) == where) return node;
  }
  FAIL("no node of this mesh listens at " << where);
  return 0;
}

std::size_t TestMesh::temp_files() const {
  std::ptrdiff_t count = 0;
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    std::error_code gone;
    const fs::directory_iterator entries(storage_of(node) / "tmp", gone);
    count += std::distance(fs::begin(entries), fs::end(entries));
  }
  return static_cast<std::size_t>(count);
}

std::size_t TestMesh::first_running() {
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    if (running(node)) return node;
  }
  FAIL("no node runs");
  return 0;
}

Words TestMesh::words_at(std::size_t node, Words words) const {
  append(words, {"--node", address(node)});
  return words;
}

ProcessAnswer TestMesh::cli_at(std::size_t node, Words words, Duration limit) const {
  return run_pixmesh(words_at(node, std::move(words)), folder_.path(), limit);
}

ProcessAnswer TestMesh::cli(Words words, Duration limit) {
  return cli_at(first_running(), std::move(words), limit);
}

Json TestMesh::json_at(std::size_t node, Words words) const {
  words.emplace_back("--json");
  const std::string command = words.front();
  const ProcessAnswer answer = cli_at(node, std::move(words));
  REQUIRE_MESSAGE(answer.exit == 0, command << ": " << answer.err);
  const std::vector<Json> lines = json_lines(answer.out);
  REQUIRE(lines.size() == 1);
  REQUIRE(lines[0]["schema"] == 1);
  return lines[0];
}

Json TestMesh::json(Words words) { return json_at(first_running(), std::move(words)); }

std::string TestMesh::must(Words words) {
  const std::string command = words.front();
  const ProcessAnswer answer = cli(std::move(words));
  REQUIRE_MESSAGE(answer.exit == 0, command << ": " << answer.err);
  return answer.out;
}

bool TestMesh::comes_back(std::size_t node, const std::string& name, const fs::path& file) const {
  const fs::path got = folder_.path() / "comes-back";
  const ProcessAnswer answer = cli_at(node, {"get", name, "-o", got.string()});
  if (answer.exit != 0) {
    MESSAGE(name << " from node " << node << ": exit " << answer.exit << ", " << answer.err);
    return false;
  }
  const bool same = same_bytes(got, file);
  fs::remove(got);
  return same;
}

void TestMesh::print_logs() const {
  constexpr std::size_t shown_bytes = 6'000;
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    std::string log = log_of(node);
    if (log.size() > shown_bytes) log.erase(0, log.size() - shown_bytes);
    std::printf("--- node %zu, %s\n%s", node, address(node).c_str(), log.c_str());
  }
  std::fflush(stdout);
}

TestMesh& quiet_mesh() {
  static TestMesh mesh;
  return mesh;
}

bool same_bytes(const fs::path& a, const fs::path& b) {
  const std::string text = text_of_file(a);
  return !text.empty() && text == text_of_file(b);
}

void check_says(const ProcessAnswer& answer, int exit, const std::vector<std::string>& words) {
  CHECK_MESSAGE(answer.exit == exit, answer.err);
  for (const std::string& word : words) {
    CHECK_MESSAGE(answer.err.find(word) != std::string::npos,
                  "'" << word << "' is missing in: " << answer.err);
  }
}

}  // namespace pixmesh
