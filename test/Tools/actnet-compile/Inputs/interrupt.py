# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Stops the compiler while it writes, and looks what it leaves behind.

interrupt.py FOLDER: with a model in it whose package takes a while to write.
"""

import os
import resource
import signal
import subprocess
import sys
import time

os.chdir(sys.argv[1])
MODEL = "model.mlir"
KEPT = {MODEL, "weights.bin"}


def compile_into(output, emit, **options):
    return subprocess.Popen(
        ["actnet-compile", MODEL, "--emit=" + emit, "-o", output, "--report=report.html"],
        stderr=subprocess.PIPE, text=True, **options)


def stop(number, emit):
    """Sends the signal once a temporary file is there."""
    for _ in range(20):
        # Whoever runs the tests may ignore the signal, and children inherit that.
        process = compile_into(
            "out.o", emit, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
        while process.poll() is None and len(set(os.listdir()) - KEPT) == 0:
            time.sleep(0.001)
        process.send_signal(number)
        errors = process.communicate()[1]
        assert process.returncode in (0, -number), errors
        if process.returncode == -number:
            left = set(os.listdir()) - KEPT
            assert not left, f"{signal.Signals(number).name}, {emit}: {left} left"
            return
        # It was faster: once more.
        for file in set(os.listdir()) - KEPT:
            os.remove(file)
    raise AssertionError("was never stopped while it wrote")


for emit in ("program", "object"):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        stop(number, emit)

limited = compile_into(
    "out", "package",
    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
errors = limited.communicate()[1]
assert limited.returncode == 1, limited.returncode
assert errors.count("\n") == 1 and "cannot write 'out': File too large" in errors, errors
left = set(os.listdir()) - KEPT
assert not left, f"file size limit: {left} left"
print("nothing is left")
