#!/usr/bin/env python3
"""Writes the golden file of torchvision's state dictionaries to standard output; needs torchvision (0.28 was used).

A line for each network: its name in hemp; below it name and shape of each of its tensors, in their order.
"""

from torchvision import models

NETWORKS = {"alexnet": models.alexnet, "vgg16": models.vgg16_bn, "resnet18": models.resnet18,
            "resnet34": models.resnet34, "resnet50": models.resnet50, "mobilenetv2": models.mobilenet_v2}

for name, build in NETWORKS.items():
    print(name)
    for key, tensor in build(weights=None).state_dict().items():
        if not key.endswith(".num_batches_tracked"):
            print("", key, *tensor.shape)
