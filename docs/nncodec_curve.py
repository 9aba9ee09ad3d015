#!/usr/bin/env python3
"""Bytes and accuracy of files by nncodec (MPEG's coder of neural networks, package nncodec) of the same float weights that
`docs/without_data.py` gives to hemp: nncodec_curve.py HEMP DATA WEIGHTS.safetensors MODEL QP[,LAMBDA]...

Each QP is tried with uniform and with dependent quantization; every point is encoded, decoded from its bytes, and evaluated
by `hemp eval` on DATA's test part. Needs PyTorch and numpy; nncodec's other dependencies, which serve training, are not
loaded.
"""

import importlib.abc
import importlib.machinery
import json
import pathlib
import subprocess
import sys
import tempfile
from unittest import mock

UNUSED = {"cv2", "flwr", "h5py", "pandas", "ptflops", "sklearn", "tensorflow", "torchmetrics", "torchvision", "tqdm", "wandb"}


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


def main():
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    sys.meta_path.insert(0, Nothing())
    import numpy
    from nncodec import nnc
    from same_symbols import read

    hemp, data, path, model = sys.argv[1:5]
    head, header, tensors = read(path)
    weights = {name: numpy.array(values, dtype=numpy.float32).reshape(header[name]["shape"])
               for name, values in tensors.items()}
    print("| quantizer | qp | lambda | bytes | accuracy |\n| --- | --- | --- | --- | --- |")
    for point in sys.argv[5:]:
        qp, _, rate = point.partition(",")
        for dependent in (False, True):
            with tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                coded = nnc.compress(weights, bitstream_path=str(folder / "x.nnc"), qp=int(qp), use_dq=dependent,
                                     lambda_scale=float(rate or 0), return_bitstream=True)
                decoded = nnc.decompress(coded)
                body = bytearray(sum(4 * len(values) for values in tensors.values()))
                for tensor, values in decoded.items():
                    begin, end = header[tensor]["data_offsets"]
                    body[begin:end] = numpy.ascontiguousarray(values, dtype="<f4").tobytes()
                (folder / "x.safetensors").write_bytes(head + body)
                told = subprocess.run([hemp, "eval", folder / "x.safetensors", "--model", model, "--data", data, "--json"],
                                      check=True, capture_output=True).stdout
            print(f"| {'dependent' if dependent else 'uniform'} | {qp} | {rate or 0} | {len(coded):,} | "
                  f"{json.loads(told)['accuracy']:.2f} % |", flush=True)


if __name__ == "__main__":
    main()
