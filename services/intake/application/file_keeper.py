"""Keeps the files in order: what an event names loses the master's key, what nobody may or will read goes."""

import asyncio
import contextlib

from services.intake.application.ports import FileFolder, FileRecords


class FileKeeper:
    """One round at a time does all of it; whoever dies within one leaves it to the next."""

    def __init__(self, records: FileRecords, folder: FileFolder | None) -> None:
        self._records, self._folder = records, folder
        self._asked = asyncio.Event()
        self.kept_at = 0.0  # when the last round ended, in seconds since 1970

    def wake(self) -> None:
        """Ask for a round now: somebody was erased."""
        self._asked.set()

    async def wait(self, seconds: float) -> None:
        """Wait until the next round."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), seconds)
        self._asked.clear()

    async def round(self) -> None:
        """Settle, drop, remove."""
        await self._records.settle()
        unwanted = await self._records.drop()
        if self._folder is None:
            return  # the rows stay, so that their bytes are removed once the folder is named again
        if unwanted:
            for name in unwanted:
                await asyncio.to_thread(self._folder.remove, name)
            await self._records.removed(unwanted)
        await self._finish_arrivals(self._folder)

    async def _finish_arrivals(self, folder: FileFolder) -> None:
        names, old = await asyncio.to_thread(folder.left_over)
        known = await self._records.known(names) if names else ()
        for name in names:
            if name in known:
                await asyncio.to_thread(folder.put_in_place, name)
            elif name in old:
                await asyncio.to_thread(folder.remove, name)
