#include <kernels/core/launch.hpp>
#include <kernels/render/scene.hpp>
#include <sim/core/pixels.hpp>

namespace loom {
namespace {

struct NoteAges {
  EnvMemory m;
  std::int32_t* age;
  template <class F>
  HD void operator()(Lane<F> i) const {
    auto const* const ints = reinterpret_cast<std::int32_t const*>(m.record.data);
    int const field = m.book + static_cast<int>(Book::step);
    store(age, i, load(ints + m.record.offset(field, i.index), Lane<F>{0}));
  }
};

struct SkipScenes {
  Scene* scenes;
  HD void operator()(Lane<float> i) const { scenes[i.index].count = Scene::kSkipped; }
};

struct NoteTruncated {
  int first;
  std::uint8_t const* truncated;
  std::int32_t* places;
  template <class F>
  HD void operator()(Lane<F> i) const {
    auto const place = iota(i) + first;
    store(places, i, select(load_mask(truncated, i), place, load(places, i)));
  }
};

struct ForgetPlaces {
  std::int32_t* places;
  template <class F>
  HD void operator()(Lane<F> i) const {
    store(places, i, IntOf<F>(-1));
  }
};

struct ScatterPlaces {
  In<std::int32_t> places;
  In<float> from;
  Out<float> to;
  HD void operator()(Lane<float> i) const {
    auto const at = static_cast<std::size_t>(i.index);
    if (places[at] >= 0) to[static_cast<std::size_t>(places[at])] = from[at];
  }
};

}  // namespace

void note_ages(Here exec, EnvMemory const& m, std::int32_t* age) {
  launch(exec, m.num_envs, NoteAges{m, age});
}
void skip_scenes(Here exec, int n, Scene* scenes) { launch_scalar(exec, n, SkipScenes{scenes}); }
void note_truncated(Here exec, int n, int time, std::uint8_t const* truncated,
                    std::int32_t* places) {
  launch(exec, n, NoteTruncated{time * n, truncated, places});
}
void forget_places(Here exec, int n, std::int32_t* places) {
  launch(exec, n, ForgetPlaces{places});
}
void scatter_places(Here exec, In<std::int32_t> places, In<float> from, Out<float> to) {
  launch_scalar(exec, static_cast<int>(places.size), ScatterPlaces{places, from, to});
}

}  // namespace loom
