"""A file that is sealed in chunks: it comes back whole, and nothing that was done to it goes unseen."""

import hashlib
import io
import os
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.intake.adapters.sealed_files import CHUNK, TAG, SealedReader, SealingWriter
from services.intake.adapters.seals import PetitionSeals
from services.intake.application.ports import DamagedFile, UploadedFile

KEY = bytes(range(32))
SEALED_CHUNK = CHUNK + TAG
SIZES = st.one_of(
    st.integers(0, 300),
    st.builds(lambda chunks, more: max(0, chunks * CHUNK + more), st.integers(0, 4), st.integers(-2, 2)),
    st.integers(0, 5 * CHUNK),
)
anyhow = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def content_of(size: int) -> bytes:
    return (hashlib.sha256(b"%d" % size).digest() * (size // 32 + 1))[:size]


def sealed(content: bytes, pieces: int = 1 << 20, key: bytes = KEY) -> tuple[bytes, SealingWriter]:
    output = io.BytesIO()
    writer = SealingWriter(output, key)
    for begin in range(0, len(content), pieces):
        writer.write(content[begin : begin + pieces])
    writer.finish()
    return output.getvalue(), writer


def opened(path: Path, data: bytes, key: bytes = KEY) -> bytes:
    path.write_bytes(data)
    with SealedReader(path.open("rb"), key) as reader:
        return b"".join(reader.chunks())


@anyhow
@example(size=0, pieces=1)
@example(size=CHUNK, pieces=CHUNK)
@example(size=2 * CHUNK, pieces=CHUNK - 1)
@given(size=SIZES, pieces=st.integers(1, 3 * CHUNK).map(lambda n: max(n, 777)))
def test_file__comes_back_whole_however_it_came(tmp_path: Path, size: int, pieces: int) -> None:
    content = content_of(size)
    data, writer = sealed(content, pieces)
    assert opened(tmp_path / "f", data) == content
    assert (writer.digest, writer.size) == (hashlib.sha256(content).hexdigest(), size)
    assert writer.stored_name == hashlib.sha256(data).hexdigest()
    if size > 32:
        assert content[:32] not in data


@anyhow
@given(size=SIZES, data=st.data())
def test_file__of_which_one_bit_was_altered_does_not_open(tmp_path: Path, size: int, data: st.DataObject) -> None:
    found, _ = sealed(content_of(size))
    at = data.draw(st.integers(0, len(found) - 1))
    altered = bytearray(found)
    altered[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DamagedFile):
        opened(tmp_path / "f", bytes(altered))


@anyhow
@given(size=SIZES, data=st.data())
def test_file__that_was_cut_short_or_added_to_does_not_open(tmp_path: Path, size: int, data: st.DataObject) -> None:
    found, _ = sealed(content_of(size))
    at_chunks = [1 + n * SEALED_CHUNK for n in range(len(found) // SEALED_CHUNK + 1)]
    end = data.draw(st.one_of(st.integers(0, len(found) - 1), st.sampled_from(at_chunks)))
    if end < len(found):
        with pytest.raises(DamagedFile):
            opened(tmp_path / "f", found[:end])
    more = data.draw(st.sampled_from([b"\0", os.urandom(TAG), os.urandom(SEALED_CHUNK), found[1:]]))
    with pytest.raises(DamagedFile):
        opened(tmp_path / "f", found + more)


@anyhow
@given(chunks=st.integers(2, 5), data=st.data())
def test_file__whose_chunks_were_moved_left_out_or_doubled_does_not_open(
    tmp_path: Path, chunks: int, data: st.DataObject
) -> None:
    found, _ = sealed(content_of(chunks * CHUNK))
    parts = [found[1 + n * SEALED_CHUNK : 1 + (n + 1) * SEALED_CHUNK] for n in range(chunks)]
    order = data.draw(st.lists(st.integers(0, chunks - 1), max_size=chunks + 1))
    if order != list(range(chunks)):
        with pytest.raises(DamagedFile):
            opened(tmp_path / "f", found[:1] + b"".join(parts[n] for n in order))


def test_file__with_a_chunk_of_another_file_does_not_open(tmp_path: Path) -> None:
    one, _ = sealed(content_of(2 * CHUNK))
    other, _ = sealed(content_of(2 * CHUNK), key=bytes(32))
    with pytest.raises(DamagedFile):
        opened(tmp_path / "f", one[:-SEALED_CHUNK] + other[-SEALED_CHUNK:])
    with pytest.raises(DamagedFile):
        opened(tmp_path / "f", one, key=bytes(32))


@anyhow
@given(size=SIZES, at=st.integers(0, 6 * CHUNK), length=st.integers(0, 2 * CHUNK))
def test_file__is_read_from_any_place(tmp_path: Path, size: int, at: int, length: int) -> None:
    content = content_of(size)
    path = tmp_path / "f"
    path.write_bytes(sealed(content)[0])
    with io.BufferedReader(SealedReader(path.open("rb"), KEY)) as reader:
        reader.seek(at)
        assert reader.read(length) == content[at : at + length]
        reader.seek(-min(size, 22), io.SEEK_END)
        assert reader.read() == content[size - min(size, 22) :]


def test_key__under_another_master_key_is_a_damaged_file() -> None:
    wrapped = PetitionSeals(b"a" * 32, uuid4).wrap_upload("name", b"k" * 32)
    file = UploadedFile("name", wrapped, None)
    assert PetitionSeals(b"a" * 32, uuid4).file_key(file) == b"k" * 32
    with pytest.raises(DamagedFile):
        PetitionSeals(b"b" * 32, uuid4).file_key(file)
