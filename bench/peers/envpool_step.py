#!/usr/bin/env python3
"""Steps a second of EnvPool: random actions drawn inside, auto-reset, synchronous batches.
Needs: pip install envpool gymnasium numpy.
"""
import argparse
import sys

from report import report, steps_per_second

try:
    import envpool
    import gymnasium
    import numpy as np
except ImportError as error:
    sys.exit(f"{error}: pip install envpool gymnasium numpy")


def figure(name, count, threads, seconds):
    rng = np.random.default_rng(1)
    envs = envpool.make(name, env_type="gymnasium", num_envs=count, num_threads=threads, seed=1)
    envs.reset()
    if name.startswith("CartPole"):
        def draw():
            return rng.integers(0, 2, count, dtype=np.int32)
    else:
        def draw():
            return 4 * rng.random((count, 1), dtype=np.float32) - 2
    return steps_per_second(lambda: envs.step(draw()), count, seconds)


def main():
    gymnasium.logger.min_level = gymnasium.logger.ERROR  # of the bounds' precision, at every make
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2, help="per figure")
    seconds = parser.parse_args().seconds
    figures = {f"{name} N={count} threads={threads}": figure(name, count, threads, seconds)
               for name in ("CartPole-v1", "Pendulum-v1")
               for count in (1, 64, 4096)
               for threads in ((1, 2) if count > 1 else (1,))}
    report("envpool", {"envpool": envpool.__version__, "numpy": np.__version__}, figures,
           unit="steps/s")


if __name__ == "__main__":
    main()
