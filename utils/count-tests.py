#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Adds up what utils/test.sh ran: count-tests.py RESULTS

RESULTS/steps.tsv lists the steps (name, exit status, seconds); RESULTS/NAME/
holds the JUnit files of those that have test cases. ctest's file names whole
programs: a program's own file beside it says more, unless the program died
before writing it or failed after it (a sanitizer's exit status).

Prints the cases that failed, the five slowest steps, and the closing line.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def cases(path):
    """Yields (name, verdict) of each case of a JUnit file."""
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname') or path.stem}.{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed"
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            yield name, "skipped"
        else:
            yield name, "passed"


def collect(folder):
    found = []
    own = {}
    for path in sorted(folder.glob("*.xml")):
        if path.name == "ctest.xml":
            continue
        try:
            own[path.stem] = list(cases(path))
        except ElementTree.ParseError:
            own[path.stem] = [(f"{path.stem} (unreadable report)", "failed")]
        found += own[path.stem]
    programs = folder / "ctest.xml"
    if programs.exists():
        for case in ElementTree.parse(programs).getroot().iter("testcase"):
            name = case.get("name")
            failed = case.get("status") == "fail" or case.find("failure") is not None
            if name not in own:
                found.append((name, "failed" if failed else "passed"))
            elif failed and all(verdict != "failed" for _, verdict in own[name]):
                found.append((f"{name} (the program as a whole)", "failed"))
    return found


def main():
    results = pathlib.Path(sys.argv[1])
    steps = [line.split("\t") for line in (results / "steps.tsv").read_text().splitlines()]
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for name, status, _ in steps:
        found = collect(results / name)
        if not found or (int(status) and all(v != "failed" for _, v in found)):
            found.append((name, "failed" if int(status) else "passed"))
        for case, verdict in found:
            total[verdict] += 1
            if verdict == "failed":
                print(f"FAILED {name}: {case}")
    print(f"{len(steps)} steps, {sum(float(s[2]) for s in steps) / 60:.1f} min; the slowest:")
    for name, _, seconds in sorted(steps, key=lambda s: -float(s[2]))[:5]:
        print(f"  {float(seconds):8.1f} s  {name}")
    if total["skipped"]:
        print(f"{total['skipped']} skipped")
    print(f"{total['passed']} passed, {total['failed']} failed")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
