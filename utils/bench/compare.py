# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the benchmarks share: compiling, interleaved timing, the table's head."""

import datetime
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Idle workers of either side may spin for a while; let them go to sleep. Those
# of onnxruntime 1.31 were seen at it 20 ms after a run, and not after 50.
PAUSE = 0.1


def compile_model(model, package, *flags, compiler=ROOT / "build/bin/actnet-compile"):
    """Compiles if the package is older than model or compiler; returns seconds."""
    package.parent.mkdir(parents=True, exist_ok=True)
    newest = max(pathlib.Path(p).stat().st_mtime for p in (model, compiler))
    stamp = package.with_suffix(".flags")
    if (package.exists() and package.stat().st_mtime > newest
            and stamp.exists() and stamp.read_text() == repr(flags)):
        return None
    start = time.perf_counter()
    done = subprocess.run([str(compiler), str(model), "--emit=package", "-o", str(package), *flags],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{model}: {done.stderr.strip() or done.returncode}")
    stamp.write_text(repr(flags))
    return time.perf_counter() - start


def timed(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def interleave(runs, seconds=8.0, least=7):
    """Times several functions in turns; returns the list of seconds of each.

    Every timed call follows a pause and, if it is short, an untimed call of the
    same function, so that no side pays for the other's caches or spinning.
    """
    times = [[] for _ in runs]
    first = [min(timed(run) for _ in range(2)) for run in runs]
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds or len(times[0]) < least:
        for i, run in enumerate(runs):
            time.sleep(PAUSE)
            if first[i] < 0.1:
                run()
            times[i].append(timed(run))
    return times


def median_ms(times):
    return 1e3 * statistics.median(times)


def geometric_mean(values):
    return statistics.geometric_mean(values)


def machine():
    """Describes processor, cores, date and commit in one line of Markdown."""
    cpu, flags = "unknown", ""
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
        elif line.startswith("flags"):
            flags = line
    features = [f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f in flags.split()]
    git = lambda *args: subprocess.run(["git", "-C", str(ROOT), *args],
                                       capture_output=True, text=True).stdout.strip()
    commit = git("rev-parse", "--short", "HEAD") or "unknown"
    if git("status", "--porcelain", "--untracked-files=no"):
        commit += " with changes"
    return (f"{cpu} ({', '.join(features)}), {len(os.sched_getaffinity(0))} cores, "
            f"{datetime.date.today()}, commit {commit}")
