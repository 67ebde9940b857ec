#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Seeded mutations of the digit model, as ONNX file and as package.

A mutated file either still works or gives one clear error; it never crashes,
hangs, or leaves a half-written output. `--seed=S --count=1` repeats case S.
"""

import os
import random
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from cases import CRASH_MARKS, ROOT, Cases, require, require_one_error, run
from package import seal, sections

INTERESTING = [b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xff\xff\xff\x0f", b"\0\0\0\0",
               b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\xff\xff\xff\xff\xff\xff\xff\xff"]


def mutate(data, rng, structure):
    """Returns a damaged copy; `structure` are the offsets worth damaging."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        at = rng.choice(structure) if structure and rng.random() < 0.8 else rng.randrange(len(data))
        kind = rng.randrange(8)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.randrange(256)
        elif kind == 2:
            value = rng.choice(INTERESTING)
            data[at:at + len(value)] = value
        elif kind == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 9))
        elif kind == 4:
            del data[at:at + rng.randrange(1, 9)]
        elif kind == 5:
            size = rng.randrange(1, 64)
            data[at:at] = data[at:at + size]
        elif kind == 6:
            other, size = rng.randrange(len(data)), rng.randrange(1, 64)
            data[at:at + size] = data[other:other + size]
        elif kind == 7 and rng.random() < 0.2:
            del data[at:]
        if not data:
            data = bytearray(b"\0")
        structure = [s for s in structure if s < len(data)]
    return bytes(data)


def structure_of(model):
    """Offsets outside the weights, where a change means something."""
    import onnx
    weights = [w.raw_data for w in onnx.load_from_string(model).graph.initializer]
    spans = [(model.index(w), len(w)) for w in weights if len(w) > 64]
    return [i for i in range(len(model))
            if not any(start + 8 <= i < start + size - 8 for start, size in spans)]


def check(done, *written):
    for mark in CRASH_MARKS:
        require(mark not in done.stderr, f"crashed: {done.stderr[-1500:]}")
    if done.returncode:
        require_one_error(done)
        for path in written:
            require(not os.path.exists(path), f"{path} is there after an error")


def main():
    cases = Cases(__doc__)
    cases.parser.add_argument("--count", type=int, default=300, help="mutations of each kind")
    cases.parser.add_argument("--seed", type=int, default=0, help="number of the first")
    cases.parser.add_argument("--kind", choices=["onnx", "package"])
    args = cases.parser.parse_args()
    compiler, runner = args.bin / "actnet-compile", args.bin / "actnet-run"
    model = (ROOT / "examples/digits/digits.onnx").read_bytes()
    shape = structure_of(model)

    with tempfile.TemporaryDirectory() as folder:
        def onnx_case(seed):
            rng = random.Random(seed)
            source, out = f"{folder}/{seed}.onnx", f"{folder}/{seed}.out"
            with open(source, "wb") as file:
                file.write(mutate(model, rng, shape))
            # The later levels cost a second each, so most cases end at the first.
            emit = "package" if seed % 10 == 0 else "graph"
            try:
                check(run([compiler, source, f"--emit={emit}", "--dim", "N=1..4", "-o", out],
                          timeout=120), out)
            finally:
                for path in (source, out):
                    if os.path.exists(path):
                        os.unlink(path)

        def package_case(seed):
            rng = random.Random(seed)
            source, flags = f"{folder}/{seed}.actnet", ["--threads=1"]
            if seed % 2:
                # Damage behind right checksums: the reader has to see it. Such a
                # plan is not run, for it may say anything to its kernels.
                name = rng.choice([n for n in parts if not n.startswith(("code", "weights"))])
                start, size = parts[name]
                damaged = mutate(package[start:start + size], rng, [])[:size].ljust(size, b"\0")
                damaged = package[:start] + damaged + package[start + size:]
                damaged, flags = seal(damaged, [name]), ["--info"]
            else:
                damaged = mutate(package, rng, ends)
            with open(source, "wb") as file:
                file.write(damaged)
            try:
                check(run([runner, source, *flags], timeout=60))
            finally:
                os.unlink(source)

        def attempt(function, seed):
            try:
                function(seed)
            except Exception as problem:  # whatever it is, it belongs to this case
                return f"{type(problem).__name__}: {problem}"
            return None

        kinds = []
        if args.kind != "package":
            kinds.append(("onnx", onnx_case))
        if args.kind != "onnx":
            done = run([compiler, ROOT / "examples/digits/digits.onnx", "--emit=package", "--dim",
                        "N=1..4", "-o", f"{folder}/digits.actnet"])
            if done.returncode:
                cases.record("package to mutate", done.stderr)
            else:
                package = open(f"{folder}/digits.actnet", "rb").read()
                parts = sections(package)
                # The header is at the start, the table at the end.
                ends = [*range(min(4096, len(package))),
                        *range(max(0, len(package) - 4096), len(package))]
                kinds.append(("package", package_case))
        seeds = range(args.seed, args.seed + args.count)
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            for kind, function in kinds:
                results = pool.map(lambda seed: attempt(function, seed), seeds)
                for seed, error in zip(seeds, results):
                    cases.record(f"{kind} mutation {seed}", error)
                    if (seed + 1) % 1000 == 0:
                        print(f"{kind} mutation {seed + 1}", flush=True)
    return cases.finish(args)


if __name__ == "__main__":
    sys.exit(main())
