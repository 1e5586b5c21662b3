"""Work shared out among processes, forked before it begins; none outlives the one that asked for it."""

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Self

#: One worker's work: the number of its share, and the pipe by which it tells. Nothing comes in by that pipe once the
#: work has begun but its end, when the one that asked is gone.
Work = Callable[[int, "Connection[Any, Any]"], None]


class WorkerLost(RuntimeError):
    """A worker ended before its work; the message says how."""


class Workers:
    """Processes that wait for their work. Fork them early: before any thread, loop or connection exists."""

    def __init__(self, count: int, work: Work) -> None:
        fork = multiprocessing.get_context("fork")
        self._processes: dict[Any, multiprocessing.process.BaseProcess] = {}
        for share in range(count):
            ours, theirs = fork.Pipe()
            process = fork.Process(target=_worker, args=(share, ours, theirs, work), daemon=True)
            process.start()
            theirs.close()
            self._processes[ours] = process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        # All of them first: a worker holds copies of the pipes of those that were forked before it.
        for pipe in self._processes:
            pipe.close()
        for process in self._processes.values():
            process.join()

    def told(self) -> Iterator[Any]:
        """Begin; what the workers tell, until all are done. Raises WorkerLost."""
        for pipe in self._processes:
            pipe.send(None)
        at_work: set[Any] = set(self._processes)
        while at_work:
            found: list[Any] = wait(at_work)
            for pipe in found:
                try:
                    told = pipe.recv()
                except (EOFError, ConnectionError):
                    process = self._processes[pipe]
                    process.join()
                    raise WorkerLost(f"exit code {process.exitcode}") from None
                if told is None:
                    at_work.remove(pipe)
                else:
                    yield told


def _worker(share: int, ours: "Connection[Any, Any]", theirs: "Connection[Any, Any]", work: Work) -> None:
    # A copy of the other end would keep the pipe open when its owner is gone.
    ours.close()
    try:
        theirs.recv()
    except EOFError:
        return  # there is nothing to do after all
    work(share, theirs)
    with contextlib.suppress(BrokenPipeError):  # who asked has gone, since another worker was lost
        theirs.send(None)
