# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles a model with less and less memory, in a folder of its own.

memory.py MODEL: each run works or says in one line what there is too little of. Some
limits still end in SIGSEGV, for a reason that is not known; that leaves nothing either.
"""

import os
import resource
import signal
import subprocess
import sys

MIB = 1 << 20


def limited(bytes):
    return subprocess.run(
        ["actnet-compile", sys.argv[1], "-o", "out", "--report=report.html"], text=True,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (bytes, bytes)))


# From what the libraries take up by themselves, below which the loader speaks.
size, failures = 200 * MIB, 0
while size < 4096 * MIB:
    done = limited(size)
    if done.returncode == 0:
        break
    if "error while loading shared libraries" not in done.stderr:
        failures += done.returncode == 1
        lines = done.stderr.splitlines()
        what = f"{size // MIB} MiB: {done.returncode}, {done.stderr[-500:]}"
        assert done.returncode in (1, -signal.SIGSEGV), what
        if done.returncode == 1:
            assert len(lines) == 1 and lines[0].startswith("actnet-compile: error: "), what
        assert not os.listdir(), f"{what}; left: {os.listdir()}"
    size += 20 * MIB
assert done.returncode == 0, done.stderr
assert failures > 0, "memory was never short"
print("as expected")
