#!/usr/bin/env python3
"""One training step in PyTorch: MLP 17-64-64-6, tanh, 4096 rows; forward, backward, Adam.
Needs: PyTorch, with a fast BLAS (README.md says how). One process for each thread count, so that
the BLAS obeys too.
"""
import argparse
import subprocess
import sys
import time

from report import blas, report, torch_on

WIDTHS, ROWS = (17, 64, 64, 6), 4096


def flops():
    sizes = [i * o for i, o in zip(WIDTHS, WIDTHS[1:])]
    return 2 * ROWS * (3 * sum(sizes) - sizes[0])  # no gradient to the input


def measure(threads, seconds):
    torch = torch_on(threads)
    nn = torch.nn
    layers = []
    for i, o in zip(WIDTHS, WIDTHS[1:]):
        layers += [nn.Linear(i, o), nn.Tanh()]
    net = nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-4, eps=1e-5)
    x, target = torch.randn(ROWS, WIDTHS[0]), torch.randn(ROWS, WIDTHS[-1])

    def step():
        optimizer.zero_grad(set_to_none=True)
        nn.functional.mse_loss(net(x), target).backward()
        optimizer.step()

    for _ in range(20):
        step()
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds:
        before = time.perf_counter()
        step()
        times.append(time.perf_counter() - before)
    median = sorted(times)[len(times) // 2]
    report("torch MLP step", {"torch": torch.__version__},
           {"median_ms": round(1e3 * median, 3), "best_ms": round(1e3 * min(times), 3),
            "median_gflops": round(1e-9 * flops() / median, 1), "steps": len(times)},
           network="-".join(map(str, WIDTHS)), rows=ROWS, threads=threads,
           mflop=round(1e-6 * flops(), 1), blas=blas())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3, help="per figure")
    parser.add_argument("--threads", type=int, help="1 and 2 when left out")
    given = parser.parse_args()
    if given.threads:
        return measure(given.threads, given.seconds)
    for threads in (1, 2):
        subprocess.run([sys.executable, __file__, "--threads", str(threads),
                        "--seconds", str(given.seconds)], check=True)


if __name__ == "__main__":
    main()
