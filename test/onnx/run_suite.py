#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs ONNX's own node tests: compiles each model, runs it, compares.

    run_suite.py [--all] [--update] [--match TEXT] [--show]

A test must end in one of two ways: the program gives the expected outputs (type
and shape exactly, rtol 1e-3 and atol 1e-7 as ONNX says), or the compiler refuses
the model with one clear error. A wrong result or a crash is a failure, but for
those in failing.txt, each with its reason. The tests in passing.txt must pass;
--update rewrites that list with those that do. Without --all every twelfth test runs, chosen by name.

The data come with the onnx wheel of utils/requirements-test.txt.
"""

import os
import pathlib
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import onnx

from cases import Cases, Failure, require, require_one_error, run

DATA = pathlib.Path(onnx.__file__).parent / "backend/test/data/node"
SAMPLE = 12
# Results that are drawn at random cannot be compared.
RANDOM = ("bernoulli", "dropout_random", "multinomial", "random")


def plain(model):
    """Whether all inputs and outputs are tensors of types that actnet has."""
    names = ("FLOAT DOUBLE FLOAT16 BFLOAT16 INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 "
             "BOOL").split()
    kinds = {onnx.TensorProto.DataType.Value(name) for name in names}
    for value in [*model.graph.input, *model.graph.output]:
        if value.type.WhichOneof("value") != "tensor_type":
            return False
        if value.type.tensor_type.elem_type not in kinds:
            return False
    return True


def arguments(names, folder, stem, flag):
    """--input NAME=@input_0.pb ...; a name that is empty was left out."""
    flags = []
    for i, name in enumerate(names):
        path = folder / f"{stem}_{i}.pb"
        if name and path.exists():
            flags += [flag, f"{name}=@{path}"]
    return flags


def baked(model, test):
    """The model with its integer vectors as constants: a test hands shapes and axes over as
    inputs, which actnet takes only where they are known. None where there is nothing to do."""
    data, kept, changed = test / "test_data_set_0", [], False
    for i, value in enumerate(model.graph.input):
        path, kind = data / f"input_{i}.pb", value.type.tensor_type
        integers = kind.elem_type in (onnx.TensorProto.INT32, onnx.TensorProto.INT64)
        if i > 0 and integers and len(kind.shape.dim) < 2 and path.exists():
            tensor = onnx.TensorProto.FromString(path.read_bytes())
            tensor.name = value.name
            model.graph.initializer.append(tensor)
            changed = True
        else:
            kept.append((i, value.name))
    if not changed or not kept or len(list(test.glob("test_data_set_*"))) > 1:
        return None, []
    names = {name for _, name in kept}
    values = [value for value in model.graph.input if value.name in names]
    del model.graph.input[:]
    model.graph.input.extend(values)
    return model, [dict(kept).get(i, "") for i in range(kept[-1][0] + 1)]


def attempt(name, args, folder):
    """Returns "passed" or "refused"; raises Failure on anything else."""
    test = DATA / name
    model = onnx.load(test / "model.onnx")
    package = f"{folder}/{name}.actnet"
    done = run([args.bin / "actnet-compile", test / "model.onnx", "--emit=package", "-o", package],
               timeout=120)
    inputs = [value.name for value in model.graph.input]
    if done.returncode:
        require_one_error(done)
        if "must follow from constants" not in done.stderr:
            return "refused"
        model, inputs = baked(model, test)
        if model is None:
            return "refused"
        source = f"{folder}/{name}.onnx"
        onnx.save(model, source)
        done = run([args.bin / "actnet-compile", source, "--emit=package", "-o", package],
                   timeout=120)
        if done.returncode:
            require_one_error(done)
            return "refused"
    try:
        outputs = [value.name for value in model.graph.output]
        for data in sorted(test.glob("test_data_set_*")):
            done = run([args.bin / "actnet-run", package, "--threads=2",
                        *arguments(inputs, data, "input", "--input"),
                        *arguments(outputs, data, "output", "--expect"),
                        "--rtol=1e-3", "--atol=1e-7"], timeout=60)
            require(done.returncode == 0,
                    f"status {done.returncode}: {done.stderr.strip()[-600:]}")
    finally:
        os.unlink(package)
    return "passed"


def main():
    cases = Cases(__doc__)
    cases.parser.add_argument("--all", action="store_true")
    cases.parser.add_argument("--update", action="store_true", help="implies --all")
    cases.parser.add_argument("--match", default="", help="only tests with this in their name")
    cases.parser.add_argument("--show", action="store_true", help="print what became of each")
    args = cases.parser.parse_args()
    listing = HERE / "passing.txt"
    expected = set(listing.read_text().split()) if listing.exists() else set()
    known = dict(line.split(": ", 1) for line in (HERE / "failing.txt").read_text().splitlines()
                 if not line.startswith("#"))
    names = [n for n in sorted(os.listdir(DATA)) if args.match in n
             and not any(word in n for word in RANDOM)]
    if not (args.all or args.update or args.match):
        names = [n for n in names if zlib.crc32(n.encode()) % SAMPLE == 0]
    names = [n for n in names if plain(onnx.load(DATA / n / "model.onnx"))]

    def outcome(name, folder):
        try:
            return attempt(name, args, folder), None
        except Failure as problem:
            return "failed", str(problem)
        except Exception as problem:  # a hang, say; it belongs to this test
            return "failed", f"{type(problem).__name__}: {problem}"

    passed, refused = [], 0
    with tempfile.TemporaryDirectory() as folder, \
            ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        results = pool.map(lambda name: outcome(name, folder), names)
        for done, (name, (verdict, error)) in enumerate(zip(names, results), 1):
            if verdict == "refused" and name in expected:
                error = "was refused, but passing.txt lists it"
            if name in known:
                error = None if verdict == "failed" else f"{verdict}, but failing.txt lists it"
            if verdict == "passed":
                passed.append(name)
            refused += verdict == "refused"
            cases.record(name, error)
            if args.show:
                print(f"{verdict}: {name}")
            if done % 100 == 0:
                print(f"{done} of {len(names)} tests", flush=True)
    print(f"of {len(names)} tests {len(passed)} give the expected outputs, {refused} are refused, "
          f"{len(names) - len(passed) - refused} fail")
    if args.update:
        listing.write_text("".join(f"{name}\n" for name in passed))
    return cases.finish(args)


if __name__ == "__main__":
    sys.exit(main())
