"""Why a backup is not taken, or not restored.

BackupFailed
└── WrongTarget    a folder, a setting or a key that was given cannot be meant
"""

from shared.sentences import Sentence


class BackupFailed(RuntimeError):
    """A backup or a restore that ended. The message says where, why and what to do; `said` in both languages."""

    def __init__(self, place: str, vi: str, en: str) -> None:
        super().__init__(f"{place}: {en}")
        self.place, self.said = place, Sentence(vi, en)


class WrongTarget(BackupFailed):
    """What was given cannot be meant: nothing was changed."""
