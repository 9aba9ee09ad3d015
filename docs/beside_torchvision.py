#!/usr/bin/env python3
"""Whether torchvision's networks load as they are, and compute the same: beside_torchvision.py HEMP

Makes each network that hemp has as well, whole and with random weights, writes its state_dict as .safetensors, and sets what
`HEMP predict` makes of an image beside what torchvision makes of it. Needs torchvision and Pillow.
"""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import torch
import torchvision
from PIL import Image

NETWORKS = {"resnet18": "resnet18", "resnet34": "resnet34", "resnet50": "resnet50", "vgg16_bn": "vgg16",
            "mobilenet_v2": "mobilenetv2", "alexnet": "alexnet"}
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TOP = 5


def write_safetensors(state, path):
    header, data = {}, b""
    for name, tensor in state.items():
        kind = {torch.float32: "F32", torch.int64: "I64"}[tensor.dtype]
        values = tensor.detach().numpy().tobytes()
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def random_network(name, x):
    """In use, with statistics of its own, and logits that are spread out."""
    network = getattr(torchvision.models, name)(weights=None).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    last = [module for module in network.modules() if isinstance(module, torch.nn.Linear)][-1]
    with torch.no_grad():
        spread = 3 / network(x).std()
        last.weight *= spread
        last.bias *= spread
    return network


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.manual_seed(0)
    pixels = torch.randint(256, (224, 224, 3), dtype=torch.uint8)
    x = (pixels.permute(2, 0, 1) / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)
    with tempfile.TemporaryDirectory() as folder:
        image, file = pathlib.Path(folder) / "image.png", pathlib.Path(folder) / "network.safetensors"
        Image.fromarray(pixels.numpy()).save(image)
        for name, ours in NETWORKS.items():
            network = random_network(name, x[None])
            with torch.no_grad():
                top = torch.softmax(network(x[None])[0].double(), 0).topk(TOP)
            write_safetensors(network.state_dict(), file)
            result = subprocess.run([sys.argv[1], "predict", file, image, "--model", ours, "--top", str(TOP), "--json"],
                                    check=True, capture_output=True, text=True)
            classes = json.loads(result.stdout)[0]["top"]
            same = [each["index"] for each in classes] == top.indices.tolist()
            worst = max(abs(each["probability"] / p - 1) for each, p in zip(classes, top.values.tolist()))
            if not same or worst > 1e-3:
                sys.exit(f"{name}: {classes}, but torchvision: {top}")
            print(f"{name:14} the same five classes, "
                  f"probabilities within {worst:.1e} of torchvision {torchvision.__version__.split('+')[0]}'s")


if __name__ == "__main__":
    main()
