#!/usr/bin/env python3
"""Imagination of Dreamer version 1 in PyTorch: 2500 starts, 15 steps, 200 units, no gradients. One thread; seconds of this
process, which a busy machine disturbs least. Needs: PyTorch, with a fast BLAS (README.md says how).
Beside it: dreamloom_bench --benchmark_filter=dream_rollout_cpu/version_1
"""
import argparse

from report import best, blas, report, torch_on

STARTS, STEPS, UNITS, LATENT, ACTIONS = 2500, 15, 200, 30, 6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    limit = parser.parse_args().seconds
    torch = torch_on(1)
    nn = torch.nn

    def stack(inputs, depth, outputs):
        layers = []
        for layer in range(depth):
            layers += [nn.Linear(inputs if layer == 0 else UNITS, UNITS), nn.ELU()]
        return nn.Sequential(*layers, nn.Linear(UNITS, outputs))

    actor, prior = stack(UNITS + LATENT, 4, 2 * ACTIONS), stack(UNITS, 1, 2 * LATENT)
    inputs, cell = nn.Sequential(nn.Linear(LATENT + ACTIONS, UNITS), nn.ELU()), nn.GRUCell(UNITS, UNITS)
    weights = sum(p.numel() for part in (actor, prior, inputs, cell) for p in part.parameters() if p.dim() == 2)
    start = 0.5 * torch.randn(STARTS, UNITS), 0.5 * torch.randn(STARTS, LATENT)

    @torch.no_grad()
    def imagine(h, z):
        features = [torch.cat([h, z], -1)]
        for _ in range(STEPS):
            mean, raw = actor(features[-1]).chunk(2, -1)
            deviation = nn.functional.softplus(raw + 4.9932) + 1e-4
            a = torch.tanh(5 * torch.tanh(mean / 5) + deviation * torch.randn_like(mean))
            h = cell(inputs(torch.cat([z, a], -1)), h)
            mean, raw = prior(h).chunk(2, -1)
            z = mean + (nn.functional.softplus(raw) + 0.1) * torch.randn_like(mean)
            features.append(torch.cat([h, z], -1))
        return torch.stack(features)

    passed = best(lambda: imagine(*start), limit)
    report("torch imagination", {"torch": torch.__version__},
           {"ms": round(1e3 * passed, 1), "imagined_steps_per_s": round(STARTS * STEPS / passed),
            "gflop_per_s": round(2e-9 * weights * STARTS * STEPS / passed, 1)}, threads=1, blas=blas())


if __name__ == "__main__":
    main()
