#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The digit classifier beside onnxruntime: as an object inside the example's
program, and as an executable.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

from cases import ROOT, Cases, require, require_success, run

EXAMPLE = ROOT / "examples/digits"


def read_sheet():
    """Decodes the example's PNG: unfiltered rows of 8-bit grey."""
    import struct
    import zlib
    data = (EXAMPLE / "digits.png").read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    body, at = b"", 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IDAT":
            body += data[at + 8:at + 8 + size]
        at += size + 12
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, width + 1)
    cells = rows[:, 1:].reshape(height // 8, 8, width // 8, 8).transpose(0, 2, 1, 3)
    return (cells.reshape(-1, 1, 8, 8) / np.float32(240)).astype(np.float32)


def main():
    cases = Cases(__doc__)
    args = cases.parser.parse_args()
    compiler = args.bin / "actnet-compile"
    library = args.bin.parent / "lib"
    labels = np.array((EXAMPLE / "labels.txt").read_text().split(), int)
    images = read_sheet()[:len(labels)]
    import onnxruntime as ort
    peer = ort.InferenceSession(str(EXAMPLE / "digits.onnx"), providers=["CPUExecutionProvider"])
    expected = peer.run(None, {"image": images})[0]

    with tempfile.TemporaryDirectory() as folder:
        def path(name):
            return f"{folder}/{name}"

        def build_object():
            require_success([compiler, EXAMPLE / "digits.onnx", "--dim", "N=1..64",
                             "--emit=object", "-o", path("digits.o")])
            require_success(["g++", "-std=c++17", "-O1", f"-I{ROOT}/include", f"-I{folder}",
                             EXAMPLE / "main.cpp", path("digits.o"), f"-L{library}",
                             f"-Wl,-rpath,{library}", "-lactnet", "-lpng", "-o", path("classify")])

        def predictions():
            done = require_success([path("classify"), EXAMPLE / "digits.png",
                                    EXAMPLE / "labels.txt", f"--predictions={path('p.txt')}"])
            got = np.array(open(path("p.txt")).read().split(), int)
            require(len(got) == len(labels), f"{len(got)} predictions for {len(labels)} images")
            wrong = np.flatnonzero(got != expected.argmax(1))
            require(wrong.size == 0, f"images {wrong.tolist()} differ from onnxruntime's")
            accuracy = (got == labels).mean()
            require(accuracy >= 0.97, f"accuracy {accuracy:.3f}")
            said = re.search(r"accuracy: ([\d.]+) %", done.stdout)
            require(said and abs(float(said[1]) - 100 * accuracy) < 0.06, done.stdout[-300:])
            promised = int(re.search(r"memory promised: (\d+)", done.stdout)[1])
            observed = int(re.search(r"memory observed: (\d+)", done.stdout)[1])
            require(0 < observed <= promised, f"observed {observed}, promised {promised}")

        def build_program():
            require_success([compiler, EXAMPLE / "digits.onnx", "--dim", "N=1..64",
                             "-o", path("digits")])

        def close(batch, threads, *flags):
            np.save(path("x.npy"), images[:batch])
            np.save(path("y.npy"), expected[:batch])
            done = require_success(
                [path("digits"), "--input", f"image=@{path('x.npy')}", "--expect",
                 f"logits=@{path('y.npy')}", "--rtol=1e-4", "--atol=1e-4", "--output",
                 f"logits=@{path(f'{threads}.npy')}", f"--threads={threads}", "--json", *flags])
            report = json.loads(done.stdout.splitlines()[-1])
            memory = report["memory"]
            require(0 < memory["observed_bytes"] <= memory["promised_bytes"], str(memory))
            require(report["outputs"][0]["shape"] == [batch, 10], str(report["outputs"]))

        def same_bits():
            for threads in (1, 2, 3):
                close(50, threads)
            first = open(path("1.npy"), "rb").read()
            for threads in (2, 3):
                require(open(path(f"{threads}.npy"), "rb").read() == first,
                        f"{threads} threads give other bits than one")

        def step_by_step():
            close(9, 2)
            first = open(path("2.npy"), "rb").read()
            close(9, 2, "--step")
            require(open(path("2.npy"), "rb").read() == first, "--step gives other bits")

        def variants_agree():
            info = json.loads(require_success([path("digits"), "--info", "--json"]).stdout)
            require(len(info["variants"]) >= 2, f"variants {info['variants']}")
            close(4, 1, "--isa=x86-64-v3")

        def expect_differs():
            np.save(path("x.npy"), images[:2])
            np.save(path("y.npy"), expected[:2] + 1)
            done = run([path("digits"), "--input", f"@{path('x.npy')}", "--expect",
                        f"@{path('y.npy')}"])
            require(done.returncode == 3, f"status {done.returncode}, not 3: {done.stderr}")

        def libraries():
            text = require_success(["readelf", "-d", path("digits")]).stdout
            needed = set(re.findall(r"NEEDED.*\[(.*)\]", text))
            allowed = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}
            require(needed <= allowed, f"needs {sorted(needed - allowed)}")

        def alone():
            """Runs in a root folder that holds the program and three libraries."""
            root = path("root")
            text = require_success(["ldd", path("digits")]).stdout
            for file in re.findall(r"(/\S+)", text):
                os.makedirs(root + os.path.dirname(file), exist_ok=True)
                shutil.copy(os.path.realpath(file), root + file)
            os.makedirs(f"{root}/app", exist_ok=True)
            shutil.copy(path("digits"), f"{root}/app/digits")
            done = run(["/usr/sbin/chroot", root, "/app/digits", "--dim", "N=3", "--json"],
                       env={})
            require(done.returncode == 0, f"status {done.returncode}: {done.stderr[-500:]}")
            require(json.loads(done.stdout)["outputs"][0]["shape"] == [3, 10], done.stdout[-500:])

        def exported():
            names = subprocess.run(["nm", "-D", "--defined-only", library / "libactnet.so"],
                                   capture_output=True, text=True, check=True).stdout.split("\n")
            names = {line.split()[-1] for line in names if line}
            other = [n for n in names if not n.startswith("actnet_")]
            require(len(names) > 10 and not other, f"libactnet.so exports {other[:5]}")

        def size():
            limit = 1.1 * os.path.getsize(EXAMPLE / "digits.onnx") + 10e6
            require(os.path.getsize(path("digits")) <= limit, "the program is too large")

        cases.case("the object links into a program", build_object)
        cases.case("every image is classified as onnxruntime does", predictions)
        cases.case("the model compiles to an executable", build_program)
        for batch in (1, 3, 64):
            cases.case(f"outputs agree for N={batch}", close, batch, 2)
        cases.case("any number of threads gives the same bits", same_bits)
        cases.case("record by record gives the same bits", step_by_step)
        cases.case("the narrower variant agrees", variants_agree)
        cases.case("a difference exits with 3", expect_differs)
        cases.case("the program needs libc, libm and the loader only", libraries)
        if os.geteuid() == 0:
            cases.case("the program runs where nothing else is", alone)
        cases.case("the library exports C only", exported)
        cases.case("the program stays small", size)
    return cases.finish(args)


if __name__ == "__main__":
    sys.exit(main())
