#!/usr/bin/env python3
"""Which target of the training pays in bytes at equal accuracy, from the summaries of runs: targets.py RUNS

RUNS holds a folder TARGET,COEFFICIENT-SEED for each run, each with its summary.json. The last column is what a target takes
at the accuracy that all of them reach on both sides: between the means of two coefficients, straight in the logarithm of
the bytes.
"""

import collections
import json
import math
import pathlib
import statistics
import sys

from orders import spread


def bytes_at(accuracy, points):
    """Of (accuracy, bytes), in any order; None outside of them."""
    points = sorted(points)
    for (low, less), (high, more) in zip(points, points[1:]):
        if low <= accuracy <= high:
            share = (accuracy - low) / (high - low) if high > low else 0
            return math.exp(math.log(less) + share * (math.log(more) - math.log(less)))
    return None


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    targets = collections.defaultdict(lambda: collections.defaultdict(list))
    for path in pathlib.Path(sys.argv[1]).glob("*,*-*/summary.json"):
        target, coefficient = path.parent.name.rpartition("-")[0].split(",")
        targets[target][float(coefficient)].append(json.loads(path.read_text()))
    means = {target: [(statistics.mean(run["accuracy"] for run in runs), statistics.mean(run["bytes"] for run in runs))
                      for runs in rows.values()] for target, rows in targets.items()}
    lowest = max(min(points)[0] for points in means.values())
    highest = min(max(points)[0] for points in means.values())
    common = (lowest + highest) / 2
    print(f"| target | coefficient | seeds | file, bytes | decoded file, test % | bytes at {common:.2f} % |")
    print("| --- | --: | --: | --: | --: | --: |")
    for target in sorted(targets):
        at_common = bytes_at(common, means[target])
        for i, (coefficient, runs) in enumerate(sorted(targets[target].items())):
            print(f"| {target if i == 0 else ''} | {coefficient:g} | {len(runs)} "
                  f"| {spread([run['bytes'] for run in runs], ',.0f')} "
                  f"| {spread([run['accuracy'] for run in runs], '.2f')} "
                  f"| {f'{at_common:,.0f}' if i == 0 and at_common else ''} |")


if __name__ == "__main__":
    main()
