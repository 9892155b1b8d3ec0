#include "cli/recipe_loader.h"

#include <utility>

#include "host/config/recipe_file.h"

namespace pixmesh {

void RecipeLoader::load(Background& background, bool again) {
  const auto loaded = std::make_shared<Loaded>();
  loaded->again = again;
  loading_.push_back(loaded);
  background.run(ticket, [this, loaded] {
    loaded->book = load_recipe_book(file_, tools_);
    if (!loaded->book) return;
    RecipeBook book = std::move(loaded->book).value();
    fingerprints_.add_to(book, tools_);
    loaded->book = std::move(book);
  });
}

RecipeLoader::Loaded RecipeLoader::take() {
  const std::shared_ptr<Loaded> loaded = std::move(loading_.front());
  loading_.pop_front();
  return std::move(*loaded);
}

}  // namespace pixmesh
