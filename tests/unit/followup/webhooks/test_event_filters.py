"""The filters of CloudEvents Subscriptions, case by case."""

import msgspec
import pytest

from services.followup.domain.webhooks.event_filters import EventFilter, passes, size_of

BREACHED = {"type": "DeadlineBreached", "source": "/doithoai/followup", "externalid": "TN-1"}


@pytest.mark.parametrize(
    ("written", "passed"),
    [
        ('[{"exact": {"type": "DeadlineBreached"}}]', True),
        ('[{"exact": {"type": "vn.doithoai.DeadlineBreached"}}]', True),
        ('[{"exact": {"type": "DeadlineMet"}}]', False),
        ('[{"exact": {"type": "DeadlineBreached", "externalid": "TN-2"}}]', False),
        ('[{"prefix": {"type": "Deadline"}}]', True),
        ('[{"prefix": {"type": "vn.doithoai.Deadline"}}]', True),
        ('[{"suffix": {"source": "/followup"}}]', True),
        ('[{"suffix": {"source": "/intake"}}]', False),
        ('[{"exact": {"externalsource": "portal"}}]', False),
        ('[{"not": {"exact": {"externalsource": "portal"}}}]', True),
        ('[{"any": [{"exact": {"type": "DeadlineMet"}}, {"prefix": {"externalid": "TN"}}]}]', True),
        ('[{"all": [{"exact": {"type": "DeadlineMet"}}, {"prefix": {"externalid": "TN"}}]}]', False),
        ('[{"prefix": {"type": "Deadline"}}, {"exact": {"externalid": "TN-2"}}]', False),
        ("[]", True),
    ],
)
def test_event__passes_every_filter(written: str, passed: bool) -> None:
    assert passes(msgspec.json.decode(written, type=list[EventFilter]), BREACHED) is passed


@pytest.mark.parametrize(
    "written",
    ["{}", '{"exact": {}}', '{"any": []}', '{"exact": {"a": "b"}, "not": {"exact": {"a": "b"}}}', '{"sql": "1"}',
     '{"exact": {"A": "b"}}', '{"exact": {"a": 1}}'],
)  # fmt: skip
def test_filter_that_says_nothing_or_two_things__is_refused(written: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(written, type=EventFilter)


def test_size__counts_what_is_within() -> None:
    nested = msgspec.json.decode(
        '[{"not": {"any": [{"exact": {"a": "b"}}, {"exact": {"a": "c"}}]}}]', type=list[EventFilter]
    )
    assert size_of(nested) == (4, 3)
    assert size_of([]) == (0, 1)
