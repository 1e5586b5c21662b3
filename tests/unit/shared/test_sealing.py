"""The file of a key: what is none is refused before it is read."""

import os
from pathlib import Path

import pytest

from shared.sealing import KEY_BYTES, key_in


def test_key__is_what_the_file_holds_and_no_more_than_a_byte_beyond_it(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    for size, read in ((0, 0), (KEY_BYTES, KEY_BYTES), (10_000, KEY_BYTES + 1)):
        file.write_bytes(os.urandom(size))
        assert key_in(str(file)) == file.read_bytes()[:read]


def test_key__is_not_read_from_a_device_or_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in ("/dev/zero", str(pipe), str(tmp_path)):
        with pytest.raises((OSError, ValueError)):
            key_in(path)
