#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""utils/gpu-check.sh without a GPU: one twin and one family prepared, run on the
driver's stand-in, and reports of what is made wrong on purpose."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

from cases import ROOT, Cases, require, run

SCRIPT = ROOT / "utils/gpu-check.sh"
# All of a machine that a run may need, beside bash.
COMMANDS = ["bash", "date", "dirname", "head", "mktemp", "rm", "sleep", "tail", "timeout"]


class Check:
    def __init__(self, folder, args):
        self.folder, self.args = pathlib.Path(folder) / "prepared", args
        self.report = pathlib.Path(folder) / "gpu.md"
        self.path = pathlib.Path(folder) / "bin"
        self.path.mkdir()
        for name in COMMANDS:
            (self.path / name).symlink_to(shutil.which(name))

    def prepare(self):
        done = run([SCRIPT, "--prepare", self.folder, f"--bin={self.args.bin}", "--toy",
                    "--parts=timings,twins,families", "--families=softmax", "--twins=digits",
                    "--timings=copy,softmax", "--precisions=f32", "--architectures=sm_80"],
                   timeout=900)
        require(done.returncode == 0, f"status {done.returncode}: {done.stderr[-800:]}")
        manifest = (self.folder / "manifest").read_text()
        require(re.search(r"^commit [0-9a-f]{12}|^commit unknown", manifest, re.M), manifest)

    def run(self, *flags):
        # As there: the folder alone, nothing of the build.
        done = subprocess.run([self.folder / "gpu-check.sh", "--run", self.folder, "--report",
                               self.report, *flags], capture_output=True, text=True, timeout=600,
                              env={**os.environ, "PATH": str(self.path)})
        return done, self.report.read_text()

    def on_stand_in(self):
        return self.run(f"--stand-in={self.args.stand_in}")

    def right(self):
        done, report = self.on_stand_in()
        require(done.returncode == 0, f"status {done.returncode}: {done.stdout[-1500:]}")
        require("9 passed, 0 failed, 0 not run" in report, report[-3000:])
        for text in ("No GPU has run this", "stand-in 0, sm_80", "| digits f32 N=3 | right | "):
            require(text in report, f"{text!r} is missing: {report[-3000:]}")

    def wrong_number(self):
        file = self.folder / "data/digits.3.want.npy"
        kept = file.read_bytes()
        value = np.load(file)
        value[1, 2] += 1
        np.save(file, value)
        done, report = self.on_stand_in()
        file.write_bytes(kept)
        require(done.returncode == 1, f"status {done.returncode}")
        require("8 passed, 1 failed" in report, report[-3000:])
        require(re.search(r"^- twins: digits f32 N=3: .*first at \[1, 2\]", report, re.M),
                report[-3000:])

    def damaged_program(self):
        file = self.folder / "packages/softmax.f32.actnet"
        kept = file.read_bytes()
        file.write_bytes(kept[:len(kept) // 2])
        done, report = self.on_stand_in()
        file.write_bytes(kept)
        require(done.returncode == 1, f"status {done.returncode}")
        require("4 passed, 5 failed" in report, report[-3000:])

    def endless_program(self):
        """Every check has its limit: none waits for a program that never ends."""
        checks = self.folder / "checks.tsv"
        kept, program = checks.read_text(), self.folder / "actnet-run"
        moved = program.rename(self.folder / "moved")
        program.write_text('#!/bin/bash\n[[ $1 != --list-devices ]] || exec "${0%/*}/moved" "$@"\n'
                           "trap '' TERM\nsleep 60\n")
        program.chmod(0o755)
        last = kept.splitlines()[-1].split("\t")
        checks.write_text("\t".join([*last[:2], "1", *last[3:]]) + "\n")
        (self.folder / "timings.tsv").rename(self.folder / "timings.kept")
        start = time.monotonic()
        done, report = self.on_stand_in()
        seconds = time.monotonic() - start
        program.unlink()
        moved.rename(program)
        (self.folder / "timings.kept").rename(self.folder / "timings.tsv")
        checks.write_text(kept)
        require(done.returncode == 1 and "no end within 1 s" in report, report[-3000:])
        require(seconds < 40, f"took {seconds:.0f} s")

    def figures(self):
        """What a GPU would answer, from scripts that say it."""
        program, kept = self.folder / "actnet-run", self.folder / "kept"
        kept.mkdir()
        for name in ("actnet-run", "checks.tsv"):
            (self.folder / name).rename(kept / name)
        (self.folder / "checks.tsv").write_text("")
        program.write_text("""#!/bin/bash
case "$*" in
  --list-devices) echo "cuda:0: Some GPU, sm_90a" ;;
  *time-copy*) echo '{"latency_ms": {"median": 1.25, "mean": 9}}' ;;
  *) echo '{"latency_ms": {"median": 1.5e+00, "mean": 9}}' ;;
esac
""")
        (self.folder / "conformance").mkdir()
        suite = self.folder / "DeviceConformanceTest"
        suite.write_text("""#!/bin/bash
[[ $1 == *=gpu.*-* ]] || { echo '[       OK ] gpu.one (3 ms)'; exit; }
echo '[ RUN      ] gpu.two'
echo 'Cts.cpp:57: does not hold: two == 2'
echo '[  FAILED  ] gpu.two (3 ms)'
echo '[  FAILED  ] gpu.two'
exit 1
""")
        for file in (program, suite):
            file.chmod(0o755)
        done, report = self.run()
        suite.unlink()
        (self.folder / "conformance").rmdir()
        for name in ("actnet-run", "checks.tsv"):
            (kept / name).rename(self.folder / name)
        require(done.returncode == 1, f"status {done.returncode}")
        for text in ("| device | cuda:0: Some GPU, sm_90a |", "| copy | 1.25 | 1717 GB/s | 100 % |",
                     "| softmax | 1.5e+00 | 1431 GB/s | 83 % |", "7 tests passed, 1 failed",
                     "- conformance: gpu.two (3 ms): Cts.cpp:57: does not hold: two == 2",
                     "| result | 9 passed, 1 failed, 0 not run |"):
            require(text in report, f"{text!r} is missing: {report[-3000:]}")

    def no_driver(self):
        done, report = self.run("--device=cuda:7")
        require(done.returncode == 1, f"status {done.returncode}")
        require("| device | none |" in report or "cuda:0" in report, report)
        require("## Failures" in report, report)

    def nothing_prepared(self):
        done = run([SCRIPT, "--run", "/tmp", "--report", self.report])
        require(done.returncode == 2 and "nothing was prepared" in done.stderr, done.stderr)


def main():
    cases = Cases(__doc__)
    cases.parser.add_argument("--stand-in", type=pathlib.Path,
                              default=ROOT / "build/lib/stand-in")
    args = cases.parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        check = Check(folder, args)
        cases.case("prepares a twin and a family", check.prepare)
        if not cases.failed:
            cases.case("all is right on the stand-in", check.right)
            cases.case("a wrong number is named", check.wrong_number)
            cases.case("a damaged program is named", check.damaged_program)
            cases.case("a program that does not end is ended", check.endless_program)
            cases.case("figures and failures of the suite are reported", check.figures)
            cases.case("a GPU that is not there is a failure", check.no_driver)
            cases.case("a folder without checks is refused", check.nothing_prepared)
    return cases.finish(args)


if __name__ == "__main__":
    sys.exit(main())
