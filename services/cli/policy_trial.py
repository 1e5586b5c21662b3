"""Tries a policy on history: an intake's events are counted as they were and as if it had been adopted."""

import asyncio
import json
import sys
from datetime import date

import httpx
import msgspec
import typer

from services.cli.intake_client import GIVE_TOKEN, feed_refusal, headers
from services.exit_codes import FAILED, stop_at
from services.followup.adapters.feed_client import FeedClient
from services.followup.application.policy_trial import DeadlineChange, TrialAdoption, policy_impact
from services.followup.application.ports import HistoryDiffers, SourceUnavailable, StaleEpoch
from services.followup.domain.facts import Fact, fact_of
from shared.events import Undecodable, UnknownTopic
from shared.policy import Policy
from shared.sentences import Sentence

PAGE = 5000  # events


def try_on_history(policy: Policy, jurisdiction: str, url: str, token: str, begins: date | None, as_json: bool) -> None:
    """Print which deadlines would differ, and why."""
    facts = asyncio.run(_read(url.rstrip("/"), token))
    trial = TrialAdoption(
        jurisdiction=jurisdiction, policy=msgspec.structs.replace(policy, valid_from=begins or policy.valid_from)
    )
    found = policy_impact(facts, trial)
    if as_json:
        sys.stdout.write(json.dumps({"differences": msgspec.to_builtins(found)}, ensure_ascii=True) + "\n")
        return
    for each in found:
        typer.echo(_told(each))
    typer.echo(
        f"{len(found)} thời hạn trong {len(facts)} sự kiện sẽ khác / "
        f"{len(found)} of the deadlines in {len(facts)} events would differ"
    )


async def _read(url: str, token: str) -> list[Fact]:
    """Every event of an intake, in order."""
    facts: list[Fact] = []
    value = headers(token).get("Authorization", "").removeprefix("Bearer ")
    async with httpx.AsyncClient() as client:
        feed = FeedClient(url, client, lambda: value)
        try:
            while True:
                page = await feed.page(facts[-1].position if facts else 0, limit=PAGE)
                facts += [fact_of(event) for event in page.events]
                if not page.events or facts[-1].position >= page.head:
                    return facts
        except SourceUnavailable as error:
            stop_at(f"--url: {url}", FAILED, feed_refusal(error.status, str(error), bool(value), GIVE_TOKEN))
        except (StaleEpoch, HistoryDiffers) as error:
            said = Sentence(
                f"không đọc được các sự kiện của {url} ({error}); hãy thử lại",
                f"the events of {url} cannot be read ({error}); try again",
            )
            stop_at("--url", FAILED, said)
        except (UnknownTopic, Undecodable) as error:
            said = Sentence(
                f"{url} có sự kiện mà phiên bản này không biết ({error}); hãy nâng cấp rồi thử lại",
                f"{url} has an event that this release does not know ({error}); upgrade it and try again",
            )
            stop_at("--url", FAILED, said)


def _told(each: DeadlineChange) -> str:
    what = f"{each.duty} {each.part}".strip()
    lines = [f"{each.state} {each.subject} {each.subject_id} {what}"]
    for name, side in (("trước / before", each.before), ("sau / after", each.after)):
        if side is None:
            lines.append(f"  {name}: –")
            continue
        outcome = f", {side.outcome}" if side.outcome else ""
        breached = ", quá hạn / breached" if side.breached else ""
        warned = ", ".join(day.isoformat() for day in side.warned_on) or "–"
        due = side.due_on or "không định hạn / undated"
        lines.append(f"  {name}: {due}{outcome}{breached}; {side.why.vi}\n      {side.why.en}")
        if each.before and each.after and each.before.warned_on != each.after.warned_on:
            lines.append(f"      nhắc / warned: {warned}")
    return "\n".join(lines)
