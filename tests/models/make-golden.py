#!/usr/bin/env python3
"""Writes tests/golden/networks.json: what PyTorch computes for small versions of the networks of models/.

    python3 tests/models/make-golden.py        needs torch and numpy; the tests do not

Weights and images are a function of names and places that tests/models/golden.cpp computes as well, so the file holds
logits alone. Modules are named as in torchvision's state_dict: a wrong name gives other weights, thus other logits.
"""
import json
import pathlib

import numpy as np
import torch
from torch import nn

CIFAR = ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


# ---------------------------------------------------------------- values by rule

def fnv(name):
    result = 0x811C9DC5
    for byte in name.encode():
        result = (result ^ byte) * 0x01000193 & 0xFFFFFFFF
    return result


def hashes(name, count):
    h = (np.arange(count, dtype=np.uint64) * 2654435761 + fnv(name)) & 0xFFFFFFFF
    h ^= h >> 15
    h = h * 2246822519 & 0xFFFFFFFF
    h ^= h >> 13
    h = h * 3266489917 & 0xFFFFFFFF
    return h ^ h >> 16


def first_values(name, shape):
    count = int(np.prod(shape))
    u = hashes(name, count).astype(np.float64) / 2.0**31 - 1
    if name.endswith("running_var"):
        u = 1 + 0.5 * u
    elif len(shape) >= 2:
        u = u * np.sqrt(6.0 / (count // shape[0]))
    elif name.endswith("weight"):
        u = 1 + 0.25 * u
    else:
        u = 0.1 * u
    return torch.from_numpy(u.astype(np.float32).reshape(shape))


def images(shape, normalisation):
    count = int(np.prod(shape))
    pixels = torch.from_numpy((hashes("images", count) >> 24).astype(np.float32).reshape(shape))
    mean, deviation = (torch.tensor(each).reshape(1, -1, 1, 1) for each in normalisation)
    return (pixels / 255 - mean) / deviation


# ---------------------------------------------------------------- networks

def conv(channels, filters, kernel, stride=1, groups=1, bias=False):
    return nn.Conv2d(channels, filters, kernel, stride, kernel // 2, groups=groups, bias=bias)


class Block(nn.Module):
    """Of ResNets: basic, or bottleneck."""

    def __init__(self, channels, width, stride, bottleneck, projected):
        super().__init__()
        self.stride = stride
        self.filters = filters = 4 * width if bottleneck else width
        self.projected = projected and (stride != 1 or channels != filters)
        shapes = ([(channels, width, 1, 1), (width, width, 3, stride), (width, filters, 1, 1)] if bottleneck else
                  [(channels, width, 3, stride), (width, width, 3, 1)])
        self.depth = len(shapes)
        for i, shape in enumerate(shapes, 1):
            setattr(self, f"conv{i}", conv(*shape))
            setattr(self, f"bn{i}", nn.BatchNorm2d(shape[1]))
        if self.projected:
            self.downsample = nn.Sequential(conv(channels, filters, 1, stride), nn.BatchNorm2d(filters))

    def forward(self, x):
        y = x
        for i in range(1, self.depth + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = torch.relu(y) if i < self.depth else y
        if self.projected:
            x = self.downsample(x)
        elif self.stride != 1:
            added = self.filters - x.shape[1]
            x = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, added // 2, added - added // 2))
        return torch.relu(y + x)


class ResNet(nn.Module):
    def __init__(self, blocks, width, classes=10, bottleneck=False, cifar=False, projected=True):
        super().__init__()
        self.cifar = cifar
        self.conv1 = conv(3, width, 3) if cifar else conv(3, width, 7, 2)
        self.bn1 = nn.BatchNorm2d(width)
        channels = width
        self.stages = len(blocks)
        for stage, count in enumerate(blocks):
            layers = []
            for i in range(count):
                layers.append(Block(channels, width << stage, 2 if stage and i == 0 else 1, bottleneck, projected))
                channels = layers[-1].filters
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = x if self.cifar else nn.functional.max_pool2d(x, 3, 2, 1)
        for stage in range(1, self.stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(x.mean((2, 3)))


class Classified(nn.Module):
    """Features, flattened, then the classifier."""

    def __init__(self, features, classifier, pooled=False):
        super().__init__()
        self.features, self.classifier, self.pooled = features, classifier, pooled

    def forward(self, x):
        x = self.features(x)
        return self.classifier(x.mean((2, 3)) if self.pooled else torch.flatten(x, 1))


def vgg16(width, hidden, side, classes=10):
    layers, channels = [], 3
    for filters in (1, 1, 0, 2, 2, 0, 4, 4, 4, 0, 8, 8, 8, 0, 8, 8, 8, 0):
        if filters == 0:
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [conv(channels, filters * width, 3, bias=hidden > 0), nn.BatchNorm2d(filters * width), nn.ReLU()]
            channels = filters * width
    inputs = channels * (side // 32)**2
    if hidden == 0:
        return Classified(nn.Sequential(*layers), nn.Linear(inputs, classes))
    return Classified(nn.Sequential(*layers), nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(),
        nn.Linear(hidden, classes)))


class Inverted(nn.Module):
    """MobileNetV2's block."""

    def __init__(self, channels, filters, expansion, stride, cifar):
        super().__init__()
        inner = channels * expansion
        layers = [unit(channels, inner, 1, 1, 1, cifar)] if expansion != 1 or cifar else []
        layers += [unit(inner, inner, 3, stride, inner, cifar), conv(inner, filters, 1), nn.BatchNorm2d(filters)]
        self.conv = nn.Sequential(*layers)
        self.same = stride == 1 and channels == filters
        if cifar and stride == 1 and not self.same:
            self.shortcut = nn.Sequential(conv(channels, filters, 1), nn.BatchNorm2d(filters))

    def forward(self, x):
        y = self.conv(x)
        if self.same:
            return x + y
        return y + self.shortcut(x) if hasattr(self, "shortcut") else y


def unit(channels, filters, kernel, stride, groups, cifar):
    return nn.Sequential(conv(channels, filters, kernel, stride, groups), nn.BatchNorm2d(filters),
                         nn.ReLU() if cifar else nn.ReLU6())


def mobilenetv2(width, cifar, classes=10):
    def rounded(channels):
        near = max(8, int(channels + 4) // 8 * 8)
        return near + 8 if near < 0.9 * channels else near

    channels = rounded(32 * width)
    layers = [unit(3, channels, 3, 1 if cifar else 2, 1, cifar)]
    for expansion, filters, count, stride in ((1, 16, 1, 1), (6, 24, 2, 1 if cifar else 2), (6, 32, 3, 2),
                                              (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(count):
            layers.append(Inverted(channels, rounded(filters * width), expansion, stride if i == 0 else 1, cifar))
            channels = rounded(filters * width)
    last = rounded(1280 * max(1, width))
    layers.append(unit(channels, last, 1, 1, 1, cifar))
    return Classified(nn.Sequential(*layers), nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes)), pooled=True)


def alexnet(width, hidden, side, classes=10):
    cifar = hidden == 0
    pool = (lambda: nn.MaxPool2d(2)) if cifar else (lambda: nn.MaxPool2d(3, 2))
    features = nn.Sequential(
        nn.Conv2d(3, width, 11, 4, 5 if cifar else 2), nn.ReLU(), pool(), conv(width, 3 * width, 5, bias=True),
        nn.ReLU(), pool(), conv(3 * width, 6 * width, 3, bias=True), nn.ReLU(),
        conv(6 * width, 4 * width, 3, bias=True), nn.ReLU(), conv(4 * width, 4 * width, 3, bias=True), nn.ReLU(),
        pool())
    inputs = features(torch.zeros(1, 3, side, side)).numel()
    if cifar:
        return Classified(features, nn.Linear(inputs, classes))
    return Classified(features, nn.Sequential(
        nn.Dropout(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, hidden), nn.ReLU(),
        nn.Linear(hidden, classes)))


# name: (network, side of the image, normalisation)
CASES = {
    "resnet20": (lambda: ResNet((3, 3, 3), 16, cifar=True, projected=False), 32, CIFAR),
    "resnet18": (lambda: ResNet((2, 2, 2, 2), 8), 64, IMAGENET),
    "resnet50": (lambda: ResNet((3, 4, 6, 3), 8, bottleneck=True), 64, IMAGENET),
    "resnet18-cifar": (lambda: ResNet((2, 2, 2, 2), 8, cifar=True), 32, CIFAR),
    "vgg16": (lambda: vgg16(8, 32, 64), 64, IMAGENET),
    "vgg16-cifar": (lambda: vgg16(8, 0, 32), 32, CIFAR),
    "mobilenetv2": (lambda: mobilenetv2(0.25, False), 64, IMAGENET),
    "mobilenetv2-cifar": (lambda: mobilenetv2(0.25, True), 32, CIFAR),
    "alexnet": (lambda: alexnet(8, 32, 96), 96, IMAGENET),
    "alexnet-cifar": (lambda: alexnet(8, 0, 32), 32, CIFAR),
}


def logits(make, side, normalisation):
    net = make().eval()
    state = net.state_dict()
    for name, value in state.items():
        if not name.endswith("num_batches_tracked"):
            value.copy_(first_values(name, tuple(value.shape)))
    with torch.inference_mode():
        return [float(f"{x:.7g}") for x in net(images((2, 3, side, side), normalisation)).flatten().tolist()]


def main():
    file = pathlib.Path(__file__).parents[1] / "golden" / "networks.json"
    text = ",\n".join(f"  {json.dumps(name)}: {json.dumps(logits(*case))}" for name, case in CASES.items())
    file.write_text("{\n" + text + "\n}\n")


if __name__ == "__main__":
    main()
