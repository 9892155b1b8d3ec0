#include "cli/command_line.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/errors.h"

using namespace pixmesh;

namespace {

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

std::string drained(int fd) {
  std::string text;
  std::array<char, 4096> part{};
  ::lseek(fd, 0, SEEK_SET);
  for (ssize_t got = 0; (got = ::read(fd, part.data(), part.size())) > 0;) {
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  ::close(fd);
  return text;
}

int unnamed_file() { return ::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }

/// `pixmesh WORDS…` with its output kept.
Ran pixmesh_with(std::vector<std::string> words, const char* nodes = nullptr) {
  CommandLine line;
  add_mesh_commands(line, 0);
  OutputOptions options;
  options.result_fd = unnamed_file();
  options.talk_fd = unnamed_file();
  Ran ran;
  ran.code = run_command_line(line, std::move(words), options, nodes);
  ran.out = drained(options.result_fd);
  ran.err = drained(options.talk_fd);
  return ran;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("cli: a mistyped command is answered with the nearest one and exit 2") {
  const Ran ran = pixmesh_with({"statsu"});
  CHECK(ran.code == 2);
  CHECK(contains(ran.err, "pixmesh: there is no command 'pixmesh statsu'; did you mean 'status'?"));
  CHECK(ran.out.empty());

  CHECK(contains(pixmesh_with({"node", "drian"}).err, "did you mean 'drain'?"));
  CHECK(contains(pixmesh_with({"qqqqqqqq"}).err, "there are up, put, get"));
}

TEST_CASE("cli: a mistyped flag is answered with the nearest one and exit 2") {
  const Ran ran = pixmesh_with({"put", "--recursiv", "photos"});
  CHECK(ran.code == 2);
  CHECK(contains(ran.err, "'pixmesh put' has no option '--recursiv'; did you mean '--recursive'?"));

  const Ran before_required = pixmesh_with({"get", "--strct"});
  CHECK(before_required.code == 2);
  CHECK(contains(before_required.err, "did you mean '--strict'?"));
}

TEST_CASE("cli: missing words, extra words and wrong values are exit 2") {
  CHECK(pixmesh_with({}).code == 2);
  CHECK(contains(pixmesh_with({}).err, "which command?"));
  CHECK(contains(pixmesh_with({"node"}).err, "drain, undrain, leave, forget"));
  CHECK(pixmesh_with({"get"}).code == 2);
  CHECK(contains(pixmesh_with({"get", "a", "b"}).err, "does not take 'b' as well"));
  CHECK(pixmesh_with({"put", "a", "--wait", "some"}).code == 2);
  CHECK(pixmesh_with({"up", "--nodes", "many"}).code == 2);
  CHECK(pixmesh_with({"up", "--nodes", "0"}).code == 2);
  CHECK(pixmesh_with({"node", "leave", "--cancel", "--accept-fewer-copies"}).code == 2);
  CHECK(pixmesh_with({"node", "forget", "5ad0", "--force", "--no-wait"}).code == 2);
  CHECK(
      contains(pixmesh_with({"ring", "plan"}).err, "'pixmesh ring plan' has join, leave, weight"));
  CHECK(contains(pixmesh_with({"ring", "plan", "leav"}).err, "did you mean 'leave'?"));
  CHECK(pixmesh_with({"ring", "plan", "weight", "5ad0"}).code == 2);
  CHECK(pixmesh_with({"ring", "plan", "weight", "5ad0", "0"}).code == 2);
}

TEST_CASE("cli: what can be told to be wrong without a mesh is told before one is asked") {
  CHECK(pixmesh_with({"cp", "a", "a"}).code == 2);
  CHECK(contains(pixmesh_with({"mv", "a", "a"}).err, "both names are 'a'"));
  CHECK(pixmesh_with({"tag", "a", "nothing"}).code == 2);
  CHECK(pixmesh_with({"rm"}).code == 2);
  CHECK(contains(pixmesh_with({"rm", "--prefix", ""}).err, "would remove every image"));
  CHECK(pixmesh_with({"put", "-"}).code == 2);
  CHECK(pixmesh_with({"get", "folder/"}).code == 2);
  CHECK(pixmesh_with({"run", "thumbnail", "a.jpg", "width"}).code == 2);
  CHECK(contains(pixmesh_with({"ring", "plan", "join"}).err, "ring plan join --capacity 8TB"));
  CHECK(pixmesh_with({"ring", "plan", "leave", "5ad0", "--rate", "0"}).code == 2);
  CHECK(contains(pixmesh_with({"ring", "apply", "5ad0"}).err, "no digest of a plan"));
  CHECK(contains(pixmesh_with({"repair", "pause", "--for", "2d"}).err, "a pause lasts 1s to 1d"));
  CHECK(contains(pixmesh_with({"repair", "throttle", "1kB"}).err, "is no rate"));
  CHECK(contains(pixmesh_with({"stat", "a", "--node", "nowhere"}).err, "--node: 'nowhere'"));
  CHECK(contains(pixmesh_with({"stat", "a"}, "nowhere").err, "PIXMESH_NODE: 'nowhere'"));
  CHECK(contains(pixmesh_with({"stat", "a", "--timeout", "10"}).err, "--timeout: "));
  CHECK(pixmesh_with({"stat", "a", "--timeout", "0s"}).code == 2);
}

TEST_CASE("cli: help goes to stdout, exits 0 and documents every exit code") {
  for (const auto& words : std::vector<std::vector<std::string>>{{"--help"},
                                                                 {"put", "--help"},
                                                                 {"node", "-h"},
                                                                 {"node", "forget", "--help"},
                                                                 {"ring", "plan", "leave", "-h"},
                                                                 {"repair", "pause", "--help"},
                                                                 {"help", "put"}}) {
    const Ran ran = pixmesh_with(words);
    CHECK(ran.code == 0);
    for (const char* text :
         {"0 ok", "1 failed", "2 usage", "3 not found", "4 done", "5 unreach", "6 denied", "7 busy",
          "8 timed out", "9 integrity", "10 the tool", "11 no space", "130 interrupted"}) {
      CHECK_MESSAGE(contains(ran.out, text), text);
    }
    CHECK(ran.err.empty());
  }
  CHECK(contains(pixmesh_with({"help", "put"}).out, "--if-absent"));
}

TEST_CASE("cli: an image that is called like a command is an image") {
  CommandLine line;
  std::string seen;
  const auto body = [&seen](CommandContext&) {
    seen += "get ";
    return 0;
  };
  std::string name;
  line.add(image_group, "get", "", body).add_option("NAME", name, "").required();
  line.add(mesh_group, "status", "", body);
  CHECK(run_command_line(line, {"get", "status"}, {}, nullptr) == 0);
  CHECK(name == "status");
  CHECK(seen == "get ");
}

TEST_CASE("cli: global flags may stand before and after the command") {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"--json", "version"}, {"version", "--json"}}) {
    const Ran ran = pixmesh_with(words);
    CHECK(ran.code == 0);
    CHECK(Json::parse(ran.out)["schema"] == 1);
  }
}

TEST_CASE("cli: --node takes one address each time and leaves the next word alone") {
  CommandLine line;
  std::vector<std::string> files;
  line.add(image_group, "put", "",
           [](CommandContext& context) {
             CHECK(context.nodes().value().size() == 3);
             return 7;
           })
      .add_option("FILE", files, "");
  const std::vector<std::string> words{"put",   "--node", "10.0.0.1:7600,[::1]:1",
                                       "a.jpg", "--node", "b:2"};
  CHECK(run_command_line(line, words, {}, "ignored:1") == 7);
  CHECK(files == std::vector<std::string>{"a.jpg"});
}

TEST_CASE("cli: with --json a failure is an object with its code and word") {
  const Ran ran = pixmesh_with({"--json", "cp", "a", "a"});
  CHECK(ran.code == 2);
  const Json object = Json::parse(ran.out);
  CHECK(object["schema"] == 1);
  CHECK(object["error"] == "usage");
  CHECK(object["exit"] == 2);
  CHECK(contains(ran.err, "pixmesh: both names"));
  CHECK(Json::parse(pixmesh_with({"--json", "statsu"}).out)["error"] == "usage");
}

TEST_CASE("cli: completion knows every command and flag") {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const Ran ran = pixmesh_with({"completion", shell});
    CHECK(ran.code == 0);
    for (const char* word : {"put", "status", "forget", "if-absent", "accept-fewer-copies",
                             "throttle", "no-wait", "capacity"}) {
      CHECK_MESSAGE(contains(ran.out, word), shell, " ", word);
    }
  }
  CHECK(pixmesh_with({"completion", "tcsh"}).code == 2);
}

TEST_CASE("cli: bash completion offers the commands below a command") {
  CommandShape below;
  below.name = "drain";
  below.flags = {"--json"};
  CommandShape node;
  node.name = "node";
  node.commands = {below};
  CommandShape root;
  root.name = "pixmesh";
  root.commands = {node};
  const std::string script = bash_completion(root);
  CHECK(contains(script, "'node') commands='drain'"));
  CHECK(contains(script, "'node drain') commands='' flags='--json'"));
}

TEST_CASE("cli: completion goes three commands deep") {
  for (const std::string shell : {"bash", "zsh"}) {
    const std::string script = pixmesh_with({"completion", shell}).out;
    CHECK(contains(script, "'ring plan') commands='join leave weight'"));
    CHECK(contains(script, "'ring plan leave') commands='' flags='--help -h --rate"));
  }
  CHECK(contains(pixmesh_with({"completion", "fish"}).out,
                 "'__fish_seen_subcommand_from ring; and __fish_seen_subcommand_from plan; and "
                 "not __fish_seen_subcommand_from join leave weight' -f -a leave"));
}
