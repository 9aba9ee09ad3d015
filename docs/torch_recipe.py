#!/usr/bin/env python3
"""Recipe `cifar` in PyTorch, to compare hemp's training with: torch_recipe.py DATA EPOCHS MODEL [SEED [STATE]]

DATA holds CIFAR-10's binary files, or an image folder with train/<class>/ and test/<class>/ (needs Pillow). Run it with a
Python that has torch. Prints the loss of each epoch, and at the end the accuracy on the test images. With the name of a file
STATE, an interrupted run goes on from its last epoch.

As hemp does: SGD with Nesterov momentum 0.9, rate 0.1 (VGG-16: 0.02) falling along half a cosine, weight decay 5e-4,
batches of 128, images moved by up to 4 pixels and mirrored, the same distribution of the kernels' first values. Random numbers differ, and
the ResNets' last layer's first weights (here normal ones of deviation 0.01, without bias; hemp's are uniform).
"""

import importlib
import math
import os
import pathlib
import sys

import torch
from torch import nn

BATCH, DECAY = 128, 5e-4
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
RECORD = 3073  # a label, then 3 planes of 32 x 32


sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests/models"))
networks = importlib.import_module("make-golden")
NETWORKS = {
    "resnet20": lambda: networks.ResNet((3, 3, 3), 16, cifar=True, projected=False),
    "resnet32": lambda: networks.ResNet((5, 5, 5), 16, cifar=True, projected=False),
    "vgg16-cifar": lambda: networks.vgg16(64, 0, 32),
    "mobilenetv2-cifar": lambda: networks.mobilenetv2(1, True),
}


def binary_images(data, pattern):
    files = sorted(pathlib.Path(data).glob(pattern))
    records = torch.cat([torch.frombuffer(bytearray(file.read_bytes()), dtype=torch.uint8) for file in files])
    records = records.view(-1, RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].long()


def folder_images(folder):
    from PIL import Image
    classes = sorted(entry.name for entry in folder.iterdir())
    pixels, labels = [], []
    for label, name in enumerate(classes):
        for file in sorted((folder / name).iterdir()):
            with Image.open(file) as image:
                pixels.append(torch.frombuffer(bytearray(image.convert("RGB").tobytes()), dtype=torch.uint8))
            labels.append(label)
    return torch.stack(pixels).view(-1, 32, 32, 3).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels)


def images(data, part):
    """Normalised pixels [count, 3, 32, 32] and labels of "train" or "test"."""
    folder = pathlib.Path(data) / part
    patterns = {"train": "data_batch_*.bin", "test": "test_batch.bin"}
    pixels, labels = folder_images(folder) if folder.is_dir() else binary_images(data, patterns[part])
    pixels = pixels.float() / 255 - torch.tensor(MEAN).view(3, 1, 1)
    return pixels / torch.tensor(DEVIATION).view(3, 1, 1), labels


def augmented(x):
    """Each image moved by up to 4 pixels, black where nothing is left, and mirrored half of the time."""
    count = x.shape[0]
    black = (-torch.tensor(MEAN) / torch.tensor(DEVIATION)).view(1, 3, 1, 1)
    padded = black.expand(count, 3, 40, 40).clone()
    padded[:, :, 4:36, 4:36] = x
    across = torch.arange(32).expand(count, 32)
    mirrored = torch.rand(count, 1) < 0.5
    columns = torch.where(mirrored, 31 - across, across) + torch.randint(9, (count, 1))
    rows = across + torch.randint(9, (count, 1))
    image = torch.arange(count).view(count, 1, 1)
    return padded.permute(0, 2, 3, 1)[image, rows.unsqueeze(2), columns.unsqueeze(1)].permute(0, 3, 1, 2).contiguous()


def first_weights(network):
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)


def train(model, data, epochs, seed, state=None, rate=None):
    """The trained network and the mean loss of each epoch. `state`: a file that each epoch is kept in."""
    rate = rate or (0.02 if model.startswith("vgg") else 0.1)
    torch.manual_seed(seed)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    network = NETWORKS[model]()
    first_weights(network)
    network.train()
    faster = torch.compile(network)
    x, labels = images(data, "train")
    steps = len(x) // BATCH
    update = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=DECAY)
    losses = []
    if state is not None and state.exists():
        kept = torch.load(state, weights_only=True)
        network.load_state_dict(kept["network"])
        update.load_state_dict(kept["update"])
        torch.set_rng_state(kept["random"])
        losses = kept["losses"]
    for epoch in range(len(losses), epochs):
        order, total = torch.randperm(len(x)), 0
        for step in range(steps):
            for group in update.param_groups:
                group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * (epoch * steps + step) / (epochs * steps)))
            chosen = order[step * BATCH:(step + 1) * BATCH]
            loss = nn.functional.cross_entropy(faster(augmented(x[chosen])), labels[chosen])
            update.zero_grad()
            loss.backward()
            update.step()
            total += loss.item()
        losses.append(total / steps)
        print(f"PyTorch, seed {seed}, {model}: epoch {epoch + 1}/{epochs}  loss {losses[-1]:.4f}", file=sys.stderr,
              flush=True)
        if state is not None:
            kept = {"network": network.state_dict(), "update": update.state_dict(), "random": torch.get_rng_state(),
                    "losses": losses}
            torch.save(kept, state.with_suffix(".part"))
            state.with_suffix(".part").replace(state)
    return network, losses


def accuracy(network, data):
    x, labels = images(data, "test")
    network.eval()
    with torch.no_grad():
        right = sum((network(x[at:at + 500]).argmax(1) == labels[at:at + 500]).sum().item() for at in range(0, len(x), 500))
    return right / len(x)


def main():
    if len(sys.argv) not in (4, 5, 6) or sys.argv[3] not in NETWORKS:
        sys.exit(f"{__doc__}\nMODEL is one of {', '.join(NETWORKS)}.")
    data, epochs, model = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    network, _ = train(model, data, epochs, seed, pathlib.Path(sys.argv[5]) if len(sys.argv) > 5 else None)
    print(f"{model}: accuracy {100 * accuracy(network, data):.2f} % on the test images")


if __name__ == "__main__":
    main()
