#!/usr/bin/env python3
"""hemp beside nncodec (MPEG's coder of neural networks, package nncodec), which needs PyTorch and numpy here:

beside_nncodec.py curve HEMP DATA WEIGHTS.safetensors MODEL QP[,LAMBDA[,OTHERS' QP]]...
    Bytes and accuracy of the float weights that `docs/without_data.py` gives to hemp. Each QP is tried with uniform and
    with dependent quantization; every point is encoded, decoded from its bytes, and evaluated by `hemp eval` on DATA's
    test part. OTHERS' QP is that of what is no matrix, batch norm and biases: nncodec's -75 unless told.

beside_nncodec.py symbols HEMP FILE.hemp...
    Bytes of the integers that FILE holds, all tensors, in the same order, by nncodec and by the general coders that are
    installed, which get a byte an integer. hemp's hold all else too, nncodec's no steps, the others' nothing else.
"""

import importlib.abc
import importlib.machinery
import json
import pathlib
import subprocess
import sys
import tempfile
from unittest import mock

from same_symbols import installed, read, sizes_by_others

UNUSED = {"cv2", "flwr", "h5py", "pandas", "ptflops", "sklearn", "tensorflow", "torchmetrics", "torchvision", "tqdm",
          "wandb"}


class Nothing(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands for a package that is imported and not used."""

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in UNUSED:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = mock.MagicMock(name=spec.name)
        module.__path__, module.__spec__ = [], spec
        return module

    def exec_module(self, module):
        pass


def curve(nnc, numpy, hemp, data, path, model, *points):
    head, header, tensors = read(path)
    weights = {name: numpy.array(values, dtype=numpy.float32).reshape(header[name]["shape"])
               for name, values in tensors.items()}
    print("| quantizer | qp | lambda | others' qp | bytes | accuracy |\n| --- | --- | --- | --- | --- | --- |")
    for point in points:
        qp, rate, others = (value or usual for value, usual in zip((point + ",,").split(","), ("", "0", "-75")))
        for dependent in (False, True):
            with tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                coded = nnc.compress(weights, bitstream_path=str(folder / "x.nnc"), qp=int(qp), use_dq=dependent,
                                     lambda_scale=float(rate), nonweight_qp=int(others), return_bitstream=True)
                decoded = nnc.decompress(coded)
                body = bytearray(sum(4 * len(values) for values in tensors.values()))
                for tensor, values in decoded.items():
                    begin, end = header[tensor]["data_offsets"]
                    body[begin:end] = numpy.ascontiguousarray(values, dtype="<f4").tobytes()
                (folder / "x.safetensors").write_bytes(head + body)
                command = [hemp, "eval", folder / "x.safetensors", "--model", model, "--data", data, "--json"]
                told = subprocess.run(command, check=True, capture_output=True).stdout
            print(f"| {'dependent' if dependent else 'uniform'} | {qp} | {rate} | {others} | {len(coded):,} | "
                  f"{json.loads(told)['accuracy']:.2f} % |", flush=True)


def symbols(nnc, numpy, hemp, *files):
    others = installed()
    print("| file | hemp | nncodec | " + " | ".join(others) + " |\n| --- |" + " --: |" * (len(others) + 2))
    for file in files:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            told = json.loads(subprocess.run([hemp, "list", file, "--json"], check=True, capture_output=True).stdout)
            subprocess.run([hemp, "decompress", file, "-o", folder / "x.safetensors"], check=True)
            _, header, tensors = read(folder / "x.safetensors")
            integers = {}
            for each in told["tensors"]:
                values = numpy.array(tensors[each["name"]], dtype=numpy.float64) / (each["step"] or 1)
                whole = numpy.rint(values).astype(numpy.int32)
                assert numpy.abs(values - whole).max() < 1e-3, f"{file}: {each['name']} has no equal steps"
                integers[each["name"]] = whole.reshape(each["shape"])
            coded = nnc.compress(integers, bitstream_path=str(folder / "x.nnc"), return_bitstream=True)
            decoded = nnc.decompress(coded)
            assert all((decoded[name] == integers[name]).all() for name in integers), f"{file}: nncodec lost something"
            sizes = [told["bytes"], len(coded)] + sizes_by_others(n for each in integers.values() for n in each.flat)
        print(f"| {pathlib.Path(file).name} | " + " | ".join(f"{size:,}" for size in sizes) + " |", flush=True)


def main():
    if len(sys.argv) < 4 or sys.argv[1] not in ("curve", "symbols"):
        sys.exit(__doc__)
    sys.meta_path.insert(0, Nothing())
    import numpy
    from nncodec import nnc
    {"curve": curve, "symbols": symbols}[sys.argv[1]](nnc, numpy, *sys.argv[2:])


if __name__ == "__main__":
    main()
