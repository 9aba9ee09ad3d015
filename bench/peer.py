"""Networks of hemp beside PyTorch's, in turns, on this machine: medians, times as fast, peak memory, for each network.

    HEMP_PEERS=FOLDER HEMP_TORCH_PYTHON=PYTHON[:PYTHON...] bench/peer.py [--mode train|infer|latency] [--rounds N]
                                                                         [--threads N] [MODEL...]

FOLDER holds torch_step.py; each PYTHON has torch, and hemp is compared with the fastest. Above "times as fast" of 1,
hemp is faster. Both sides run without variables that pin OpenBLAS to one kernel.
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
# One image at a time is inference as well.
MODES = {"train": ("train", None), "infer": ("infer", None), "latency": ("infer", 1)}
MODELS = ["lenet300", "lenet5", "resnet32", "vgg16-cifar", "mobilenetv2-cifar", "resnet18", "resnet50", "mobilenetv2"]
LEAST_STEPS = 20  # for a median


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


class Side:
    """The rounds of one program."""

    def __init__(self, name):
        self.name, self.rounds = name, []

    def ms(self):
        return statistics.median(row["ms_per_step"] for row in self.rounds)

    def mib(self):
        return statistics.median(row["peak_rss_mib"] for row in self.rounds)


def measure(model, arguments, peer, pythons):
    """hemp's side, and those of each torch, the fastest first."""
    name = PEER_NAMES.get(model, model)
    if name is None:
        sys.exit(f"peer: torch_step.py has no {model}; leave it out")
    mode, batch = MODES[arguments.mode]
    threads = ["--threads", str(arguments.threads), "--json"]
    ours, theirs = Side("hemp"), {}
    for _ in range(arguments.rounds):
        sized = ["--batch", str(batch)] if batch else []
        ours.rounds += run(["build/cli/hemp", "bench", model, "--mode", mode, *sized, *threads])
        own = ours.rounds[-1]
        # torch_step.py measures for a time: enough for its steps to take 2.5 times as long as ours.
        seconds = max(3, 2.5 * LEAST_STEPS * own["ms_per_step"] / 1000)
        same = ["--batch", str(own["batch"]), "--seconds", f"{seconds:.1f}"]
        for python in pythons:
            row = run([python, peer, "--model", name, "--mode", mode, *same, *threads])
            theirs.setdefault(row["torch"], Side(row["torch"])).rounds.append(row)
            if row["steps"] < LEAST_STEPS:
                print(f"peer: the median of torch {row['torch']} is of {row['steps']} steps only", file=sys.stderr)
            load = row["other_load_cores"]
            if load is not None and load > 0.1:
                print(f"peer: other programs kept {load} cores busy; do not trust this round", file=sys.stderr)
    return ours, sorted(theirs.values(), key=Side.ms)


def print_row(cells):
    print("{:18s} {:>5s} {:>7s} {:>9s}  {:32s} {:>13s} {:>9s} {:>9s}".format(*cells), flush=True)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench --peer", description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", default=MODELS, help="default: %(default)s")
    parser.add_argument("--mode", choices=MODES, default="train",
                        help="a training step, inference, or inference of one image (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of all programs in turns (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: %(default)s")
    arguments = parser.parse_args()

    folder = os.environ.get("HEMP_PEERS")
    if not folder:
        sys.exit("peer: HEMP_PEERS is unset; it names the folder that holds torch_step.py")
    peer = os.path.join(folder, "torch_step.py")
    pythons = torch_pythons()

    print_row(["model", "batch", "threads", "hemp ms", "torch ms, best first", "times as fast", "hemp MiB", "torch MiB"])
    for model in arguments.models:
        ours, theirs = measure(model, arguments, peer, pythons)
        best = theirs[0]
        print_row([model, str(ours.rounds[0]["batch"]), str(arguments.threads), f"{ours.ms():.3f}",
                   ", ".join(f"{side.ms():.3f} ({side.name})" for side in theirs), f"{best.ms() / ours.ms():.2f}",
                   f"{ours.mib():.0f}", f"{best.mib():.0f}"])


if __name__ == "__main__":
    main()
