#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random ONNX graphs: compiled, run and compared with onnxruntime.

    random_graphs.py [--seed=S] [--count=N] [--seconds=T] [--device=host|toy]
                     [--keep=FOLDER]

Graph S, S + 1, … until N graphs or T seconds are over. Each has dynamic dims,
extents of 0 and 1, odd broadcasts and several element types, and runs with
three choices of its dims on the host, or on the software GPU, which checks every
access of the CUDA kernels. Where onnxruntime has no kernel for a type, ONNX's
reference implementation says what is right.

A graph passes if all outputs agree. One that the compiler refuses in one line is
counted apart: more than one in ten of them is a failure. Wrong numbers, a crash,
and an error where the graph can be run, are failures:
the graph is made as small as it still fails, saved in FOLDER (build/fuzz), and
its seed printed. `--seed=S --count=1` makes graph S again.
"""

import multiprocessing
import os
import pathlib
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/e2e"))

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from cases import CRASH_MARKS, Cases, Failure, require_one_error, run
from graphs import BINDINGS, Builder

onnxruntime.set_default_logger_severity(4)
# At most one graph in so many may be refused.
REFUSED_PART = 10
# What onnxruntime may take for one of these small graphs.
PEER_SECONDS = 20


def answer(model, feeds):
    """The outputs by onnxruntime, else by the reference; None where neither can."""
    try:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return session.run(None, feeds)
    except Exception as problem:
        # No kernel, or a type that the operator's definition leaves out.
        if "NOT_IMPLEMENTED" not in str(problem) and "Type Error" not in str(problem):
            return None
    try:
        from onnx.reference import ReferenceEvaluator
        with np.errstate(all="ignore"):
            return [np.asarray(v) for v in ReferenceEvaluator(onnx.load_from_string(model)).run(
                None, feeds)]
    except Exception:
        return None


def serve(connection):
    """Answers one question after the other, until nobody asks any more."""
    onnxruntime.set_default_logger_severity(4)
    while True:
        try:
            question = connection.recv()
        except EOFError:
            return
        connection.send(answer(*question))


class Peer(threading.local):
    """A process that answers for a thread. Some operators of onnxruntime never
    end where an extent is 0; then the process goes, and there is no answer."""

    process = connection = None

    def ask(self, *question):
        if not self.process:
            context = multiprocessing.get_context("spawn")
            self.connection, other = context.Pipe()
            self.process = context.Process(target=serve, args=(other,), daemon=True)
            self.process.start()
            other.close()
        try:
            self.connection.send(question)
            if self.connection.poll(PEER_SECONDS):
                return self.connection.recv()
        except (EOFError, OSError):
            pass  # it crashed
        self.process.kill()
        self.process.join()
        self.process = None
        return None


peer = Peer()


def expected(model, feeds):
    return peer.ask(model.SerializeToString(), feeds)


def difference(ours, theirs, least):
    """Why two outputs differ; None where they agree. `least`: tolerance of the narrowest type."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return f"{ours.dtype} {ours.shape}, expected {theirs.dtype} {theirs.shape}"
    if theirs.dtype.kind != "f":
        if not np.array_equal(ours, theirs):
            at = tuple(np.argwhere(ours != theirs)[0])
            return f"{ours[at]} at {at}, expected {theirs[at]}"
        return None
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    # Sums lose what their largest terms lose; very large numbers overflow here or there.
    rtol = max(least, {2: 2e-2, 4: 2e-4, 8: 1e-9}[theirs.dtype.itemsize])
    with np.errstate(all="ignore"):
        return difference_of(a, b, ours, theirs, rtol)


def difference_of(a, b, ours, theirs, rtol):
    finite = np.isfinite(a) & np.isfinite(b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    scale = np.abs(b[finite]).max(initial=0)
    bad = ~same & ~(finite & (np.abs(a - b) <= rtol * np.abs(b) + rtol * min(scale, 1e3) + 1e-6))
    bad &= ~(np.abs(b) > 1e30) | np.isfinite(b)
    if scale > 1e30 or not bad.any():
        return None
    at = tuple(np.argwhere(bad)[0])
    return f"{ours[at]} at {at}, expected {theirs[at]} (of {bad.sum()} elements, scale {scale:.3g})"


def attempt(graph, folder, args):
    """Returns "passed", "refused" or "skipped"; raises Failure."""
    model = graph.model()
    source, package = f"{folder}/model.onnx", f"{folder}/model.actnet"
    onnx.save(model, source)
    bounds = [f"--dim={d}=0..64" for d in graph.dims()]
    done = run([args.bin / "actnet-compile", source, "--emit=package", "-o", package,
                f"--target={args.target}", *bounds], timeout=120)
    if done.returncode:
        require_one_error(done)
        if args.refusals:
            print(done.stderr.strip().splitlines()[0], flush=True)
        return "refused"
    verdict = "skipped"
    # A cast may keep the bits that a narrow type would have lost.
    narrow = {t.dtype for t in graph.values.values()}
    least = 2e-2 if "float16" in narrow else 2e-4 if "float32" in narrow else 0
    for binding in range(BINDINGS):
        feeds = graph.feeds(binding)
        truth = expected(model, feeds)
        if truth is None:
            continue
        flags = []
        for i, (name, value) in enumerate(feeds.items()):
            np.save(f"{folder}/in{i}.npy", value)
            flags += ["--input", f"{name}=@{folder}/in{i}.npy"]
        for i, value in enumerate(model.graph.output):
            flags += ["--output", f"{value.name}=@{folder}/out{i}.npy"]
        done = run([args.bin / "actnet-run", package, f"--device={args.device}", "--threads=2",
                    *flags], timeout=60)
        if done.returncode and " = 0, at least 1 needed" in done.stderr:
            require_one_error(done)  # shapes are inferred for dims of at least 1
            continue
        shapes = {name: list(value.shape) for name, value in feeds.items()}
        if done.returncode or any(mark in done.stderr for mark in CRASH_MARKS):
            raise Failure(f"{shapes}: status {done.returncode}: {done.stderr.strip()[-400:]}")
        for i, (value, right) in enumerate(zip(model.graph.output, truth)):
            problem = difference(np.load(f"{folder}/out{i}.npy"), np.asarray(right), least)
            if problem:
                raise Failure(f"{shapes}: {value.name} is {problem}")
        verdict = "passed"
    return verdict


def failure_of(graph, folder, args):
    try:
        attempt(graph, folder, args)
    except Failure as problem:
        return str(problem)
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"
    return None


def minimised(graph, error, folder, args):
    """The graph of the first value that is wrong, with as few nodes as still fail."""
    for node in graph.nodes:
        for name in node.output:
            part = graph.pruned([name])
            found = failure_of(part, folder, args)
            if found:
                graph, error = part, found
                break
        else:
            continue
        break
    changed = True
    while changed:
        changed = False
        for node in list(graph.nodes)[:-1]:
            smaller = graph.with_input(node.output)
            found = smaller and failure_of(smaller, folder, args)
            if found:
                graph, error, changed = smaller, found, True
                break
    return graph, error


def test(seed, args):
    with tempfile.TemporaryDirectory() as folder:
        graph = Builder(random.Random(seed)).build()
        try:
            return seed, attempt(graph, folder, args), None
        except Failure as problem:
            error = str(problem)
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}"
        if not args.whole:
            graph, error = minimised(graph, error, folder, args)
        args.keep.mkdir(parents=True, exist_ok=True)
        path = args.keep / f"seed{seed}.onnx"
        onnx.save(graph.model(), path)
        ops = " ".join(node.op_type for node in graph.nodes)
        return seed, "failed", f"{error}\n  {path}: {ops}"


def main():
    cases = Cases(__doc__)
    cases.parser.add_argument("--seed", type=int, default=1)
    cases.parser.add_argument("--count", type=int, default=0, help="0: no limit")
    cases.parser.add_argument("--seconds", type=float, default=0, help="0: no limit")
    cases.parser.add_argument("--device", choices=["host", "toy"], default="host")
    cases.parser.add_argument("--isa", default="x86-64-v3", help="of the host")
    cases.parser.add_argument("--whole", action="store_true", help="do not make failures small")
    cases.parser.add_argument("--refusals", action="store_true", help="print what is refused")
    cases.parser.add_argument("--keep", type=pathlib.Path, default=ROOT / "build/fuzz")
    args = cases.parser.parse_args()
    args.target = f"host:{args.isa}" if args.device == "host" else args.device
    if not args.count and not args.seconds:
        args.count = 100
    start, seed, totals = time.monotonic(), args.seed, {}
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        while (not args.count or seed < args.seed + args.count) and \
                (not args.seconds or time.monotonic() - start < args.seconds):
            batch = range(seed, min(seed + 16, args.seed + args.count) if args.count else seed + 16)
            for number, verdict, error in pool.map(lambda s: test(s, args), batch):
                totals[verdict] = totals.get(verdict, 0) + 1
                if verdict in ("passed", "failed"):
                    cases.record(f"seed {number}", error)
            seed = batch.stop
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(totals.items())))
    refused, graphs = totals.get("refused", 0), sum(totals.values())
    # One graph alone, made again, may be refused.
    if graphs >= 10:
        cases.record("refusals", f"{refused} of {graphs} graphs are refused: more than one in ten"
                     if refused * REFUSED_PART > graphs else None)
    return cases.finish(args)


if __name__ == "__main__":
    sys.exit(main())
