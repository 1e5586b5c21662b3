"""What a process knows is behind for a moment; nobody is refused for it."""

import asyncio

import asyncpg

from tests.support.intake import Intake


async def test_place_registered_a_moment_ago__is_known_to_everyone_at_once(intake: Intake) -> None:
    place = {"code": "H35.10.77", "name": "Xã mới", "level": "commune", "parent": "H35.10", "valid_from": "2004-01-01"}
    await intake.done("/v1/jurisdictions", place)
    petition = {"jurisdiction": "H35.10.77", "text": "Đường vào bản bị sạt lở."}
    answers = await asyncio.gather(*(intake.post("/v1/petitions", petition) for _ in range(16)))
    # The first to be refused reads the news; those that were refused beside it must look again too.
    assert [answer.status_code for answer in answers] == [201] * 16


async def test_store_restored_in_place__what_was_lost_is_forgotten(intake: Intake) -> None:
    kept = await intake.head()
    lost = {"code": "H35.10.77", "name": "Xã mới", "level": "commune", "parent": "H35.10", "valid_from": "2004-01-01"}
    await intake.done("/v1/jurisdictions", lost)
    for _ in range(3):
        await intake.petition(jurisdiction="H35.10.77")
    await restored_to(intake, kept)
    for _ in range(8):  # others at the same positions, and more of them
        await intake.petition()
    refused = await intake.post("/v1/petitions", {"jurisdiction": "H35.10.77", "text": "Đường vào bản bị sạt lở."})
    assert (refused.status_code, refused.json()["field"]) == (422, "jurisdiction"), refused.text
    await intake.done("/v1/jurisdictions", lost)
    await intake.petition(jurisdiction="H35.10.77")


async def restored_to(intake: Intake, position: int) -> None:
    """What a restore in place leaves: the rows up to a position."""
    connection = await asyncpg.connect(intake.dsn)
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            for table in ("idempotency_keys", "external_references", "stored_events"):
                await connection.execute(f"DELETE FROM {table} WHERE notification_id > $1", position)
    finally:
        await connection.close()
