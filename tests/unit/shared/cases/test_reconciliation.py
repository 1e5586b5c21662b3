"""The lines of a day and the digests over them, held against the format written out by hand."""

import hashlib
import random

from shared.cases.reconciliation import LineDigests, bucket_of, line_of


def test_line__is_its_three_parts() -> None:
    assert line_of("LC-1", "3", "replied") == b"LC-1\t3\treplied\n"
    assert line_of("Đơn 1", "", "received") == "Đơn 1\t\treceived\n".encode()


def test_digest__is_of_all_lines_and_of_each_bucket() -> None:
    ids = sorted((f"LC-{n}" for n in range(1000)), key=str.encode)
    digests = LineDigests()
    for each in ids:
        digests.add(each, "1", "received")
    lines = [f"{each}\t1\treceived\n".encode() for each in ids]
    assert (digests.total.count, digests.total.digest) == (1000, hashlib.sha256(b"".join(lines)).hexdigest())
    for bucket, found in digests.buckets:
        own = [
            line for each, line in zip(ids, lines, strict=True) if hashlib.sha256(each.encode()).digest()[0] == bucket
        ]
        assert (found.count, found.digest) == (len(own), hashlib.sha256(b"".join(own)).hexdigest())
    assert sum(found.count for _, found in digests.buckets) == 1000


def test_digest__differs_in_the_bucket_of_the_one_that_differs_alone() -> None:
    ids = sorted(f"LC-{n}" for n in range(500))
    changed = random.Random(7).choice(ids)
    ours, theirs = LineDigests(), LineDigests()
    for each in ids:
        ours.add(each, "1", "received")
        theirs.add(each, "2" if each == changed else "1", "received")
    assert ours.total != theirs.total
    differing = [n for (n, a), (_, b) in zip(ours.buckets, theirs.buckets, strict=True) if a != b]
    assert differing == [bucket_of(changed)]
