"""Writes statistics.json: what the statistics of a race must give, worked out apart from the Rust code with SciPy.

Run in this folder, with SciPy (1.17 wrote the file): python3 statistics.py
"""

import json

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
MARGIN = 0.02
random = np.random.default_rng(20)


def student_t():
    for freedom in [1, 1.5, 2, 5, 7.5, 9, 13.5, 49, 73.5, 1000, 100000]:
        for p in [0.5, 0.6, 0.9, 0.975, 0.995, 1 - 0.05 / 14, 0.9999, 0.9999999]:
            yield {"p": p, "freedom": freedom, "t": float(stats.t.ppf(p, freedom))}


def medians():
    """Hettmansperger and Sheather's interval, after section 2 of their paper."""
    for n in [6, 7, 8, 9, 10, 15, 20, 50, 101]:
        walls = np.sort(np.exp(random.normal(0, 0.2, n)))
        cover = lambda d: 1 - 2 * stats.binom.cdf(d - 1, n, 0.5)
        depth = max(d for d in range(1, n // 2 + 1) if cover(d) >= CONFIDENCE)
        part = (cover(depth) - CONFIDENCE) / (cover(depth) - cover(depth + 1))
        inward = (n - depth) * part / (depth + (n - 2 * depth) * part)
        low = (1 - inward) * walls[depth - 1] + inward * walls[depth]
        high = (1 - inward) * walls[n - depth] + inward * walls[n - depth - 1]
        t = stats.t.interval(CONFIDENCE, n - 1, np.log(walls).mean(), stats.sem(np.log(walls)))
        yield {
            "walls": random.permutation(walls).tolist(),
            "median": float(np.median(walls)), "low": low, "high": high,
            "typical": float(stats.gmean(walls)), "typical_low": float(np.exp(t[0])), "typical_high": float(np.exp(t[1])),
        }


def race(walls):
    """Edwards and Hsu's intervals from paired t intervals with moderated variances; walls[model][round]."""
    logs = np.log(walls)
    models, rounds = logs.shape
    own = rounds - 1
    pairs = [(i, j) for i in range(models) for j in range(i)]
    spread = {pair: stats.tstd(logs[pair[0]] - logs[pair[1]]) ** 2 for pair in pairs}
    of_logs = np.log(list(spread.values()))
    borrowed = 0
    if models > 2:
        excess = stats.tvar(of_logs) - 2 / (rounds - 2)
        borrowed = min(own / 2, 2 / excess) if excess > 0 else own / 2
    typical = stats.gmean(list(spread.values())) * np.exp(1 / own)
    t = stats.t.ppf(1 - (1 - CONFIDENCE) / (2 * (models - 1)), own + borrowed)

    def interval(i, j):
        variance = (borrowed * typical + own * spread[max(i, j), min(i, j)]) / (borrowed + own)
        reach = t * np.sqrt(variance / rounds)
        if models == 2:
            # with two models it is nothing but the paired t interval
            of_scipy = stats.ttest_rel(logs[i], logs[j]).confidence_interval(CONFIDENCE)
            assert np.allclose([of_scipy.low, of_scipy.high], np.mean(logs[i] - logs[j]) + np.array([-reach, reach]))
        return np.mean(logs[i]) - np.mean(logs[j]) + np.array([-reach, reach])

    others = lambda j: [i for i in range(models) if i != j]
    candidates = [j for j in range(models) if all(interval(i, j)[1] >= 0 for i in others(j))]
    best = min(range(models), key=lambda i: logs[i].mean())
    verdicts = []
    for i in range(models):
        against = [interval(i, j) if i != j else (0, 0) for j in candidates]
        low, high = max(0, min(a[0] for a in against)), max(0, max(a[1] for a in against))
        verdicts.append({"estimate": float(stats.gmean(walls[i] / walls[best])), "low": float(np.exp(low)),
                         "high": float(np.exp(high)), "may_be_best": i in candidates})
    slower = [verdict["low"] > 1 + MARGIN for verdict in verdicts]
    for i, verdict in enumerate(verdicts):
        verdict["relation"] = ("slower" if slower[i] else "best" if sum(slower) == models - 1
                               else "equal" if verdict["high"] <= 1 + MARGIN else "undecided")
    return {"walls": walls.tolist(), "verdicts": verdicts}


def races():
    for models in [2, 3, 4, 8]:
        for rounds in [6, 10, 25]:
            for slower in [0, 0.01, 0.1, 1]:
                noise = random.choice([0.002, 0.01, 0.03, 0.1], (models, 1))
                ratios = 1 + slower * np.arange(models)
                round_effect = np.exp(random.normal(0, 0.3, (1, rounds)))
                yield race(ratios[:, None] * round_effect * np.exp(noise * random.normal(0, 1, (models, rounds))))


everything = {"student_t": list(student_t()), "medians": list(medians()), "races": list(races())}
relations = {verdict["relation"] for one in everything["races"] for verdict in one["verdicts"]}
assert relations == {"best", "equal", "slower", "undecided"}
with open("statistics.json", "w", encoding="utf-8") as file:
    lines = [f'"{name}":[\n' + ",\n".join(json.dumps(one) for one in some) + "\n]" for name, some in everything.items()]
    file.write("{" + ",\n".join(lines) + "}\n")
