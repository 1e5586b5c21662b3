"""A primary and its standby, as a service is given them: one address that lists both, and what fails over by hand."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.cluster import PASSWORD, USER, Cluster
from tests.support.pair import until
from tests.support.postgres import TestServer

#: What a primary waits for: the standby by the name that Debian gives its server, not whatever else receives the log.
STANDBY = '"15/main"'


class Replicated(TestServer):
    """Two servers. Databases are made on whichever writes."""

    def __init__(self, folder: Path) -> None:
        for name in ("primary", "standby"):
            (folder / name).mkdir()
        self.primary = Cluster(folder / "primary", cluster_name=STANDBY.strip('"')).start()
        self.standby = self.primary.standby(folder / "standby")
        self.port = self.primary.port
        self._templates: dict[tuple[str, ...], str] = {}
        self._made: list[str] = []

    def dsn(self, database: str) -> str:  # type: ignore[override]
        """A database of whichever of them writes."""
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return f"postgresql://{USER}:{PASSWORD}@{hosts}/{database}?target_session_attrs=read-write"

    def require(self, standbys: str = STANDBY) -> None:
        """Set which standbys the primary waits for, and wait until they are there."""
        self.primary.require(standbys)
        until(self.is_streaming, 30, "the standby is required and there")

    def is_streaming(self) -> bool:
        """Whether the standby keeps up, as one that is waited for."""
        return bool(self.waited_for())

    def waited_for(self) -> set[str]:
        """What acknowledges the commits of the primary, by its name."""
        found = self.primary.admin(
            "SELECT application_name FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
        )
        return {name for (name,) in found}

    def fail_over(self) -> None:
        """The primary is gone; the standby, which may have died too, is started where needed and promoted."""
        self.primary.kill()
        if not self.standby.is_alive():
            (self.standby.data / "postmaster.pid").unlink(missing_ok=True)
            self.standby.start()
        # There is none beside it: whoever promotes for real puts the next one into this place.
        self.standby.require("")
        self.standby.admin("SELECT pg_promote(true, 30)")
        until(lambda: self.standby.admin("SELECT pg_is_in_recovery()") == [(False,)], 30, "promoted")

    def close(self) -> None:
        """End both."""
        for server in (self.standby, self.primary):
            if server.is_alive():
                server.kill()


@contextmanager
def replicated() -> Iterator[Replicated]:
    """The two until the block ends."""
    with tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = Replicated(Path(folder))
        try:
            yield made
        finally:
            made.close()
