#include <kernels/core/error.hpp>
#include <kernels/core/launch_rows.hpp>
#include <kernels/linalg/gather.hpp>
#include <kernels/linalg/gather_body.hpp>

namespace loom {
namespace {

struct alignas(16) Word16 {
  std::uint32_t words[4];
};

template <class W>
bool fits(std::int64_t bits) {
  return bits % static_cast<std::int64_t>(sizeof(W)) == 0;
}

template <class W>
void gather_words(Here exec, void const* from, std::int64_t from_stride, In<std::int32_t> index,
                  void* to, std::int64_t to_stride, std::int64_t row_bytes) {
  constexpr std::int64_t size = sizeof(W);
  launch_rows(exec, static_cast<int>(index.size), static_cast<int>(row_bytes / size),
              GatherRows<W>{static_cast<W const*>(from), from_stride / size, index.data,
                            static_cast<W*>(to), to_stride / size});
}

}  // namespace

template <class T>
void gather_rows(Here exec, InRows<T> from, In<std::int32_t> index, OutRows<T> to) {
  require(from.cols == to.cols && static_cast<int>(index.size) == to.rows,
          "gather_rows: ", index.size, " indices into rows of ", from.cols, ", output is ", to.rows,
          " x ", to.cols);
  std::int64_t const size = sizeof(T), row_bytes = to.cols * size;
  std::int64_t const from_stride = from.stride * size, to_stride = to.stride * size;
  // The lowest set bit of all of them bounds the word.
  std::int64_t const bits = row_bytes | from_stride | to_stride |
                            reinterpret_cast<std::intptr_t>(from.data) |
                            reinterpret_cast<std::intptr_t>(to.data);
  if (fits<Word16>(bits))
    gather_words<Word16>(exec, from.data, from_stride, index, to.data, to_stride, row_bytes);
  else if (fits<std::uint32_t>(bits))
    gather_words<std::uint32_t>(exec, from.data, from_stride, index, to.data, to_stride, row_bytes);
  else
    gather_words<std::uint8_t>(exec, from.data, from_stride, index, to.data, to_stride, row_bytes);
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
