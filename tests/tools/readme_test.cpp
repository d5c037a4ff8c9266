// The README's examples are run, and what it quotes stands in programs that are built and run.
#include <gtest/gtest.h>

#include <sstream>
#include <tests/tools/program.hpp>
#include <vector>

namespace loom {
namespace {

/// Lines of the README's code blocks of one language.
std::vector<std::string> lines_of(std::string const& language) {
  std::istringstream text(contents(DREAMLOOM_SOURCE_DIR "/README.md"));
  std::vector<std::string> lines;
  bool inside = false;
  for (std::string line; std::getline(text, line);) {
    if (line.rfind("```", 0) == 0)
      inside = !inside && line == "```" + language;
    else if (inside && !line.empty())
      lines.push_back(line);
  }
  return lines;
}

TEST(Readme, RunsAsItStands) {
  if (DREAMLOOM_DEVICE_REQUIRED)
    GTEST_SKIP() << "`--device auto` would train on an emulated device";
  Scratch const s;
  int commands = 0;
  for (std::string const& line : lines_of("sh")) {
    std::string const program = "dreamloom ";
    if (line.rfind(program, 0) != 0) continue;
    ++commands;
    std::string const command = line.substr(0, line.find(" #"));
    Ran const ran = run_program(s, command.substr(program.size()));
    EXPECT_EQ(ran.status, 0) << line << "\n" << ran.err;
    EXPECT_FALSE(ran.out.empty()) << line;
  }
  EXPECT_GE(commands, 8);
  EXPECT_TRUE(std::filesystem::exists(s / "pole.gif"));
}

TEST(Readme, QuotesProgramsThatAreBuiltAndRun) {
  std::string programs;
  for (auto const& entry :
       std::filesystem::recursive_directory_iterator(DREAMLOOM_SOURCE_DIR "/tests/embedding"))
    if (entry.is_regular_file()) programs += contents(entry.path());
  for (char const* language : {"cmake", "cpp", "c"}) {
    EXPECT_FALSE(lines_of(language).empty()) << language;
    for (std::string const& line : lines_of(language))
      EXPECT_NE(programs.find(line + "\n"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace loom
