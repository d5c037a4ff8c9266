#pragma once
// Small learners of every algorithm, and what their checkpoints look like to a fuzzer.
#include <cstdint>
#include <learn/core/algorithm.hpp>
#include <learn/core/checkpoint.hpp>
#include <learn/core/crc32c.hpp>
#include <memory>
#include <string>
#include <tools/dreamloom/recipe.hpp>
#include <tools/dreamloom/trainer.hpp>
#include <vector>

namespace loom {

/// A run that takes a millisecond.
struct SmallRun {
  std::string algorithm, recipe;
  std::string checkpoint;  ///< as `apart` leaves it

  std::unique_ptr<Algorithm> make() const {
    return std::move(Learner(make_recipe(recipe, "recipe", {}), Exec{Cpu{}}).algorithm);
  }
};

// A fuzzer that inserts a byte into a header would have to correct the header's length, every offset and the checksum
// as well to get past the first check. So it gets the header as one line, without length or checksum, and the data
// behind it; with_right_checksum makes a file of that.

inline std::string apart(std::string const& file) {
  std::uint64_t length = 0;
  for (std::size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(file[i]);
  return file.substr(8, length) + "\n" + file.substr(8 + length);
}

/// The data are cut or filled up with zeros to what the header says, if that is a size in reason.
inline std::string with_right_checksum(std::string const& bytes) {
  std::size_t const line = std::min(bytes.find('\n'), bytes.size());
  std::string header = bytes.substr(0, line);
  std::string data = bytes.substr(std::min(line + 1, bytes.size()));
  std::uint64_t size = 0;
  auto const json = nlohmann::json::parse(header, nullptr, false);
  if (json.is_object())
    for (auto const& entry : json) {
      if (!entry.is_object() || !entry.contains("data_offsets")) continue;
      auto const& offsets = entry["data_offsets"];
      if (offsets.is_array() && offsets.size() == 2 && offsets[1].is_number_unsigned())
        size = std::max(size, offsets[1].get<std::uint64_t>());
    }
  if (size < 1 << 20) data.resize(size);

  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  file += header + data;
  std::string const key = "\"dreamloom.checksum\":\"crc32c:", digits = "00000000";
  auto const at = file.find(key);
  if (at == file.npos || at + key.size() + digits.size() > 8 + header.size()) return file;
  file.replace(at + key.size(), digits.size(), digits);
  std::uint32_t sum = crc32c(file);
  for (std::size_t i = digits.size(); i-- > 0; sum /= 16)
    file[at + key.size() + i] = "0123456789abcdef"[sum % 16];
  return file;
}

inline SmallRun small_run(std::string const& algorithm, std::string const& environment) {
  SmallRun run;
  run.algorithm = algorithm;
  std::vector<Override> overrides;
  AlgorithmEntry::Prepared const prepared = find_algorithm(algorithm).prepare();
  for (auto const& [key, value] : {std::pair{"steps", "4"},
                                   {"epochs", "1"},
                                   {"minibatches", "1"},
                                   {"hidden", "4"},
                                   {"normalise_observation", "true"},
                                   {"normalise_reward", "true"},
                                   {"units", "2"},
                                   {"deter", "2"},
                                   {"blocks", "1"},
                                   {"groups", "1"},
                                   {"classes", "2"},
                                   {"bins", "3"},
                                   {"batch", "1"},
                                   {"length", "2"},
                                   {"horizon", "1"},
                                   {"capacity", "64"},
                                   {"train_ratio", "1"}})
    if (prepared.keys.find(key) != nullptr) overrides.emplace_back(algorithm + "." + key, value);
  run.recipe =
      make_recipe("algorithm = \"" + algorithm + "\"\nenvironment = \"" + environment +
                      "\"\nnum_envs = 2\ntotal_steps = 24\ndevice = \"cpu\"\nthreads = "
                      "1\neval.episodes = 1\n"
                      "[parameters]\naction_delay = { uniform = [0, 3] }\nsticky_action = 0.25\n",
                  "small", overrides)
          .toml();
  std::unique_ptr<Algorithm> const learner = run.make();
  for (int i = 0; i < 2; ++i) {
    learner->collect();
    learner->update();
  }
  Checkpoint file;
  learner->save(file);
  file.state()["run"] = {{"recipe", run.recipe},
                         {"iteration", 2},
                         {"evaluated_at", 0},
                         {"stop_return_reached", false}};
  run.checkpoint = apart(file.bytes());
  return run;
}

/// Of every algorithm, on discrete and on continuous actions where it takes both.
inline std::vector<SmallRun> const& small_runs() {
  static std::vector<SmallRun> const runs = [] {
    std::vector<SmallRun> made;
    for (AlgorithmEntry const* entry : algorithms())
      for (char const* environment : {"CartPole", "Pendulum"}) {
        try {
          made.push_back(small_run(entry->name, environment));
        } catch (ConfigError const&) {
          // not for this kind of action
        }
      }
    return made;
  }();
  return runs;
}

/// Files of a few hundred bytes with everything that the format has; half of them without a checksum.
inline std::vector<std::string> checkpoint_seeds() {
  Checkpoint file;
  file.put("weight", std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3});
  file.put("bias", std::vector<double>{0.5});
  file.put("flags", std::vector<std::uint8_t>{0, 1, 1});
  file.put("empty", std::vector<std::int64_t>{}, {0, 4});
  file.state()["run"] = {
      {"iteration", 3}, {"recipe", "environment = \"CartPole\"\n"}, {"list", {1.5, nullptr, true}}};
  std::string const whole = file.bytes(), none = Checkpoint().bytes();
  std::vector<std::string> seeds{whole, none};
  for (std::string bytes : {whole, none}) {
    bytes.replace(bytes.find("dreamloom.checksum"), 18, "dreamloom.checkers");
    seeds.push_back(bytes);
  }
  return seeds;
}

}  // namespace loom
