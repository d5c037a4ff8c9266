#include <kernels/core/error.hpp>
#include <kernels/core/launch_rows.hpp>
#include <kernels/linalg/gather.hpp>
#include <kernels/linalg/gather_body.hpp>
#include <kernels/linalg/row_words.hpp>

namespace loom {

template <class T>
void gather_rows(Here exec, InRows<T> from, In<std::int32_t> index, OutRows<T> to) {
  require(from.cols == to.cols && static_cast<int>(index.size) == to.rows,
          "gather_rows: ", index.size, " indices into rows of ", from.cols, ", output is ", to.rows,
          " x ", to.cols);
  in_widest_words(from, to, [&]<class W>(W) {
    constexpr std::int64_t words = sizeof(W);
    std::int64_t const size = sizeof(T);
    launch_rows(exec, to.rows, static_cast<int>(to.cols * size / words),
                GatherRows<W>{reinterpret_cast<W const*>(from.data), from.stride * size / words,
                              index.data, reinterpret_cast<W*>(to.data), to.stride * size / words});
  });
}

template <class T>
void gather_tiles(Here exec, In<T> from, In<std::int32_t> index, OutRows<T> to) {
  require(static_cast<int>(index.size) == to.rows, "gather_tiles: ", index.size,
          " indices, output has ", to.rows, " rows");
  require(to.cols > 0 && from.size % (static_cast<std::size_t>(to.cols) * kTile) == 0,
          "gather_tiles: ", from.size, " elements are not whole tiles of ", to.cols, " fields");
  launch_rows(exec, to.rows, to.cols,
              GatherTiles<T>{from.data, to.cols, index.data, to.data, to.stride});
}

#define LOOM_INSTANTIATE(T)                                                 \
  template void gather_rows(Here, InRows<T>, In<std::int32_t>, OutRows<T>); \
  template void gather_tiles(Here, In<T>, In<std::int32_t>, OutRows<T>);
LOOM_INSTANTIATE(float)
LOOM_INSTANTIATE(std::int32_t)
LOOM_INSTANTIATE(std::uint8_t)
#undef LOOM_INSTANTIATE

}  // namespace loom
