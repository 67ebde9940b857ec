# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exit codes and messages of wrong command lines: 2 and one line each."""

import subprocess
import sys

MODEL = sys.argv[1]
CASES = [
    ("--emit=llvm --target=cuda:sm_80", "--emit=llvm"),
    ("--emit=graph --target=host,toy", "--emit=graph"),
    ("--emit=cuda --target=host", "--emit=cuda: shows code for GPUs, which --target does not name"),
    ("--dim M=3", "--dim M: the model has no such dim"),
    ("--dim N=3 -o one -o two", "-o: is given twice"),
    ("--emit=graph --emit=kernel", "--emit: is given twice"),
    ("--target=host --target host", "--target: is given twice"),
    ("--report -o x", "--report: expected a value, found '-o'"),
    ("-o --report=x.html", "-o: expected a value, found '--report=x.html'"),
]
for arguments, text in CASES:
    run = subprocess.run(["actnet-compile", MODEL, *arguments.split()],
                         capture_output=True, text=True)
    assert run.returncode == 2, (arguments, run.returncode, run.stderr)
    assert text in run.stderr and run.stderr.count("\n") == 1, (arguments, run.stderr)
print("all as expected")
