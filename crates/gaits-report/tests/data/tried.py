"""Prints what was tried and left, for docs/design/statistics.md, with NumPy and SciPy: python3 tried.py

When to look whether a race of two models is precise enough, and variances of each model after Grubbs.
"""

import numpy as np
from scipy import stats

random = np.random.default_rng(5)
RACES, MOST = 40_000, 80


def when_to_look():
    n = np.arange(1, MOST + 1)
    t95, t97 = ([np.inf] + [stats.t.ppf(p, k - 1) for k in range(2, MOST + 1)] for p in (0.975, 0.985))

    def steps():
        at = 6
        while at <= MOST:
            yield at
            at = int(np.ceil(at * 4 / 3))

    worst = {}
    for noise in [0.03, 0.04, 0.05, 0.055, 0.06, 0.065, 0.07, 0.08, 0.1]:
        ratios = random.normal(0, noise * np.sqrt(2), (RACES, MOST))
        mean = ratios.cumsum(1) / n
        variance = (np.square(ratios).cumsum(1) - n * mean**2) / np.maximum(n - 1, 1)
        with np.errstate(invalid="ignore"):
            reach, wider = (t * np.sqrt(np.maximum(variance, 0) / n) for t in (t95, t97))
        covers, narrow = np.abs(mean) <= reach, (reach <= np.log(1.05)) & (n >= 6)
        three = narrow.copy()
        three[:, 2:] &= narrow[:, 1:-1] & narrow[:, :-2]
        three[:, :7] = False
        rules = {
            "each round from 6": narrow, "steps of a third": narrow & np.isin(n, list(steps())),
            "97 %": (wider <= np.log(1.05)) & (n >= 6), "three in a row": three,
            "from 8": narrow & (n >= 8), "from 10": narrow & (n >= 10),
        }
        for name, stop in rules.items():
            stop = stop.copy()
            stop[:, -1] = True
            at = stop.argmax(1)
            worst.setdefault(name, []).append((covers[np.arange(RACES), at].mean(), noise, at.mean() + 1))
    for name, all_noises in worst.items():
        share, noise, _ = min(all_noises)
        rounds = next(rounds for _, noise, rounds in all_noises if noise == 0.06)
        print(f"{name}: {share:.3f} at worst (noise {noise}), {rounds:.1f} rounds at a noise of 0.06")


def grubbs():
    """Four models, 1, 3, 10 and 1 % noise, the first is the best and the others 10 % slower."""
    models, truth = 4, np.log([1, 1.1, 1.1, 1.1])
    for rounds in [6, 10, 20]:
        y = random.normal(0, 1, (10_000, models, rounds)) * np.array([0.01, 0.03, 0.1, 0.01])[:, None] + truth[:, None]
        left = y - y.mean(2, keepdims=True) - y.mean(1, keepdims=True) + y.mean((1, 2), keepdims=True)
        raw = (left**2).sum(2) / (rounds - 1)
        own = np.maximum(models / (models - 2) * (raw - raw.sum(1, keepdims=True) / (models * (models - 1))), 0)
        # against the true best alone; the choice of the best only adds to it
        both = own[:, 1:] + own[:, :1]
        freedom = both**2 / np.maximum(own[:, 1:] ** 2 + own[:, :1] ** 2, 1e-300) * (rounds - 1)
        t = stats.t.ppf(1 - 0.05 / 6, np.maximum(freedom, 1))
        off = np.abs(y.mean(2)[:, 1:] - y.mean(2)[:, :1] - truth[1:])
        print(f"Grubbs, {rounds} rounds: {(off <= t * np.sqrt(both / rounds)).all(1).mean():.3f}")


when_to_look()
grubbs()
