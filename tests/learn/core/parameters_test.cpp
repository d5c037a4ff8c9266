#include <gtest/gtest.h>

#include <Eigen/Core>
#include <learn/core/checkpoint.hpp>
#include <learn/core/parameters.hpp>

namespace loom {
namespace {

TEST(Orthogonal, HasOrthonormalRowsOrColumnsTimesItsGain) {
  for (auto const& [rows, cols] : {std::pair{8, 5}, {5, 8}, {64, 64}, {1, 7}}) {
    std::vector<float> const w = orthogonal(rows, cols, 1.5F, 7, 3);
    using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    Eigen::MatrixXd const m = Eigen::Map<Matrix const>(w.data(), rows, cols).cast<double>();
    Eigen::MatrixXd const gram =
        rows >= cols ? Eigen::MatrixXd(m.transpose() * m) : Eigen::MatrixXd(m * m.transpose());
    Eigen::MatrixXd const want = 2.25 * Eigen::MatrixXd::Identity(gram.rows(), gram.cols());
    EXPECT_LT((gram - want).norm(), 1e-5);
  }
}

TEST(Orthogonal, DependsOnSeedAndStream) {
  EXPECT_EQ(orthogonal(4, 4, 1, 1, 1), orthogonal(4, 4, 1, 1, 1));
  EXPECT_NE(orthogonal(4, 4, 1, 1, 1), orthogonal(4, 4, 1, 2, 1));
  EXPECT_NE(orthogonal(4, 4, 1, 1, 1), orthogonal(4, 4, 1, 1, 2));
}

TEST(Parameters, ViewsLieSideBySideAndSurviveACheckpoint) {
  MlpShape const net{{3, 5, 2}, Activation::tanh};
  std::vector<ParameterShape> shapes = mlp_parameters("actor", net);
  shapes.push_back({"log_std", {2}});
  Parameters a(Exec{Cpu{}}, shapes);
  EXPECT_EQ(a.size(), static_cast<std::size_t>(net.parameters()) + 2);
  EXPECT_EQ(a.values("actor").size, static_cast<std::size_t>(net.parameters()));
  EXPECT_EQ(a.values("actor.1.weight").data, a.values().data + net.offset(1));
  EXPECT_EQ(a.values("log_std").data, a.values().data + net.parameters());
  for (std::size_t i = 0; i < a.size(); ++i) a.values()[i] = static_cast<float>(i);
  Checkpoint file;
  a.save(file, "net.");
  EXPECT_EQ(file.tensor("net.actor.0.weight").shape, (std::vector<std::size_t>{5, 3}));
  Parameters b(Exec{Cpu{}}, shapes);
  b.load(file, "net.");
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(b.values()[i], a.values()[i]);
  shapes.back().shape = {3};
  Parameters other(Exec{Cpu{}}, shapes);
  EXPECT_THROW(other.load(file, "net."), IoError);
}

TEST(Parameters, RefusesTwoOfOneNameAndUnknownNames) {
  EXPECT_THROW(Parameters(Exec{Cpu{}}, {{"a", {2}}, {"a", {3}}}), ConfigError);
  Parameters p(Exec{Cpu{}}, {{"a", {2}}});
  EXPECT_THROW(p.values("b"), ShapeError);
}

}  // namespace
}  // namespace loom
