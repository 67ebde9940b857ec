#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the folder that utils/gpu-check.sh --run takes to a machine with a GPU.

Needs the compiler, NVRTC and .venv-test, no GPU. FOLDER then holds

  manifest       commit, date, versions, architectures
  checks.tsv     one check a line: part, name, seconds allowed, package, bound of
                 the error, flags of the program; all paths in FOLDER
  timings.tsv    one timing a line: name, seconds allowed, package, dims, dims of
                 a small run, bytes moved, operations, flags
  actnet-run, DeviceConformanceTest, gpu-check.sh
  packages/, data/, conformance/

and FOLDER.tar.xz all of it: cubins of one kernel for several types and GPUs are much alike.
"""

import argparse
import datetime
import pathlib
import shutil
import subprocess
import sys
import tarfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/e2e"))
from families import FAMILIES  # noqa: E402
from nvrtc import Nvrtc, bundle  # noqa: E402
from twin_models import TWINS, random_input  # noqa: E402
from twins import BOUNDS, change_of_others, load_models  # noqa: E402

# The order in which they run: where time is short, cases of families are left.
PARTS = ["conformance", "timings", "models", "twins", "families"]
MODELS = ["mobilenet_v2", "efficientnet_b0"]
LIMIT_BYTES = 60 << 20
BATCHES = [1, 3]
MODEL_BATCHES = [1, 4]


def listed(text):
    return [entry for entry in text.split(",") if entry]


class Folder:
    def __init__(self, args):
        self.args, self.path = args, args.folder
        if self.path.exists():
            if not (self.path / "manifest").exists() and any(self.path.iterdir()):
                sys.exit(f"gpu-check: {self.path} exists and is no folder of this script")
            shutil.rmtree(self.path)
        for name in ("packages", "data"):
            (self.path / name).mkdir(parents=True)
        (self.path / "manifest").write_text("incomplete\n")
        self.checks, self.timings = [], []
        self.saved = set()

    def target(self, architectures, host=True):
        list = ["host"] if host else []
        list += [f"cuda:{name}" for name in architectures]
        return ",".join(list + (["toy"] if self.args.toy else []))

    def compile(self, model, name, target, precision="f32", dims=(), libraries="auto"):
        """Compiles a model, a file or a ModelProto; returns the package's path in the folder."""
        package = f"packages/{name}.actnet"
        source = model
        if not isinstance(model, pathlib.Path):
            source = self.path / f"{name}.onnx"
            onnx.save(model, source)
        flags = [] if precision == "f32" else [f"--precision={precision}"]
        flags += [] if libraries == "auto" else [f"--libraries={libraries}"]
        for dim in dims:
            flags += ["--dim", dim]
        start = time.perf_counter()
        done = subprocess.run([self.args.bin / "actnet-compile", source, f"--target={target}",
                               "--emit=package", "-o", self.path / package, *flags],
                              capture_output=True, text=True)
        if source != model:
            source.unlink()
        if done.returncode:
            sys.exit(f"gpu-check: {name} does not compile: {done.stderr.strip()[:2000]}")
        size = (self.path / package).stat().st_size
        print(f"  {name}: {size / 1e6:.2f} MB, {time.perf_counter() - start:.0f} s", flush=True)
        return package

    def save(self, name, array):
        path = f"data/{name}.npy"
        if path not in self.saved:
            np.save(self.path / path, np.asarray(array, order="C"))
            self.saved.add(path)
        return path

    def check(self, part, name, package, inputs, data, wanted, bound, seconds=30):
        flags = [f"--input={n}=@{self.save(f'{data}.{n}', a)}" for n, a in inputs.items()]
        flags.append(f"--expect=@{self.save(wanted[0], wanted[1])}")
        self.checks.append([part, name, seconds, package, f"{bound:.6g}", " ".join(flags)])


def add_families(folder, args):
    for family in FAMILIES:
        if args.families and family.name not in args.families:
            continue
        for precision in family.types:
            if precision not in args.precisions:
                continue
            name = f"{family.name}.{precision}"
            target = folder.target(args.architectures, host=False)
            package = folder.compile(family.model(precision), name, target)
            for seed, dims in enumerate(family.shapes):
                inputs, wanted, bound = family.case(dims, precision, seed)
                text = ",".join(f"{n}={e}" for n, e in dims.items())
                folder.check("families", f"{family.name} {precision} {text}", package, inputs,
                             f"{name}.{seed}", (f"{name}.{seed}.want", wanted), bound)


def add_network(folder, part, name, model, source, target, batches, precisions):
    """A network beside onnxruntime, within a part of what another input changes."""
    import onnxruntime as ort
    content = str(model) if isinstance(model, pathlib.Path) else model.SerializeToString()
    peer = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    shapes = source if source is not None else onnx.load(model, load_external_data=False)
    for precision in precisions:
        package = folder.compile(model, f"{name}.{precision}", target, precision,
                                 [f"N=1..{max(batches)}"])
        for batch in batches:
            def outputs(seed):
                return peer.run(None, dict([random_input(shapes, batch, seed)]))[0]

            key, value = random_input(shapes, batch, 1)
            wanted = outputs(1)
            changed, least = change_of_others(outputs, 1)
            if least < 0.01:
                sys.exit(f"gpu-check: {name}: another input changes too little")
            folder.check(part, f"{name} {precision} N={batch}", package, {key: value},
                         f"{name}.{batch}", (f"{name}.{batch}.want", wanted),
                         BOUNDS[precision] * changed)


def add_twins(folder, args):
    for name, model in load_models(args.twins or [*TWINS, "digits"]).items():
        add_network(folder, "twins", name, model, model, folder.target(args.architectures),
                    BATCHES, args.precisions)


def add_models(folder, args):
    # Their weights are most of what is carried: no code for the host, f32 alone.
    architectures = [a for a in args.architectures if a != "sm_100"] or args.architectures
    for name in args.models or MODELS:
        file = ROOT / "build/models" / f"{name}.onnx"
        if not file.exists():
            sys.exit(f"gpu-check: {file} is missing; utils/bench/models.py makes it")
        add_network(folder, "models", name, file, None, folder.target(architectures, host=False),
                    MODEL_BATCHES, ["f32"])


def one_kernel(name, nodes, inputs, output, constants=()):
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info(*i) for i in inputs],
        [helper.make_tensor_value_info(*output)],
        [onnx.numpy_helper.from_array(a, n) for n, a in constants])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    return model


def timing_models():
    """(name, model, large dims, small dims, bytes moved, operations). 1 GB is 2^30
    bytes: 65536 rows of 4096 floats, read once and written once."""
    columns = 4096
    node, f32, bf16 = helper.make_node, TensorProto.FLOAT, TensorProto.BFLOAT16
    x, y = ("x", f32, ["N", columns]), ("y", f32, ["N", columns])
    bias = ("b", np.linspace(-1, 1, columns, dtype=np.float32))
    scale = ("s", np.linspace(0.5, 1.5, columns, dtype=np.float32))
    rows = ("N=65536", "N=64", 2 << 30, 0)
    # The driver's own copy within the GPU: what the others are held against.
    yield "copy", one_kernel("copy", [node("Identity", ["x"], ["y"])], [x], y), *rows
    yield "negate", one_kernel("negate", [node("Neg", ["x"], ["y"])], [x], y), *rows
    yield "fused-elementwise", one_kernel(
        "fused", [node("Add", ["x", "b"], ["a"]), node("Sigmoid", ["a"], ["g"]),
                  node("Mul", ["a", "g"], ["h"]), node("Mul", ["h", "s"], ["y"])],
        [x], y, [bias, scale]), *rows
    yield "softmax", one_kernel("softmax", [node("Softmax", ["x"], ["y"], axis=-1)], [x], y), *rows
    yield "layer-norm", one_kernel(
        "layer_norm", [node("LayerNormalization", ["x", "s", "b"], ["y"])], [x], y,
        [bias, scale]), *rows
    for name, kind in (("matmul-bf16-4096", bf16), ("matmul-f32-4096", f32)):
        yield name, one_kernel(
            "matmul", [node("MatMul", ["a", "b"], ["y"])],
            [("a", kind, ["M", 4096]), ("b", kind, [4096, 4096])],
            ("y", kind, ["M", 4096])), "M=4096", "M=32", 0, 2 * 4096**3


def add_timings(folder, args):
    for name, model, large, small, moved, operations in timing_models():
        if args.timings and name not in args.timings:
            continue
        # A copy has no kernels: there is nothing to compile for toy.
        target = folder.target(args.architectures, host=False)
        if name == "copy":
            target = target.removesuffix(",toy")
        # Products are timed as kernels, and as the calls that they could be.
        runs = {name: "auto"}
        if operations:
            runs = {name: "none", name.replace("matmul-", "matmul-cublaslt-"): "all"}
        for own, libraries in runs.items():
            package = folder.compile(model, f"time-{own}", target, libraries=libraries)
            folder.timings.append([own, 60, package, large, small, moved, operations])


def add_conformance(folder, args):
    binary = args.runtime / "test/DeviceConformanceTest"
    shutil.copy(binary, folder.path / "DeviceConformanceTest")
    (folder.path / "conformance").mkdir()
    nvrtc = Nvrtc()
    cts = ROOT / "test/cts"
    text = (cts / "Kernels.cu").read_text()
    names = ["add", "count", "useScratch", "apply", "step", "level", "stray"]
    plain = max((a for a in args.architectures if a[-1].isdigit()), key=lambda a: int(a[3:]))
    for isa in [*args.architectures, f"compute_{plain[3:]}"]:
        code = nvrtc.compile(text, "Kernels.cu", isa)
        (folder.path / "conformance" / f"{isa}.bundle").write_bytes(
            bundle([(name, code) for name in names]))
    outside = nvrtc.compile((cts / "Import.cu").read_text(), "Import.cu", args.architectures[0],
                            relocatable=True)
    (folder.path / "conformance" / f"{args.architectures[0]}.importing").write_bytes(
        bundle([(name, outside) for name in names]))
    print(f"  conformance: {nvrtc.version}", flush=True)


def describe(command):
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return done.stdout.strip() if done.returncode == 0 else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin")
    parser.add_argument("--runtime", type=pathlib.Path,
                        help="bin folder of actnet-run and the conformance suite (default: --bin)")
    parser.add_argument("--architectures", type=listed, default=["sm_80", "sm_90a", "sm_100"])
    parser.add_argument("--precisions", type=listed, default=["f32", "f16", "bf16"])
    parser.add_argument("--parts", type=listed, default=PARTS)
    for part in ("families", "twins", "models", "timings"):
        parser.add_argument(f"--{part}", type=listed, help="these only")
    parser.add_argument("--toy", action="store_true",
                        help="with toy code, which the driver's stand-in runs")
    args = parser.parse_args()
    args.runtime = args.runtime or args.bin
    if unknown := set(args.parts) - set(PARTS):
        sys.exit(f"gpu-check: --parts: expected {', '.join(PARTS)}, found {', '.join(unknown)}")
    args.folder = args.folder.resolve()
    folder = Folder(args)
    for part in PARTS:
        if part in args.parts:
            print(f"{part}:", flush=True)
            globals()[f"add_{part}"](folder, args)
    for name, source in (("actnet-run", args.runtime / "actnet-run"),
                         ("gpu-check.sh", ROOT / "utils/gpu-check.sh")):
        shutil.copy(source, folder.path / name)
    for name in ("actnet-run", "DeviceConformanceTest"):
        if (folder.path / name).exists():
            subprocess.run(["strip", folder.path / name], check=True)
    for name, lines in (("checks.tsv", folder.checks), ("timings.tsv", folder.timings)):
        (folder.path / name).write_text("".join("\t".join(map(str, l)) + "\n" for l in lines))
    changed = "" if not describe(["git", "status", "--porcelain", "-uno"]) else " and changes"
    commit = describe(["git", "rev-parse", "--short=12", "HEAD"]) or "unknown"
    manifest = {
        "format": 1, "commit": commit + changed,
        "prepared": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "compiler": describe([args.bin / "actnet-compile", "--version"]).split("\n")[0],
        "architectures": " ".join(args.architectures), "parts": " ".join(args.parts)}
    (folder.path / "manifest").write_text("".join(f"{k} {v}\n" for k, v in manifest.items()))
    archive = folder.path.with_name(folder.path.name + ".tar.xz")
    with tarfile.open(archive, "w:xz") as file:
        file.add(folder.path, folder.path.name)
    unpacked = sum(f.stat().st_size for f in folder.path.rglob("*") if f.is_file())
    size = archive.stat().st_size
    print(f"{archive}: {len(folder.checks)} checks, {len(folder.timings)} timings, "
          f"{size / (1 << 20):.1f} MiB, unpacked {unpacked / (1 << 20):.1f} MiB")
    if size > LIMIT_BYTES:
        sys.exit(f"gpu-check: {archive} is {size / (1 << 20):.1f} MiB, more than "
                 f"{LIMIT_BYTES >> 20} MiB; leave something out (--help)")


if __name__ == "__main__":
    main()
