#include "cli/names.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include "processing/closest.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

Error usage(std::string text) { return {ErrorCode::usage, std::move(text)}; }

/// Adds every file below `folder`; what cannot be read becomes a fault.
void add_folder(const fs::path& folder, const std::string& prefix, PutPlan& plan) {
  std::error_code failed;
  std::vector<PutItem> items;
  fs::recursive_directory_iterator walk(folder, failed);
  while (!failed && walk != fs::recursive_directory_iterator()) {
    std::error_code unknown;
    const bool folder_itself = walk->is_directory(unknown);
    if (!folder_itself) {
      PutItem item;
      item.file = walk->path().string();
      item.name = prefix + walk->path().lexically_relative(folder).generic_string();
      items.push_back(std::move(item));
    }
    walk.increment(failed);
  }
  if (failed) {
    plan.faults.push_back({ErrorCode::failed, folder.string() + ": " + failed.message()});
  }
  std::ranges::sort(items, {}, &PutItem::name);
  std::ranges::move(items, std::back_inserter(plan.items));
}

Result<Done> add(const std::string& file, const PutNaming& naming, PutPlan& plan) {
  std::error_code unknown;
  if (file != "-" && fs::is_directory(file, unknown)) {
    if (!naming.recursive) {
      return usage("'" + shown(file) + "' is a folder; add --recursive to store what is in it");
    }
    if (naming.name) return usage("--name is for one file, and '" + shown(file) + "' is a folder");
    // "photos/" and "photos" give the same names.
    const fs::path folder = fs::path(file) / "";
    add_folder(folder.parent_path(), naming.prefix, plan);
    return Done{};
  }
  PutItem item;
  item.file = file;
  if (naming.name) {
    item.name = naming.prefix + *naming.name;
  } else if (file == "-") {
    return usage("an image from stdin needs a name; add --name NAME");
  } else {
    item.name = naming.prefix + fs::path(file).filename().string();
  }
  plan.items.push_back(std::move(item));
  return Done{};
}

Result<Done> check_names_differ(const std::vector<PutItem>& items) {
  std::map<std::string_view, std::string_view> file_of;
  for (const PutItem& item : items) {
    const auto [other, fresh] = file_of.emplace(item.name, item.file);
    if (fresh) continue;
    return usage("'" + shown(other->second) + "' and '" + shown(item.file) +
                 "' would both get the name '" + shown(item.name) +
                 "'; store them one by one with --name, or their folder with --recursive");
  }
  return Done{};
}

}  // namespace

Result<PutPlan> plan_put(const std::vector<std::string>& files, const PutNaming& naming) {
  if (files.empty()) return usage("name a file to store, or - for stdin");
  if (naming.name && files.size() > 1) {
    return usage("--name is for one file, and there are " + std::to_string(files.size()) +
                 "; use --prefix to put something in front of their own names");
  }
  PutPlan plan;
  for (const std::string& file : files) {
    if (const Result<Done> added = add(file, naming, plan); !added) return added.error();
  }
  if (const Result<Done> fine = check_names_differ(plan.items); !fine) return fine.error();
  return plan;
}

Result<std::string> file_name_of(std::string_view image) {
  const std::string_view last = image.substr(image.rfind('/') + 1);
  if (last.empty() || last == "." || last == "..") {
    return usage("the name '" + shown(image) + "' does not end in a file name; add -o FILE");
  }
  return std::string(last);
}

Result<std::string> output_name_of(std::string_view image, std::string_view recipe,
                                   std::string_view extension) {
  Result<std::string> file = file_name_of(image);
  if (!file) return file;
  const std::string stem = fs::path(file.value()).stem().string();
  return stem + "." + std::string(recipe) + "." + std::string(extension);
}

Result<NodeId> node_of_prefix(std::string_view prefix, const std::vector<NodeId>& nodes) {
  std::string wanted(prefix);
  std::ranges::transform(wanted, wanted.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  NodeId whole;
  if (parse_id(wanted, whole)) return whole;
  std::vector<NodeId> fitting;
  std::vector<std::string> known;
  for (const NodeId& node : nodes) {
    known.push_back(short_text(node));
    if (!wanted.empty() && to_text(node).starts_with(wanted)) fitting.push_back(node);
  }
  if (fitting.size() == 1) return fitting.front();
  const std::string fault =
      fitting.empty() ? "no node's id begins with '" : "several ids begin with '";
  return usage(fault + shown(prefix) + "'; there are " + join_names(known) +
               ". See 'pixmesh status'.");
}

}  // namespace pixmesh
