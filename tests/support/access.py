"""Every route of an application asked by every kind of caller: strangers, each role, here, above, elsewhere."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import httpx
from litestar import Litestar
from litestar.routes import HTTPRoute

from shared.http.auth import Callers, Role, TokenEntry, mint_token
from shared.identifiers import is_within

NATION, PROVINCE, DISTRICT, OTHER = "VN", "H35", "H35.10", "H36"
ROLES: tuple[Role, ...] = ("system", "office", "chair", "auditor", "operations", "admin")


class Asking(NamedTuple):
    """A caller. `has_part`: an agency that was given the case that is asked for."""

    role: str
    place: str
    has_part: bool
    token: str

    def __str__(self) -> str:
        return f"{self.role or 'a stranger'} of {self.place}{' with a part' if self.has_part else ''}"


#: What a rule says of a caller and the place of the case: the statuses that its answer may have.
Rule = Callable[[Asking, str], set[int]]

FOUND, REFUSED, NOT_THERE, UNKNOWN = {200}, {403}, {404}, {401}
#: Whoever sees to people sees no case: intake has none for them, followup nothing at all.
NO_CASES = REFUSED | NOT_THERE


def _known(rule: Rule) -> Rule:
    return lambda asking, place: rule(asking, place) if asking.role else UNKNOWN


def _case(asking: Asking, place: str) -> set[int]:
    if asking.role == "admin":
        return NO_CASES
    in_sight = is_within(place, asking.place) and (asking.role != "agency" or asking.has_part)
    return FOUND if in_sight else NOT_THERE


def _content(asking: Asking, place: str) -> set[int]:
    return _case(asking, place) if asking.role in ("office", "chair", "agency") else REFUSED


def _answer(asking: Asking, place: str) -> set[int]:
    # Of what another pushed a system is told nothing.
    return REFUSED if (seen := _case(asking, place)) == FOUND and asking.role == "system" else seen


def _compared(asking: Asking, place: str) -> set[int]:
    compares = asking.role in ("office", "chair", "auditor", "operations") and is_within(place, asking.place)
    return FOUND if compares else REFUSED


def _file(asking: Asking, place: str) -> set[int]:
    if (seen := _case(asking, place)) != FOUND:
        return seen
    return FOUND if asking.role in ("office", "chair", "agency") else REFUSED


def _minutes(asking: Asking, place: str) -> set[int]:
    return _minutes_file(asking, place) if asking.role in ("office", "chair", "agency") else REFUSED


def _minutes_file(asking: Asking, place: str) -> set[int]:
    if (seen := _case(asking, place)) != FOUND:
        return seen
    return FOUND if asking.role in ("office", "chair") else REFUSED


def _everything(asking: Asking, place: str) -> set[int]:
    return FOUND if asking.role not in ("agency", "admin") and asking.place == NATION else REFUSED


ANYBODY: Rule = lambda asking, place: FOUND  # noqa: E731
#: Anybody, who is sent on to another page of ours.
SENT_BACK: Rule = lambda asking, place: {303}  # noqa: E731
#: Whoever has a token: what is asked for is nobody's secret, or the answer holds only what the caller sees.
CALLERS = _known(lambda asking, place: FOUND)
CASE, CONTENT, MINUTES, EVERYTHING = _known(_case), _known(_content), _known(_minutes), _known(_everything)
FILE_OF_CASE, MINUTES_FILE = _known(_file), _known(_minutes_file)
#: What became of a petition that none of these systems pushed; a day on which it was.
ANSWER, COMPARED = _known(_answer), _known(_compared)
#: Who sees cases: of a log that holds them they see their part.
FOLLOWERS = _known(lambda asking, place: REFUSED if asking.role == "admin" else FOUND)
#: All but an agency, whose answer would hold what is none of its own.
NO_AGENCY = _known(lambda asking, place: REFUSED if asking.role in ("agency", "admin") else FOUND)
#: What intake opens, of a case in sight, while there is no intake.
NO_INTAKE = _known(lambda asking, place: {503} if (seen := _case(asking, place)) == FOUND else seen)
#: A jurisdiction, which is nobody's secret to those within whose subtree it lies; its forms while there is no intake.
PLACE = _known(lambda asking, place: FOUND if is_within(place, asking.place) else NOT_THERE)
NO_INTAKE_AT_PLACE = _known(lambda asking, place: {503} if is_within(place, asking.place) else NOT_THERE)
#: Whoever has a token is sent on to what was found.
SENT_ON = _known(lambda asking, place: {303})
#: Those who send reminders.
REMINDERS = _known(lambda asking, place: FOUND if asking.role in ("office", "chair") else REFUSED)
#: Those who may know who works where.
STAFF = _known(lambda asking, place: FOUND if asking.role in ("admin", "chair", "office") else REFUSED)
#: The same, of what is not there; everybody, of what only an intake could show, and of what is not there.
STAFF_NOTHING = _known(lambda asking, place: NOT_THERE if asking.role in ("admin", "chair", "office") else REFUSED)
#: Anybody, of what is not there.
NOTHING_FOR_ANYBODY: Rule = lambda asking, place: NOT_THERE  # noqa: E731
#: Who keeps the minutes of a conference, of what is none; who decides on conflicts, while there is no intake.
KEEPERS_NOTHING = _known(lambda asking, place: NOT_THERE if asking.role in ("office", "chair") else REFUSED)
DECIDERS = _known(lambda asking, place: FOUND if asking.role in ("office", "chair") else REFUSED)
DECIDERS_AWAY = _known(lambda asking, place: {503} if asking.role in ("office", "chair") else REFUSED)
SEES_NO_CONFLICT = ("agency", "admin", "auditor")
#: Who sees what portals pushed against the office's own record.
CONFLICTS = _known(lambda asking, place: REFUSED if asking.role in SEES_NO_CONFLICT else FOUND)
CONFLICTS_NOTHING = _known(lambda asking, place: REFUSED if asking.role in SEES_NO_CONFLICT else NOT_THERE)
AWAY = _known(lambda asking, place: {503})
NOTHING = _known(lambda asking, place: NOT_THERE)
#: Those who watch over the pair itself.
WATCHERS = _known(lambda asking, place: FOUND if asking.role in ("auditor", "office", "operations") else REFUSED)
#: Webhooks, which no followup without a key for their secrets sends.
SUBSCRIBERS = _known(lambda asking, place: {503} if asking.role in ("office", "operations", "system") else REFUSED)
#: Those who see to a place, and those of them who draft its rules.
OFFICES = _known(lambda asking, place: FOUND if asking.role in ("office", "operations") else REFUSED)
DRAFTERS = _known(lambda asking, place: FOUND if asking.role in ("office", "chair", "operations") else REFUSED)
#: Those who may give a command that names a file.
UPLOADERS = _known(lambda asking, place: FOUND if asking.role in ("office", "chair", "agency", "system") else REFUSED)
#: Those who may push in the name of a source.
PUSHERS = _known(lambda asking, place: FOUND if asking.role in ("office", "chair", "system") else REFUSED)
OPERATORS = _known(lambda asking, place: FOUND if asking.role == "operations" else REFUSED)


class Asked(NamedTuple):
    """An application with one caller of each kind, and the ids of what they ask for."""

    app: Litestar
    client: httpx.AsyncClient
    askings: list[Asking]
    ids: Mapping[str, object] = {}
    callers: Callers | None = None


def callers_of_all_kinds(agency: str, other_agency: str) -> tuple[Callers, list[Asking]]:
    """Callers with one of each kind, and each with its token."""
    found: list[tuple[Asking, TokenEntry]] = []
    for place in (NATION, PROVINCE, DISTRICT, OTHER):
        for role in ROLES:
            token, entry = mint_token(f"{role} {place}", role, place)
            found.append((Asking(role, place, False, token), entry))
    for code, has_part in ((agency, True), (other_agency, False)):
        for place in (DISTRICT, OTHER):
            token, entry = mint_token(f"{code} {place}", "agency", place, code)
            found.append((Asking("agency", place, has_part, token), entry))
    callers = Callers(tuple(entry for _, entry in found), local_allowed=False, cookies=True)
    return callers, [Asking("", "nowhere", False, ""), *(asking for asking, _ in found)]


def routes_of(app: Litestar) -> Iterator[tuple[str, str]]:
    """Method and path of every route."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            yield from ((method, route.path) for method in sorted(route.methods - {"OPTIONS", "HEAD"}))


class Question(NamedTuple):
    """An address, its rule, and the place of the case that is asked for."""

    address: str
    rule: Rule
    place: str = NATION


async def wrong_answers(client: httpx.AsyncClient, askings: list[Asking], questions: Iterable[Question]) -> list[str]:
    """What was answered otherwise than its rule says."""
    found = []
    for question in questions:
        for asking in askings:
            headers = {"Authorization": f"Bearer {asking.token}"} if asking.token else {}
            answer = await client.get(question.address, headers=headers)
            if answer.status_code not in question.rule(asking, question.place):
                found.append(f"{asking}: {question.address} was answered {answer.status_code}: {answer.text[:120]}")
    return found


def address(path: str, ids: Mapping[str, object]) -> str:
    """A path with values for its parameters."""
    for name, value in ids.items():
        for kind in ("str", "uuid", "int"):
            path = path.replace(f"{{{name}:{kind}}}", str(value))
    return path
