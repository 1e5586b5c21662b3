"""Bad commands and the problem that each is answered with, whatever door it comes through."""

from typing import Any

import msgspec

from services.intake.application.commands import route_of_command
from tests.support.intake import CLOSED, COMMUNE


class Bad(msgspec.Struct, frozen=True):
    """A command and the code of its problem; `on_petition`: it is done to a petition received in 2025."""

    topic: str
    data: Any
    code: str
    on_petition: bool = False
    if_match: int | None = None

    def __str__(self) -> str:
        return f"{self.topic}-{self.code}"

    def path(self, petition: str) -> str:
        """Its address over HTTP."""
        route = route_of_command(
            self.topic, has_target=self.on_petition, aggregate="petition" if self.on_petition else ""
        )
        assert route is not None
        return route.path.replace("{id}", petition)

    def message(self, petition: str) -> dict[str, Any]:
        """Its body as a message."""
        target = {"id": petition, "aggregate": "petition"} if self.on_petition else {}
        version = {"if_match": self.if_match} if self.if_match is not None else {}
        return {"command": self.topic, "data": self.data} | target | version


def received(**fields: Any) -> dict[str, Any]:
    return {"jurisdiction": COMMUNE} | fields


CLASSIFIED = {"subject": "Đường", "field": "land"}
REPLIED = {"number": "1", "signatory": "Chủ tịch", "digest": "a" * 64}
BAD: tuple[Bad, ...] = (
    Bad("PetitionReceived", {"jurisdiction": 35}, "invalid-body"),
    Bad("PetitionReceived", {"jurisdiction": None}, "invalid-body"),
    Bad("PetitionReceived", [], "invalid-body"),
    Bad("PetitionReceived", {}, "invalid-body"),
    Bad("PetitionReceived", received(kind="rumour"), "invalid-body"),
    Bad("PetitionReceived", received(petitioner_ids="one"), "invalid-body"),
    Bad("PetitionReceived", received(colour="red"), "invalid-body"),
    Bad("PetitionReceived", received(receipt_code="MINE"), "invalid-body"),
    Bad("PetitionReceived", received(identities={"a": {"name": "A", "sex": "f"}}), "invalid-body"),
    Bad("PetitionReceived", received(identities={"a": {"name": 1}}), "invalid-body"),
    Bad("PetitionReceived", received(attachments=[{"digest": "x", "size": "12"}]), "invalid-body"),
    Bad("PetitionReceived", received(effective_on="2025-02-30"), "invalid-body"),
    Bad("PetitionReceived", received(effective_on="2025-02-03T10:00:00"), "invalid-body"),
    Bad("PetitionReceived", received(effective_on="2025-02-03T10:00:00+07:00"), "invalid-body"),
    Bad("PetitionReceived", received(effective_on=20250203), "invalid-body"),
    Bad("PetitionReceived", received(external_id="x" * 201), "invalid-body"),
    Bad("PetitionReceived", received(effective_on="2100-12-31"), "future-deed"),
    Bad("PetitionReceived", received(effective_on="2101-01-01"), "future-deed"),
    Bad("PetitionReceived", received(effective_on="1899-12-31"), "invalid-value"),
    Bad("PetitionReceived", received(effective_on="2003-12-31"), "calendar-year-missing"),
    Bad("PetitionReceived", received(petitioner_ids=["x" * 101]), "invalid-value"),
    Bad("PetitionReceived", received(petitioner_ids=["p"] * 1001), "invalid-value"),
    Bad("PetitionReceived", received(text="x" * 200_001), "invalid-value"),
    Bad("PetitionReceived", received(text="x" * 5_000, petitioner_ids=[f"p{n}" for n in range(900)]), "invalid-value"),
    Bad("PetitionReceived", received(petitioner_ids=["a/b"]), "invalid-value"),
    Bad("PetitionReceived", received(attachments=[{"digest": "zzz"}]), "invalid-value"),
    Bad("PetitionReceived", received(attachments=[{"digest": "a" * 64, "size": -5}]), "invalid-value"),
    Bad("PetitionReceived", received(attachments=[{"digest": "a" * 64, "size": 10**25}]), "invalid-body"),
    Bad("DialoguePlanAdopted", {"jurisdiction": "H35.10", "number": "1", "year": 10**18}, "invalid-value"),
    Bad("WrittenReplyIssued", REPLIED | {"digest": "zzz"}, "invalid-value", True),
    Bad("WrittenReplyIssued", REPLIED | {"answers": ["a stranger"]}, "invalid-value", True),
    Bad("PetitionReceived", received(text="a\0b"), "nul-character"),
    Bad("PetitionReceived", received(jurisdiction="H35.10.99"), "unknown-jurisdiction"),
    Bad("PetitionReceived", received(jurisdiction="H35.10.không"), "invalid-code"),
    Bad("PetitionClassified", {"subject": " ", "field": "land"}, "invalid-value", True),
    Bad("PetitionForwarded", {"agency": "H35.77"}, "unknown-agency", True),
    Bad("PetitionForwarded", {"agency": CLOSED}, "agency-closed-then", True),
    Bad("PetitionClassified", CLASSIFIED, "stale-version", True, if_match=7),
    Bad("PetitionReopened", {}, "never-ended", True),
    Bad(
        "PolicyAdopted",
        {
            "jurisdiction": "H35.10",
            "policy": {
                "policy_id": "p",
                "document": {"number": "1", "issued_on": "2025-01-01", "page": 2},
                "valid_from": "2025-01-01",
            },
        },
        "invalid-body",
    ),
)
