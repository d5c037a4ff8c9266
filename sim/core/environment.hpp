#pragma once
// Turns an environment's file into kernels. Included by sim/envs/*.cu, which are compiled twice.
#include <sim/core/registry.hpp>
#include <sim/core/rollout_body.hpp>

namespace loom {

/// Lanes of a thread at least, for steps of tens of nanoseconds a pack.
inline constexpr int kStepGrain = 1024;

template <class Env>
struct EnvLaunch {
  static void reset(Here exec, EnvMemory const& m) {
    launch(exec, m.num_envs, ResetAll<Env>{{m, false}}, kStepGrain);
  }
  static void step(Here exec, EnvMemory const& m) {
    launch_compacted(exec, m.num_envs, StepInstances<Env, Actions::given>{m},
                     ResetInstances<Env>{m, true}, kStepGrain);
  }
  static void step_seen(Here exec, EnvMemory const& m, Scene* last) {
    launch_compacted(exec, m.num_envs, StepInstances<Env, Actions::given>{m},
                     DrawAndReset<Env>{{m, true}, last}, kStepGrain);
  }
  static void draw(Here exec, EnvMemory const& m, int n, Scene* scenes) {
    launch_scalar(exec, n, DrawInstances<Env>{m, scenes});
  }
  static void rollout(Here exec, EnvMemory const& m, PolicyView const& policy,
                      RolloutView const& out) {
    BlockNeeds needs;
    needs.tiles = 2;  // the critic reads the observations that the actor has read
    needs.width = policy.actor.stack.width;
    if (policy.critic.stack.width > needs.width) needs.width = policy.critic.stack.width;
    needs.values = Rollout<Env>::kHead + 1;
    needs.tape = Tape{policy.actor.stack.tape, policy.critic.stack.tape};
    launch_blocks(exec, m.instances, needs, Rollout<Env>{m, policy, out});
  }
  static void step_random(Here exec, EnvMemory const& m) {
    launch_compacted(exec, m.num_envs, StepInstances<Env, Actions::random>{m},
                     ResetInstances<Env>{m, true}, kStepGrain);
  }
};

// Exec is part of the name: both compilations emit this variable, and the linker would merge them.
template <class Exec, class Env>
inline constexpr EnvKernels<Exec> kEnvKernels{
    &Env::spec,
    Env::params,
    Layout<Env>::kParams,
    Layout<Env>::kState,
    [](Exec e, EnvMemory const& m) { EnvLaunch<Env>::reset(e, m); },
    [](Exec e, EnvMemory const& m) { EnvLaunch<Env>::step(e, m); },
    [](Exec e, EnvMemory const& m) { EnvLaunch<Env>::step_random(e, m); },
    [](Exec e, EnvMemory const& m, Scene* last) { EnvLaunch<Env>::step_seen(e, m, last); },
    [](Exec e, EnvMemory const& m, int n, Scene* scenes) { EnvLaunch<Env>::draw(e, m, n, scenes); },
    [](Exec e, EnvMemory const& m, PolicyView const& policy, RolloutView const& out) {
      EnvLaunch<Env>::rollout(e, m, policy, out);
    },
};

}  // namespace loom

/// Defines this file's registry entry; LOOM_STEM, the file's stem, comes from the build.
#define LOOM_ENVIRONMENT(Env)                                                \
  namespace loom::environment_registry {                                     \
  EnvKernels<Here> const& LOOM_STEM(Here) { return kEnvKernels<Here, Env>; } \
  }                                                                          \
  static_assert(true)
