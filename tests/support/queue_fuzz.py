"""Mutated frames, properties and bodies for a running command queue, with a good command after each handful."""

import asyncio
import json
import random
import struct
from typing import Any

from shared.rabbit.topology import commands_of
from tests.support.intake import COMMUNE, Intake
from tests.support.raw_amqp import RawSender, short, table
from tests.support.waiting import until

ROUTE = commands_of("local")
EACH = 25  # mutated messages between two good commands
WITHIN = 5.0  # seconds in which the broker answers or hangs up
MESSAGE_ID, USER_ID = 1 << 7, 1 << 4

_WORDS = (
    b"\xff\xfe", b"\x00", b"", b"x" * 255, "kiến nghị".encode(), b"amq.rabbitmq.reply-to.",
    b"amq.rabbitmq.reply-to.g1h", b"followup.local.events", b"intake.local.commands", b"../..",
    b"\xf0\x9f\x92\xa9", b"\xed\xa0\x80",
)  # fmt: skip


def received(number: int) -> bytes:
    """A good command, by whose reference it is found."""
    data = {"jurisdiction": COMMUNE, "source": "cong-tinh", "external_id": f"good{number}", "text": "Đường."}
    return json.dumps({"command": "PetitionReceived", "data": data}).encode()


async def fuzzed(intake: Intake, url: str, user: str, *, rounds: int, seed: int) -> None:
    """Send mutated messages in rounds; after each round a good command must be taken, as the broker's user."""
    rng, sender = random.Random(seed), None
    for number in range(rounds):
        for _ in range(EACH):
            sender = await _sent(sender, url, *_mutated(rng, user), broken=rng.random() < 0.05, rng=rng)
        sender = sender or await RawSender.connect(url)
        good = short(b"good%d" % number) + short(user.encode())
        answer = await sender.publish(ROUTE.exchange, "local", MESSAGE_ID | USER_ID, good, received(number))
        assert answer == "Basic.Ack"
        await until(lambda number=number: _taken(intake, number), 60)
    assert (await intake.client.get("/healthz")).status_code == 200
    kept = await intake.rows("SELECT reason_code FROM refused_commands")
    assert len(kept) > rounds * EACH / 4, f"{len(kept)} were refused: the rest reached nobody"
    assert "undecodable-message" in {row["reason_code"] for row in kept}
    if sender is not None:
        await sender.close()


async def _taken(intake: Intake, number: int) -> bool:
    return bool(await intake.rows("SELECT 1 FROM external_references WHERE external_id = $1", f"good{number}"))


async def _sent(
    sender: RawSender | None, url: str, flags: int, properties: bytes, body: bytes, *, broken: bool, rng: random.Random
) -> RawSender | None:
    """Send one; None when the broker hung up, as it does where the frames themselves are wrong."""
    try:
        sender = sender or await RawSender.connect(url)
        if broken:
            await sender.garbage(rng.randbytes(rng.randrange(1, 200)))
        async with asyncio.timeout(WITHIN):
            if await sender.publish(ROUTE.exchange, "local", flags, properties, body) in ("Basic.Ack", "Basic.Return"):
                return sender
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        pass
    if sender is not None:
        await sender.close()
    return None


def _mutated(rng: random.Random, user: str) -> tuple[int, bytes, bytes]:
    body = _body(rng)
    if rng.random() < 0.2:
        return rng.randrange(1 << 16) & ~1, rng.randbytes(rng.randrange(300)), body
    flags, parts = 0, []
    for bit in range(15, 1, -1):
        if rng.random() < 0.5:
            continue
        flags |= 1 << bit
        parts.append(_property(rng, bit, user))
    return flags, b"".join(parts), body


def _property(rng: random.Random, bit: int, user: str) -> bytes:
    if bit == 13:
        return table(*(_field(rng) for _ in range(rng.randrange(4))))
    if bit in (12, 11):
        return rng.randbytes(1)
    if bit == 6:
        return rng.randbytes(8)
    if bit == 4:
        return short(user.encode())  # the broker takes no other
    if bit == 8:
        return short(b"600000")  # nor another expiration
    return short(rng.choice(_WORDS))


def _field(rng: random.Random) -> bytes:
    name, value = short(rng.choice(_WORDS)), rng.choice(_WORDS)
    kinds = (
        b"S" + struct.pack(">L", len(value)) + value, b"x" + struct.pack(">L", len(value)) + value,
        b"T" + rng.randbytes(8), b"D" + rng.randbytes(5), b"d" + rng.randbytes(8), b"f" + rng.randbytes(4), b"V",
        b"t" + rng.randbytes(1), b"I" + rng.randbytes(4), b"l" + rng.randbytes(8), b"b" + rng.randbytes(1),
        b"F" + table(short(b"deep") + b"F" + table(short(b"er") + b"V")),
        b"A" + struct.pack(">L", 2) + b"VV",
    )  # fmt: skip
    return name + rng.choice(kinds)


def _body(rng: random.Random) -> bytes:
    raw: Any = bytearray(received(-1 - rng.randrange(10**9)))
    match rng.randrange(7):
        case 0:
            for _ in range(rng.randrange(1, 8)):
                raw[rng.randrange(len(raw))] = rng.randrange(256)
        case 1:
            raw = raw[: rng.randrange(len(raw))]
        case 2:
            raw = rng.choice((b"[", b'{"a":')) * rng.randrange(1, 60_000)
        case 3:
            raw = b"\xef\xbb\xbf" + raw
        case 4:
            raw = raw.replace(
                b'"data": {', b'"data": {"effective_on": ' + rng.choice((b"1e999", b"null", b'"0000"')) + b","
            )
        case 5:
            raw = rng.randbytes(rng.randrange(2_000))
        case _:
            raw = raw + b" " * rng.randrange(2_000_000)
    return bytes(raw)
