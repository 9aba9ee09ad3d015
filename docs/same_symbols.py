#!/usr/bin/env python3
"""Bytes of the same integers by hemp's coder and by general ones: same_symbols.py HEMP WEIGHTS.safetensors MODEL STEP...

Weights are rounded to multiples of a step, without any choice by rate, and given to `hemp compress`, which loses nothing
of them. hemp's bytes are those of the weights' tensors with what describes them; the others code one file of a byte a
weight, and nothing that describes them. Those that are not installed (zpaq, 7z) are left out.
"""

import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
from array import array

# PPMd's best order depends on what it codes: the smallest file of these counts.
ORDERS = (2, 3, 4, 6, 8)
OTHERS = {"xz -9e": [["xz", "-9e", "-k", "{}"]],
          "zstd -19": [["zstd", "--ultra", "-19", "-q", "-f", "{}", "-o", "{}.zst"]],
          "zpaq -m5": [["zpaq", "a", "{}.zpaq", "{}", "-m5"]],
          "7z PPMd": [["7z", "a", f"-m0=PPMd:o={order}:mem=64m", "{}.7z", "{}"] for order in ORDERS]}
ENDS = {"xz -9e": ".xz", "zstd -19": ".zst", "zpaq -m5": ".zpaq", "7z PPMd": ".7z"}


def read(path):
    """Header and tensors, name to array, of a safetensors file of floats."""
    content = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + length])
    tensors = {}
    for name, each in header.items():
        if name != "__metadata__":
            begin, end = each["data_offsets"]
            tensors[name] = array("f", content[8 + length + begin:8 + length + end])
    return content[:8 + length], header, tensors


def rounded(values, step):
    return [int(abs(value) / step + 0.5) * (1 if value > 0 else -1) for value in values]


def installed():
    return [name for name in OTHERS if shutil.which(OTHERS[name][0][0])]


def sizes_by_others(integers):
    """Bytes of one file of a byte an integer, by each coder that is installed."""
    with tempfile.TemporaryDirectory() as folder:
        symbols = pathlib.Path(folder) / "symbols"
        symbols.write_bytes(bytes(int(n) % 256 for n in integers))
        sizes = []
        for other in installed():
            written, tried = pathlib.Path(str(symbols) + ENDS[other]), []
            for command in OTHERS[other]:
                written.unlink(missing_ok=True)
                subprocess.run([part.format(symbols) for part in command], check=True, capture_output=True)
                tried.append(written.stat().st_size)
            sizes.append(min(tried))
        return sizes


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    hemp, path, model = sys.argv[1:4]
    head, header, tensors = read(path)
    weights = [name for name in tensors if len(header[name]["shape"]) > 1]
    others = installed()
    print("| step | hemp | " + " | ".join(others) + " |\n| --- |" + " --: |" * (len(others) + 1))
    for step in map(float, sys.argv[4:]):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            integers = {name: rounded(tensors[name], step) for name in weights}
            body = bytearray(sum(4 * len(values) for values in tensors.values()))
            for name, values in tensors.items():
                begin, end = header[name]["data_offsets"]
                body[begin:end] = (array("f", [n * step for n in integers[name]]) if name in integers else values).tobytes()
            (folder / "x.safetensors").write_bytes(head + body)
            command = [hemp, "compress", folder / "x.safetensors", "--model", model, "--keep-order", "-o",
                       folder / "x.hemp", "--json"]
            told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            of_weights = [each for each in told["contents"]["tensors"] if each["name"] in weights]
            subprocess.run([hemp, "decompress", folder / "x.hemp", "-o", folder / "y.safetensors"], check=True)
            kept = read(folder / "y.safetensors")[2]
            if any(rounded(kept[name], step) != integers[name] for name in weights):
                sys.exit(f"same_symbols: hemp does not keep the integers of step {step}: some tensor has over 256 levels")
            sizes = [sum(each["bytes"] for each in of_weights)]
            sizes += sizes_by_others(n for name in weights for n in integers[name])
            print(f"| {step!r} | " + " | ".join(f"{size:,}" for size in sizes) + " |", flush=True)


if __name__ == "__main__":
    main()
