#!/usr/bin/env python3
"""Steps a second of Gymnasium: random actions drawn inside, auto-reset, one thread.
Needs: pip install gymnasium numpy. `sync` is a Python loop over environments; `vector` the
vectorised CartPole that Gymnasium brings along.
"""
import argparse
import sys

from report import report, steps_per_second

try:
    import gymnasium
    import numpy as np
except ImportError as error:
    sys.exit(f"{error}: pip install gymnasium numpy")


def actions(rng, name, count):
    if name.startswith("CartPole"):
        return lambda: rng.integers(0, 2, count)
    return lambda: rng.uniform(-2, 2, (count, 1)).astype(np.float32)


def single(name, rng, seconds):
    env = gymnasium.make(name, disable_env_checker=True)
    env.reset(seed=1)
    draw = actions(rng, name, 1)
    discrete = hasattr(env.action_space, "n")

    def step():
        action = draw()[0]
        _, _, terminated, truncated, _ = env.step(int(action) if discrete else action)
        if terminated or truncated:
            env.reset()

    return steps_per_second(step, 1, seconds)


def vector(name, rng, count, mode, seconds):
    envs = gymnasium.make_vec(name, num_envs=count, vectorization_mode=mode)
    envs.reset(seed=1)
    draw = actions(rng, name, count)
    return steps_per_second(lambda: envs.step(draw()), count, seconds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2, help="per figure")
    seconds = parser.parse_args().seconds
    rng = np.random.default_rng(1)
    figures = {}
    for name in ("CartPole-v1", "Pendulum-v1"):
        figures[f"{name} N=1"] = single(name, rng, seconds)
        for count in (64, 4096):
            figures[f"{name} sync N={count}"] = vector(name, rng, count, "sync", seconds)
            if gymnasium.spec(name).vector_entry_point:
                figures[f"{name} vector N={count}"] = vector(
                    name, rng, count, "vector_entry_point", seconds)
    report("gymnasium", {"gymnasium": gymnasium.__version__, "numpy": np.__version__}, figures,
           unit="steps/s")


if __name__ == "__main__":
    main()
