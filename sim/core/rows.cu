#include <kernels/core/error.hpp>
#include <kernels/core/launch_rows.hpp>
#include <sim/core/rows.hpp>

namespace loom {
namespace {

struct RowsFromTiles {
  Tiles<float const> from;
  OutRows<float> to;
  HD void operator()(int i, int f) const { to.row(i)[f] = from.at(f, i); }
};

/// A NaN is below: it becomes `low`, as math::clamp has it.
template <class T>
HD T clipped(T x, T low, T high) {
  T const above = x > low ? x : low;
  return above < high ? above : high;
}

template <class T>
struct TilesFromRows {
  InRows<T> from;
  T low, high;
  Tiles<T> to;
  HD void operator()(int i, int f) const { to.at(f, i) = clipped(from.row(i)[f], low, high); }
};

struct ActionsFromRows {
  InRows<float> from;
  float low, high;
  bool discrete;
  Tiles<float> to;
  HD void operator()(int i, int f) const {
    float const x = clipped(from.row(i)[f], low, high);
    to.at(f, i) = discrete ? as_float(static_cast<std::int32_t>(x)) : x;
  }
};

}  // namespace

void rows_from_tiles(Here exec, Tiles<float const> tiles, OutRows<float> rows) {
  require(rows.cols == tiles.fields, "rows_from_tiles: ", tiles.fields, " fields into ", rows.cols,
          " columns");
  launch_rows(exec, rows.rows, rows.cols, RowsFromTiles{tiles, rows});
}

template <class T>
void tiles_from_rows(Here exec, InRows<T> rows, T low, T high, Tiles<T> tiles) {
  require(rows.cols == tiles.fields, "tiles_from_rows: ", rows.cols, " columns into ", tiles.fields,
          " fields");
  launch_rows(exec, rows.rows, rows.cols, TilesFromRows<T>{rows, low, high, tiles});
}
template void tiles_from_rows(Here, InRows<float>, float, float, Tiles<float>);
template void tiles_from_rows(Here, InRows<std::int32_t>, std::int32_t, std::int32_t,
                              Tiles<std::int32_t>);

void actions_from_rows(Here exec, InRows<float> rows, ActionSpace const& space,
                       Tiles<float> tiles) {
  require(rows.cols == space.fields() && rows.cols == tiles.fields,
          "actions_from_rows: ", rows.cols, " columns into ", tiles.fields, " fields");
  launch_rows(exec, rows.rows, rows.cols,
              ActionsFromRows{rows, space.low, space.high, space.discrete, tiles});
}

}  // namespace loom
