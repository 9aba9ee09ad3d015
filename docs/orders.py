#!/usr/bin/env python3
"""Table and figure of the order study, from the summaries of its runs: orders.py RUNS TABLE.md FIGURE.svg

RUNS holds a folder RECIPE-ORDER-SEED for each run, each with its summary.json and manifest.json.
"""

import collections
import json
import pathlib
import sys


class Group:
    """The runs of one recipe and order: a value for each seed."""

    def __init__(self, runs):
        order = runs[0]["order"]
        self.coefficient = runs[0]["coefficient"]
        self.seeds = len(runs)
        self.bits = [run["entropy_bits"][order] for run in runs]
        self.bound = [run["entropy_bound"][order] for run in runs]
        self.distinct = [run["distinct_tuples"][order] for run in runs]
        self.tuples = [run["tuples"][order] for run in runs]
        self.bytes = [run["bytes"] for run in runs]
        self.accuracy = [run["accuracy"] for run in runs]
        self.held_out = [run["val_accuracy"] for run in runs]
        self.seconds = [run["seconds"] for run in runs]


def mean(values):
    return sum(values) / len(values)


def read(folder):
    runs = collections.defaultdict(list)
    for path in sorted(folder.glob("*-*-*/summary.json")):
        run = json.loads(path.read_text())
        arguments = json.loads((path.parent / "manifest.json").read_text())["arguments"]
        run["order"] = str(arguments["order"])
        run["coefficient"] = arguments["entropy"]
        runs[arguments["recipe"], arguments["order"]].append(run)
    return {key: Group(runs[key]) for key in sorted(runs, key=lambda key: (key[0] != "paper", key))}


def spread(values, form):
    if len(values) == 1:
        return f"{values[0]:{form}}"
    return f"{mean(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def table(groups):
    lines = [
        "| recipe | order | coefficient | entropy, bits a weight | its bound | distinct tuples | tuples | file, bytes "
        "| decoded file, test % | held-out % | seconds a run |",
        "| --- " * 11 + "|",
    ]
    for (recipe, order), group in groups.items():
        under_sampled = " (under-sampled)" if max(group.distinct) * 10 > min(group.tuples) else ""
        cells = [
            recipe,
            order,
            f"{group.coefficient:g}",
            spread(group.bits, ".4f"),
            f"{mean(group.bound):.2f}",
            f"{mean(group.distinct):,.0f}{under_sampled}",
            f"{mean(group.tuples):,.0f}",
            spread(group.bytes, ",.0f"),
            spread(group.accuracy, ".2f"),
            spread(group.held_out, ".2f"),
            f"{mean(group.seconds):.0f}",
        ]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    seeds = sorted({group.seeds for group in groups.values()})
    lines += ["", f"Means over {' or '.join(map(str, seeds))} seeds, in brackets the least and the greatest."]
    return "\n".join(lines) + "\n"


def panel(left, top, title, orders, values, form):
    """A small plot: a dot for each run, a line through the means of the orders."""
    width, height = 250, 120
    every = [value for of_order in values for value in of_order]
    low, high = min(every), max(every)
    margin = (high - low) * 0.15 or 1
    low, high = low - margin, high + margin

    def x(i):
        return left + 60 + (width - 80) * (i / max(len(orders) - 1, 1))

    def y(value):
        return top + 25 + (height - 25) * (high - value) / (high - low)

    parts = [
        f'<text x="{left + 50}" y="{top + 14}" font-weight="bold">{title}</text>',
        f'<path d="M{left + 50} {top + 25}V{top + height}H{left + width}" fill="none" stroke="#888"/>',
    ]
    for value in (min(every), max(every)):
        parts.append(
            f'<text x="{left + 45}" y="{y(value) + 4:.1f}" text-anchor="end" fill="#555">{value:{form}}</text>'
        )
    line = " ".join(f"{x(i):.1f},{y(mean(of_order)):.1f}" for i, of_order in enumerate(values))
    parts.append(f'<polyline points="{line}" fill="none" stroke="#1f5fa8" stroke-width="1.5"/>')
    for i, (order, of_order) in enumerate(zip(orders, values)):
        parts.append(f'<text x="{x(i):.1f}" y="{top + height + 15}" text-anchor="middle">{order}</text>')
        for value in of_order:
            parts.append(f'<circle cx="{x(i):.1f}" cy="{y(value):.1f}" r="3" fill="#1f5fa8" fill-opacity="0.5"/>')
    return parts


def figure(groups):
    recipes = list(dict.fromkeys(recipe for recipe, _ in groups))
    rows = [
        ("file, bytes", "bytes", ",.0f"),
        ("entropy, bits a weight", "bits", ".3f"),
        ("decoded file, test %", "accuracy", ".2f"),
    ]
    width, height = 20 + 290 * len(recipes), 20 + 160 * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        'font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for column, recipe in enumerate(recipes):
        of_recipe = {order: group for (name, order), group in groups.items() if name == recipe}
        for row, (title, field, form) in enumerate(rows):
            values = [getattr(group, field) for group in of_recipe.values()]
            parts += panel(
                10 + 290 * column, 10 + 160 * row, f"{recipe}: {title}", list(of_recipe), values, form
            )
    return "\n".join(parts) + "\n</svg>\n"


def main():
    runs, table_file, figure_file = map(pathlib.Path, sys.argv[1:])
    groups = read(runs)
    if not groups:
        sys.exit(f"orders: {runs}: there is no finished run; run ./dev results orders")
    table_file.write_text(table(groups))
    figure_file.write_text(figure(groups))


if __name__ == "__main__":
    main()
