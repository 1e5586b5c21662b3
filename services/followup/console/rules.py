"""The pages of the rules: what is in force at a place, a document tried and adopted there, an adoption taken back.

intake checks, records and refuses, under the token of whoever acts. What would change is counted here, by the same
rules as deadlines.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect

from services.followup.adapters.intake_client import (
    CheckedPolicyAnswer,
    IntakeClient,
    PossibleCommandAnswer,
    Refusal,
)
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.regulation_logs import RegulationLogs
from services.followup.application.access import Coded
from services.followup.application.policy_trial import DeadlineChange, TrialAdoption, policy_impact, trial_fact
from services.followup.console.addresses import SEE_OTHER
from services.followup.console.form_body import MAX_TEXT, read_form
from services.followup.console.intake_door import Address, IntakeDoor, check_key, status_of
from services.followup.console.language import is_only_language_asked
from services.followup.console.pages import Pages
from services.followup.console.place_tree import of_source, place_tree, shared_codes
from services.followup.console.problem_pages import refused_page
from services.followup.console.recorded import recorded_now
from services.followup.console.targets import FormTarget, place_address, place_target
from services.followup.console.typed_days import typed_day
from services.followup.domain.facts import Fact
from services.followup.domain.regulation import RegulationLog
from services.followup.domain.rules_in_force import (
    DocumentSheet,
    LineChange,
    sheet_changes,
    sheet_of,
    sheets_in_force,
)
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import HttpRequest, or_404
from shared.command_definitions import CommandDefinition
from shared.events.any_stream import RecordAnnulled
from shared.events.regulation import PolicyAdopted
from shared.http.auth import caller_of, need_role, token_of
from shared.identifiers import composed, derived_id, lineage
from shared.policy import Policy, PolicyProblem, UncountablePolicy, read_policy
from shared.sentences import Sentence

Place = Annotated[str, QueryParameter(max_length=100)]
#: The facts of a place's deadlines that a policy is tried on; more of them would hold up other work for too long.
MAX_HISTORY = 10_000
SHOWN_CHANGES = 50  # deadlines that a trial lists
MAX_PROBLEMS = 20  # of a document that are told at once
ALL_PLACES = 300  # of which all are offered; of more those around the chosen one
MAX_QUOTED = 120  # characters of a line of the document

_NO_TEXT = Sentence("Hãy chọn tệp hoặc dán văn bản quy định.", "Choose a file, or paste the document.")
_NO_DAY = Sentence(
    "Ngày ban hành: “{text}” không phải là ngày; hãy nhập ngày/tháng/năm, ví dụ 5/9/2026.",
    "Day of the adoption: “{text}” is no day; type day/month/year, such as 5/9/2026.",
)
_NOT_TRIED = Sentence(
    "Nội dung, ngày ban hành hoặc quy định của địa bàn đã khác lúc thử; hãy xem kết quả thử mới rồi ban hành.",
    "The document, its day or the rules of the place differ from what was tried; read the new trial below first.",
)
_NO_REASON = Sentence("Hãy nêu lý do hủy.", "Say why it is taken back.")
_NOBODY = Sentence("Không ban hành được quy định tại địa bàn này.", "No rules can be adopted at this place.")


class RuleError(NamedTuple):
    """What is wrong, the input that is to blame, and of a document the line with what stands there."""

    at: str
    said: Sentence
    line: int = 0
    quoted: str = ""


class Adoption(NamedTuple):
    """A document that a place adopted, and whether its rules hold there today."""

    fact: Fact
    policy: Policy
    on: date
    is_in_force: bool


class Trial(NamedTuple):
    """What a document says and what its adoption would bring; `history` is None where there is too much of it."""

    sheet: DocumentSheet
    changes: list[LineChange]
    checked: CheckedPolicyAnswer
    history: list[DeadlineChange] | None
    digest: str


class At(NamedTuple):
    """A place with the regulation of its source, and that source's day."""

    target: FormTarget
    log: RegulationLog
    today: date

    @property
    def version(self) -> int:
        """How much is recorded of the place's documents, which a command may rest on."""
        stream = derived_id("policy", self.target.named)
        return sum(fact.originator_id == stream for fact in self.log.facts)


def rule_pages(
    pages: Pages, queries: Queries, logs: RegulationLogs, intake: IntakeClient, address: Address
) -> list[HTTPRouteHandler]:
    """The routes of the rules."""
    rules = _Rules(pages, queries, logs, intake, address)

    @get("/rules", include_in_schema=False)
    async def in_force(
        request: HttpRequest, place: Place = "", recorded: Annotated[str, QueryParameter(max_length=60)] = ""
    ) -> Response[str]:
        return await rules.shown(request, place, recorded)

    @get("/rules/{code:str}/adopt", include_in_schema=False)
    async def adopt_form(request: HttpRequest, code: FromPath[str]) -> Response[str]:
        return await rules.adopt_form(request, await rules.at(request, code))

    @post("/rules/{code:str}/adopt", include_in_schema=False, status_code=200, request_max_body_size=MAX_TEXT)
    async def adopt(request: HttpRequest, code: FromPath[str]) -> Response[Any]:
        return await rules.adopt(request, await rules.at(request, code))

    @get("/rules/{code:str}/annul/{event_id:uuid}", include_in_schema=False)
    async def annul_form(request: HttpRequest, code: FromPath[str], event_id: FromPath[UUID]) -> Response[str]:
        return await rules.annul_form(request, await rules.at(request, code), event_id)

    @post(
        "/rules/{code:str}/annul/{event_id:uuid}",
        include_in_schema=False,
        status_code=200,
        request_max_body_size=MAX_TEXT,
    )
    async def annul(request: HttpRequest, code: FromPath[str], event_id: FromPath[UUID]) -> Response[Any]:
        return await rules.annul(request, await rules.at(request, code), event_id)

    return [in_force, adopt_form, adopt, annul_form, annul]


async def ask_to_set_rules(intake: IntakeClient, url: str, path: str, token: str) -> PossibleCommandAnswer:
    """Whether intake would take a document at a place, or, by the same right, a calendar at the topmost.

    Raises Refusal.
    """
    answers = await intake.possible(url, path, token)
    answer = next((each for each in answers if each.command == PolicyAdopted.TOPIC), None)
    if answer is None:
        raise Refusal(_NOBODY, status=404)
    if answer.refusal is not None:
        raise answer.refusal
    return answer


async def may_set_rules(intake: IntakeClient, url: str | None, path: str, token: str) -> bool:
    """Whether it would be taken; not where that cannot be asked."""
    if url is None:
        return False
    try:
        await ask_to_set_rules(intake, url, path, token)
    except Refusal:
        return False
    return True


class _Rules:
    def __init__(
        self, pages: Pages, queries: Queries, logs: RegulationLogs, intake: IntakeClient, address: Address
    ) -> None:
        self._pages, self._queries, self._logs = pages, queries, logs
        self._intake, self._address, self._source = intake, address, IntakeDoor(queries, address)
        self._one_at_a_time = asyncio.Lock()

    async def at(self, request: HttpRequest, code: str) -> At:
        """A place that the caller may see. Raises ProblemError 400, 404, 503."""
        target = await place_target(self._queries, scope_of(request), code)
        log = (await self._logs.by_source()).get(target.source, RegulationLog())
        return At(target, log, await self._source.today(target.source))

    async def shown(self, request: HttpRequest, place: str, recorded: str) -> Response[str]:
        """The rules in force at a place: the one asked for, else the caller's own, else the topmost."""
        places = await self._queries.places_by_source(scope_of(request))
        own, tree = caller_of(request).jurisdiction, _tree(places)
        first = next((each for each in tree if each.code == own), tree[0] if tree else None)
        if not place and first is None:
            return await self._pages.show(request, "rules.html", at=None)
        at = await self.at(request, place or (first.place if first else ""))
        url = self._address(at.target.source)
        sheets = sheets_in_force(at.log, at.target.named, at.today)
        return await self._pages.show(
            request,
            "rules.html",
            at=at,
            offered=_offered(tree, at.target.named, own),
            places=places,
            sheets=sheets,
            adoption_of=lambda sheet: next((e for _, e in at.log.policies if e.policy is sheet.policy), None),
            adoptions=_adoptions(at, sheets),
            may_adopt=await may_set_rules(self._intake, url, at.target.path, token_of(request)),
            recorded=recorded_now(recorded, None),
        )

    # --- adopting ----------------------------------------------------------------------------------------------------

    async def adopt_form(self, request: HttpRequest, at: At) -> Response[str]:
        """The form that takes a document, or why there is none."""
        try:
            await self._asked(request, at)
        except Refusal as refusal:
            return await refused_page(self._pages, request, at.target, refusal)
        return await self._adopt_page(request, at, {})

    async def adopt(self, request: HttpRequest, at: At) -> Response[Any]:
        """Try a document, ask for confirmation of what was tried, or adopt it."""
        try:
            definition, path = await self._asked(request, at)
        except Refusal as refusal:
            return await refused_page(self._pages, request, at.target, refusal)
        need_role(caller_of(request), *definition.roles)
        filled = await read_form(request, text_files=("file",))
        check_key(filled.get("key", ""))
        # Browsers send every line break as two characters, and drop one at the beginning.
        text = "\n".join(composed(filled.get("file") or filled.get("text", "")).lstrip("\ufeff\r\n").splitlines())
        filled |= {"text": text}
        if is_only_language_asked(request) and not filled.get("tried"):
            return await self._adopt_page(request, at, filled)
        day, errors = _typed(filled, at.today)
        if not text.strip():
            errors.append(RuleError("text", _NO_TEXT))
        if errors:
            return await self._adopt_page(request, at, filled, errors)
        try:
            policy, checked, errors = await self._checked(request, at, text)
        except Refusal as refusal:
            return await self._adopt_page(request, at, filled, [RuleError("", refusal.detail)], refusal=refusal)
        if errors or policy is None:
            return await self._adopt_page(request, at, filled, errors)
        digest, do = _digest(at, text, day), filled.get("do", "try")
        if do == "try" or filled.get("tried") != digest:
            trial = await self._trial(at, policy, checked, digest)
            changed = [RuleError("", _NOT_TRIED)] if do in ("adopt", "confirm") else []
            return await self._adopt_page(request, at, filled, changed, trial=trial)
        if do != "confirm":
            return await self._pages.show(
                request, "rules_confirm.html", at=at, filled=filled, policy=policy, day=day or at.today
            )
        body: dict[str, Any] = {"jurisdiction": at.target.named, "policy": msgspec.to_builtins(policy)}
        return await self._sent(request, at, path, body, day, filled, "text")

    async def _checked(
        self, request: HttpRequest, at: At, text: str
    ) -> tuple[Policy | None, CheckedPolicyAnswer, list[RuleError]]:
        """The document as intake judges it. Raises Refusal."""
        checked = await self._intake.check_policy(
            self._source.url(at.target.source), text, at.target.named, token_of(request)
        )
        problems, policy = checked.problems, None
        if checked.valid:
            try:
                policy = await asyncio.to_thread(read_policy, text)
            except UncountablePolicy as invalid:  # by an intake of another release
                problems = invalid.problems
        return policy, checked, _problem_errors(problems, text.splitlines())

    async def _trial(self, at: At, policy: Policy, checked: CheckedPolicyAnswer, digest: str) -> Trial:
        day = max(at.today, policy.valid_from)
        trial = TrialAdoption(jurisdiction=at.target.named, policy=policy)
        last = at.log.facts[-1]
        after = RegulationLog([*at.log.facts, trial_fact(trial, last.position + 1, last.recorded_at)])
        changes = sheet_changes(
            sheets_in_force(at.log, at.target.named, day), sheets_in_force(after, at.target.named, day)
        )
        async with self._one_at_a_time:
            facts = await self._logs.history(at.target.source, at.target.named, MAX_HISTORY)
            history = None if facts is None else await asyncio.to_thread(policy_impact, facts, trial)
        return Trial(sheet_of(policy), changes, checked, history, digest)

    async def _adopt_page(
        self,
        request: HttpRequest,
        at: At,
        filled: dict[str, str],
        errors: Sequence[RuleError] = (),
        trial: Trial | None = None,
        refusal: Refusal | None = None,
    ) -> Response[str]:
        shown = (trial.history or [])[:SHOWN_CHANGES] if trial else []
        titles = await self._queries.titles(scope_of(request), {each.subject_id for each in shown})
        return await self._pages.show(
            request,
            "rules_adopt.html",
            status=status_of(refusal) if refusal else 422 if errors else 200,
            at=at,
            filled=filled,
            errors=errors,
            trial=trial,
            shown=[each for each in shown if each.subject_id in titles],
            titles=titles,
            most=MAX_HISTORY,
            key=filled.get("key") or secrets.token_urlsafe(16),
        )

    # --- taking back -------------------------------------------------------------------------------------------------

    async def annul_form(self, request: HttpRequest, at: At, event_id: UUID) -> Response[str]:
        """The form that takes an adoption back, with what would hold then."""
        adoption = _adoption(at, event_id)
        try:
            await self._asked(request, at)
        except Refusal as refusal:
            return await refused_page(self._pages, request, at.target, refusal)
        return await self._annul_page(request, at, adoption, {})

    async def annul(self, request: HttpRequest, at: At, event_id: UUID) -> Response[Any]:
        """Ask for confirmation, then take an adoption back."""
        adoption = _adoption(at, event_id)
        try:
            definition, _ = await self._asked(request, at)
        except Refusal as refusal:
            return await refused_page(self._pages, request, at.target, refusal)
        need_role(caller_of(request), *definition.roles)
        filled = await read_form(request)
        check_key(filled.get("key", ""))
        if is_only_language_asked(request):
            return await self._annul_page(request, at, adoption, filled)
        reason = composed(filled.get("reason", "")).strip()
        day, errors = _typed(filled, at.today)
        if not reason:
            errors.append(RuleError("reason", _NO_REASON))
        if errors or filled.get("do") != "confirm":
            is_asked = not errors and filled.get("do") == "annul"
            return await self._annul_page(request, at, adoption, filled, errors, is_asked=is_asked)
        body = {"event_id": str(event_id), "reason": reason}
        return await self._sent(
            request, at, f"/v1/policies/{at.target.named}/annulments", body, day, filled, "reason", adoption
        )

    async def _annul_page(
        self,
        request: HttpRequest,
        at: At,
        adoption: tuple[Fact, PolicyAdopted],
        filled: dict[str, str],
        errors: Sequence[RuleError] = (),
        refusal: Refusal | None = None,
        is_asked: bool = False,
    ) -> Response[str]:
        fact, event = adoption
        day = max(at.today, event.policy.valid_from)
        after = RegulationLog(each for each in at.log.facts if each is not fact)
        return await self._pages.show(
            request,
            "rules_annul.html",
            status=status_of(refusal) if refusal else 422 if errors else 200,
            at=at,
            policy=event.policy,
            adopted_on=event.effective_on,
            changes=sheet_changes(
                sheets_in_force(at.log, at.target.named, day), sheets_in_force(after, at.target.named, day)
            ),
            filled=filled,
            errors=errors,
            is_asked=is_asked,
            key=filled.get("key") or secrets.token_urlsafe(16),
        )

    # --- both --------------------------------------------------------------------------------------------------------

    async def _sent(
        self,
        request: HttpRequest,
        at: At,
        path: str,
        body: dict[str, Any],
        day: date | None,
        filled: dict[str, str],
        own: str,
        adoption: tuple[Fact, PolicyAdopted] | None = None,
    ) -> Response[Any]:
        """Record it and show the rules, or the form with why it was refused. `own` is the input of the rest."""
        if day is not None:
            body["effective_on"] = day.isoformat()
        try:
            done = await self._intake.act(
                self._source.url(at.target.source), path, body, filled.get("key", ""), token_of(request), at.version
            )
        except Refusal as refusal:
            at_field = {"effective_on": "effective_on", None: ""}.get(refusal.field, own)
            errors = [RuleError(at_field, refusal.detail)]
            if adoption is None:
                return await self._adopt_page(request, at, filled, errors, refusal=refusal)
            return await self._annul_page(request, at, adoption, filled, errors, refusal)
        await self._source.until_read(at.target.source, done.position)
        topic = RecordAnnulled.TOPIC if adoption else PolicyAdopted.TOPIC
        query = urlencode({"place": at.target.place, "recorded": topic})
        return Redirect(f"/rules?{query}", status_code=SEE_OTHER)

    async def _asked(self, request: HttpRequest, at: At) -> tuple[CommandDefinition, str]:
        """The adoption of a document at a place, and where it is sent, if it is possible. Raises Refusal."""
        url, token = self._source.url(at.target.source), token_of(request)
        definitions, answer = await asyncio.gather(
            self._intake.definitions(url, token), ask_to_set_rules(self._intake, url, at.target.path, token)
        )
        return at.target.commands(definitions.values())[PolicyAdopted.TOPIC], answer.path


class OfferedPlace(NamedTuple):
    """A place to choose, with its depth in the tree of its source; `place` is how addresses name it."""

    source: str
    code: str
    depth: int
    place: str


def _tree(places: Mapping[Coded, str]) -> list[OfferedPlace]:
    shared = shared_codes(places)
    return [
        OfferedPlace(source, code, depth, place_address(source, code, code in shared))
        for source in sorted({source for source, _ in places})
        for code, depth in place_tree(of_source(places, source))
    ]


def _offered(tree: list[OfferedPlace], chosen: str, own: str) -> list[OfferedPlace]:
    """The places to choose from, the caller's own first: all of them, or of many those on the way to the chosen one."""
    if len(tree) > ALL_PLACES:
        around = {chosen, own, *lineage(chosen)}
        tree = [each for each in tree if not around.isdisjoint(lineage(each.code)[:2])]
    own_first = [each._replace(depth=0) for each in tree if each.code == own]
    return own_first + [each for each in tree if each.code != own]


def _adoptions(at: At, sheets: Sequence[DocumentSheet]) -> list[Adoption]:
    """What the place has adopted itself and not taken back, the latest first."""
    in_force = {id(sheet.policy) for sheet in sheets}
    return [
        Adoption(fact, event.policy, event.effective_on, id(event.policy) in in_force)
        for fact, event in reversed(at.log.policies)
        if event.jurisdiction == at.target.named
    ]


def _adoption(at: At, event_id: UUID) -> tuple[Fact, PolicyAdopted]:
    """An adoption of the place that stands. Raises ProblemError 404."""
    found = (each for each in at.log.policies if each[0].event_id == event_id)
    return or_404(next((each for each in found if each[1].jurisdiction == at.target.named), None), "policy")


def _typed(filled: dict[str, str], today: date) -> tuple[date | None, list[RuleError]]:
    """The day that was typed; none where it was left empty."""
    text = filled.get("effective_on", "").strip()
    day = typed_day(text, today) if text else None
    if text and day is None:
        return None, [RuleError("effective_on", _NO_DAY.filled({"text": text[:40]}, {}))]
    return day, []


def _digest(at: At, text: str, day: date | None) -> str:
    """What was tried: the place, the document, its day, and what was recorded of the place's documents by then."""
    tried = msgspec.json.encode([at.target.source, at.target.named, text, day, at.version])
    return hashlib.sha256(tried).hexdigest()


def _problem_errors(problems: Sequence[PolicyProblem], lines: Sequence[str]) -> list[RuleError]:
    return [
        RuleError(
            "text",
            each.said,
            each.line,
            lines[each.line - 1].strip()[:MAX_QUOTED] if 0 < each.line <= len(lines) else "",
        )
        for each in problems[:MAX_PROBLEMS]
    ]
