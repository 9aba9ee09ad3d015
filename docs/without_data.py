#!/usr/bin/env python3
"""Bytes and accuracy of files made without data: without_data.py HEMP DATA INPUT [MODEL [STEP...]]

INPUT is what `hemp compress` reads (with MODEL, if it is a .safetensors file), DATA the images whose test part measures.
Prints a table over the given steps (`--level-step`), all of them.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

STEPS = ["0.25", "0.35", "0.5", "0.7", "1", "1.4", "2", "2.8", "4"]


def output(*command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    hemp, data, source = sys.argv[1:4]
    model = ["--model", sys.argv[4]] if len(sys.argv) > 4 and sys.argv[4] else []
    print("| step | bytes | accuracy |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        file = str(pathlib.Path(folder) / "x.hemp")
        for step in sys.argv[5:] or STEPS:
            size = output(hemp, "compress", source, *model, "--level-step", step, "-o", file, "--json")["bytes"]
            accuracy = output(hemp, "eval", file, "--data", data, "--json")["accuracy"]
            print(f"| {step} | {size:,} | {accuracy:.2f} % |", flush=True)


if __name__ == "__main__":
    main()
