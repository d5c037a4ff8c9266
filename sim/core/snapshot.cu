#include <kernels/core/launch.hpp>
#include <sim/core/snapshot.hpp>

namespace loom {
namespace {

template <class I>
HD I tile_offset(I instance, int fields) {
  auto const lane = instance & (kTile - 1);
  return (instance - lane) * fields + lane;
}

struct SaveInstances {
  EnvMemory m;
  In<std::int32_t> ids;
  Tiles<float> record, observation;

  template <class F>
  HD void operator()(Lane<F> j) const {
    auto const id = load(ids, j);
    copy<F>(m.record, tile_offset(id, record.fields), record, j);
    copy<F>(m.observation, tile_offset(id, observation.fields), observation, j);
  }
  template <class F>
  HD static void copy(Tiles<float> from, IntOf<F> at, Tiles<float> to, Lane<F> j) {
    // A tail of single lanes may follow packs: offsets are computed lane by lane, never across a
    // tile.
    for (int f = 0; f < to.fields; ++f) store(to, f, j, gather(from.data, at + f * kTile));
  }
};

struct RestoreInstances {
  EnvMemory m;
  In<std::int32_t> ids;
  Tiles<float> record, observation;
  In<std::int32_t> sources;
  int book;  // first Book field
  bool resume;

  template <class F>
  HD void operator()(Lane<F> j) const {
    auto const id = load(ids, j);
    auto const source = load(sources, j);
    auto const to = tile_offset(id, record.fields), from = tile_offset(source, record.fields);
    auto field = [&](int f) {
      scatter(m.record.data, to + f * kTile, gather(record.data, from + f * kTile));
    };
    for (int f = 0; f < book; ++f) field(f);
    field(book + static_cast<int>(Book::step));
    field(book + static_cast<int>(Book::episode_return));
    for (int f = book + static_cast<int>(Book::count); f < record.fields; ++f) field(f);
    if (resume) {
      field(book + static_cast<int>(Book::tick));
      field(book + static_cast<int>(Book::stream));
      field(book + static_cast<int>(Book::episode));
    }
    auto const o_to = tile_offset(id, observation.fields),
               o_from = tile_offset(source, observation.fields);
    for (int f = 0; f < observation.fields; ++f)
      scatter(m.observation.data, o_to + f * kTile, gather(observation.data, o_from + f * kTile));
  }
};

struct ClearStatistics {
  Tiles<float> record;
  int book;
  template <class F>
  HD void operator()(Lane<F> i) const {
    for (int b = static_cast<int>(Book::finished); b < static_cast<int>(Book::count); ++b)
      store(record, book + b, i, F(0.F));
  }
};

}  // namespace

void save_instances(Here exec, EnvMemory const& m, In<std::int32_t> ids, Tiles<float> record,
                    Tiles<float> observation) {
  launch(exec, static_cast<int>(ids.size), SaveInstances{m, ids, record, observation});
}

void restore_instances(Here exec, EnvMemory const& m, In<std::int32_t> ids, Tiles<float> record,
                       Tiles<float> observation, In<std::int32_t> sources, Stream stream) {
  launch(exec, static_cast<int>(ids.size),
         RestoreInstances{m, ids, record, observation, sources, m.book, stream == Stream::resume});
}

void clear_statistics(Here exec, EnvMemory const& m) {
  launch(exec, m.num_envs, ClearStatistics{m.record, m.book});
}

}  // namespace loom
