"""What is taken of a caller's trace and request id, and what is not."""

import pytest

from shared.trace import Origin, request_id_of, traceparent_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01"),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"00-{TRACE}-{SPAN}-03", f"00-{TRACE}-{SPAN}-01"),  # a flag that version 00 does not know
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", f"00-{TRACE}-{SPAN}-01"),
        (f"00-{TRACE}-{SPAN}-01-more", ""),  # version 00 ends here
        (f"ff-{TRACE}-{SPAN}-01", ""),
        (f"00-{'0' * 32}-{SPAN}-01", ""),
        (f"00-{TRACE}-{'0' * 16}-01", ""),
        (f"00-{TRACE.upper()}-{SPAN}-01", ""),
        (f"00-{TRACE}-{SPAN}", ""),
        (f"00-{TRACE}-{SPAN}-01\n", ""),
        (f"cc-{TRACE}-{SPAN}-01-" + "x" * 1000, ""),
        ("", ""),
    ],
)
def test_traceparent__is_taken_as_w3c_writes_it(given: str, taken: str) -> None:
    assert traceparent_of(given) == taken


@pytest.mark.parametrize("given", ["7f3c-1", "A_b.9", "x" * 64])
def test_request_id__of_a_caller_is_kept(given: str) -> None:
    assert request_id_of(given) == given


@pytest.mark.parametrize("given", ["", "x" * 65, "two words", 'quo"te', "dòng", "a\nb"])
def test_request_id__that_cannot_stand_in_a_log_is_replaced(given: str) -> None:
    found = {request_id_of(given), request_id_of(given)}
    assert len(found) == 2 and given not in found


def test_origin__names_its_trace() -> None:
    assert Origin("1", f"00-{TRACE}-{SPAN}-01").trace_id == TRACE
