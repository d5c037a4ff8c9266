// `dreamloom dream` and `dreamloom modes` through the built program.
#include <gtest/gtest.h>

#include <algorithm>
#include <tests/tools/program.hpp>

namespace loom {
namespace {

/// A model that has seen next to nothing.
constexpr char const* kTiny =
    "train dreamer_cartpole --device cpu --threads 1 --name a --num_envs 8 --total_steps 400 "
    "--eval.every 0 "
    "--eval.episodes 2 --dreamer.units 8 --dreamer.deter 16 --dreamer.groups 2 --dreamer.classes 2 "
    "--dreamer.length 8 --dreamer.batch 4 --dreamer.horizon 3 --dreamer.prefill 16 "
    "--dreamer.train_ratio 4 ";

TEST(Dream, ComparesDreamsWithWhatComes) {
  Scratch const s;
  Ran ran = run_program(s, kTiny);
  ASSERT_EQ(ran.status, 0) << ran.err;
  ran = run_program(s, "dream runs/a --out b.svg --instances 5 --context 3 --horizon 4");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out.rfind("error after 4 dreamed steps: ", 0), 0U) << ran.out;
  EXPECT_NE(ran.out.find("(5 of 5 episodes lasted so long)\nb.svg\nb.csv\n"), std::string::npos)
      << ran.out;
  EXPECT_EQ(contents(s / "b.svg").substr(0, 4), "<svg");
  // Four numbers at each of seven steps; what is seen and what is dreamed part after the third.
  std::string const table = contents(s / "b.csv");
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 1 + 7 * 4);
  std::size_t same = 0, other = 0;
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "step,field,observation,reconstruction,dream");
  while (std::getline(lines, line)) {
    std::size_t const last = line.rfind(','), before = line.rfind(',', last - 1);
    bool const equal = line.substr(before + 1, last - before - 1) == line.substr(last + 1);
    (equal ? same : other) += 1;
    EXPECT_TRUE(equal || std::stoi(line) > 3) << line;
  }
  EXPECT_EQ(same, 4U * 4);
  EXPECT_EQ(other, 3U * 4);
  ran = run_program(s, "dream runs/a --out n.gif");
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.err, "dreamloom: n.gif: the model sees numbers (needs a name in .svg)\n");
}

TEST(Dream, OfPicturesIsAPicture) {
  Scratch const s;
  Ran ran = run_program(
      s, std::string(kTiny) + "--dreamer.pixels 16 --dreamer.depth 1 --dreamer.capacity 1000");
  ASSERT_EQ(ran.status, 0) << ran.err;
  for (auto const& [file, magic] :
       {std::pair{"b.png", "\x89PNG"}, {"b.gif", "GIF89a"}, {"b.svg", "<svg"}}) {
    ran = run_program(
        s, std::string("dream runs/a --instances 3 --context 3 --horizon 4 --out ") + file);
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_NE(ran.out.find(std::string("lasted so long)\n") + file + "\n"), std::string::npos)
        << ran.out;
    EXPECT_EQ(contents(s / file).rfind(magic, 0), 0U) << file;
  }
}

TEST(Dream, SaysWhatItNeeds) {
  Scratch const s;
  Ran ran = run_program(
      s,
      "train cartpole --device cpu --threads 1 --num_envs 64 --ppo.steps 16 --ppo.minibatches "
      "4 --total_steps 1024 --eval.every 0 --eval.episodes 1 --name a");
  ASSERT_EQ(ran.status, 0) << ran.err;
  ran = run_program(s, "dream runs/a");
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.err, "dreamloom: runs/a: ppo has no world model (needs a run of dreamer)\n");
  ran = run_program(s, "dream runs/a --out a.pdf");
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.err, "dreamloom: a.pdf: cannot draw this (needs a name in .svg, .png or .gif)\n");
  ran = run_program(s, "dream runs/a --context 0");
  EXPECT_EQ(ran.status, 2);
}

TEST(Modes, LooksAtWhatTwoModelsForesee) {
  Scratch const s;
  for (char const* const kind : {"categorical", "gaussian"}) {
    Ran const ran = run_program(
        s, std::string("train dreamer_crossroads_") + kind +
               " --device cpu --threads 1 --num_envs 8 --total_steps 400 --eval.every 0 "
               "--eval.episodes 2 --dreamer.units 8 --dreamer.deter 16 --dreamer.length 8 "
               "--dreamer.batch 4 --dreamer.horizon 3 --dreamer.prefill 16 "
               "--dreamer.train_ratio 4");
    ASSERT_EQ(ran.status, 0) << ran.err;
  }
  std::string const both =
      "modes runs/dreamer_crossroads_categorical runs/dreamer_crossroads_gaussian";
  Ran ran = run_program(s, both + " --samples 16 --instances 20 --width 7");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("\nmodes.svg\nmodes_latent_1.svg\nmodes_latent_2.svg\nmodes.png\n"),
            std::string::npos)
      << ran.out;
  for (char const* const file : {"modes.svg", "modes_latent_1.svg", "modes_latent_2.svg"})
    EXPECT_EQ(contents(s / file).substr(0, 4), "<svg");
  EXPECT_EQ(contents(s / "modes.png").substr(1, 3), "PNG");
  ran = run_program(s, both + " --width 6");
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.err, "dreamloom: modes: 35 numbers in rows of 6 (needs a divisor)\n");
  ran = run_program(s, both + " --context 2");
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(
      ran.err,
      "dreamloom: modes: what comes has 1 value (needs a step, as --context says, where one of "
      "2 to 16 observations comes)\n");
  ran = run_program(s, "modes");
  EXPECT_EQ(ran.status, 2);
}

}  // namespace
}  // namespace loom
