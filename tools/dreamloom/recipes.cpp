// dreamloom recipes: what can be trained by name.
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <tools/dreamloom/commands.hpp>
#include <tools/dreamloom/toml_file.hpp>

namespace loom {

int recipes(RecipesOptions const& o) {
  if (!o.name.empty()) {
    std::ifstream file(find_recipe(o.name));
    fmt::print("{}", std::string(std::istreambuf_iterator<char>(file), {}));
    return 0;
  }
  std::vector<std::filesystem::path> const files = recipe_files();
  require<ConfigError>(!files.empty(), "recipes: none were found (needs share/dreamloom/recipes)");
  std::size_t width = 0;
  for (auto const& file : files) width = std::max(width, file.stem().string().size());
  for (auto const& file : files) {
    fmt::print("{:<{}}  {}\n", file.stem().string(), width, read_toml(file).summary);
  }
  return 0;
}

}  // namespace loom
