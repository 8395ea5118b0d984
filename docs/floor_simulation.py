"""How often a route's floor errs, by simulation: `python docs/floor_simulation.py`.

Worlds have a mean loss d of the choice against the baseline; answers differ in a share of pairs.
Reports the share of runs in which more freedom was ever given than d allows, how many pairs it
takes until all of it is given to a choice that is as good, and until it is taken back from one
that became worse.
"""

import random
import statistics
import sys

from legato.routing.floor.freedom import SHARES, Floor, Terms, observed

TERMS = Terms(margin=0.01, alpha=0.05)
PAIRS = 6_000


def _dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 -- dice, not secrets


def loss(dice: random.Random, mean: float, differing: float) -> int:
    """Draw a pair: worse and better each by half of what differs, apart by the mean."""
    worse, better = (differing + mean) / 2, (differing - mean) / 2
    drawn = dice.random()
    return 1 if drawn < worse else -1 if drawn < worse + better else 0


def false_freedom(mean: float, differing: float, runs: int) -> float:
    """Return in which share of runs a share was ever given whose loss is above the margin."""
    wrong = 0
    for seed in range(runs):
        dice, floor = _dice(seed), Floor()
        for _ in range(PAIRS):
            floor, moved = observed(floor, loss(dice, mean, differing), TERMS)
            if moved is not None and moved.after * mean > TERMS.margin * (1 + 1e-9):
                wrong += 1
                break
    return wrong / runs


def pairs_until_free(mean: float, differing: float, share: float, runs: int) -> list[int]:
    """Return after how many pairs each run gave that share; PAIRS where it didn't."""
    found = []
    for seed in range(runs):
        dice, floor, count = _dice(seed), Floor(), 0
        while floor.share < share and count < PAIRS:
            floor, _ = observed(floor, loss(dice, mean, differing), TERMS)
            count += 1
        found.append(count)
    return found


def pairs_until_taken_back(after: float, differing: float, history: int, runs: int) -> list[int]:
    """Return after how many pairs freedom was taken back from a choice that became worse."""
    found = []
    for seed in range(runs):
        dice, floor, count = _dice(seed), Floor(), 0
        for _ in range(history):
            floor, _ = observed(floor, loss(dice, 0.0, 0.02), TERMS)
        back = floor.taken_back
        while floor.taken_back == back and count < PAIRS:
            floor, _ = observed(floor, loss(dice, after, max(differing, after)), TERMS)
            count += 1
        found.append(count)
    return found


def main(runs: int) -> None:
    """Print the tables of docs/explanation/quality-floor.md."""
    print(f"margin {TERMS.margin}, alpha {TERMS.alpha}, {runs} runs, {PAIRS} pairs each\n")
    print("mean loss | differing | ever too much freedom")
    for mean, differing in ((0.0101, 0.05), (0.0101, 0.3), (0.0134, 0.1), (0.021, 0.1),
                            (0.051, 0.2), (0.101, 0.3), (0.3, 0.4)):  # fmt: skip
        print(f"{mean:9} | {differing:9} | {false_freedom(mean, differing, runs):.3f}")
    print("\nmean loss | differing | pairs until a share of " + " | ".join(map(str, SHARES)))
    for mean, differing in ((0.0, 0.0), (0.0, 0.02), (0.0, 0.1), (-0.02, 0.1), (0.005, 0.05)):
        medians = [
            statistics.median(pairs_until_free(mean, differing, share, max(20, runs // 10)))
            for share in SHARES
        ]
        print(f"{mean:9} | {differing:9} | " + " | ".join(f"{one:.0f}" for one in medians))
    print("\nloss afterwards | pairs before | pairs until taken back: median, 95 %")
    for after in (0.05, 0.1, 0.2, 0.5, 1.0):
        for history in (2_000, 10_000):
            found = sorted(pairs_until_taken_back(after, 0.02, history, max(20, runs // 10)))
            median, late = statistics.median(found), found[int(len(found) * 0.95)]
            print(f"{after:15} | {history:12} | {median:.0f}, {late}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
