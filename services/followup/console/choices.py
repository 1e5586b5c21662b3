"""What the fields of a form may name: places, bodies, cases, records and deadlines, by names that people know."""

from collections.abc import Mapping, Sequence
from datetime import date

from services.followup.adapters.read.listings import CaseFilter
from services.followup.adapters.read.models import Case, CaseFile, Deadline
from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Scope
from services.followup.console.command_forms import CHOSEN
from services.followup.console.pages import annulled_ids, names_of
from services.followup.console.place_tree import place_tree
from services.followup.console.targets import title_of
from services.followup.domain.wording.catalogue_words import entry_words
from services.followup.domain.wording.collation import by_name
from services.followup.domain.wording.names import Bilingual, body_words, duty_words
from services.followup.domain.wording.notes import day_words
from services.followup.entrypoints.json_views import EventView, event_view
from shared.cases.catalogues import offered
from shared.command_definitions import ChoiceDefinition, FieldKind, Translated
from shared.events.deadline import Subject
from shared.events.regulation import CATALOGUE_KINDS, CatalogueEntry

OFFERED = 500  # agencies, petitions and conferences to choose from
#: The bodies that have no code and may be written to.
OWN_BODIES = ("office", "chair")
#: The fields by which people tell one record from another.
TOLD_APART = ("number", "agency", "subject", "expected_on", "task", "speaker")


class FormChoices:
    """Reads what there is to choose from, within what the caller may see."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    async def of(
        self, scope: Scope, source: str, file: CaseFile | None, kinds: frozenset[FieldKind] = CHOSEN
    ) -> dict[str, list[ChoiceDefinition]]:
        """The choices of a form about a case or place of a source, by the kind of field, as far as it has such fields.

        Places and bodies are no secret within a jurisdiction; a case is named to nobody who may not look at it.
        """
        found: dict[str, list[ChoiceDefinition]] = {}
        known = Scope(scope.jurisdiction)
        events, deadlines = (file.events, file.deadlines) if file else ([], [])
        annulled = annulled_ids(events)
        if "place" in kinds:
            places = await self._queries.places(known, source)
            found["place"] = [_same(code, f"{places[code]} ({code})") for code, _ in place_tree(places)]
        if kinds & {"agency", "body"}:
            found["agency"] = await self._agencies(known, source)
            found["body"] = [*(_choice(code, body_words(code)) for code in OWN_BODIES), *found["agency"]]
        if "petition" in kinds:
            found["petition"] = await self._cases(scope, source, "petition")
        if "conference" in kinds:
            found["conference"] = await self._cases(scope, source, "conference")
        records = [
            event
            for event in map(event_view, reversed(events if "record" in kinds else []))
            if event.event_id not in annulled and not event.topic.startswith("Deadline")
        ]
        agencies = {str(each.data["agency"]) for each in records if each.data.get("agency")}
        names = await names_of(self._queries, source, agencies)
        found["record"] = [_record(event, names) for event in records]
        found["deadline"] = [_deadline(each) for each in deadlines if each.raised.is_open]
        return found

    async def catalogues(self, source: str, place: str, today: date) -> dict[str, list[ChoiceDefinition]]:
        """The choices of the fields that a catalogue of a source's place lists, by `catalogue.` and its kind."""
        log = await self._queries.catalogues(source)
        standing = ((kind, log.standing(place, kind, today)) for kind in CATALOGUE_KINDS)
        return {f"catalogue.{kind}": _entries(offered(each, today)) for kind, each in standing if each is not None}

    async def _agencies(self, scope: Scope, source: str) -> list[ChoiceDefinition]:
        found = (await self._queries.agencies(scope, "", OFFERED, source=source)).items
        return [_same(each.code, f"{each.name} ({each.code})") for each in by_name(found) if each.closed_on is None]

    async def _cases(self, scope: Scope, source: str, subject: Subject) -> list[ChoiceDefinition]:
        wanted = CaseFilter(subject=subject, source=source, unresolved=subject == "petition")
        return [case_choice(case) for case in (await self._queries.cases(scope, wanted, OFFERED)).items]


def case_choice(case: Case) -> ChoiceDefinition:
    """A case to choose, by its title and its receipt code, or the day on which it began."""
    row, title = case.row, title_of(case.row)
    told = row.receipt_code or (day_words(row.received_on) if row.received_on else "")
    return _choice(str(row.subject_id), _joined([title, told], "{} ({})") if told else title)


def _record(event: EventView, names: Mapping[str, Bilingual]) -> ChoiceDefinition:
    """A record by its name, its day, and what tells it from others: bodies by their names, days as people write."""
    told = [str(event.data[name]) for name in ("effective_on", *TOLD_APART) if event.data.get(name)]
    return _choice(str(event.event_id), _joined([event.name, *(names.get(each) or _as_day(each) for each in told)]))


def _deadline(deadline: Deadline) -> ChoiceDefinition:
    raised, words = deadline.raised, duty_words(deadline.raised.duty)
    return _choice(str(raised.deadline_id), _joined([words, day_words(raised.due_on)]) if raised.due_on else words)


def _as_day(text: str) -> Bilingual | str:
    try:
        return day_words(date.fromisoformat(text))
    except ValueError:
        return text


def _joined(parts: Sequence[Bilingual | str], pattern: str = "") -> Bilingual:
    """Parts in each language, with commas or by a pattern."""
    vi, en = ([each if isinstance(each, str) else getattr(each, lang) for each in parts] for lang in ("vi", "en"))
    return Bilingual(*(pattern.format(*each) if pattern else ", ".join(each) for each in (vi, en)))


def _entries(entries: Sequence[CatalogueEntry]) -> list[ChoiceDefinition]:
    """The entries in their order, each with the title of the one that it lies under."""
    by_code = {entry.code: entry for entry in entries}
    found = []
    for entry in entries:
        words = entry_words(entry)
        if (above := by_code.get(entry.parent)) is not None:
            over = entry_words(above)
            words = Bilingual(f"{over.vi}: {words.vi}", f"{over.en}: {words.en}")
        found.append(_choice(entry.code, words))
    return found


def _choice(value: str, words: Bilingual) -> ChoiceDefinition:
    return ChoiceDefinition(value, Translated(words.vi, words.en))


def _same(value: str, title: str) -> ChoiceDefinition:
    return ChoiceDefinition(value, Translated(title, title))
