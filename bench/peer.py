"""Training steps of hemp beside PyTorch's, in turns, on this machine: prints medians and their ratio for each model.

    HEMP_PEERS=FOLDER HEMP_TORCH_PYTHON=PYTHON[:PYTHON...] bench/peer.py [--rounds N] [--threads N] [MODEL...]

FOLDER holds torch_step.py; each PYTHON has torch, and hemp is compared with the fastest. Below a ratio of 1, hemp is
faster. Both sides run without variables that pin OpenBLAS to one kernel.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
# What torch_step.py calls a network that has another name here; its "vgg16" takes CIFAR's images.
PEER_NAMES = {"vgg16-cifar": "vgg16", "vgg16": None}


def run(command):
    environment = {name: value for name, value in os.environ.items() if name not in PINS}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"peer: {' '.join(command)}: exit code {done.returncode}")
    return json.loads(done.stdout)


def torch_pythons():
    named = os.environ.get("HEMP_TORCH_PYTHON")
    pythons = named.split(":") if named else ["/usr/bin/python3"]
    for python in pythons:
        found = subprocess.run([python, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode == 0
        if not found:
            sys.exit(f"peer: {python} has no torch; name one that has in HEMP_TORCH_PYTHON")
    return pythons


def measure(model, peer, pythons, threads, rounds):
    """Milliseconds of each round: those of hemp, and those of each torch by its version."""
    ours, theirs = [], {}
    name = PEER_NAMES.get(model, model)
    if name is None:
        sys.exit(f"peer: torch_step.py has no {model}; leave it out")
    for _ in range(rounds):
        for python in pythons:
            row = run([python, peer, "--model", name, "--threads", str(threads), "--json"])
            theirs.setdefault(row["torch"], []).append(row["ms_per_step"])
            load = row["other_load_cores"]
            if load is not None and load > 0.1:
                print(f"peer: other programs kept {load} cores busy; do not trust this round", file=sys.stderr)
        rows = run(["build/cli/hemp", "bench", model, "--mode", "train", "--batch", str(row["batch"]),
                    "--threads", str(threads), "--json"])
        ours.append(rows[0]["ms_per_step"])
    return row["batch"], ours, theirs


def main():
    parser = argparse.ArgumentParser(prog="./dev bench --peer", description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", default=["lenet300", "lenet5"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()

    folder = os.environ.get("HEMP_PEERS")
    if not folder:
        sys.exit("peer: HEMP_PEERS is unset; it names the folder that holds torch_step.py")
    peer = os.path.join(folder, "torch_step.py")
    pythons = torch_pythons()

    print(f"{'model':18s} {'batch':>5s} {'threads':>7s} {'hemp ms':>10s} {'torch ms':>10s} {'ratio':>6s}  torch")
    for model in arguments.models:
        batch, ours, theirs = measure(model, peer, pythons, arguments.threads, arguments.rounds)
        version, best = min(((v, statistics.median(ms)) for v, ms in theirs.items()), key=lambda pair: pair[1])
        mine = statistics.median(ours)
        print(f"{model:18s} {batch:5d} {arguments.threads:7d} {mine:10.3f} {best:10.3f} {mine / best:6.2f}  {version}",
              flush=True)


if __name__ == "__main__":
    main()
