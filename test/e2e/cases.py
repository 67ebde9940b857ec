# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A test case is a function that raises; the results go to a JUnit file."""

import argparse
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What a sanitizer or a fatal assertion leaves on stderr.
CRASH_MARKS = ("Sanitizer", "runtime error:", "Assertion", "Stack dump", "PLEASE submit",
               "terminate called", "LLVM ERROR")


class Failure(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Failure(text)


def run(command, timeout=300, **options):
    """Runs a command; returns the finished process with text output."""
    return subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          errors="replace", timeout=timeout, **options)


def require_success(command, **options):
    done = run(command, **options)
    require(done.returncode == 0,
            f"{' '.join(map(str, command))}: status {done.returncode}: {done.stderr[-800:]}")
    return done


def require_one_error(done):
    """One clear line, no crash, no success: what every bad input must give."""
    text = done.stderr
    for mark in CRASH_MARKS:
        require(mark not in text, f"crashed: {text[-1500:]}")
    require(0 < done.returncode < 128, f"status {done.returncode}: {text[-300:]}")
    lines = [line for line in text.splitlines() if line.strip()]
    # A diagnostic may carry notes that name the fix.
    errors = [line for line in lines if "note:" not in line and not line.startswith(" ")
              and not line.endswith("which -v shows")]
    require(len(errors) == 1, f"{len(errors)} error lines: {text[:1500]}")
    require(len(errors[0]) < 2000, f"an error of {len(errors[0])} characters")


class Cases:
    """Runs cases, prints those that fail, and writes what --junit asks for."""

    def __init__(self, description):
        self.parser = argparse.ArgumentParser(description=description)
        self.parser.add_argument("--junit", type=pathlib.Path)
        self.parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin",
                                 help="folder of actnet-compile and actnet-run")
        self.suite = ElementTree.Element("testsuite", name=pathlib.Path(sys.argv[0]).stem)
        self.passed = self.failed = 0

    def record(self, name, error, seconds=0.0):
        case = ElementTree.SubElement(self.suite, "testcase", name=name,
                                      classname=self.suite.get("name"), time=f"{seconds:.3f}")
        if error is None:
            self.passed += 1
        else:
            self.failed += 1
            # XML holds no control characters.
            error = "".join(c if c >= " " or c == "\n" else "?" for c in error)
            ElementTree.SubElement(case, "failure", message=error[:4000])
            print(f"FAILED {name}: {error}", flush=True)

    def case(self, name, function, *arguments):
        start, error = time.perf_counter(), None
        try:
            function(*arguments)
        except (Failure, OSError, subprocess.TimeoutExpired, ValueError, KeyError,
                IndexError) as problem:
            error = f"{type(problem).__name__}: {problem}"
        self.record(name, error, time.perf_counter() - start)

    def finish(self, arguments):
        print(f"{self.suite.get('name')}: {self.passed} passed, {self.failed} failed")
        if arguments.junit:
            arguments.junit.parent.mkdir(parents=True, exist_ok=True)
            ElementTree.ElementTree(self.suite).write(arguments.junit, encoding="utf-8")
        return 1 if self.failed else 0
