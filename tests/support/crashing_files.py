"""Uploads a file, names it and erases it, and dies by SIGKILL at the N-th line of the code that keeps files.

`python -m tests.support.crashing_files N DSN FOLDER` prints what was answered, and with N = 0 how many lines there are.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from services.intake.bootstrap import callers_of, running
from services.intake.configured import seals_of
from services.intake.settings import IntakeSettings
from tests.support.files import PDF, digest_of
from tests.support.intake import COMMUNE
from tests.support.waiting import until

TRACED = ("/uploads.py", "/file_folder.py", "/file_records.py", "/file_keeper.py", "/sealed_files.py", "/files.py")
KEEPING = ("append_builder.py", "command_handler.py")
#: The same in each try, so that a retry gets its first answer.
PETITION = {
    "jurisdiction": COMMUNE,
    "petitioner_ids": ["p1"],
    "identities": {"p1": {"name": "Lò Thị A"}},
    "attachments": [{"digest": digest_of(PDF)}],
}


class LineCounter:
    """Counts the lines that are run, in every thread, and dies at one of them."""

    def __init__(self, last: int) -> None:
        self.seen, self._last = 0, last

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        name = frame.f_code.co_filename
        return self._line if "/intake/" in name and name.endswith((*TRACED, *KEEPING)) else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        if event == "line":
            self.seen += 1
            if self.seen == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
        return self._line


async def main(last: int, dsn: str, folder: Path) -> None:
    settings = IntakeSettings(
        database_url=dsn, master_key_file=str(folder / "master.key"), files=str(folder / "files"), migrate=False
    )
    counter = LineCounter(last)
    async with (
        running(settings, callers_of(settings), seals_of(settings)) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client,
    ):
        threading.settrace(counter)
        sys.settrace(counter)
        for said, path, body in (
            ("uploaded", "/v1/files", None),
            ("named", "/v1/petitions", PETITION),
            ("erased", "/v1/petitioners/p1/erasure", {}),
        ):
            sent: dict[str, Any] = {"content": PDF} if body is None else {"json": body}
            answer = await client.post(path, headers={"Idempotency-Key": said}, **sent)
            assert answer.status_code in (200, 201), answer.text
            print(f"TOLD {said}", flush=True)
        await until(lambda: not list((folder / "files").glob("??/*")))
        sys.settrace(None)
    print(f"TOLD {counter.seen}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
