#!/usr/bin/env python3
"""Images a second that Pillow decodes from a folder of class folders, beside build/bench/datasets.

    HEMP_IMAGES=FOLDER build/bench/datasets --benchmark_filter=load_image_folder
    python3 bench/decode_peer.py FOLDER/train [THREADS]

Each image is opened, decoded to RGB and put into one array of bytes, as hemp does. Pillow lets other threads run while it
decodes."""

import concurrent.futures
import os
import pathlib
import sys
import time

import PIL
from PIL import Image


def decode(paths):
    return b"".join(Image.open(path).convert("RGB").tobytes() for path in paths)


def main():
    folder = pathlib.Path(sys.argv[1])
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    paths = sorted(str(path) for path in folder.glob("*/*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    pieces = [paths[i::threads] for i in range(threads)]
    best = float("inf")
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for _ in range(3):
            start, used = time.perf_counter(), os.times()
            total = sum(len(piece) for piece in pool.map(decode, pieces))
            best = min(best, time.perf_counter() - start)
            cpu = os.times().user - used.user + os.times().system - used.system
    print(f"Pillow {PIL.__version__}: {len(paths)} images, {total} bytes, {threads} threads: "
          f"{len(paths) / best:.0f} images/s, processor seconds of the last round: {cpu:.2f}")


if __name__ == "__main__":
    main()
