#include <kernels/core/error.hpp>
#include <kernels/linalg/reduce.hpp>
#include <kernels/linalg/reduce_body.hpp>

namespace loom {
namespace {

using namespace reduction;

void check_workspace(char const* who, Out<std::uint8_t> workspace, std::size_t bytes) {
  require(workspace.size >= bytes, who, ": workspace has ", workspace.size, " bytes (needs ", bytes,
          ")");
  require(reinterpret_cast<std::uintptr_t>(workspace.data) % 16 == 0, who,
          ": workspace is not aligned to 16 bytes");
}

template <class Rule, class Store>
void reduce_vector(Here exec, char const* who, In<float> x, Store store,
                   Out<std::uint8_t> workspace) {
  require(x.size < (std::size_t{1} << 31), who, ": ", x.size, " elements (fewer than 2^31)");
  auto const [slab, slabs] = vector_plan(x.size);
  int const n = static_cast<int>(x.size);
  if (slabs <= 1) return launch_fold(exec, 1, FoldSlabs<Rule, Store>{x.data, n, slab, store});
  check_workspace(who, workspace, reduce_workspace(x.size));
  float* const slots = reinterpret_cast<float*>(workspace.data);
  launch_fold(exec, slabs, FoldSlabs<Rule, StoreSlot<Rule>>{x.data, n, slab, {slots}});
  launch_fold(exec, 1, FoldSlots<Rule, Store>{slots, 1, slabs, store});
}

template <class Rule, class Store>
void reduce_columns(Here exec, char const* who, InRows<float> x, Store store,
                    Out<std::uint8_t> workspace) {
  check_workspace(who, workspace, column_reduce_workspace(x.rows, x.cols));
  if (x.cols == 0) return;
  ColumnPlan const plan = column_plan(x.rows, x.cols);
  float* const slots = reinterpret_cast<float*>(workspace.data);
  int const lanes = plan.slots() * x.cols;
  launch(exec, lanes, AccumulateColumns<Rule>{x.data, x.rows, x.cols, x.stride, plan, slots},
         kGrain / plan.rows_a_lane);
  launch_fold(exec, x.cols, FoldSlots<Rule, Store>{slots, x.cols, plan.slots(), store});
}

void check_one(char const* who, Out<float> y) {
  require(y.size == 1, who, ": output has ", y.size, " elements (needs 1)");
}

}  // namespace

void sum(Here exec, In<float> x, Out<float> y, Out<std::uint8_t> workspace) {
  check_one("sum", y);
  reduce_vector<Sum>(exec, "sum", x, StoreTotal{y.data}, workspace);
}

void sum_of_squares(Here exec, In<float> x, Out<float> y, Out<std::uint8_t> workspace) {
  check_one("sum_of_squares", y);
  reduce_vector<SumOfSquares>(exec, "sum_of_squares", x, StoreTotal{y.data}, workspace);
}

void mean_and_variance(Here exec, In<float> x, Out<float> mean, Out<float> variance,
                       Out<std::uint8_t> workspace) {
  check_one("mean_and_variance", mean);
  check_one("mean_and_variance", variance);
  require(x.size >= 1, "mean_and_variance: no elements (needs 1 or more)");
  reduce_vector<Moments>(exec, "mean_and_variance", x, StoreMoments{mean.data, variance.data},
                         workspace);
}

void column_sum(Here exec, InRows<float> x, Out<float> y, Out<std::uint8_t> workspace) {
  require(static_cast<int>(y.size) == x.cols, "column_sum: ", x.cols, " columns, output has ",
          y.size);
  reduce_columns<Sum>(exec, "column_sum", x, StoreTotal{y.data}, workspace);
}

void column_mean_and_variance(Here exec, InRows<float> x, Out<float> mean, Out<float> variance,
                              Out<std::uint8_t> workspace) {
  require(static_cast<int>(mean.size) == x.cols && static_cast<int>(variance.size) == x.cols,
          "column_mean_and_variance: ", x.cols, " columns, mean has ", mean.size, ", variance ",
          variance.size);
  require(x.rows >= 1, "column_mean_and_variance: no rows (needs 1 or more)");
  reduce_columns<Moments>(exec, "column_mean_and_variance", x,
                          StoreMoments{mean.data, variance.data}, workspace);
}

}  // namespace loom
