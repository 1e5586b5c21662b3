"""Work shared out among processes. Each case is a process of its own: forking wants one without other threads."""

import signal
import subprocess
import sys
import textwrap

from tests.support.waiting import until

HEAD = """
import os, sys, time
from services.intake.adapters.workers import WorkerLost, Workers
"""


def script(body: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", HEAD + textwrap.dedent(body)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_workers__tell_what_they_did_each_of_its_share() -> None:
    process = script("""
        def work(share, pipe):
            pipe.send(share)
            pipe.send(share + 10)
        with Workers(3, work) as workers:
            print(sorted(workers.told()))
        """)
    assert process.communicate(timeout=30) == ("[0, 1, 2, 10, 11, 12]\n", "")


def test_worker_that_dies__is_told_apart_from_one_that_is_done() -> None:
    process = script("""
        def work(share, pipe):
            if share:
                os._exit(7)
        with Workers(2, work) as workers:
            try:
                list(workers.told())
            except WorkerLost as lost:
                print(lost)
        """)
    assert process.communicate(timeout=30) == ("exit code 7\n", "")


def test_work_that_never_begins__leaves_no_process() -> None:
    process = script("""
        with Workers(2, lambda share, pipe: print("at work")):
            pass
        """)
    assert process.communicate(timeout=30) == ("", "")


async def test_worker_whose_asker_is_killed__sees_the_end_of_its_pipe() -> None:
    process = script("""
        def work(share, pipe):
            pipe.send(os.getpid())
            pipe.poll(None)
            os._exit(0)
        with Workers(2, work) as workers:
            for pid in workers.told():
                print(pid, flush=True)
        """)
    assert process.stdout is not None
    pids = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    await until(lambda: not any(map(_is_alive, pids)))


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as found:
            return found.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
