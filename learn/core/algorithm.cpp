#include <learn/core/algorithm.hpp>

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
    upload<float>(env_.exec(), env_.host_observation(), observation_.out());
    algorithm_.act({observation_.data(), n, env_.observation_fields()},
                   {action_.data(), n, env_.action_fields()}, mode);
    env_.set_actions(download(action_));
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
