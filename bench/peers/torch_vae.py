#!/usr/bin/env python3
"""The action autoencoder of BCQ in PyTorch: one update of 100 rows, and ten actions of each of 100 states; 7 actions, 19
numbers of a state, two hidden layers of 750. One thread; seconds of this process, which a busy machine disturbs least.
Needs: PyTorch, with a fast BLAS (README.md says how). Beside it: dreamloom_bench --benchmark_filter=vae_
"""
import argparse

from report import best, blas, report, torch_on

ACTIONS, STATES, UNITS, LATENT, ROWS, SAMPLES = 7, 19, 750, 14, 100, 10


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5, help="per figure")
    seconds = parser.parse_args().seconds
    torch = torch_on(1)
    nn = torch.nn

    def stack(inputs, outputs):
        return nn.Sequential(nn.Linear(inputs, UNITS), nn.ReLU(), nn.Linear(UNITS, UNITS), nn.ReLU(),
                             nn.Linear(UNITS, outputs))

    encoder, decoder = stack(STATES + ACTIONS, 2 * LATENT), stack(STATES + LATENT, ACTIONS)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()])
    state, action = torch.randn(ROWS, STATES), torch.rand(ROWS, ACTIONS) * 2 - 1

    def decode(s, z):
        return torch.tanh(decoder(torch.cat([s, z], 1)))

    def update():
        mean, log_std = encoder(torch.cat([state, action], 1)).chunk(2, 1)
        std = log_std.clamp(-4, 15).exp()
        error = nn.functional.mse_loss(decode(state, mean + std * torch.randn_like(std)), action)
        divergence = -0.5 * (1 + torch.log(std**2) - mean**2 - std**2).mean()
        optimizer.zero_grad(set_to_none=True)
        (error + 0.5 * divergence).backward()
        optimizer.step()

    @torch.no_grad()
    def sample():
        repeated = state.repeat_interleave(SAMPLES, 0)
        return decode(repeated, torch.randn(ROWS * SAMPLES, LATENT).clamp(-0.5, 0.5))

    times = {"update": best(update, seconds, 10, 20), "sample": best(sample, seconds, 10, 20)}
    report("torch VAE", {"torch": torch.__version__},
           {"update_ms": round(1e3 * times["update"], 3),
            "update_rows_per_s": round(ROWS / times["update"]),
            "sample_ms": round(1e3 * times["sample"], 3),
            "sample_rows_per_s": round(ROWS * SAMPLES / times["sample"])},
           units=UNITS, threads=1, blas=blas())


if __name__ == "__main__":
    main()
