// libFuzzer around the targets; tools/fuzz builds and runs it.
//   dreamloom_fuzz --list                         names of the targets
//   dreamloom_fuzz --target=NAME --seeds=DIR      writes what to begin from into DIR, its words into DIR.words
//   dreamloom_fuzz --target=NAME [libFuzzer's own options]
#include <cstdio>
#include <tests/fuzz/targets.hpp>

namespace loom {
namespace {

FuzzTarget const* chosen = nullptr;

std::string value_of(int argc, char** argv, std::string const& option) {
  for (int i = 1; i < argc; ++i) {
    std::string const argument = argv[i];
    if (argument.rfind(option + "=", 0) == 0) return argument.substr(option.size() + 1);
  }
  return "";
}

void write_seeds(std::filesystem::path const& directory) {
  make_directories(directory);
  for (std::size_t i = 0; i < chosen->seeds.size(); ++i)
    write_whole(directory / ("seed_" + std::to_string(i)), chosen->seeds[i]);
  std::string dictionary;
  for (std::string const& word : chosen->words) {
    dictionary += '"';
    for (char const c : word) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02X",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      dictionary += escaped;
    }
    dictionary += "\"\n";
  }
  write_whole(directory.string() + ".words", dictionary);
}

void begin(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--list") {
    for (FuzzTarget const& target : fuzz_targets()) std::puts(target.name.c_str());
    std::exit(0);
  }
  std::string const name = value_of(argc, argv, "--target"),
                    seeds = value_of(argc, argv, "--seeds");
  for (FuzzTarget const& target : fuzz_targets())
    if (target.name == name) chosen = &target;
  if (chosen == nullptr) {
    std::fprintf(stderr, "fuzz: there is no target \"%s\" (--list shows them)\n", name.c_str());
    std::exit(2);
  }
  if (seeds.empty()) return;
  write_seeds(seeds);
  std::exit(0);
}

}  // namespace
}  // namespace loom

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  loom::begin(*argc, *argv);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  loom::chosen->read(std::string(reinterpret_cast<char const*>(data), size));
  return 0;
}
