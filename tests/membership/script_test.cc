// Conversations between nodes as text. A file holds commands, a line `---`, and the whole trace
// that they give; PIXMESH_ACCEPT=1 writes the trace anew, to be reviewed like code.
//
//   seed N · latency 1ms · nodes a b c        before anything happens
//   at 2s crash a | start a | pause a 3s | leave a | join a via b
//   at 2s cut a b | cut a -> b | split a b / c d | mend | messages on | messages off
//   end 10s
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "small_mesh.h"

using namespace pixmesh;

namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& line) {
  std::istringstream in(line);
  Words words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

Duration parse_time(const std::string& text) {
  std::size_t end = 0;
  const auto number = static_cast<std::int64_t>(std::stoll(text, &end));
  const std::string unit = text.substr(end);
  REQUIRE((unit == "s" || unit == "ms"));
  return unit == "s" ? Duration(number * 1s) : Duration(number * 1ms);
}

std::string seconds(Duration time) {
  char text[32];
  std::snprintf(text, sizeof text, "%7.3f", static_cast<double>(time / 1us) / 1e6);
  return text;
}

class Script {
 public:
  /// Runs the commands of a script. @returns the trace.
  std::string run(const std::string& commands) {
    std::istringstream in(commands);
    for (std::string line; std::getline(in, line);) {
      const Words words = words_of(line.substr(0, line.find('#')));
      if (!words.empty()) obey(words);
    }
    return trace_;
  }

 private:
  void obey(const Words& words) {
    if (words[0] == "seed") {
      options_.seed = std::stoull(words.at(1));
    } else if (words[0] == "latency") {
      options_.latency = parse_time(words.at(1));
    } else if (words[0] == "nodes") {
      begin({words.begin() + 1, words.end()});
    } else if (words[0] == "at") {
      mesh_->run_until(Instant{} + parse_time(words.at(1)));
      std::string said;
      for (std::size_t i = 2; i < words.size(); ++i) said += (i > 2 ? " " : "") + words[i];
      tell("== " + said);
      act({words.begin() + 2, words.end()});
    } else {
      REQUIRE(words[0] == "end");
      mesh_->run_until(Instant{} + parse_time(words.at(1)));
      tell_views();
    }
  }

  void begin(const Words& names) {
    mesh_.emplace(options_);
    for (const std::string& name : names) add(name);
    mesh_->found();
    mesh_->on_change = [this](std::size_t observer, const MemberChanged& change) {
      tell(mesh_->name_of(observer) + ": " + name_of(change.node) + " " +
           std::string(text_of(change.state)) + ", was " + std::string(text_of(change.was)) +
           ", silent" + seconds(change.silent_for));
    };
    mesh_->on_table = [this](std::size_t node, const TableChanged&) {
      std::string members;
      for (std::size_t other = 0; other < mesh_->size(); ++other) {
        const bool known = mesh_->table(node).find(mesh_->id_of(other)) != nullptr;
        if (known) members += " " + mesh_->name_of(other);
      }
      tell(mesh_->name_of(node) + ": table holds" + members);
    };
    mesh_->on_send = [this](std::size_t from, std::size_t to, const LivenessMessage& message,
                            bool arrives) { show(from, to, message, arrives); };
  }

  void act(const Words& words) {
    const std::string& verb = words[0];
    if (verb == "crash")
      mesh_->crash(number(words.at(1)));
    else if (verb == "start")
      mesh_->start(number(words.at(1)));
    else if (verb == "pause")
      mesh_->pause(number(words.at(1)), parse_time(words.at(2)));
    else if (verb == "leave")
      mesh_->leave(number(words.at(1)));
    else if (verb == "join")
      mesh_->join(add(words.at(1)), number(words.at(3)));
    else if (verb == "mend")
      mesh_->mend();
    else if (verb == "messages")
      messages_ = words.at(1) == "on";
    else if (verb == "split")
      split(words);
    else if (verb == "cut")
      cut(words);
    else
      FAIL("unknown command: ", verb);
  }

  void cut(const Words& words) {
    const bool one_way = words.at(2) == "->";
    const std::size_t from = number(words.at(1));
    const std::size_t to = number(words.at(one_way ? 3 : 2));
    mesh_->cut(from, to);
    if (!one_way) mesh_->cut(to, from);
  }

  void split(const Words& words) {
    const auto slash = std::find(words.begin(), words.end(), "/");
    for (auto left = words.begin() + 1; left != slash; ++left) {
      for (auto right = slash + 1; right != words.end(); ++right) {
        mesh_->cut(number(*left), number(*right));
        mesh_->cut(number(*right), number(*left));
      }
    }
  }

  std::size_t add(const std::string& name) { return numbers_[name] = mesh_->add(name); }
  std::size_t number(const std::string& name) { return numbers_.at(name); }
  std::string name_of(NodeId id) { return mesh_->name_of(mesh_->number_of(id)); }

  void tell(const std::string& what) {
    trace_ += seconds(mesh_->now().time_since_epoch()) + " " + what + "\n";
  }

  void show(std::size_t from, std::size_t to, const LivenessMessage& message, bool arrives) {
    if (!messages_) return;
    static constexpr const char* kinds[] = {"ping", "ack", "ping request", "nack", "gossip"};
    std::string line =
        mesh_->name_of(from) + " -> " + mesh_->name_of(to) + " " + kinds[message.index()];
    if (const auto* asked = std::get_if<PingRequest>(&message)) {
      line += " about " + name_of(asked->target);
    }
    std::visit(
        [&](const auto& any) {
          for (const LivenessRumour& rumour : any.rumours) {
            line += ", " + name_of(rumour.node) + " is " + std::string(text_of(rumour.state));
          }
        },
        message);
    tell(line + (arrives ? "" : " (lost)"));
  }

  void tell_views() {
    for (std::size_t node = 0; node < mesh_->size(); ++node) {
      if (!mesh_->running(node)) continue;
      std::string line = mesh_->name_of(node) + " sees";
      for (std::size_t other = 0; other < mesh_->size(); ++other) {
        line += " " + mesh_->name_of(other) + ":" + std::string(text_of(mesh_->state(node, other)));
      }
      tell(line);
    }
  }

  SmallMeshOptions options_;
  std::optional<SmallMesh> mesh_;
  std::map<std::string, std::size_t> numbers_;
  std::string trace_;
  bool messages_ = false;
};

std::string contents_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void check_script(const std::filesystem::path& path) {
  const std::string text = contents_of(path);
  const std::string mark = "---\n";
  const std::size_t at = text.find(mark);
  REQUIRE(at != std::string::npos);
  const std::string commands = text.substr(0, at);

  const std::string trace = Script().run(commands);

  if (std::getenv("PIXMESH_ACCEPT") != nullptr) {
    std::ofstream(path) << commands << mark << trace;
    return;
  }
  const std::string expected = text.substr(at + mark.size());
  CHECK(trace == expected);
}

}  // namespace

TEST_CASE("membership: every scripted conversation goes as written") {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(PIXMESH_TEST_SCRIPTS)) {
    if (entry.path().extension() == ".txt") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);

  CHECK(paths.size() >= 7);
  for (const auto& path : paths) {
    INFO("script: ", path.filename().string());
    check_script(path);
  }
}
