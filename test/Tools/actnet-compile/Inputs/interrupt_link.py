# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Stops the compiler while the linker runs, and looks what stays in TMPDIR.

interrupt_link.py FOLDER MODEL: the folder is empty. A stand-in for the linker
sends the signal before it calls the linker that stands behind it on PATH.
"""

import os
import signal
import subprocess
import sys
import time

folder, model = map(os.path.abspath, sys.argv[1:])
os.chdir(folder)
for name in ("bin", "tmp"):
    os.mkdir(name)
path = os.path.join(folder, "bin") + os.pathsep + os.environ["PATH"]
LINKER = """#!/bin/sh
here=$(dirname "$0")
{signal}
sleep 0.1
PATH={path} ld.lld "$@"
: > "$here/ended"
"""


def compile_under(text, ends=True):
    """The exit status, once the compiler and its linker have ended."""
    if os.path.exists("bin/ended"):
        os.remove("bin/ended")
    with open("bin/ld.lld-22", "w") as linker:
        linker.write(LINKER.format(signal=text, path=os.environ["PATH"]))
    os.chmod("bin/ld.lld-22", 0o755)
    process = subprocess.Popen(
        ["actnet-compile", model, "--emit=package", "-o", "out"],
        env=dict(os.environ, PATH=path, TMPDIR=os.path.join(folder, "tmp")),
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        # Whoever runs the tests may ignore signals, and children inherit that.
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL)
                            for number in (signal.SIGINT, signal.SIGTERM)])
    errors = process.communicate()[1]
    end = time.monotonic() + 60
    while ends and not os.path.exists("bin/ended"):
        assert time.monotonic() < end, f"{text}: the linker does not end"
        time.sleep(0.01)
    return process.returncode, errors


status, errors = compile_under(":")
assert status == 0 and os.path.exists("out"), errors
os.remove("out")
status, errors = compile_under("echo it is broken >&2; echo more; exit 1", ends=False)
assert status == 1 and errors.count("\n") == 1, errors
assert errors.endswith("ld.lld-22' cannot link the kernels: it is broken\n"), errors
for text, number in (("kill -INT $PPID", signal.SIGINT),
                     ("kill -TERM $PPID", signal.SIGTERM),
                     ("kill -KILL $PPID", signal.SIGKILL),
                     ("kill -INT 0", signal.SIGINT)):
    # The signal to all ends the stand-in, too.
    status, errors = compile_under(text, ends=text != "kill -INT 0")
    assert status == -number, (text, status, errors)
    left = os.listdir("tmp") + sorted(set(os.listdir()) - {"bin", "tmp"})
    assert not left, f"{text}: {left} left"
print("nothing is left")
