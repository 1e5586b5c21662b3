"""A decision rests on one state of what is known, whatever is read while it is made."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

from services.intake.application.command import Command
from services.intake.application.command_body import CODECS
from services.intake.application.deciding import CommandDecider, body_id
from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain import AnyFact, Caller
from shared.events.regulation import AgencyClosed
from tests.unit.intake.plan import EDUCATION, HEALTH, NOTICE, TODAY, A, Register

OFFICE = Caller("van-phong", frozenset({"office"}), "VN")


class ReadAtOnce:
    """A history by which the register is read anew whenever cases are."""

    def __init__(self, register: Register) -> None:
        self.register, self.cache = register, RegulationCache(self)  # type: ignore[arg-type]

    async def facts(self, originators: Iterable[UUID]) -> Mapping[UUID, Sequence[AnyFact]]:
        await self.cache.refresh()
        return {each: self.register.facts.get(each, []) for each in originators}

    async def regulation_after(self, position: int) -> tuple[Sequence[AnyFact], int]:
        return [fact for fact in self.register.rules if fact.position > position], self.register.position

    async def event_id_at(self, position: int) -> UUID | None:
        return UUID(int=position) if position else None

    async def today(self) -> date:
        return TODAY


async def test_decision__expects_the_versions_of_the_rules_that_it_was_made_by() -> None:
    history = ReadAtOnce(Register().receive(A))
    await history.cache.refresh()
    before = history.cache.versions[body_id("agency", EDUCATION)]
    history.register.rule(AgencyClosed(effective_on=date(2019, 8, 1), code=EDUCATION, successor=HEALTH))
    codec = CODECS["/v1/petitions/{id}/forwarding"]
    body = codec.decode(f'{{"agency": "{EDUCATION}", "effective_on": "{NOTICE}"}}'.encode())
    command = Command(codec=codec, body=body, caller=OFFICE, target=str(A))
    decided = await CommandDecider(history.cache, history, lambda: A).decide(command)  # type: ignore[arg-type]
    # The closing was read meanwhile: accepted without it, the command is rejected at the append and decided again.
    assert history.cache.versions[body_id("agency", EDUCATION)] > before
    assert decided.expected[body_id("agency", EDUCATION)] == before
