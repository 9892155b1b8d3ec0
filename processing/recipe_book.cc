#include "processing/recipe_book.h"

#include <algorithm>

#include "processing/closest.h"

namespace pixmesh {
namespace {

constexpr std::size_t entries_max = 1'000;

}  // namespace

Result<Done> RecipeBook::add(Recipe recipe, std::string missing) {
  if (Result<Done> sound = check_recipe(recipe); !sound) return sound;
  if (entries_.size() >= entries_max && !entries_.contains(recipe.name)) {
    return Error{ErrorCode::no_space, "more than 1000 recipes"};
  }
  const Digest digest = recipe_digest(recipe);
  std::string name = recipe.name;
  entries_.insert_or_assign(std::move(name),
                            BookEntry{std::move(recipe), digest, std::move(missing), {}});
  return Done{};
}

void RecipeBook::set_fingerprint(std::string_view name, const Digest& fingerprint) {
  const auto found = entries_.find(name);
  if (found != entries_.end()) found->second.fingerprint = fingerprint;
}

const BookEntry* RecipeBook::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

Result<const BookEntry*> RecipeBook::look_up(std::string_view name) const {
  if (const BookEntry* entry = find(name)) return entry;
  std::vector<std::string> names;
  for (const auto& [known, entry] : entries_) names.push_back(known);
  std::string text = "no recipe '" + shown(name) + "'";
  const std::string near = suggestion(name, names);
  return Error{ErrorCode::usage,
               text + (near.empty() ? "; 'pixmesh recipe ls' lists those there are" : near)};
}

Result<const BookEntry*> RecipeBook::require(std::string_view name, const Digest& expected) const {
  const Result<const BookEntry*> entry = look_up(name);
  if (!entry) return entry;
  if (entry.value()->digest != expected) {
    return Error{ErrorCode::overloaded, "recipe '" + shown(name) + "' differs here"};
  }
  if (!entry.value()->available()) {
    return Error{ErrorCode::overloaded, "recipe '" + shown(name) + "' needs " +
                                            entry.value()->missing + ", which is missing here"};
  }
  return entry;
}

Result<Done> check_media(const Recipe& recipe, std::string_view image_name,
                         std::string_view media_type) {
  const bool accepted = recipe.accepts.empty() ||
                        std::ranges::find(recipe.accepts, media_type) != recipe.accepts.end();
  if (accepted) return Done{};
  return Error{ErrorCode::usage, shown(image_name) + " is no image that '" + recipe.name +
                                     "' accepts (" + join_names(recipe.accepts) + ")"};
}

}  // namespace pixmesh
