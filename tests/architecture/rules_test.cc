#include <doctest/doctest.h>

#include "rules.h"

using namespace pixmesh::architecture;

namespace {

const std::set<std::string> modules{"base", "ring", "wire", "host"};

std::vector<Target> sample_targets() {
  return targets_of(R"(# the folder of one module
pixmesh_module(NAME ring USES base HEADERS table.h SOURCES table.cc
  PRIVATE pixmesh::host PkgConfig::zmq)
add_executable(tool main.cc)
target_link_libraries(tool PRIVATE pixmesh::ring $<$<BOOL:x>:y>)
)");
}

}  // namespace

TEST_CASE("architecture: comments and texts are not code") {
  CHECK(code_of("int a; // mutex\nint b; /* a\nmutex */ int c;") ==
        "int a;         \nint b;     \n         int c;");
  CHECK(code_of("f(\"mutex\", 'x', 1'000);") == "f(\"     \", ' ', 1'000);");
  CHECK(code_of("g(\"a\\\"b // c\"); h") == "g(\"         \"); h");
  CHECK(code_of("auto t = R\"x(mutex)x\"; k").find("mutex") == std::string::npos);
  CHECK(without_comments("a = \"//\"; // gone") == "a = \"//\";        ");
}

TEST_CASE("architecture: targets are read with their sources, uses and links") {
  const auto targets = sample_targets();
  REQUIRE(targets.size() == 2);
  CHECK(targets[0].name == "ring");
  CHECK(targets[0].is_module);
  CHECK(targets[0].uses == std::vector<std::string>{"base"});
  CHECK(targets[0].links == std::vector<std::string>{"host"});
  CHECK(targets[0].headers == std::vector<std::string>{"table.h"});
  CHECK(targets[1].sources == std::vector<std::string>{"main.cc"});
  CHECK(targets[1].links == std::vector<std::string>{"ring"});
}

TEST_CASE("architecture: only a module's own parts may use what it links privately") {
  const auto targets = sample_targets();
  using Names = std::set<std::string>;
  CHECK(modules_allowed("table.h", targets, targets) == Names{"base", "ring"});
  CHECK(modules_allowed("table.cc", targets, targets) == Names{"base", "host", "ring"});
  CHECK(modules_allowed("part.h", targets, targets) == Names{"base", "host", "ring"});
  CHECK(modules_allowed("main.cc", targets, targets).contains("ring"));
}

TEST_CASE("architecture: an include outside USES or with .. is a fault") {
  const std::set<std::string> allowed{"base", "ring"};
  CHECK(include_faults("#include <map>\n#include \"base/ids.h\"\n", allowed, modules).empty());
  CHECK(include_faults("// #include \"host/a.h\"\n", allowed, modules).empty());
  CHECK(include_faults("#include \"host/clocks.h\"\n", allowed, modules).size() == 1);
  CHECK(include_faults("#  include \"host/clocks.h\"\n", allowed, modules).size() == 1);
  CHECK(include_faults("#include \"ring/../host/clocks.h\"\n", allowed, modules).size() == 1);
  CHECK(include_faults("#include \"keys.h\"\n", allowed, modules).size() == 1);
  CHECK(include_faults("#include \"ring/deep/keys.h\"\n", allowed, modules).size() == 1);
  CHECK(include_faults("#include \"ring/deep/keys.h\"\n", {"ring_deep"}, {"ring_deep"}).empty());
}

TEST_CASE("architecture: a third-party header outside its module is a fault") {
  CHECK(library_faults("#include <zmq.hpp>\n#include <lmdb.h>", "host", false).empty());
  CHECK(library_faults("#include <zmq.hpp>", "client", false).size() == 1);
  CHECK(library_faults("#include <lmdb.h>", "node", false).size() == 1);
  CHECK(library_faults("#include <msgpack.hpp>", "wire", false).empty());
  CHECK(library_faults("#include <msgpack.hpp>", "replication", false).size() == 1);
  CHECK(library_faults("#include <sodium.h>", "base", false).empty());
  CHECK(library_faults("#include <sodium.h>", "membership", false).size() == 1);
  CHECK(library_faults("#include <toml++/toml.h>", "cli", false).size() == 1);
  CHECK(library_faults("#include <nlohmann/json.hpp>", "node", false).size() == 1);
  CHECK(library_faults("#include <nlohmann/json.hpp>", "end_to_end", true).empty());
}

TEST_CASE("architecture: clocks, chance, threads and shared ownership are faults in pure code") {
  CHECK(purity_faults("#include <map>\nstd::map<int, int> a;  // a mutex", false).empty());
  CHECK(purity_faults("log(\"double\");", false).empty());
  CHECK(purity_faults("next_clock(newest); hybrid_clock;", false).empty());
  for (const char* bad :
       {"#include <thread>", "#include <unordered_map>", "#include <sys/socket.h>",
        "auto t = std::chrono::steady_clock::now();", "std::mutex m;", "std::atomic<int> a;",
        "std::random_device d;", "std::uniform_int_distribution<int> d;", "double share = 0.5;",
        "std::unordered_set<int> s;", "std::shared_ptr<int> p;"}) {
    CAPTURE(bad);
    CHECK(purity_faults(bad, false).size() == 1);
  }
  CHECK(purity_faults("std::shared_ptr<Job> job;", true).empty());
}

TEST_CASE("architecture: a note of work left without an issue's number is a fault") {
  const std::string mark = std::string("TO") + "DO";
  CHECK(todo_faults("// " + mark + "(#12): later").empty());
  CHECK(todo_faults("// " + mark + ": later").size() == 1);
  CHECK(todo_faults("// " + mark + "(me): later").size() == 1);
  CHECK(todo_faults("// " + mark + "(#): later").size() == 1);
}

TEST_CASE("architecture: a relative link to nothing is a fault") {
  const auto exists = [](const std::string& path) { return path == "docs/a.md"; };
  CHECK(link_faults("[a](docs/a.md#top) [b](https://b.example) [c](#c)", exists).empty());
  CHECK(link_faults("`[a](x.md)`\n```\n[b](y.md)\n```\n", exists).empty());
  CHECK(link_faults("see [a](docs/a.md) and\n[b](docs/b.md)", exists) ==
        Faults{"line 2: the link to 'docs/b.md' leads nowhere"});
}

TEST_CASE("architecture: a message without its row, or with a number used twice, is a fault") {
  const std::string fields = R"(template <>
struct Fields<Ping> {
  static constexpr std::uint16_t number = 7;
  using List = FieldList<&Ping::sequence, &Ping::rumours>;
};
template <>
struct Fields<Tag> {
  using List = FieldList<&Tag::key>;
};
template <>
struct Fields<HelloWanted> {
  static constexpr std::uint16_t number = 8;
  using List = FieldList<>;
};
)";
  const std::string rows = "| 7 | `Ping` | sequence, rumours |\n| 8 | `HelloWanted` | - |\n";
  CHECK(message_faults(fields, rows).empty());
  CHECK(message_faults(fields, "| 7 | `Ping` | sequence |\n| 8 | `HelloWanted` | - |").size() == 1);
  CHECK(message_faults(fields + fields, rows).size() == 2);
}

TEST_CASE("architecture: a name that says nothing is a fault") {
  CHECK(file_name_faults("member_table.h").empty());
  CHECK(file_name_faults("database.h").empty());
  CHECK(file_name_faults("string_util.h").size() == 1);
  CHECK(file_name_faults("info.cc").size() == 1);
  CHECK(type_name_faults("class MemberTable { Database base; };").empty());
  CHECK(type_name_faults("// class NodeManager\n").empty());
  CHECK(type_name_faults("using Handlers::operator()...;").empty());
  CHECK(type_name_faults("class NodeManager {};").size() == 1);
  CHECK(type_name_faults("enum class ImageInfo { a };").size() == 1);
  CHECK(type_name_faults("using Handler = int;").size() == 1);
}

TEST_CASE("architecture: overlong lines and files are faults") {
  CHECK(length_faults(std::string(100, 'x')).empty());
  CHECK(length_faults(std::string(101, 'x')).size() == 1);
  std::string arrows;
  for (int i = 0; i < 100; ++i) arrows += "→";
  CHECK(length_faults(arrows).empty());
  std::string lines;
  for (std::size_t i = 0; i < lines_max; ++i) lines += "x\n";
  CHECK(length_faults(lines).empty());
  CHECK(length_faults(lines + "x\n").size() == 1);
}

TEST_CASE("architecture: a source that CMake does not name is a fault") {
  CHECK(unlisted_faults("add_library(a b.cc c.cc)", {"b.cc", "c.cc"}).empty());
  CHECK(unlisted_faults("add_library(a b.cc) # c.cc", {"b.cc", "c.cc"}).size() == 1);
  CHECK(unlisted_faults("add_library(a my_b.cc)", {"b.cc"}).size() == 1);
}
