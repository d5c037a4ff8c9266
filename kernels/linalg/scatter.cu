#include <kernels/core/error.hpp>
#include <kernels/core/launch_rows.hpp>
#include <kernels/linalg/row_words.hpp>
#include <kernels/linalg/scatter.hpp>
#include <kernels/linalg/scatter_body.hpp>

namespace loom {
namespace {

template <class T>
void scatter(Here exec, InRows<T> from, In<std::int32_t> index, OutRows<T> to) {
  require(from.cols == to.cols && static_cast<int>(index.size) == from.rows,
          "scatter_rows: ", index.size, " indices for ", from.rows, " x ", from.cols,
          " into rows of ", to.cols);
  in_widest_words(from, to, [&]<class W>(W) {
    constexpr std::int64_t words = sizeof(W);
    std::int64_t const size = sizeof(T);
    launch_rows(
        exec, from.rows, static_cast<int>(from.cols * size / words),
        ScatterRows<W>{reinterpret_cast<W const*>(from.data), from.stride * size / words,
                       index.data, reinterpret_cast<W*>(to.data), to.stride * size / words});
  });
}

}  // namespace

void scatter_rows(Here exec, InRows<float> from, In<std::int32_t> index, OutRows<float> to) {
  scatter(exec, from, index, to);
}
void scatter_rows(Here exec, InRows<std::uint8_t> from, In<std::int32_t> index,
                  OutRows<std::uint8_t> to) {
  scatter(exec, from, index, to);
}

}  // namespace loom
