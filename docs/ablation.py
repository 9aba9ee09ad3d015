#!/usr/bin/env python3
"""Table of the ablation, from the summaries of its runs: ablation.py RUNS

RUNS holds a folder NAME-SEED for each run, each with its summary.json.
"""

import collections
import json
import pathlib
import statistics
import sys

from orders import spread


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows = collections.defaultdict(list)
    for path in pathlib.Path(sys.argv[1]).glob("*-*/summary.json"):
        rows[path.parent.name.rpartition("-")[0]].append(json.loads(path.read_text()))
    print("| | seeds | file, bytes | test % | held out % | test loss |\n| --- | --: | --: | --: | --: | --: |")
    for name, runs in sorted(rows.items(), key=lambda row: min(run["bytes"] for run in row[1])):
        print(f"| {name} | {len(runs)} | {spread([run['bytes'] for run in runs], ',.0f')} "
              f"| {spread([run['accuracy'] for run in runs], '.2f')} "
              f"| {statistics.mean(run['val_accuracy'] for run in runs):.2f} "
              f"| {statistics.mean(run['loss'] for run in runs):.4f} |")


if __name__ == "__main__":
    main()
