#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a command and reports its time and its largest resident memory.

    python3 -S measure.py REPORT COMMAND...

Writes {"seconds", "max_rss_bytes", "status"} to REPORT and exits with the
command's status. A process of its own, without numpy in it, because a child
inherits the high-water mark of the process that started it.
"""

import json
import os
import sys
import time


def main():
    report, command = sys.argv[1], sys.argv[2:]
    start = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        try:
            os.execvp(command[0], command)
        except OSError as error:
            print(f"{command[0]}: {error.strerror}", file=sys.stderr)
            os._exit(127)
    _, status, usage = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    with open(report, "w") as out:
        json.dump({"seconds": time.perf_counter() - start, "status": code,
                   "max_rss_bytes": usage.ru_maxrss * 1024}, out)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
