"""Debian's ClamAV looks through uploads: with a signature file of the tests' own, nothing is fetched."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from services.dev import debian
from tests.support.clamd import MALICIOUS
from tests.support.files import PDF, stored, uploaded
from tests.support.intake import served
from tests.support.interop import lacking
from tests.support.waiting import until

CLAMD = "/usr/sbin/clamd"
CONFIGURATION = """Foreground yes
LocalSocket {folder}/clamd.ctl
DatabaseDirectory {folder}/signatures
TemporaryDirectory {folder}
StreamMaxLength 1M
LogFile {folder}/clamd.log
"""


def clamd() -> str:
    """Debian's clamd. It is installed, after saying so, where packages may be."""
    if shutil.which(CLAMD) is None and debian.can_install():
        print("installing Debian's clamav-daemon with apt-get ...")
        debian.install("clamav-daemon")
    if shutil.which(CLAMD) is None:
        lacking("ClamAV's daemon", "apt-get install clamav-daemon")
    return CLAMD


@contextlib.asynccontextmanager
async def running_clamd(folder: Path) -> AsyncIterator[str]:
    """A clamd that knows one signature, and its address."""
    program, signatures, configuration = clamd(), folder / "signatures", folder / "clamd.conf"
    signatures.mkdir(parents=True)
    (signatures / "own.ndb").write_text(f"Doithoai.Test:0:*:{MALICIOUS.hex()}\n")
    configuration.write_text(CONFIGURATION.format(folder=folder))
    process = await asyncio.create_subprocess_exec(program, "--config-file", str(configuration))
    try:
        await until((folder / "clamd.ctl").exists, seconds=60)
        yield f"unix://{folder}/clamd.ctl"
    finally:
        process.terminate()
        await process.wait()


async def test_clamd__keeps_out_what_it_knows_and_lets_in_all_else(database: str, tmp_path: Path) -> None:
    async with (
        running_clamd(tmp_path / "clamd") as address,
        served(database, tmp_path, files=str(tmp_path / "files"), scanner=address) as intake,
    ):
        await uploaded(intake, PDF)
        refused = await uploaded(intake, PDF + MALICIOUS, 422)
        assert refused["type"] == "urn:doithoai:problem:invalid-file"
        # Beyond its own bound it says so instead of looking; nothing is kept that it has not seen.
        await uploaded(intake, PDF + bytes(3 << 20), 503)
        assert len(stored(intake.settings.files)) == 1
