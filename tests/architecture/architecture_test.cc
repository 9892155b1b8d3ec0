#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "rules.h"

using namespace pixmesh::architecture;
namespace fs = std::filesystem;

namespace {

const fs::path root = PIXMESH_SOURCE_DIR;

const std::set<std::string> pure_modules{"ring",       "membership", "replication", "routing",
                                         "processing", "wire",       "node"};

// The placement is computed beside the loop: the job is the loop's and the background thread's.
const std::set<std::string> shares_a_job{"node/placements.h", "node/placements.cc",
                                         "node/ring_plans.h", "node/ring_plans.cc",
                                         "node/join_check.h", "node/join_check.cc"};

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path.string());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Relative paths of all files below a folder that end in one of these, sorted.
std::vector<std::string> files_below(const std::string& folder,
                                     const std::set<std::string>& extensions) {
  std::vector<std::string> files;
  if (!fs::exists(root / folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    if (!entry.is_regular_file() || !extensions.contains(entry.path().extension().string())) {
      continue;
    }
    files.push_back(fs::relative(entry.path(), root).generic_string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

using Folders = std::map<std::string, std::vector<Target>>;

void add_module_folders(const fs::path& above, int depth, Folders& folders) {
  for (const auto& entry : fs::directory_iterator(above)) {
    const fs::path list = entry.path() / "CMakeLists.txt";
    if (!entry.is_directory() || !fs::exists(list)) continue;
    auto targets = targets_of(text_of(list));
    const bool is_module = std::any_of(targets.begin(), targets.end(),
                                       [](const Target& target) { return target.is_module; });
    if (is_module) folders[fs::relative(entry.path(), root).generic_string()] = std::move(targets);
    if (depth > 1) add_module_folders(entry.path(), depth - 1, folders);
  }
}

// Folders whose CMakeLists.txt makes a module, with all targets of that folder: those at the top,
// and those inside one of them.
Folders module_folders() {
  Folders folders;
  add_module_folders(root, 2, folders);
  return folders;
}

std::string folder_of(const std::string& file) { return file.substr(0, file.find('/')); }

// The folder of the module that a file lies in, or its folder at the top.
std::string module_folder_of(const std::string& file, const Folders& folders) {
  const std::string folder = fs::path(file).parent_path().generic_string();
  return folders.contains(folder) ? folder : folder_of(file);
}

// The module that a file belongs to, or that it tests or measures: tests/host_storage is host's.
std::string owner_of(const std::string& file) {
  const std::string top = folder_of(file);
  if (top != "tests" && top != "benchmarks") return top;
  const std::string rest = file.substr(top.size() + 1);
  const std::string folder = rest.substr(0, rest.find('/'));
  const std::string module = folder.substr(0, folder.find('_'));
  return fs::exists(root / module) ? module : folder;
}

std::vector<std::string> sources() {
  std::vector<std::string> all;
  std::vector<std::string> folders{"tests", "benchmarks"};
  for (const auto& [folder, targets] : module_folders()) {
    if (folder.find('/') == std::string::npos) folders.push_back(folder);
  }
  for (const std::string& folder : folders) {
    const auto files = files_below(folder, {".h", ".cc"});
    all.insert(all.end(), files.begin(), files.end());
  }
  return all;
}

void report(const std::string& file, const Faults& faults) {
  for (const std::string& fault : faults) FAIL_CHECK(file << ": " << fault);
}

// The nearest CMakeLists.txt above a file, and the file's name as it would be written there.
std::pair<fs::path, std::string> list_of(const std::string& file) {
  fs::path folder = (root / file).parent_path();
  while (!fs::exists(folder / "CMakeLists.txt")) folder = folder.parent_path();
  return {folder / "CMakeLists.txt", fs::relative(root / file, folder).generic_string()};
}

}  // namespace

TEST_CASE("architecture: the tree is where this test looks for it") {
  CHECK(module_folders().size() >= 10);
  CHECK(sources().size() > 100);
}

TEST_CASE("architecture: modules include only what their USES says") {
  const auto folders = module_folders();
  std::set<std::string> modules;
  std::vector<Target> all;
  for (const auto& [folder, targets] : folders) {
    modules.insert(module_name_of(folder));
    all.insert(all.end(), targets.begin(), targets.end());
  }
  for (const std::string& file : sources()) {
    const auto folder = folders.find(module_folder_of(file, folders));
    if (folder == folders.end()) continue;
    const std::string name = fs::path(file).filename().string();
    const auto allowed = modules_allowed(name, folder->second, all);
    report(file, include_faults(text_of(root / file), allowed, modules));
  }
}

TEST_CASE("architecture: third-party headers stay in the modules that own them") {
  for (const std::string& file : sources()) {
    report(file, library_faults(text_of(root / file), owner_of(file), folder_of(file) == "tests"));
  }
}

TEST_CASE("architecture: pure modules have no clock, chance, thread or shared state") {
  for (const std::string& file : sources()) {
    if (!pure_modules.contains(folder_of(file))) continue;
    report(file, purity_faults(text_of(root / file), shares_a_job.contains(file)));
  }
}

TEST_CASE("architecture: every source and test file is built") {
  std::map<fs::path, std::vector<std::string>> by_list;
  for (const std::string& file : sources()) {
    if (fs::path(file).extension() != ".cc") continue;
    const auto [list, name] = list_of(file);
    by_list[list].push_back(name);
  }
  for (const auto& [list, names] : by_list) {
    report(fs::relative(list, root).string(), unlisted_faults(text_of(list), names));
  }
}

TEST_CASE("architecture: every folder with a CMakeLists.txt is part of the build") {
  for (const std::string folder : {"tests", "benchmarks"}) {
    const fs::path list = root / folder / "CMakeLists.txt";
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(root / folder)) {
      if (!fs::exists(entry.path() / "CMakeLists.txt")) continue;
      names.push_back(entry.path().filename().string());
    }
    report(folder, unlisted_faults(text_of(list), names));
  }
  std::vector<std::string> modules;
  for (const auto& [folder, targets] : module_folders()) {
    const fs::path path(folder);
    if (path.has_parent_path()) {
      const std::string list = (path.parent_path() / "CMakeLists.txt").generic_string();
      report(list, unlisted_faults(text_of(root / list), {path.filename().string()}));
    } else {
      modules.push_back(folder);
    }
  }
  report("CMakeLists.txt", unlisted_faults(text_of(root / "CMakeLists.txt"), modules));
}

TEST_CASE("architecture: work left to do names an issue") {
  std::vector<std::string> files = sources();
  for (const std::string folder : {"cmake", "packaging", ".ci"}) {
    const auto more = files_below(folder, {"", ".cmake", ".sh", ".txt"});
    files.insert(files.end(), more.begin(), more.end());
  }
  files.emplace_back("CMakeLists.txt");
  for (const std::string& file : files) report(file, todo_faults(text_of(root / file)));
}

TEST_CASE("architecture: relative links of the documents lead somewhere") {
  std::vector<std::string> documents = files_below("docs", {".md"});
  for (const std::string name : {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}) {
    if (fs::exists(root / name)) documents.push_back(name);
  }
  for (const std::string& document : documents) {
    const fs::path folder = (root / document).parent_path();
    report(document, link_faults(text_of(root / document), [&](const std::string& link) {
             return fs::exists(folder / link);
           }));
  }
}

TEST_CASE("architecture: docs/formats.md lists every message with its number and fields") {
  std::string fields;
  for (const std::string& file : files_below("wire", {".h"})) {
    if (file.ends_with("_fields.h")) fields += text_of(root / file);
  }
  report("docs/formats.md", message_faults(fields, text_of(root / "docs/formats.md")));
}

TEST_CASE("architecture: names of files and types say something") {
  for (const std::string& file : sources()) {
    report(file, file_name_faults(fs::path(file).filename().string()));
    report(file, type_name_faults(text_of(root / file)));
  }
}

TEST_CASE("architecture: files and lines stay short") {
  for (const std::string& file : sources()) {
    const std::string text = text_of(root / file);
    report(file, length_faults(text));
    const std::size_t count = lines_of(text).size();
    if (count > lines_wanted) MESSAGE(file << " has " << count << " lines: is it two things?");
  }
}
