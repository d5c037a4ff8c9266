#!/usr/bin/env python3
"""Updates of Dreamer version 3 in PyTorch, size 1M: the world model's from 16 sequences of 64 records, and the whole one,
with 15 imagined steps from each of their states, actor and critic. CartPole's 4 numbers and 2 actions. One thread; seconds
of this process, which a busy machine disturbs least. Needs: PyTorch, with a fast BLAS (README.md says how).
Beside it: dreamloom_bench --benchmark_filter=updates/size_1M
"""
import argparse

from report import best, blas, report, torch_on

SEQUENCES, LENGTH, HORIZON, OBSERVATION, ACTIONS = 16, 64, 15, 4, 2
UNITS, DETER, BLOCKS, GROUPS, CLASSES, BINS = 64, 512, 8, 32, 4, 255
STOCH, FEATURE, PART = GROUPS * CLASSES, DETER + GROUPS * CLASSES, DETER // BLOCKS
UNIMIX, LAMBDA, GOES_ON = 0.01, 0.95, 1 - 1 / 333


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20, help="per figure")
    seconds = parser.parse_args().seconds
    torch = torch_on(1)
    nn, functional = torch.nn, torch.nn.functional

    class Normed(nn.Module):
        """A layer's RMS norm and SiLU."""

        def __init__(self, width):
            super().__init__()
            self.gain = nn.Parameter(torch.ones(width))

        def forward(self, x):
            return functional.silu(x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-4) * self.gain)

    def stack(inputs, layers, outputs=0):
        parts = []
        for i in range(layers):
            parts += [nn.Linear(UNITS if i else inputs, UNITS), Normed(UNITS)]
        return nn.Sequential(*parts, *([nn.Linear(UNITS, outputs)] if outputs else []))

    class Core(nn.Module):
        def __init__(self):
            super().__init__()
            self.inputs = nn.ModuleList(stack(n, 1) for n in (DETER, STOCH, ACTIONS))
            self.hidden = nn.Parameter(torch.randn(BLOCKS, PART + 3 * UNITS, PART) / (PART + 3 * UNITS) ** 0.5)
            self.gates = nn.Parameter(torch.randn(BLOCKS, PART, 3 * PART) / PART ** 0.5)
            self.hidden_bias, self.gate_bias = (nn.Parameter(torch.zeros(BLOCKS, 1, n)) for n in (PART, 3 * PART))
            self.norm = Normed(DETER)

        def forward(self, h, z, a):
            rest = torch.cat([part(x) for part, x in zip(self.inputs, (h, z, a))], -1)
            old = h.view(-1, BLOCKS, PART).transpose(0, 1)
            x = torch.cat([old, rest.expand(BLOCKS, -1, -1)], -1)
            x = torch.baddbmm(self.hidden_bias, x, self.hidden).transpose(0, 1).reshape(-1, DETER)
            x = self.norm(x).view(-1, BLOCKS, PART).transpose(0, 1)
            reset, candidate, update = torch.baddbmm(self.gate_bias, x, self.gates).chunk(3, -1)
            update = torch.sigmoid(update - 1)
            new = update * torch.tanh(torch.sigmoid(reset) * candidate) + (1 - update) * old
            return new.transpose(0, 1).reshape(-1, DETER)

    world = nn.ModuleDict(dict(
        core=Core(), encoder=stack(OBSERVATION, 3), prior=stack(DETER, 2, STOCH), posterior=stack(DETER + UNITS, 1, STOCH),
        decoder=stack(FEATURE, 3, OBSERVATION), reward=stack(FEATURE, 1, BINS), ends=stack(FEATURE, 1, 1)))
    actor, critic, slow = stack(FEATURE, 3, ACTIONS), stack(FEATURE, 3, BINS), stack(FEATURE, 3, BINS)
    half = torch.linspace(-20, 0, (BINS + 1) // 2)
    half = torch.sign(half) * torch.expm1(half.abs())
    bins = torch.cat([half, -half[:-1].flip(0)])

    def symlog(x):
        return torch.sign(x) * torch.log1p(x.abs())

    def log_probabilities(logits, classes):
        p = torch.softmax(logits.unflatten(-1, (-1, classes)), -1)
        return torch.log((1 - UNIMIX) * p + UNIMIX / classes)

    def draw(logits, classes):
        """One-hot draws by the largest of log-probabilities and Gumbel noise, and the log-probabilities."""
        log_p = log_probabilities(logits, classes)
        noise = -torch.log(torch.empty_like(log_p).exponential_())
        return functional.one_hot((log_p + noise).argmax(-1), classes).float(), log_p

    def latent(logits):
        one_hot, log_p = draw(logits, CLASSES)
        p = log_p.exp()
        return (one_hot + p - p.detach()).flatten(-2)

    def divergence(q, p):
        return (q.exp() * (q - p)).sum((-1, -2))

    def two_hot_loss(logits, x):
        x = x.detach().clamp(bins[0], bins[-1])
        above = torch.searchsorted(bins, x.contiguous(), right=True).clamp(1, BINS - 1)
        share = (x - bins[above - 1]) / (bins[above] - bins[above - 1])
        log_p = torch.log_softmax(logits, -1)
        low, high = (log_p.gather(-1, i[..., None])[..., 0] for i in (above - 1, above))
        return -((1 - share) * low + share * high)

    def two_hot_mean(logits):
        return torch.softmax(logits, -1) @ bins

    def lambda_return(reward, goes_on, value, last):
        after, returns = value[-1], []
        for t in reversed(range(len(value) - 1)):
            mix = LAMBDA * (1 - last[t + 1])
            after = reward[t + 1] + goes_on[t + 1] * ((1 - mix) * value[t + 1] + mix * after)
            returns.append(after)
        return torch.stack(returns[::-1])

    shape = (LENGTH, SEQUENCES)
    observation, reward = torch.randn(*shape, OBSERVATION), torch.ones(shape)
    action = functional.one_hot(torch.randint(ACTIONS, shape), ACTIONS).float()
    first = (torch.rand(shape) < 0.03).float()
    last, goes_on = first.roll(-1, 0), GOES_ON * (1 - first.roll(-1, 0))
    start = torch.zeros(SEQUENCES, FEATURE)

    def model_loss():
        tokens, state, features, posteriors = world["encoder"](symlog(observation)), start, [], []
        for t in range(LENGTH):
            keep = 1 - first[t][:, None]
            state = state * keep
            h = world["core"](state[:, :DETER], state[:, DETER:], action[t] * keep)
            logits = world["posterior"](torch.cat([h, tokens[t]], -1))
            state = torch.cat([h, latent(logits)], -1)
            features.append(state)
            posteriors.append(logits)
        feature = torch.stack(features)
        q = log_probabilities(torch.stack(posteriors), CLASSES)
        p = log_probabilities(world["prior"](feature[..., :DETER]), CLASSES)
        loss = ((world["decoder"](feature) - symlog(observation)) ** 2).sum(-1).mean()
        loss = loss + two_hot_loss(world["reward"](feature), reward).mean()
        loss = loss + functional.binary_cross_entropy_with_logits(world["ends"](feature)[..., 0], goes_on)
        dynamics, representation = divergence(q.detach(), p), divergence(q, p.detach())
        return feature, loss + (dynamics.clamp(min=1) + 0.1 * representation.clamp(min=1)).mean()

    def behaviour_loss(feature):
        with torch.no_grad():
            now, states, taken = feature.reshape(-1, FEATURE), [], []
            states.append(now)
            for _ in range(HORIZON):
                a = draw(actor(now), ACTIONS)[0][:, 0]
                h = world["core"](now[:, :DETER], now[:, DETER:], a)
                now = torch.cat([h, latent(world["prior"](h))], -1)
                states.append(now)
                taken.append(a)
            imagined, taken = torch.stack(states), torch.stack(taken)
            rewards, ends = two_hot_mean(world["reward"](imagined)), torch.sigmoid(world["ends"](imagined)[..., 0])
        value_logits = critic(imagined)
        with torch.no_grad():
            value, slow_value = two_hot_mean(value_logits), two_hot_mean(slow(imagined))
            returns = lambda_return(rewards, ends, value, torch.zeros_like(value))
            weight = torch.cumprod(ends, 0)[:-1]
            low, high = torch.quantile(returns[0], torch.tensor([0.05, 0.95]))
            advantage = (returns - value[:-1]) / (high - low).clamp(min=1)
        log_p = log_probabilities(actor(imagined[:-1]), ACTIONS)[..., 0, :]
        entropy = -(log_p.exp() * log_p).sum(-1)
        loss = -(weight * ((log_p * taken).sum(-1) * advantage + 3e-4 * entropy)).mean()
        loss = loss + (weight * (two_hot_loss(value_logits[:-1], returns)
                                 + two_hot_loss(value_logits[:-1], slow_value[:-1]))).mean()
        logits = critic(feature)
        with torch.no_grad():
            replayed = lambda_return(reward, goes_on, returns[0].reshape(shape), last)
            slow_value = two_hot_mean(slow(feature))[:-1]
        replay = two_hot_loss(logits[:-1], replayed) + two_hot_loss(logits[:-1], slow_value)
        return loss + 0.3 * ((1 - last[:-1]) * replay).mean()

    every = [*world.parameters(), *actor.parameters(), *critic.parameters()]
    optimizers = {False: torch.optim.Adam(world.parameters(), 4e-5), True: torch.optim.Adam(every, 4e-5)}

    def update(whole):
        feature, loss = model_loss()
        if whole:
            loss = loss + behaviour_loss(feature)
        optimizers[whole].zero_grad(set_to_none=True)
        loss.backward()
        optimizers[whole].step()
        if whole:
            with torch.no_grad():
                for a, b in zip(slow.parameters(), critic.parameters()):
                    a.lerp_(b, 0.02)

    figures = {"parameters": sum(p.numel() for p in every)}
    for name, whole in (("world_model_ms", False), ("update_ms", True)):
        figures[name] = round(1e3 * best(lambda: update(whole), seconds), 1)
    report("torch Dreamer version 3, 1M", {"torch": torch.__version__}, figures, threads=1, blas=blas())


if __name__ == "__main__":
    main()
