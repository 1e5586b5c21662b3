"""Finds, orders and counts cases: what is asked for becomes conditions, and what these find decides how it is read.

What an index holds in the order asked for is walked in that order, one scan for each state, up to the end of the page.
With any other condition the cases are gathered first, by whatever indexes the conditions have, and then put in order;
only where they are too many for that is the order walked, since then it comes by enough of them soon.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from services.followup.adapters.read.catalogues import CatalogueLogs, MeantIn
from services.followup.adapters.read.index_scans import Values, distinct, own_body, within
from services.followup.adapters.read.listings import CaseFilter, CaseSort, Listing
from services.followup.adapters.read.pagination import InvalidCursor, decode_cursor, encode_cursor
from services.followup.adapters.read.parts import beside, beside_conferences, has_part, leads
from services.followup.application.access import Coded, Scope
from services.followup.domain.deadlines.case_rows import OPEN_STATES, CaseState
from shared.identifiers import NATION, code_or_text

GATHERED = 20_000  # cases that are put in order for one page at most
COUNTED = 10_000  # beyond it a count says "more"
LOOKED_AT = 30_000  # cases that are counted by state where no index has them by state
PREFIX = 2  # letters from which on the beginning of a word is looked for
MAX_WORDS = 20  # of a text that are looked for
AT_ONCE = 1000  # texts that one query looks for, each of 200 characters at most

#: What has not ended, of any subject.
NOT_ENDED = (*OPEN_STATES, CaseState.PROPOSED, CaseState.PLANNED, CaseState.OPEN, CaseState.BOUND)

#: A petition with its words on the agenda of a conference that is still to be held waits for nobody's decision.
_ON_AGENDA = """state = 'no_clock' AND searched ->> 0 <> '' AND EXISTS (
    SELECT 1 FROM cases held WHERE held.source = cases.source AND held.subject_id = (cases.searched ->> 3)::uuid
    AND held.state IN ('proposed', 'planned', 'open')
)"""
_SCAN = """
SELECT s.* FROM {over} CROSS JOIN LATERAL (
    SELECT {keys} FROM cases WHERE {where} ORDER BY {order} LIMIT {limit}
) s
"""
_UNION = "SELECT {keys} FROM cases WHERE {where} ORDER BY {order} LIMIT {limit}"
_WALKED = """
WITH page AS (SELECT * FROM ({scans}) AS scans ORDER BY {order} LIMIT {limit})
SELECT t.due_on, t.row, {names} FROM page JOIN cases t USING (source, subject_id) ORDER BY {order}
"""
_GATHERED = """
WITH hits AS MATERIALIZED (SELECT {keys} FROM cases WHERE {where} LIMIT {most}),
page AS (SELECT * FROM hits WHERE {after} ORDER BY {order} LIMIT {limit})
SELECT n.found, t.due_on, t.row, {names} FROM (SELECT count(*) AS found FROM hits) AS n
LEFT JOIN (page JOIN cases t USING (source, subject_id)) ON true ORDER BY {order}
"""
#: A plan for any values would not know which words are rare; and a table is never read whole.
_PLANS = "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_seqscan = off"
_TYPED = """
SELECT string_to_array(letters, ' ') AS marked, string_to_array(followup_bare(letters), ' ') AS bare,
    followup_code($1) AS code
FROM (SELECT followup_letters($1) OFFSET 0) AS typed (letters)
"""
_NAMED = """
SELECT source, code FROM agencies WHERE followup_name(name) @@ $1::tsquery OR code = $2 ORDER BY code, source LIMIT 200
"""
_TITLED = "SELECT title FROM unnest($2::text[]) AS title WHERE followup_name(title) @@ $1::tsquery LIMIT 200"
_ANY = "SELECT EXISTS (SELECT 1 FROM cases WHERE {where})"
_COUNT_FOUND = """
SELECT state, count(*) AS n FROM (SELECT state FROM cases WHERE {where} LIMIT {most}) AS found GROUP BY state
"""
_COUNT_EACH = """
SELECT each.state, (
    SELECT count(*) FROM (SELECT 1 FROM cases WHERE cases.state = each.state AND {where} LIMIT {most}) AS found
) AS n FROM unnest({states}) AS each (state)
"""


class Order(NamedTuple):
    """An order of cases: what is compared before the key, with the types, and whether it is turned round."""

    keys: tuple[tuple[str, str], ...]
    cursor: Any
    descending: bool


_DUE = ("due_on", "date")
#: What tells cases apart, after what orders them.
_KEY = ("subject_id", "source")
#: Each has an index after subject and state; that of agencies begins with them. A cursor begins with the sort, then
#: whether marks are compared.
_ORDERS: dict[str, tuple[tuple[tuple[str, str], ...], Any]] = {
    "due": ((_DUE,), tuple[str, bool, date, UUID, str]),
    "late": ((_DUE,), tuple[str, bool, date, UUID, str]),
    "received": ((("coalesce(received_on, 'infinity')", "date"),), tuple[str, bool, date, UUID, str]),
    "title": ((("title_order", "text"),), tuple[str, bool, str, UUID, str]),
    "agency": ((("agency", "text"), _DUE), tuple[str, bool, str, date, UUID, str]),
    "best": ((("", "int"), _DUE), tuple[str, bool, int, date, UUID, str]),  # see `_RANK`
}
#: Before those that only an agency's name has found come those that their own words have.
_RANK = "CASE WHEN {is_own} THEN 0 ELSE 1 END"


def order_of(sort: CaseSort) -> Order:
    """Return an order by its name. The latest due date is the least late."""
    name = sort.removeprefix("-")
    keys, cursor = _ORDERS[name]
    return Order(keys, cursor, sort.startswith("-") != (name == "late"))


class Bounded(msgspec.Struct, frozen=True):
    """A count; with `more` there are more than that."""

    count: int
    more: bool = False


class CaseTotals(msgspec.Struct, frozen=True):
    """How many cases an answer has, and how many each state would have without the filter by state."""

    total: Bounded
    by_state: Mapping[str, Bounded]
    #: The states that the answer has: their counts add up to the total.
    states: tuple[str, ...] = ()


class TextQuery(msgspec.Struct, frozen=True):
    """What somebody typed: what an index looks for, any of it, and the agencies that a source calls so."""

    queries: tuple[str, ...]
    agencies: tuple[Coded, ...]
    #: What finds the cases of a field that is called so, by source.
    fields: tuple[MeantIn, ...] = ()


class CaseQuestion:
    """One question about cases, asked within one snapshot; `among` are the states that it is about."""

    def __init__(
        self,
        connection: Any,
        scope: Scope,
        days: Mapping[str, date],
        wanted: CaseFilter,
        catalogues: CatalogueLogs | None = None,
        among: Collection[str] = tuple(CaseState),
    ) -> None:
        self._connection, self._scope, self._days = connection, scope, days
        self._catalogues = catalogues or CatalogueLogs({})
        self._among = among
        self._sort(wanted if wanted.text or wanted.sort != "best" else _by_due(wanted))

    def _sort(self, wanted: CaseFilter) -> None:
        self._wanted, self._order = wanted, order_of(wanted.sort)
        self._names = [f"k{n}" for n in range(len(self._order.keys))]

    async def page(self, limit: int, cursor: str = "") -> tuple[Sequence[Any], str]:
        """Return the rows of a page and the cursor of the next, or "". Raises InvalidCursor."""
        marks, after = self._place(cursor) if cursor else (None, None)
        if self._is_loose:
            await self._connection.execute(_PLANS)
        states = await self.states()
        marks, text = await self._text(states, marks)
        rows = await self._gather(states, text, after, limit + 1) if self._is_loose else None
        if rows is None:
            if self._wanted.sort == "best":  # too many for it
                self._sort(_by_due(self._wanted))
                after = after[1:] if after is not None else None
            rows = await self._walk(states, text, after, limit + 1)
        return rows[:limit], self._cursor(rows[limit - 1], marks) if len(rows) > limit else ""

    async def totals(self) -> CaseTotals:
        """Return how many there are, counted up to a bound."""
        await self._connection.execute(_PLANS)
        wanted = await self.states()
        every = await self._known_states()
        _, text = await self._text(wanted, None)
        # A condition that no index has beside the state would be looked for among all the cases of each state.
        is_found = self._is_loose or self._by_agency or bool(self._wanted.overdue or self._wanted.due_from)
        most = max(LOOKED_AT, COUNTED) if is_found else COUNTED
        listing = self._listing(most + 1)
        where = _all(self._conditions(listing, every if is_found else None, text))
        if is_found:
            query = _COUNT_FOUND.format(where=where, most=listing.limit)
        else:
            states = listing.value(list(every), "text[]")
            query = _COUNT_EACH.format(where=where, most=listing.limit, states=states)
        counts = {row["state"]: row["n"] for row in await self._connection.fetch(query, *listing.value.given)}
        is_cut = is_found and sum(counts.values()) > most
        total = sum(n for state, n in counts.items() if state in wanted)
        return CaseTotals(
            bounded(total, is_cut=is_cut),
            {state: bounded(counts.get(state, 0), is_cut=is_cut) for state in every},
            tuple(wanted),
        )

    async def states(self) -> list[str]:
        """Return the states that are asked for, of those that occur."""
        wanted = self._wanted
        if wanted.unresolved and wanted.subject != "petition":
            return []
        found = [wanted.state] if wanted.state else await self._known_states()
        found = [state for state in found if state in self._among]
        if wanted.unresolved:
            found = [state for state in found if state in OPEN_STATES]
        if wanted.ended is not None:
            found = [state for state in found if (state not in NOT_ENDED) == wanted.ended]
        return found

    async def _known_states(self) -> list[str]:
        return await distinct(self._connection, "cases", "state", "subject = $1", [self._wanted.subject])

    # --- what is asked for -----------------------------------------------------------------------------------------

    @property
    def _by_place(self) -> bool:
        return self._scope.jurisdiction != NATION

    @property
    def _by_agency(self) -> bool:
        return bool(self._wanted.agency or self._scope.agency)

    @property
    def _is_loose(self) -> bool:
        """Whether a condition has no part in the index that has the order."""
        wanted, name = self._wanted, self._wanted.sort.removeprefix("-")
        by_due = name in ("due", "late")
        sought = bool(wanted.text or wanted.field or wanted.urgency or wanted.conference_id)
        received = bool(wanted.received_from or wanted.received_to) and name != "received"
        due = bool(wanted.due_from or wanted.due_to or wanted.overdue) and not by_due
        return sought or received or due or (not by_due and (self._by_place or self._by_agency))

    def _listing(self, limit: int) -> Listing:
        return Listing(self._connection, self._scope, self._days, limit)

    def _conditions(self, listing: Listing, states: Sequence[str] | None, text: TextQuery | None) -> list[str]:
        """Every condition on a case, but where the page begins."""
        value, scope, wanted = listing.value, self._scope, self._wanted
        where = self._filters(listing, text)
        if states is not None:
            where.append(f"state = ANY({value(list(states), 'text[]')})")
        if self._by_place:
            where.append(within(scope, value))
        if wanted.agency:
            where.append(f"agency = ANY({listing.these(wanted.agency, scope)})")
            where += self._own(value)
        if scope.agency:
            where.append(beside_conferences(scope, value) if wanted.subject == "conference" else has_part(scope, value))
        return where

    def _own(self, value: Values) -> list[str]:
        """That who leads is the caller's own body, or one that it took over from in that source."""
        is_own = self._wanted.agency in ("", self._scope.agency)
        return own_body(self._scope, value, "cases.agency", "cases") if is_own else []

    def _filters(self, listing: Listing, text: TextQuery | None) -> list[str]:
        """The conditions that are no matter of places, bodies and states."""
        value, wanted = listing.value, self._wanted
        where = [f"subject = {value(wanted.subject)}"]
        if wanted.source:
            where.append(f"source = {value(wanted.source)}")
        kept = {"urgency": wanted.urgency, "conference": wanted.conference_id}
        facets = [_lexeme(f"={name} {_kept(str(given))}") for name, given in kept.items() if given]
        if facets:
            where.append(_found((" & ".join(facets),), value))
        if wanted.field:
            where.append(_of_fields(self._fields([wanted.field]), value))
        if text is not None:
            where.append(_matches(text, value))
        if wanted.overdue:
            where += listing.past("cases")
        if wanted.undecided:
            where.append(f"NOT ({_ON_AGENDA})")
        bounds = (
            ("due_on", ">=", wanted.due_from),
            ("due_on", "<=", wanted.due_to),
            ("coalesce(received_on, 'infinity')", ">=", wanted.received_from),
            ("coalesce(received_on, 'infinity')", "<=", wanted.received_to),
        )
        return where + [f"{column} {sign} {value(day, 'date')}" for column, sign, day in bounds if day is not None]

    async def _text(self, states: Sequence[str], marks: bool | None) -> tuple[bool, TextQuery | None]:
        """What was typed, as it is looked for. What is found with its marks is not looked for without them."""
        if not self._wanted.text:
            return False, None
        typed = self._wanted.text.replace("\0", " ")
        row = await self._connection.fetchrow(_TYPED, typed)
        marked, bare = ([word for word in row[name] if word][:MAX_WORDS] for name in ("marked", "bare"))
        is_long = bool(bare) and len(bare[-1]) >= PREFIX
        if marked != bare and marks is not False:
            exact = await self._query(marked, row["code"], typed, of_prefix=is_long)
            if marks or await self._finds(states, exact):
                return True, exact
        return False, await self._query(bare, row["code"], typed, of_prefix=is_long)

    async def _query(self, words: Sequence[str], code: str, typed: str, *, of_prefix: bool) -> TextQuery:
        if not words:
            return TextQuery((), ())
        named = " & ".join(map(_lexeme, words)) + (":*" if of_prefix else "")
        rows = await self._connection.fetch(_NAMED, named, code_or_text(typed))
        titled = await self._connection.fetch(_TITLED, named, self._catalogues.titles("field"))
        fields = self._fields([row["title"] for row in titled]) if titled else []
        common = fields[0].texts if len(fields) == 1 else ()
        sought = _alternatives((f"({named})", _lexeme(f"=code {code}"), *common))
        agencies = tuple((row["source"], row["code"]) for row in rows)
        return TextQuery(sought, agencies, tuple(fields) if len(fields) > 1 else ())

    def _fields(self, texts: Sequence[str]) -> list[MeantIn]:
        """What an index has of the cases of some fields: by code, and as it was written before there was one.

        It is one for all where it is the same in every source that is read.
        """
        meant = self._catalogues.texts_of("field", texts, self._days)
        found = [MeantIn(of, tuple(_lexeme(f"=field {_kept(each)}") for each in each_of)) for of, each_of in meant]
        return [MeantIn((), found[0].texts)] if len(found) <= 2 else found

    async def _finds(self, states: Sequence[str], text: TextQuery) -> bool:
        listing = self._listing(1)
        where = self._conditions(listing, states, text)
        query = _ANY.format(where=f"{_all(where)} AND {listing.limit} = 1")
        found: bool = await self._connection.fetchval(query, *listing.value.given)
        return found

    # --- where a page begins ---------------------------------------------------------------------------------------

    @property
    def _is_plain(self) -> bool:
        return self._wanted.sort == "due" and not self._wanted.text

    def _place(self, cursor: str) -> tuple[bool, tuple[Any, ...]]:
        if self._is_plain:
            return False, decode_cursor(cursor, tuple[date, UUID, str])
        if self._wanted.sort == "best" and decode_cursor(cursor, tuple[Any, ...])[:1] == ("due",):
            self._sort(_by_due(self._wanted))
        sort, marks, *key = decode_cursor(cursor, self._order.cursor)
        if sort != self._wanted.sort:
            raise InvalidCursor("this cursor was given by another order")
        return marks, tuple(key)

    def _cursor(self, row: Any, marks: bool) -> str:
        key = [*(row[name] for name in self._names), *(row[name] for name in _KEY)]
        return encode_cursor(*key) if self._is_plain else encode_cursor(self._wanted.sort, marks, *key)

    def _after(self, after: Sequence[object] | None, columns: Sequence[str], value: Values) -> list[str]:
        if after is None:
            return []
        kinds = [*(kind for _, kind in self._order.keys), "uuid", "text"]
        given = ", ".join(value(each, kind) for each, kind in zip(after, kinds, strict=True))
        return [f"({', '.join((*columns, *_KEY))}) {'<' if self._order.descending else '>'} ({given})"]

    def _ordered(self, columns: Sequence[str]) -> str:
        return ", ".join(f"{column}{' DESC' if self._order.descending else ''}" for column in (*columns, *_KEY))

    # --- reading ---------------------------------------------------------------------------------------------------

    async def _gather(
        self, states: Sequence[str], text: TextQuery | None, after: Sequence[object] | None, limit: int
    ) -> Sequence[Any] | None:
        """The rows of a page of all that the conditions find; None where they find too many."""
        listing = self._listing(limit)
        value = listing.value
        most = max(GATHERED, limit)
        query = _GATHERED.format(
            keys=self._selected(text, value),
            where=_all(self._conditions(listing, states, text)),
            most=value(most + 1, "int"),
            after=_all(self._after(after, self._names, value)),
            order=self._ordered(self._names),
            names=", ".join((*self._names, *_KEY)),
            limit=listing.limit,
        )
        rows: Sequence[Any] = await self._connection.fetch(query, *value.given)
        if rows[0]["found"] > most:
            return None
        return [row for row in rows if row["subject_id"] is not None]

    async def _walk(
        self, states: Sequence[str], text: TextQuery | None, after: Sequence[object] | None, limit: int
    ) -> Sequence[Any]:
        """The rows of a page, read in its order."""
        listing = self._listing(limit)
        columns = [column for column, _ in self._order.keys]
        start = self._after(after, columns, listing.value)
        if self._wanted.sort.removeprefix("-") in ("due", "late"):
            scans = await self._scans(listing, states, [*self._filters(listing, text), *start])
        else:
            over = {"state": listing.value(list(states), "text[]")}
            if self._wanted.sort.removeprefix("-") == "agency":
                codes = await distinct(self._connection, "cases", "agency", "subject = $1", [self._wanted.subject])
                over["agency"] = listing.value(codes, "text[]")
            scans = [self._scan(over, [*self._conditions(listing, None, text), *start], listing.limit)]
        if not scans:
            return []
        query = _WALKED.format(
            scans=" UNION ALL ".join(f"({each})" for each in scans),
            order=self._ordered(self._names),
            names=", ".join((*self._names, *_KEY)),
            limit=listing.limit,
        )
        rows: Sequence[Any] = await self._connection.fetch(query, *listing.value.given)
        return rows

    async def _scans(self, listing: Listing, states: Sequence[str], where: list[str]) -> list[str]:
        """The scans in the order of due dates: of bodies and places by the indexes that begin with them."""
        scope, value, wanted = self._scope, listing.value, self._wanted
        given = value(list(states), "text[]")
        scans = []
        if agency := wanted.agency or scope.agency:
            where = [*where, within(scope, value)]
            if scope.agency in ("", agency) or agency in scope.agencies:
                over = {"agency": listing.these(agency, scope), "state": given}
                scans.append(self._scan(over, [*where, *self._own(value)], listing.limit))
            if scope.agency and scope.agency != wanted.agency:
                where = [
                    *where,
                    f"state = ANY({given})",
                    *([f"agency = {value(agency)}"] if wanted.agency else []),
                    beside_conferences(scope, value)
                    if wanted.subject == "conference"
                    else f"{beside(scope, value)} AND NOT {leads(scope, value)}",
                ]
                scans.append(
                    _UNION.format(
                        keys=self._selected(None, value),
                        where=_all(where),
                        order=self._ordered(["due_on"]),
                        limit=listing.limit,
                    )
                )
        elif self._by_place:
            codes = await listing.codes("cases", wanted.subject)
            scans.append(self._scan({"jurisdiction": codes, "state": given}, where, listing.limit))
        else:
            scans.append(self._scan({"state": given}, where, listing.limit))
        return scans

    def _selected(self, text: TextQuery | None, value: Values) -> str:
        rank = ""
        if self._wanted.sort == "best":
            is_own = _found(text.queries, value) if text is not None and text.queries else "false"
            rank = _RANK.format(is_own=is_own)
        columns = (
            f"{column or rank} AS {name}" for (column, _), name in zip(self._order.keys, self._names, strict=True)
        )
        return ", ".join((*columns, *_KEY))

    def _scan(self, over: Mapping[str, str], where: Sequence[str], limit: str) -> str:
        """Index scans, one for each combination of the leading values in `over` (column to array)."""
        leading = [f"cases.{column} = {column}_of.v" for column in over]
        return _SCAN.format(
            over=" CROSS JOIN ".join(f"unnest({array}) AS {column}_of (v)" for column, array in over.items()),
            keys=self._selected(None, Values()),
            where=_all([*leading, *where]),
            order=self._ordered([column for column, _ in self._order.keys]),
            limit=limit,
        )


def bounded(count: int, *, is_cut: bool = False) -> Bounded:
    """A count, cut at the bound; `is_cut` where there may be more than were counted."""
    return Bounded(min(count, COUNTED), is_cut or count > COUNTED)


def _by_due(wanted: CaseFilter) -> CaseFilter:
    return msgspec.structs.replace(wanted, sort="due")


def _all(where: Sequence[str]) -> str:
    return " AND ".join(where) or "true"


def _matches(text: TextQuery, value: Values) -> str:
    if not text.queries:
        return "false"
    found = _found(text.queries, value)
    if text.fields:
        found = f"({found} OR {_of_fields(text.fields, value)})"
    if not text.agencies:
        return found
    sources, codes = (value(list(each), "text[]") for each in zip(*text.agencies, strict=True))
    # By its code an index finds it; of another source that code is another body.
    named = f"agency = ANY({codes}) AND (source, agency) IN (SELECT * FROM unnest({sources}, {codes}))"
    return f"({found} OR {named})"


def _found(queries: Sequence[str], value: Values) -> str:
    """The condition that any of some queries finds a case."""
    return "(" + " OR ".join(f"found @@ {value(query, 'tsquery')}" for query in queries) + ")"


def _of_fields(fields: Sequence[MeantIn], value: Values) -> str:
    """The condition that a case is of some fields, as its own source calls them."""
    named = [source for each in fields for source in each.sources]
    conditions = []
    for each in fields:
        condition = _found(_alternatives(each.texts), value)
        if named:
            listed = value(list(each.sources or named), "text[]")
            is_in = f"= ANY({listed})" if each.sources else f"<> ALL({listed})"
            condition = f"source {is_in} AND {condition}"
        conditions.append(condition)
    return f"({' OR '.join(conditions)})"


def _alternatives(lexemes: Sequence[str]) -> tuple[str, ...]:
    """Queries of which each looks for some of these: PostgreSQL takes a mebibyte in one."""
    return tuple(" | ".join(lexemes[n : n + AT_ONCE]) for n in range(0, len(lexemes), AT_ONCE))


def _kept(text: str) -> str:
    """A value as `followup_searched` keeps it."""
    return text.replace("\\", "/").replace("\0", " ")[:200]


def _lexeme(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'"
