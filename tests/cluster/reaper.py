"""Runs a program and reaps what it leaves behind: `reaper.py PROGRAM ARGUMENT...`.

A PostgreSQL that was killed is a child of nobody, since the process that started it has ended. On a machine, init reaps
it at once; in a container perhaps nobody does, and then Patroni takes it for alive.
"""

import ctypes
import os
import signal
import subprocess
import sys

_PR_SET_CHILD_SUBREAPER = 36


def main(*command: str) -> int:
    """Run until the program has ended; its exit code."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    program = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(program.pid, signal.SIGTERM))
    while True:
        pid, status = os.wait()
        if pid == program.pid:
            return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
