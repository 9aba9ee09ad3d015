#!/usr/bin/env python3
"""Loss of hemp and of PyTorch, epoch by epoch, with recipe `cifar`: curves.py DATA EPOCHS FIGURE.svg MODEL...

DATA holds CIFAR-10's binary files or an image folder. Needs what torch_recipe.py needs, which has PyTorch's side. Random
numbers differ, and so the curves lie on each other only up to chance: PyTorch is run with two seeds to show how much
that is. The rate is 0.02: at 0.1, the recipe's for other networks, VGG-16 learns nothing in a few hundred steps, on either side.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import torch_recipe


RATE = 0.02


def hemp(model, data, epochs, seed, folder):
    program = pathlib.Path(__file__).parent.parent / "build/cli/hemp"
    subprocess.run([program, "train", model, "--data", data, "--recipe", "cifar", "--epochs", str(epochs),
                    "--batch", str(torch_recipe.BATCH), "--weight-decay", str(torch_recipe.DECAY), "--no-holdout",
                    "--rate", str(RATE), "--seed", str(seed), "--out", folder], check=True)
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


COLOURS = {"hemp, seed 1": "#1b7837", "hemp, seed 2": "#7fbf7b", "PyTorch, seed 1": "#762a83", "PyTorch, seed 2": "#c2a5cf"}


def figure(results, epochs):
    """One plot a network, side by side; losses from 0 to the largest."""
    width, height, left, bottom = 360, 280, 50, 40
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * len(results)}" height="{height + 60}" '
             'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>']
    for at, (model, curves) in enumerate(results.items()):
        top = max(max(losses) for losses in curves.values()) * 1.05
        x = lambda epoch: at * width + left + (width - left - 20) * (epoch - 1) / max(epochs - 1, 1)
        y = lambda loss: 30 + (height - bottom - 30) * (1 - loss / top)
        parts.append(f'<text x="{at * width + left}" y="18" font-weight="bold">{model}: loss by epoch</text>')
        for i in range(6):
            parts.append(f'<line x1="{x(1)}" x2="{x(epochs)}" y1="{y(top * i / 5):.1f}" y2="{y(top * i / 5):.1f}" '
                         f'stroke="#ddd"/><text x="{at * width + 8}" y="{y(top * i / 5) + 4:.1f}">{top * i / 5:.2f}</text>')
        for epoch in range(1, epochs + 1):
            parts.append(f'<text x="{x(epoch) - 3:.1f}" y="{height - bottom + 18}">{epoch}</text>')
        for line, (name, losses) in enumerate(curves.items()):
            points = " ".join(f"{x(i + 1):.1f},{y(loss):.1f}" for i, loss in enumerate(losses))
            parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>'
                         f'<text x="{at * width + left}" y="{height + 14 * line}" fill="{COLOURS[name]}">{name}</text>')
    return "\n".join(parts + ["</svg>", ""])


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    data, epochs = sys.argv[1], int(sys.argv[2])
    results = {}
    for model in sys.argv[4:]:
        curves = {}
        for seed in (1, 2):
            with tempfile.TemporaryDirectory() as folder:
                curves[f"hemp, seed {seed}"] = hemp(model, data, epochs, seed, pathlib.Path(folder) / "run")
        for seed in (1, 2):
            curves[f"PyTorch, seed {seed}"] = torch_recipe.train(model, data, epochs, seed, rate=RATE)[1]
        results[model] = curves
        print(f"| {model} | " + " | ".join(str(epoch) for epoch in range(1, epochs + 1)) + " |")
        print("| --- |" + " --: |" * epochs)
        for name, losses in curves.items():
            print(f"| {name} | " + " | ".join(f"{loss:.3f}" for loss in losses) + " |")
    pathlib.Path(sys.argv[3]).write_text(figure(results, epochs))


if __name__ == "__main__":
    main()
