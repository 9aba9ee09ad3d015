#!/usr/bin/env python3
"""Loss of hemp and of PyTorch, epoch by epoch, with recipe `cifar`: curves.py DATA EPOCHS FIGURE.svg MODEL...

DATA holds CIFAR-10's binary files. Run it with a Python that has torch; HEMP_PEERS names the folder of torch_step.py,
whose networks are trained. Both sides: SGD with Nesterov momentum 0.9, rate 0.1 falling along half a cosine, weight
decay 5e-4, batches of 128, images moved by up to 4 pixels and mirrored, the same distribution of first weights. Random
numbers differ, and so the curves lie on each other only up to chance: PyTorch is run with two seeds to show how much
that is.
"""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import torch
from torch import nn

BATCH, RATE, DECAY = 128, 0.1, 5e-4
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
PEER_NAMES = {"vgg16-cifar": "vgg16"}
RECORD = 3073  # a label, then 3 planes of 32 x 32


def hemp(model, data, epochs, folder):
    program = pathlib.Path(__file__).parent.parent / "build/cli/hemp"
    subprocess.run([program, "train", model, "--data", data, "--recipe", "cifar", "--epochs", str(epochs),
                    "--batch", str(BATCH), "--weight-decay", str(DECAY), "--no-holdout", "--out", folder], check=True)
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def images(data):
    files = sorted(pathlib.Path(data).glob("data_batch_*.bin"))
    records = torch.cat([torch.frombuffer(bytearray(file.read_bytes()), dtype=torch.uint8) for file in files])
    records = records.view(-1, RECORD)
    pixels = records[:, 1:].reshape(-1, 3, 32, 32).float() / 255
    pixels = pixels - torch.tensor(MEAN).view(3, 1, 1)
    return pixels / torch.tensor(DEVIATION).view(3, 1, 1), records[:, 0].long()


def augmented(x, black):
    """Each image moved by up to 4 pixels, black where nothing is left, and mirrored half of the time."""
    padded = black.expand(x.shape[0], 3, 40, 40).clone()
    padded[:, :, 4:36, 4:36] = x
    result = torch.empty_like(x)
    for i in range(x.shape[0]):
        top, left = torch.randint(9, (2,)).tolist()
        image = padded[i, :, top:top + 32, left:left + 32]
        result[i] = image.flip(2) if torch.rand(()) < 0.5 else image
    return result


def first_weights(network):
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)


def peer(model, data, epochs, seed):
    sys.path.insert(0, os.environ["HEMP_PEERS"])
    import torch_step
    torch.manual_seed(seed)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    network = torch_step.build_models(torch)[PEER_NAMES.get(model, model)][0]()
    first_weights(network)
    network.train()
    x, labels = images(data)
    black = (-torch.tensor(MEAN) / torch.tensor(DEVIATION)).view(1, 3, 1, 1)
    steps = len(x) // BATCH
    update = torch.optim.SGD(network.parameters(), lr=RATE, momentum=0.9, nesterov=True, weight_decay=DECAY)
    losses = []
    for epoch in range(epochs):
        order, total = torch.randperm(len(x)), 0
        for step in range(steps):
            for group in update.param_groups:
                group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * (epoch * steps + step) / (epochs * steps)))
            chosen = order[step * BATCH:(step + 1) * BATCH]
            loss = nn.functional.cross_entropy(network(augmented(x[chosen], black)), labels[chosen])
            update.zero_grad()
            loss.backward()
            update.step()
            total += loss.item()
        losses.append(total / steps)
        print(f"PyTorch, seed {seed}, {model}: epoch {epoch + 1}/{epochs}  loss {losses[-1]:.4f}", file=sys.stderr)
    return losses


COLOURS = {"hemp": "#1b7837", "PyTorch, seed 1": "#762a83", "PyTorch, seed 2": "#c2a5cf"}


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
    if len(sys.argv) < 5 or "HEMP_PEERS" not in os.environ:
        sys.exit(__doc__)
    data, epochs = sys.argv[1], int(sys.argv[2])
    results = {}
    for model in sys.argv[4:]:
        with tempfile.TemporaryDirectory() as folder:
            curves = {"hemp": hemp(model, data, epochs, pathlib.Path(folder) / "run")}
        for seed in (1, 2):
            curves[f"PyTorch, seed {seed}"] = peer(model, data, epochs, seed)
        results[model] = curves
        print(f"| {model} | " + " | ".join(str(epoch) for epoch in range(1, epochs + 1)) + " |")
        print("| --- |" + " --: |" * epochs)
        for name, losses in curves.items():
            print(f"| {name} | " + " | ".join(f"{loss:.3f}" for loss in losses) + " |")
    pathlib.Path(sys.argv[3]).write_text(figure(results, epochs))


if __name__ == "__main__":
    main()
