#!/usr/bin/env python3
"""Which target of the training pays in bytes at equal quality, from the summaries of runs: targets.py RUNS

RUNS holds a folder TARGET,COEFFICIENT-SEED for each run, each with its summary.json. The last two columns are what a target
takes at the middle of the accuracies, and of the losses, that all of them reach on both sides: between the means of two
coefficients, straight in the logarithm of the bytes.
"""

import collections
import json
import math
import pathlib
import statistics
import sys

from orders import spread


def bytes_at(quality, points):
    """Of (quality, bytes), in any order; None outside of them."""
    points = sorted(points)
    for (low, first), (high, second) in zip(points, points[1:]):
        if low <= quality <= high:
            share = (quality - low) / (high - low) if high > low else 0
            return math.exp(math.log(first) + share * (math.log(second) - math.log(first)))
    return None


def at_common(targets, quality):
    """The middle of what all targets reach, and the bytes of each there."""
    means = {target: [(statistics.mean(run[quality] for run in runs), statistics.mean(run["bytes"] for run in runs))
                      for runs in rows.values()] for target, rows in targets.items()}
    lowest = max(min(points)[0] for points in means.values())
    highest = min(max(points)[0] for points in means.values())
    common = (lowest + highest) / 2
    return common, {target: bytes_at(common, points) for target, points in means.items()}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    targets = collections.defaultdict(lambda: collections.defaultdict(list))
    for path in pathlib.Path(sys.argv[1]).glob("*,*-*/summary.json"):
        target, coefficient = path.parent.name.rpartition("-")[0].split(",")
        targets[target][float(coefficient)].append(json.loads(path.read_text()))
    accuracy, at_accuracy = at_common(targets, "accuracy")
    loss, at_loss = at_common(targets, "loss")
    print("| target | coefficient | seeds | file, bytes | test % | held out % | test loss "
          f"| bytes at {accuracy:.2f} % | at a loss of {loss:.4f} |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: | --: |")
    for target in sorted(targets):
        for i, (coefficient, runs) in enumerate(sorted(targets[target].items())):
            values = {key: [run[key] for run in runs] for key in ("bytes", "accuracy", "val_accuracy", "loss")}
            equal = [f"{at[target]:,.0f}" if i == 0 and at[target] else "" for at in (at_accuracy, at_loss)]
            print(f"| {target if i == 0 else ''} | {coefficient:g} | {len(runs)} | {spread(values['bytes'], ',.0f')} "
                  f"| {spread(values['accuracy'], '.2f')} | {statistics.mean(values['val_accuracy']):.2f} "
                  f"| {statistics.mean(values['loss']):.4f} | {equal[0]} | {equal[1]} |")


if __name__ == "__main__":
    main()
