#!/usr/bin/env python3
"""Stable-Baselines3 PPO on CartPole-v1: one environment, 65,536 steps, rollouts of 128, minibatches
of 64, 10 epochs, Adam 3e-4, gamma 0.99, lambda 0.95, clip 0.2, separate 64-64 tanh networks, CPU.
Needs: stable-baselines3, gymnasium, PyTorch (README.md says how).
"""
import argparse
import sys
import time
import warnings

START = time.perf_counter()

from report import blas, report  # noqa: E402

try:
    import gymnasium
    import stable_baselines3
    import torch
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.monitor import Monitor
except ImportError as error:
    sys.exit(f"{error}: pip install stable-baselines3")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=65_536)
    parser.add_argument("--threads", type=int, default=1, help="PyTorch's threads")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(given.threads)
    model = stable_baselines3.PPO(
        "MlpPolicy", "CartPole-v1", n_steps=128, batch_size=64, n_epochs=10, learning_rate=3e-4,
        gamma=0.99, gae_lambda=0.95, clip_range=0.2, seed=given.seed, device="cpu",
        policy_kwargs={"net_arch": {"pi": [64, 64], "vf": [64, 64]},
                       "activation_fn": torch.nn.Tanh})
    ready = time.perf_counter()
    model.learn(given.steps)
    done = time.perf_counter()
    mean, deviation = evaluate_policy(model, Monitor(gymnasium.make("CartPole-v1")), 20)
    report("stable-baselines3 PPO CartPole-v1",
           {"stable-baselines3": stable_baselines3.__version__, "torch": torch.__version__,
            "gymnasium": gymnasium.__version__},
           {"train_seconds": round(done - ready, 2), "since_start_seconds": round(done - START, 2),
            "steps_per_second": round(model.num_timesteps / (done - ready)),
            "final_mean_return": mean, "final_deviation": round(float(deviation), 1)},
           steps=model.num_timesteps, threads=given.threads, seed=given.seed, blas=blas())


if __name__ == "__main__":
    main()
