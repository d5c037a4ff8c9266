#include <learn/core/algorithm.hpp>
#include <sim/core/rows.hpp>

namespace loom {
namespace {

class RowsPlayer final : public Player {
 public:
  RowsPlayer(Algorithm& algorithm, VectorEnv& env)
      : algorithm_(algorithm),
        env_(env),
        observation_(env.exec(), rows() * static_cast<std::size_t>(env.observation_fields())),
        action_(env.exec(), rows() * static_cast<std::size_t>(env.action_fields())) {}

  void act(ActMode mode) override {
    int const n = env_.num_envs();
    OutRows<float> const observation{observation_.data(), n, env_.observation_fields()};
    OutRows<float> const action{action_.data(), n, env_.action_fields()};
    visit(env_.exec(), [&](auto exec) {
      rows_from_tiles(exec, {env_.observation().data, env_.observation_fields()}, observation);
    });
    algorithm_.act(observation, action, mode);
    visit(env_.exec(),
          [&](auto exec) { actions_from_rows(exec, action, env_.spec().actions, env_.action()); });
  }

 private:
  std::size_t rows() const { return static_cast<std::size_t>(env_.num_envs()); }

  Algorithm& algorithm_;
  VectorEnv& env_;
  Buffer<float> observation_, action_;
};

}  // namespace

std::unique_ptr<Player> Algorithm::player(VectorEnv& env) {
  return std::make_unique<RowsPlayer>(*this, env);
}

}  // namespace loom
