#include <algorithm>
#include <fstream>
#include <kernels/linalg/gather.hpp>
#include <kernels/linalg/scatter.hpp>
#include <learn/core/checkpoint.hpp>
#include <learn/core/sequence_replay.hpp>
#include <utility>

namespace loom {
namespace {

int numbers_of(SequenceReplay::Config const& c) { return c.observation + c.action + c.latent + 4; }

/// Bytes that can still be had; 0 if unknown.
std::size_t available_memory(Exec const& exec) {
  if (!on_cpu(exec)) return 0;
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::size_t kilobytes = 0;
  while (file >> name >> kilobytes) {
    if (name == "MemAvailable:") return kilobytes * 1024;
    file.ignore(64, '\n');
  }
  return 0;
}

/// Throws before the first byte is taken.
SequenceReplay::Config checked(Exec const& exec, SequenceReplay::Config const& c) {
  require<ConfigError>(c.length <= c.capacity, "replay: ", c.capacity,
                       " records an instance (needs at least one sequence of ", c.length, ")");
  auto const records = static_cast<std::int64_t>(c.instances) * c.capacity;
  require<ConfigError>(records < (std::int64_t{1} << 31), "replay: ", records,
                       " records (needs fewer than 2^31)");
  auto const needed = static_cast<std::size_t>(SequenceReplay::bytes(c));
  std::string const picture =
      c.picture > 0 ? " and " + std::to_string(c.picture) + " bytes of a picture" : "";
  std::size_t const there = available_memory(exec);
  auto const megabytes = [](std::size_t bytes) { return (bytes + 999999) / 1000000; };
  require<ConfigError>(there == 0 || needed <= there, "replay: ", records, " records of ",
                       numbers_of(c), " numbers", picture, " need ", megabytes(needed),
                       " MB (there are ", megabytes(there),
                       " MB; a smaller replay is a smaller capacity)");
  return c;
}

}  // namespace

std::int64_t SequenceReplay::bytes(Config const& c) {
  std::int64_t const number = sizeof(float);
  return std::int64_t{c.instances} * c.capacity * (numbers_of(c) * number + c.picture);
}

SequenceReplay::Columns::Columns(Exec const& exec, Config const& c, std::size_t rows) {
  // Not zeros: memory that no record has filled yet need not be there.
  auto const of = [&](int width) {
    return Buffer<float>(exec, rows * static_cast<std::size_t>(width));
  };
  observation = of(c.observation);
  action = of(c.action);
  latent = of(c.latent);
  reward = of(1);
  first = of(1);
  last = of(1);
  goes_on = of(1);
  picture = Buffer<std::uint8_t>(exec, rows * static_cast<std::size_t>(c.picture));
}

SequenceReplay::SequenceReplay(Exec const& exec, Config const& config)
    : exec_(exec),
      config_(checked(exec, config)),
      shape_{config.instances, config.capacity},
      all_(exec, config,
           static_cast<std::size_t>(config.instances) * static_cast<std::size_t>(config.capacity)),
      batch_(exec, config,
             static_cast<std::size_t>(config.sequences) * static_cast<std::size_t>(config.length)),
      count_(zeros<std::uint32_t>(exec, static_cast<std::size_t>(config.instances))),
      taken_(zeros<std::uint32_t>(exec, static_cast<std::size_t>(config.instances))),
      claimed_(exec, static_cast<std::size_t>(config.instances)),
      place_(exec,
             static_cast<std::size_t>(config.sequences) * static_cast<std::size_t>(config.length)),
      target_(exec, static_cast<std::size_t>(config.sequences) *
                        static_cast<std::size_t>(config.length - 1)) {
  config_.online = std::min({config_.online, config_.sequences, config_.instances});
}

template <class F>
void SequenceReplay::each_part(F const& f) {
  if (config_.observation > 0)
    f("observation", all_.observation, batch_.observation, config_.observation);
  if (config_.picture > 0) f("picture", all_.picture, batch_.picture, config_.picture);
  f("action", all_.action, batch_.action, config_.action);
  if (config_.latent > 0) f("latent", all_.latent, batch_.latent, config_.latent);
  f("reward", all_.reward, batch_.reward, 1);
  f("first", all_.first, batch_.first, 1);
  f("last", all_.last, batch_.last, 1);
  f("goes_on", all_.goes_on, batch_.goes_on, 1);
}

void SequenceReplay::append(Exec const& exec, Records const& records, In<std::uint8_t> mask) {
  int const n = config_.instances, all = n * config_.capacity;
  visit(exec, [&](auto e) {
    replay_claim(e, shape_, mask, count_.out(), claimed_.out());
    auto const put = [&]<class T>(InRows<T> from, Buffer<T>& to) {
      scatter_rows(e, from, claimed_.in(), {to.data(), all, from.cols});
    };
    if (config_.observation > 0) put(records.observation, all_.observation);
    if (config_.picture > 0) put(records.picture, all_.picture);
    put(records.action, all_.action);
    if (config_.latent > 0) put(records.latent, all_.latent);
    auto const number = [&](In<float> x) { return InRows<float>(x.data, n, 1); };
    put(number(records.reward), all_.reward);
    put(number(records.first), all_.first);
    put(number(records.last), all_.last);
    put(number(records.goes_on), all_.goes_on);
  });
}

void SequenceReplay::sample(Exec const& exec, In<std::uint32_t> tick) {
  ReplayDraw const draw{config_.seed, config_.sequences, config_.length, config_.online};
  int const all = config_.instances * config_.capacity;
  visit(exec, [&](auto e) {
    replay_sample(e, shape_, draw, count_.in(), taken_.out(), tick, place_.out());
    each_part([&]<class T>(char const*, Buffer<T>& from, Buffer<T>& to, int width) {
      gather_rows<T>(e, {from.data(), all, width}, place_.in(),
                     {to.data(), config_.length * config_.sequences, width});
    });
  });
}

SequenceReplay::Records SequenceReplay::batch() const {
  int const rows = config_.length * config_.sequences;
  return {{batch_.observation.data(), rows, config_.observation},
          {batch_.action.data(), rows, config_.action},
          {batch_.latent.data(), rows, config_.latent},
          batch_.reward.in(),
          batch_.first.in(),
          batch_.last.in(),
          batch_.goes_on.in(),
          {batch_.picture.data(), rows, config_.picture}};
}

void SequenceReplay::write_back(Exec const& exec, InRows<float> latent) {
  if (config_.latent == 0) return;
  visit(exec, [&](auto e) {
    replay_targets(e, shape_, {place_.data(), config_.length, config_.sequences}, target_.out());
    scatter_rows(e, latent, target_.in(),
                 {all_.latent.data(), config_.instances * config_.capacity, config_.latent});
  });
}

// Records that are there: those of a ring that is not yet full lie at its beginning.
int SequenceReplay::used(std::vector<std::uint32_t> const& count) const {
  std::uint32_t most = 0;
  for (std::uint32_t const n : count) most = std::max(most, n);
  return static_cast<int>(std::min(most, static_cast<std::uint32_t>(config_.capacity)));
}

void SequenceReplay::save(Checkpoint& checkpoint, std::string const& prefix) {
  auto const count = download(count_);
  int const records = used(count);
  each_part([&]<class T>(char const* name, Buffer<T>& part, Buffer<T>&, int width) {
    std::vector<T> host;
    host.reserve(static_cast<std::size_t>(config_.instances) * elements(records, width));
    for (int i = 0; i < config_.instances; ++i) {
      auto const ring = download(exec_, In<T>(slice(part, i, records, width)));
      // What no record has filled is nobody's: zeros, so that equal replays are equal files.
      std::size_t const filled = std::min<std::size_t>(count[static_cast<std::size_t>(i)],
                                                       static_cast<std::size_t>(records)) *
                                 static_cast<std::size_t>(width);
      host.insert(host.end(), ring.begin(), ring.begin() + static_cast<std::ptrdiff_t>(filled));
      host.insert(host.end(), ring.size() - filled, T{});
    }
    checkpoint.put(prefix + name, host);
  });
  checkpoint.put(prefix + "count", exec_, count_.in());
  checkpoint.put(prefix + "taken", exec_, taken_.in());
}

void SequenceReplay::load(Checkpoint const& checkpoint, std::string const& prefix) {
  auto const count = checkpoint.get<std::uint32_t>(prefix + "count"),
             taken = checkpoint.get<std::uint32_t>(prefix + "taken");
  auto const instances = static_cast<std::size_t>(config_.instances);
  require<IoError>(count.size() == instances && taken.size() == instances, checkpoint.source(),
                   ": replay of ", count.size(), " instances (needs ", instances, ")");
  for (std::size_t i = 0; i < instances; ++i)
    require<IoError>(taken[i] <= count[i], checkpoint.source(), ": replay: ", taken[i],
                     " records taken of ", count[i]);
  int const records = used(count);
  each_part([&]<class T>(char const* name, Buffer<T>& part, Buffer<T>&, int width) {
    auto const host = checkpoint.get<T>(prefix + name);
    std::size_t const each = static_cast<std::size_t>(records) * static_cast<std::size_t>(width);
    require<IoError>(host.size() == instances * each, checkpoint.source(), ": ", prefix, name,
                     " has ", host.size(), " numbers (needs ", instances * each, ")");
    for (int i = 0; i < config_.instances; ++i)
      upload<T>(exec_, In<T>(host).slice(static_cast<std::size_t>(i) * each, each),
                slice(part, i, records, width));
  });
  upload<std::uint32_t>(exec_, count, count_.out());
  upload<std::uint32_t>(exec_, taken, taken_.out());
}

template <class T>
Out<T> SequenceReplay::slice(Buffer<T>& part, int instance, int records, int width) const {
  std::size_t const record = static_cast<std::size_t>(width);
  return part.out().slice(
      static_cast<std::size_t>(instance) * static_cast<std::size_t>(config_.capacity) * record,
      static_cast<std::size_t>(records) * record);
}

std::uint32_t SequenceReplay::fewest() const {
  auto const count = download(count_);
  return *std::min_element(count.begin(), count.end());
}

}  // namespace loom
