#pragma once
// Sequences of many instances' experience, on the device that learns from them.
#include <kernels/core/buffer.hpp>
#include <kernels/dream/replay.hpp>
#include <string>

namespace loom {

class Checkpoint;

/// A ring of records an instance. A record is what an agent knows at one time: observation, a picture, or
/// both, the reward that came with it, whether an episode begins or ends with it, the action taken then and the agent's own latent
/// state. The last observation of an episode is a record of its own, whose action means nothing.
class SequenceReplay {
 public:
  struct Config {
    int instances = 1;
    int capacity = 1;                             ///< records an instance
    int observation = 1, action = 1, latent = 0;  ///< numbers of a record
    int picture = 0;                              ///< bytes of a record
    int sequences = 16, length = 65;              ///< of a batch
    int online =
        0;  ///< sequences of a batch that take the newest records once, where there are any
    std::uint64_t seed = 0;
  };
  /// Records of all instances at one time; goes_on: 0 where the episode terminated, else the discount.
  struct Records {
    InRows<float> observation, action, latent;
    In<float> reward, first, last, goes_on;
    InRows<std::uint8_t> picture = {};
  };

  /// Throws ConfigError, with the bytes needed, for more memory than there is.
  SequenceReplay(Exec const& exec, Config const& config);

  /// One record of every instance, or of those whose mask is not 0.
  void append(Exec const& exec, Records const& records, In<std::uint8_t> mask = {});
  /// Fills batch(), [length][sequences]. Every instance must have `length` records.
  void sample(Exec const& exec, In<std::uint32_t> tick);
  Records batch() const;
  /// New latent states of the batch's records but the first of each sequence: [length - 1][sequences].
  void write_back(Exec const& exec, InRows<float> latent);

  Config const& config() const { return config_; }
  /// Bytes of all records, of those to come as well.
  static std::int64_t bytes(Config const& config);
  /// Records of the instance that has the fewest, ever; read by the host.
  std::uint32_t fewest() const;
  /// The records that are there.
  void save(Checkpoint& checkpoint, std::string const& prefix);
  /// Throws IoError when they are not those of such a replay.
  void load(Checkpoint const& checkpoint, std::string const& prefix);

 private:
  /// Memory of `rows` records.
  struct Columns {
    Columns(Exec const& exec, Config const& config, std::size_t rows);
    Buffer<float> observation, action, latent, reward, first, last, goes_on;
    Buffer<std::uint8_t> picture;
  };
  /// f(name, columns of all records, columns of the batch, width) for every part that records have.
  template <class F>
  void each_part(F const& f);
  int used(std::vector<std::uint32_t> const& count) const;
  template <class T>
  Out<T> slice(Buffer<T>& part, int instance, int records, int width) const;

  Exec exec_;
  Config config_;
  ReplayShape shape_;
  Columns all_, batch_;
  Buffer<std::uint32_t> count_, taken_;
  Buffer<std::int32_t> claimed_, place_, target_;
};

}  // namespace loom
