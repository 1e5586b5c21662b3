"""What a process knows is behind for a moment; nobody is refused for it."""

import asyncio

from tests.support.intake import Intake


async def test_place_registered_a_moment_ago__is_known_to_everyone_at_once(intake: Intake) -> None:
    place = {"code": "H35.10.77", "name": "Xã mới", "level": "commune", "parent": "H35.10", "valid_from": "2004-01-01"}
    await intake.done("/v1/jurisdictions", place)
    petition = {"jurisdiction": "H35.10.77", "text": "Đường vào bản bị sạt lở."}
    answers = await asyncio.gather(*(intake.post("/v1/petitions", petition) for _ in range(16)))
    # The first to be refused reads the news; those that were refused beside it must look again too.
    assert [answer.status_code for answer in answers] == [201] * 16
