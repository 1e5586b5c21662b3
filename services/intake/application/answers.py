"""What became of a petition, for the system that pushed it and tells the citizen: its state, the reply, its files."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Literal, Protocol
from uuid import UUID

import msgspec

from services.intake.application.case_queries import CaseQueries, Contents, Opener
from services.intake.application.errors import NotFound
from services.intake.application.known_reference import is_erased
from services.intake.application.ports import History, NamedFile
from services.intake.domain import AnyFact, Caller, NotAllowed, check_sender, files_named
from shared.cases.facts import by_effect, standing
from shared.cases.public_state import STATE_NAMES, PublicState, open311_of, public_state
from shared.cases.rounds import ReplyCase, fold_reply_case
from shared.events import PetitionReference
from shared.events.petition import (
    AcceptanceNoticeSent,
    ExtensionGranted,
    PetitionAnsweredAtConference,
    PetitionReceived,
    PetitionRedirected,
    RefusalNoticeSent,
    ToldBy,
    WrittenReplyIssued,
)
from shared.sentences import Sentence

#: Whether the sealed words of an answer are in it: all that there are, none for this caller, or only what is left
#: after somebody's personal data was erased, which everybody is told who may hold a copy.
Content = Literal["open", "withheld", "erased"]


class Open311View(msgspec.Struct, frozen=True, kw_only=True):
    """The state as Open311 (GeoReport v2) writes it."""

    status: Literal["open", "closed"]
    service_notice: str


class NamesView(msgspec.Struct, frozen=True, kw_only=True):
    """A name in both languages."""

    vi: str
    en: str


class NoticeView(msgspec.Struct, frozen=True, kw_only=True):
    """A notice to the petitioner. `ground` is sealed: only a refusal has one."""

    number: str
    on: date
    digest: str = ""
    file: str | None = None
    ground: str = ""


class ReplyView(msgspec.Struct, frozen=True, kw_only=True):
    """A reply: in writing, or at a conference (then by the chair or an agency, without number and file).

    `answers` are the petitioners whom it answers; none: all of them. `text` is sealed.
    """

    event_id: UUID
    kind: Literal["written", "conference"]
    on: date
    number: str = ""
    signatory: str = ""
    by: str = ""
    digest: str = ""
    file: str | None = None
    answers: tuple[str, ...] = ()
    text: str = ""


class RedirectionView(msgspec.Struct, frozen=True, kw_only=True):
    """Where the matter belongs."""

    on: date
    procedure: str
    body: str


class SurvivorView(msgspec.Struct, frozen=True, kw_only=True):
    """The petition in which a merged one goes on, and how that stands."""

    id: UUID
    state: PublicState


class ConsentView(msgspec.Struct, frozen=True, kw_only=True):
    """By which ways the petitioner agreed to be told, and on which day."""

    told_by: tuple[ToldBy, ...]
    on: date


class AnswerView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a petition. `reply` is the current one; those that it replaced are `earlier_replies`, in order.

    `content` says whether the sealed words (`text`, `ground`) are in it: `withheld` from callers who may not read them,
    `erased` where the petitioner's data was erased. Of a merged petition the replies are those of its survivor.
    """

    id: UUID
    version: str
    reference: PetitionReference | None
    state: PublicState
    names: NamesView
    open311: Open311View
    changed_at: datetime
    content: Content
    acceptance: NoticeView | None = None
    refusal: NoticeView | None = None
    redirection: RedirectionView | None = None
    #: Until when the reply is expected, after an extension.
    expected_on: date | None = None
    reply: ReplyView | None = None
    earlier_replies: tuple[ReplyView, ...] = ()
    merged_into: SurvivorView | None = None
    #: How the petitioner agreed to be told, as it was pushed.
    consent: ConsentView | None = None


class CaseFiles(Protocol):
    """The files that events of cases name."""

    async def named(self, originator_id: UUID, digest: str) -> NamedFile | None:
        """The file of this digest that events of a case name; None where nobody uploaded it."""
        ...


class ChainLink(msgspec.Struct, frozen=True):
    """A petition in which the one that is asked for goes on, from the merger at a position on."""

    petition_id: UUID
    facts: Sequence[AnyFact]
    since: int = 0


class Chain(msgspec.Struct, frozen=True):
    """The petition that is asked for and those that it was merged into, one into the next."""

    links: tuple[ChainLink, ...]
    may_open: bool

    @property
    def version(self) -> str:
        """Another one for each other answer: the versions of the streams, and whether what is sealed is told."""
        versions = ".".join(str(link.facts[-1].version) for link in self.links)
        return versions if self.may_open else f"{versions}-withheld"

    @property
    def tag(self) -> str:
        """The version, and a mark of what was recorded: after a restore the same number may be of another history."""
        recorded = "".join(
            f"{fact.event_id}{fact.recorded_at.isoformat()}" for link in self.links for fact in link.facts
        )
        return f'"{self.version}-{sha256(recorded.encode()).hexdigest()[:16]}"'


class Answers:
    """Reads answers within what the caller may see. What is sealed is opened after the reading was recorded."""

    def __init__(
        self, reading: CaseQueries, history: History, contents: Contents, opener: Opener, files: CaseFiles
    ) -> None:
        self._reading, self._history, self._contents = reading, history, contents
        self._opener, self._files = opener, files

    async def referred(self, source: str, external_id: str) -> UUID:
        """The petition that was pushed under a reference. Raises NotFound."""
        place = await self._reading.referred(source, external_id)
        if place is None or place.topic != PetitionReceived.TOPIC:
            raise NotFound(None, "reference")
        return place.originator_id

    async def chain(self, caller: Caller, petition_id: UUID) -> Chain:
        """The petition and its survivors as they stand. Raises NotFound, NotAllowed, NotConfirmed."""
        facts = await self._reading.recorded_petition(caller, petition_id)
        receipt = await self._history.place(petition_id, facts[0].version)
        check_sender(caller, receipt.actor, receipt.source)
        links = [link async for link in self._links(petition_id, facts)]
        return Chain(tuple(links), may_open=self._may_open(caller, links))

    async def _links(self, petition_id: UUID, facts: Sequence[AnyFact]) -> Any:
        epoch, link, seen = self._history.epoch, ChainLink(petition_id, facts), {petition_id}
        yield link
        while (merger := _merger(link)) is not None and merger[0] not in seen:
            survivor, since = merger
            found = (await self._history.facts([survivor]))[survivor]
            await self._history.confirm(found[-1].position, epoch)
            seen.add(survivor)
            link = ChainLink(survivor, found, since)
            yield link

    def _may_open(self, caller: Caller, links: Iterable[ChainLink]) -> bool:
        """A system reads the answer to what came from it; everybody else what it may read of each petition."""
        try:
            for link in links:
                self._reading.check_reading_answer(caller, link.facts)
        except NotAllowed:
            return False
        return True

    async def read(self, caller: Caller, on_behalf_of: str, chain: Chain) -> AnswerView:
        """What the chain says."""
        asked, last = chain.links[0], chain.links[-1]
        replies = _replies(chain)
        refusal = _last(asked, RefusalNoticeSent)
        words = [*replies, *([(asked, refusal)] if refusal is not None else [])]
        content, opened = await self._opened(caller, on_behalf_of, chain, words)
        acceptance, redirection = _last(asked, AcceptanceNoticeSent), _last(asked, PetitionRedirected)
        extension = _last(last, ExtensionGranted)
        state = public_state(asked.facts)
        told = [await self._reply(chain, link, fact, opened) for link, fact in replies]
        case, own = fold_reply_case(last.facts), fold_reply_case(asked.facts)
        begun = case.round.reopened.position if case is not None and case.round.reopened is not None else 0
        is_current = bool(replies) and replies[-1][1].position > begun
        return AnswerView(
            id=asked.petition_id,
            version=chain.version,
            reference=asked.facts[0].reference,
            state=state,
            names=_names(STATE_NAMES[state]),
            open311=_open311(state),
            changed_at=max(link.facts[-1].recorded_at for link in chain.links),
            content=content,
            acceptance=await self._notice(chain, acceptance, opened) if acceptance is not None else None,
            refusal=await self._notice(chain, refusal, opened) if refusal is not None else None,
            redirection=_redirection(redirection) if redirection is not None else None,
            expected_on=extension.event.expected_on if extension is not None else None,
            reply=told[-1] if is_current else None,
            earlier_replies=tuple(told[:-1] if is_current else told),
            merged_into=_survivor(last) if last is not asked else None,
            consent=_consent(own.receipt) if own is not None else None,
        )

    async def _opened(
        self, caller: Caller, on_behalf_of: str, chain: Chain, words: Sequence[tuple[ChainLink, AnyFact]]
    ) -> tuple[Content, dict[UUID, dict[str, Any]]]:
        """The sealed words of some facts, by event, once each reading is recorded."""
        holders = list(dict.fromkeys(link.petition_id for link, _ in words))
        wanted = {fact.event_id for _, fact in words}
        was_erased = is_erased(chain.links[0].facts)
        if not chain.may_open:
            return "erased" if was_erased else "withheld", {}
        if not holders:
            return "erased" if was_erased else "open", {}
        for petition_id in holders:
            await self._contents.record_reading(caller.name, on_behalf_of, petition_id)
        rows = [row for row in await self._contents.sealed_of(*holders) if row.event_id in wanted]
        keys = {key.key_id: key for key in await self._history.keys_of(holders)}
        opened = {row.event_id: self._opener.opened(row, keys) for row in rows}
        return "erased" if was_erased or any(not each for each in opened.values()) else "open", opened

    async def _reply(
        self, chain: Chain, link: ChainLink, fact: AnyFact, opened: dict[UUID, dict[str, Any]]
    ) -> ReplyView:
        event, words = fact.event, opened.get(fact.event_id, {})
        if isinstance(event, PetitionAnsweredAtConference):
            text = words.get("answer", "")
            return ReplyView(event_id=fact.event_id, kind="conference", on=fact.on, by=event.by, text=text)
        assert isinstance(event, WrittenReplyIssued)
        return ReplyView(
            event_id=fact.event_id,
            kind="written",
            on=fact.on,
            number=event.number,
            signatory=event.signatory,
            digest=event.digest,
            file=await self._file(chain, link, event.digest),
            answers=event.answers,
            text=words.get("text", ""),
        )

    async def _notice(self, chain: Chain, fact: AnyFact, opened: dict[UUID, dict[str, Any]]) -> NoticeView:
        event: Any = fact.event
        return NoticeView(
            number=event.number,
            on=fact.on,
            digest=event.digest,
            file=await self._file(chain, chain.links[0], event.digest),
            ground=opened.get(fact.event_id, {}).get("ground", ""),
        )

    async def _file(self, chain: Chain, link: ChainLink, digest: str) -> str | None:
        """Where a file is fetched; None where the caller may not, nobody uploaded it, or it was erased."""
        named = await self._files.named(link.petition_id, digest) if digest and chain.may_open else None
        if named is None or named.uploaded is None:
            return None
        return f"/v1/petitions/{chain.links[0].petition_id}/files/{digest}"

    async def begin_reading_file(self, caller: Caller, on_behalf_of: str, petition_id: UUID, digest: str) -> UUID:
        """The petition whose record names a file that a system sent or that answers it, once the reading is recorded.

        Raises NotFound, NotAllowed.
        """
        chain = await self.chain(caller, petition_id)
        for link in chain.links:
            self._reading.check_reading_answer(caller, link.facts)
        asked = chain.links[0]
        given = [(asked, fact) for fact in _sent(asked)]
        for link, fact in [*_replies(chain), *given]:
            if digest in files_named(fact.event):
                await self._contents.record_reading(caller.name, on_behalf_of, link.petition_id)
                return link.petition_id
        raise NotFound(None, "file")


def _merger(link: ChainLink) -> tuple[UUID, int] | None:
    """Into which petition one was merged, and where in the log."""
    case: ReplyCase[AnyFact] | None = fold_reply_case(link.facts)
    if case is None or case.survivor is None or case.round.end is None:
        return None
    return case.survivor, case.round.end.position


def _sent(link: ChainLink) -> Iterator[AnyFact]:
    """The facts of a petition whose files are of its sender, or were sent to its petitioners."""
    kinds = (PetitionReceived, AcceptanceNoticeSent, RefusalNoticeSent)
    return (fact for fact in standing(link.facts) if isinstance(fact.event, kinds))


def _replies(chain: Chain) -> list[tuple[ChainLink, AnyFact]]:
    """What answers the petition that is asked for, in the order of effect: of survivors what came after the merger
    and answers one of its petitioners."""
    case = fold_reply_case(chain.links[0].facts)
    own = set(case.receipt.petitioner_ids) if case is not None else set()
    found: dict[UUID, tuple[ChainLink, AnyFact]] = {}
    for link in chain.links:
        for fact in standing(link.facts):
            event = fact.event
            is_reply = isinstance(event, PetitionAnsweredAtConference) or (
                isinstance(event, WrittenReplyIssued)
                and (link is chain.links[0] or not event.answers or not own.isdisjoint(event.answers))
            )
            if is_reply and fact.position > link.since:
                found[fact.event_id] = (link, fact)
    return [found[fact.event_id] for fact in by_effect([fact for _, fact in found.values()])]


def _last(link: ChainLink, kind: type[Any]) -> Any:
    """The last standing fact of a kind since the case was opened again; None where there is none."""
    case = fold_reply_case(link.facts)
    begun = case.round.reopened.position if case is not None and case.round.reopened is not None else 0
    found = [fact for fact in standing(link.facts) if isinstance(fact.event, kind) and fact.position > begun]
    return found[-1] if found else None


def _names(said: Sentence) -> NamesView:
    return NamesView(vi=said.vi, en=said.en)


def _open311(state: PublicState) -> Open311View:
    found = open311_of(state)
    return Open311View(status=found.status, service_notice=found.service_notice.vi)


def _redirection(fact: AnyFact) -> RedirectionView:
    event = fact.event
    assert isinstance(event, PetitionRedirected)
    return RedirectionView(on=fact.on, procedure=event.procedure, body=event.body)


def _consent(receipt: PetitionReceived) -> ConsentView | None:
    said = receipt.consent
    return ConsentView(told_by=said.told_by, on=said.on) if said is not None else None


def _survivor(link: ChainLink) -> SurvivorView:
    return SurvivorView(id=link.petition_id, state=public_state(link.facts))
