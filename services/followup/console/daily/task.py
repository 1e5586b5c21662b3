"""What a daily task is: fields taken from those of its commands, and the parts of the act that it sends. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from services.followup.adapters.read.models import Case, CaseFile
from services.followup.console.agenda import AgendaItem
from services.followup.console.command_forms import Choices, CommandForm, FormField, field_of
from services.followup.console.targets import FormTarget
from services.followup.domain.deadlines.case_rows import CaseState
from services.followup.domain.wording.names import Bilingual
from shared.command_definitions import CommandDefinition, Translated
from shared.events.deadline import Subject


class Part(NamedTuple):
    """One command of an act. `inputs`: which input of the form a field of its body came from, where not of its name."""

    command: str
    body: dict[str, Any]
    target: str = ""
    inputs: Mapping[str, str] = {}


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What a task is about and what is at hand for it. `possible`: the commands that are possible on the target now."""

    target: FormTarget
    definitions: Mapping[str, CommandDefinition]
    choices: Choices
    possible: frozenset[str]
    today: date
    #: The agency of whoever fills it in; "" for the office.
    agency: str
    #: The petitions of the conference that it is about.
    petitions: Sequence[Case] = ()
    #: What is known of each of them as part of the agenda.
    agenda: Mapping[UUID, AgendaItem] = {}
    #: The agencies that were asked to prepare the answers, by petition.
    forwarded: Mapping[UUID, Sequence[str]] = {}

    @property
    def file(self) -> CaseFile:
        """The case that it is about."""
        assert self.target.file is not None  # tasks on places do not ask
        return self.target.file

    def field(self, way: str, **changed: Any) -> FormField:
        """A field of a command (`PetitionReceived.text`), with other properties where a task says so."""
        command, _, name = way.partition(".")
        found = next(field for field in self.definitions[command].fields if field.name == name)
        return msgspec.structs.replace(field_of(found, self.choices), **changed)

    def part_field(self, way: str, part: str, **changed: Any) -> FormField:
        """A field within a group of a command: `PetitionReceived.identities` and `name`."""
        found = next(field for field in self.field(way).fields if field.name == part)
        return msgspec.structs.replace(found, **changed)


class DailyTask(msgspec.Struct, frozen=True, kw_only=True):
    """A daily task: its name in addresses, the composite act, the subject on whose page it is offered."""

    name: str
    act: str
    title: Bilingual
    subject: Subject
    #: Whether it is offered where these commands are possible.
    offered: Callable[[frozenset[str]], bool]
    #: While its case stands so it leads the page; later it is done by its single acts. Empty: always.
    states: frozenset[CaseState] = frozenset()
    #: What it is filled in with.
    fields: Callable[[Situation], Iterable[FormField]]
    #: What it starts with, by input.
    given: Callable[[Situation], dict[str, str]] = lambda situation: {}
    #: The parts of the act, from the values of the fields.
    parts: Callable[[Situation, dict[str, Any]], list[Part]]
    template: str = "act.html"
    #: The single acts that it does, which are not offered beside it.
    covers: frozenset[str] = frozenset()
    #: Whether it is done many times in a row, and what it created leads to the next.
    repeats: bool = False

    def form(self, situation: Situation) -> CommandForm:
        """The task as a form."""
        title = Translated(self.title.vi, self.title.en)
        return CommandForm(command=self.name, title=title, is_final=False, fields=tuple(self.fields(situation)))


def plain(name: str, vi: str, en: str, **properties: Any) -> FormField:
    """A field that belongs to no command alone."""
    given: dict[str, Any] = {
        "kind": "text",
        "is_required": False,
        "is_list": False,
        "is_keyed": False,
        "help": None,
        "choices": (),
        "fields": (),
    }
    return FormField(name=name, title=Translated(vi, en), **given | properties)


def without_empty(body: dict[str, Any]) -> dict[str, Any]:
    """A body without the fields that were left empty."""
    return {name: value for name, value in body.items() if value not in (None, "", [], {})}
