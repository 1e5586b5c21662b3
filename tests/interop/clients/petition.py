"""One petition from its receipt to its end, and what followup says of it, by clients that openapi-python-client wrote.

Run in the generator's environment with the folder of the clients on the path. Reads a JSON with addresses and tokens
from standard input and writes the case and its deadlines.
"""

import datetime
import json
import sys
import time
from uuid import UUID

from followup_client import AuthenticatedClient as FollowupClient
from followup_client.api.case import get_case
from followup_client.api.deadline import list_deadlines
from intake_client import AuthenticatedClient as IntakeClient
from intake_client.api.conference import conferences_closing
from intake_client.api.person import get_me
from intake_client.api.petition import (
    find_petition,
    get_conflict,
    get_petition,
    list_conflicts,
    petitions,
    petitions_assignment,
    petitions_classification,
    petitions_closure,
    petitions_raising,
    petitions_reply,
    petitions_result_report,
    push_petition,
    push_petitions,
    reconciliation,
    refuse_conflict,
)
from intake_client.models import (
    AgencyResultReportedCommand,
    AgencyResultReportedCommandResult,
    ConferenceClosedCommand,
    PetitionAssignedCommand,
    PetitionClassifiedCommand,
    PetitionClosedCommand,
    PetitionRaisedCommand,
    PetitionReceivedCommand,
    PetitionReceivedCommandIdentities,
    PushBatch,
    PushedVersion,
    WrittenReplyIssuedCommand,
)

given = json.load(sys.stdin)
office = IntakeClient(base_url=given["intake"], token=given["office"], raise_on_unexpected_status=True)
system = IntakeClient(base_url=given["intake"], token=given["system"], raise_on_unexpected_status=True)
reader = FollowupClient(base_url=given["followup"], token=given["reader"], raise_on_unexpected_status=True)
conference = UUID(given["conference"])

body = PetitionReceivedCommand(
    jurisdiction="H35.10.31",
    text="Đường vào bản bị sạt lở.",
    identities=PetitionReceivedCommandIdentities.from_dict({"1": {"name": "Lò Văn A"}}),
    external_id="LC-1",
)
received = petitions.sync(client=system, body=body, idempotency_key="k1")
again = petitions.sync_detailed(client=system, body=body)
assert (again.status_code, again.parsed.id) == (200, received.id), again
found = find_petition.sync(client=system, source=given["source"], external_id="LC-1")
assert found.id == received.id


def done(act, client, command, **key):
    answer = act.sync_detailed(target=received.id, client=client, body=command, **key)
    assert answer.status_code == 201, answer.content
    return answer


classified = PetitionClassifiedCommand(subject="Đường vào bản", field="transport")
done(petitions_classification, office, classified, if_match='"1"')
done(petitions_raising, office, PetitionRaisedCommand(conference_id=conference))
closing = conferences_closing.sync_detailed(target=conference, client=office, body=ConferenceClosedCommand())
assert closing.status_code == 201, closing.content
done(petitions_assignment, office, PetitionAssignedCommand(agency="H35.10.4"))
reply = WrittenReplyIssuedCommand(number="1/TL", signatory="Chủ tịch", digest="9f86d081884c7d65" * 4)
done(petitions_reply, office, reply)
reported = AgencyResultReportedCommand(
    agency="H35.10.4", result=AgencyResultReportedCommandResult.RESOLVED, summary="Đã sửa xong"
)
done(petitions_result_report, office, reported)
last = done(petitions_closure, office, PetitionClosedCommand()).parsed


def pushed(version, text):
    """Push a version of one record; what became of it."""
    body = PushedVersion(jurisdiction="H35.10.31", source_version=version, text=text)
    return push_petition.sync(given["source"], "LC-2", client=system, body=body)


results = [pushed(*said).result for said in (("1", "Rác."), ("1", "Rác."), ("2", "Rác ở chợ."))]
assert results == ["created", "unchanged", "changed"], results
batch = PushBatch(items=[PushedVersion(external_id="LC-3", source_version="1", jurisdiction="H35.10.31", text="Rác.")])
assert [each.status for each in push_petitions.sync(client=system, body=batch).items] == [201]
second = find_petition.sync(client=system, source=given["source"], external_id="LC-2")
command = PetitionClassifiedCommand(subject="Rác ở chợ", field="transport")
assert petitions_classification.sync_detailed(target=second.id, client=office, body=command).status_code == 201
conflict = pushed("3", "Rác ở bến xe.")
assert (conflict.result, [each.field for each in conflict.conflicts]) == ("conflict", ["text"])
(waiting,) = list_conflicts.sync(client=office, petition_id=second.id).items
assert waiting.conflict_id == conflict.conflict_id
assert get_conflict.sync(waiting.conflict_id, client=office).fields[0].theirs == "Rác ở bến xe."
assert refuse_conflict.sync(waiting.conflict_id, client=office).state == "refused"
me = get_me.sync(client=system)
assert "PushPetition" in me.operations
day = last.recorded_at.astimezone(datetime.timezone(datetime.timedelta(hours=7))).date()
assert reconciliation.sync(client=system, source=given["source"], day=day).count >= 1

petition = get_petition.sync(target=received.id, client=system)
assert petition.petition.lead == "H35.10.4" and petition.petition.ended == "closed", petition

give_up = time.monotonic() + 60
while True:
    answer = get_case.sync_detailed(subject_id=received.id, client=reader)
    case = answer.parsed
    if answer.status_code == 200 and case.last_position >= last.position:
        break
    assert time.monotonic() < give_up, answer.content
    time.sleep(0.2)
owed = list_deadlines.sync(client=reader, subject_id=received.id)
assert isinstance(case.events[0].recorded_at, datetime.datetime)
print(json.dumps({"state": case.state, "duties": [[d.duty, d.outcome] for d in owed.items]}))
