"""The order in which hosts are tried, and what is said where none can be used."""

from collections.abc import Sequence

import pytest

from shared.host_walk import EACH, HostAddress, HostWalk, NoHost, why_not
from shared.server_urls import Host

A, B, C = (HostAddress(Host(name, None), name) for name in "abc")
ALONE = 5.0


class SaidByAll(Exception):
    """What every host would say."""


class Walked:
    """Tries hosts of which each behaves as the test says; a host that is not named is good."""

    def __init__(self, walk: HostWalk, **errors: Exception) -> None:
        self.walk, self.errors = walk, errors
        self.tried: list[tuple[str, float]] = []

    async def first(self, places: Sequence[HostAddress]) -> str:
        async def attempt(place: HostAddress, limit: float) -> str:
            self.tried.append((place.address, limit))
            if (error := self.errors.get(place.address)) is not None:
                raise error
            return place.address

        return await self.walk.first(self.walk.ordered(places), attempt, why_not, alone=ALONE)


def walk() -> HostWalk:
    return HostWalk((OSError, SaidByAll), (SaidByAll,))


async def test_last_good_one__is_tried_first() -> None:
    walked = Walked(walk(), a=OSError(111, "x"))
    assert [await walked.first([A, B, C]) for _ in range(2)] == ["b", "b"]
    assert walked.tried == [("a", EACH), ("b", EACH), ("b", EACH)]


async def test_silent_one__is_tried_last_until_it_answers() -> None:
    walked = Walked(walk(), a=TimeoutError(), b=OSError(111, "x"), c=OSError(111, "x"))
    for _ in range(2):
        with pytest.raises(NoHost):
            await walked.first([A, B, C])
    assert [name for name, _ in walked.tried] == ["a", "b", "c", "b", "c", "a"]
    walked.errors = {"b": OSError(111, "x"), "c": OSError(111, "x")}
    assert [await walked.first([A, B, C]) for _ in range(2)] == ["a", "a"]
    assert [name for name, _ in walked.tried[6:]] == ["b", "c", "a", "a"]


async def test_good_one_that_falls_silent__is_the_last() -> None:
    walked = Walked(walk())
    assert await walked.first([A, B]) == "a"
    walked.errors.update(a=TimeoutError())
    assert await walked.first([A, B]) == "b"
    walked.errors.update(b=OSError(111, "x"))
    assert await walked.first([A, B, C]) == "c"
    assert [name for name, _ in walked.tried] == ["a", "a", "b", "b", "c"]


async def test_time_of_each__grows_to_that_of_a_single_one_while_all_are_slow() -> None:
    walked = Walked(walk(), a=TimeoutError(), b=TimeoutError())
    for _ in range(3):
        with pytest.raises(NoHost):
            await walked.first([A, B])
    assert sorted({limit for _, limit in walked.tried}) == [EACH, 2 * EACH, ALONE]
    walked.errors.clear()
    await walked.first([A, B])
    await walked.first([A, B])
    assert walked.tried[-1][1] == EACH


async def test_single_one__has_its_own_time_and_is_named_too() -> None:
    walked = Walked(walk(), a=ConnectionRefusedError(111, "Connect call failed ('10.0.0.1', 1)"))
    with pytest.raises(NoHost) as raised:
        await walked.first([A])
    assert walked.tried == [("a", ALONE)]
    assert raised.value.said.en == "a cannot be reached (Connection refused)"
    assert raised.value.said.vi == "a không nối được (Connection refused)"


async def test_what_holds_for_all__is_raised_unless_another_one_was_good() -> None:
    walked = Walked(walk(), a=SaidByAll())
    with pytest.raises(SaidByAll):
        await walked.first([A, B])
    walked.errors.clear()
    await walked.first([B])
    walked.errors.update(a=SaidByAll(), b=TimeoutError())
    with pytest.raises(NoHost, match=r"b does not answer within 1\.5 s; a cannot be reached \(SaidByAll\)"):
        await walked.first([A, B])


async def test_unknown_error__is_not_passed() -> None:
    with pytest.raises(ZeroDivisionError):
        await Walked(walk(), a=ZeroDivisionError()).first([A, B])


def test_address__is_told_behind_its_name() -> None:
    assert str(HostAddress(Host("db.ha", 5432), "10.0.0.2")) == "db.ha:5432 (10.0.0.2)"
    assert str(HostAddress(Host("::1", 5432), "::1")) == "[::1]:5432"
    assert str(HostAddress(Host("/run", None), "/run")) == "/run"


def test_address_that_is_found_twice__is_tried_once() -> None:
    assert walk().ordered([A, A, B]) == [A, B]
