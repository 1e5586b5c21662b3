"""The page `/figures`, which shows the figures of the metrics to those without Grafana."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.followup.adapters.read.metrics_snapshot import Counts, MetricsSnapshot
from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Coded
from services.followup.console.pages import Pages, names_by_source
from services.followup.domain.wording.collation import vietnamese_order
from services.followup.domain.wording.names import Bilingual, duty_words
from services.followup.entrypoints.access import may_read_all
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.http.auth import READERS, caller_of
from shared.http.permissions import for_roles
from shared.identifiers import local_day

STATUSES = ("on_track", "due_soon", "breached")


class KindRow(NamedTuple):
    """One rule with its open deadlines by status, and the breaches ever raised on it."""

    words: Bilingual
    open: dict[str, int]
    breaches: int


class BodyRow(NamedTuple):
    """One body with its unresolved cases, the oldest of them, its open deadlines and its breaches."""

    source: str
    code: str
    unresolved: int
    oldest: date | None
    open: dict[str, int]
    breaches: int


class SourceRow(NamedTuple):
    """One source with how far it is read, and what waits."""

    name: str
    complete_to: datetime
    lag: int
    parked: int
    differences: int
    uncountable: int
    gaps: int
    stopped: bool


def figures_routes(pages: Pages, queries: Queries, snapshot: Callable[[], MetricsSnapshot]) -> list[HTTPRouteHandler]:
    """The route of the page. It covers every jurisdiction, so its callers must too."""
    may_read = may_read_all(queries)

    @get("/figures", include_in_schema=False, opt=for_roles(READERS, "everything"))
    async def figures(request: HttpRequest) -> Response[str]:
        await may_read(caller_of(request))
        shot = snapshot()
        bodies = body_rows(shot)
        return await pages.show(
            request,
            "figures.html",
            statuses=STATUSES,
            totals=total(shot.open_deadlines, 3),
            kinds=kind_rows(shot),
            bodies=bodies,
            states=total(shot.unresolved, 3),
            followed=source_rows(shot),
            pending=shot.pending,
            oldest_pending=_instant(shot.oldest_pending or None),
            scheduler=_instant(shot.scheduler),
            next_deadline=_instant(min(shot.next_deadline.values(), default=None)),
            taken_at=_instant(shot.taken_at or None),
            names=await names_by_source(queries, {(row.source, row.code) for row in bodies}),
        )

    return [figures]


def total(counts: Counts, label: int) -> dict[str, int]:
    """Sum a metric by one of its labels."""
    found: Counter[str] = Counter()
    for labels, count in counts.items():
        found[labels[label]] += int(count)
    return dict(found)


def kind_rows(shot: MetricsSnapshot) -> list[KindRow]:
    """A row for each rule that has something open or was ever breached, the overdue ones first."""
    breaches = total(shot.breaches, 1)
    kinds = {labels[1] for labels in shot.open_deadlines} | breaches.keys()
    rows = [KindRow(duty_words(k), _of(shot.open_deadlines, {1: k}), breaches.get(k, 0)) for k in kinds]
    return sorted(rows, key=lambda row: (-row.open["breached"], vietnamese_order(row.words.vi)))


def body_rows(shot: MetricsSnapshot) -> list[BodyRow]:
    """A row for each body of a source that has something open, the overdue ones first."""
    unresolved, breaches = _by_body(shot.unresolved), _by_body(shot.breaches)
    oldest = {body: local_day(datetime.fromtimestamp(at, UTC)) for body, at in shot.oldest_unresolved.items()}
    rows = [
        BodyRow(
            source=source,
            code=code,
            unresolved=unresolved[source, code],
            oldest=oldest.get((source, code)),
            open=_of(shot.open_deadlines, {0: source, 2: code}),
            breaches=breaches[source, code],
        )
        for source, code in unresolved.keys() | breaches.keys() | _by_body(shot.open_deadlines).keys()
    ]
    return sorted(rows, key=lambda row: (-row.open["breached"], row.code, row.source))


def source_rows(shot: MetricsSnapshot) -> list[SourceRow]:
    """A row for each source."""
    return [
        SourceRow(
            name=labels[0],
            complete_to=datetime.fromtimestamp(at, UTC),
            lag=int(shot.lag.get(labels, 0)),
            parked=int(shot.parked.get(labels, 0)),
            differences=int(shot.differences.get(labels, 0)),
            uncountable=int(shot.uncountable.get(labels, 0)),
            gaps=int(shot.gaps.get(labels, 0)),
            stopped=bool(shot.stopped.get(labels)),
        )
        for labels, at in sorted(shot.complete_to.items())
    ]


def _by_body(counts: Counts) -> Counter[Coded]:
    """Sum a metric by its source and its body, which is the third label of each."""
    found: Counter[Coded] = Counter()
    for labels, count in counts.items():
        found[labels[0], labels[2]] += int(count)
    return found


def _of(counts: Counts, chosen: Mapping[int, str]) -> dict[str, int]:
    """The open deadlines by status of those that have some labels."""
    has_all = {labels: n for labels, n in counts.items() if all(labels[at] == value for at, value in chosen.items())}
    by_status = total(has_all, 3)
    return {status: by_status.get(status, 0) for status in STATUSES}


def _instant(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
