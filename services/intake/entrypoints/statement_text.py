"""The statement of a day: what both sides sign, as JSON and as a page to print."""

from datetime import date
from typing import Literal

import msgspec

from services.intake.application.reconciliation import ComparedAt
from shared.cases.public_state import STATE_NAMES, PublicState
from shared.sentences import Sentence

_DOTS = "." * 32


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A day in short, for both sides to sign and keep: a later version that brings nothing new changes its digest."""

    format: Literal["doithoai-reconciliation-1"]
    source: str
    day: date
    final: bool
    at: ComparedAt
    count: int
    digest: str
    states: dict[str, int]
    #: Of the service; there is none until it has a key to sign with.
    signature: str | None = None


def statement_text(said: Statement) -> str:
    """The page: what is compared, to which place in the log it speaks, and where both sides sign."""
    final = Sentence("đã chốt: không còn kiến nghị nào vào ngày này", "final: no petition joins this day any more")
    open_ = Sentence("CHƯA CHỐT: ngày chưa qua, hoặc chưa đọc hết", "NOT FINAL: the day is not over for the log")
    states = [f"  {said.states[state]:>8}  {state:<12} {STATE_NAMES[state].both}" for state in _told(said)]
    lines = [
        "BIÊN BẢN ĐỐI CHIẾU KIẾN NGHỊ TRONG NGÀY",
        "STATEMENT OF THE PETITIONS OF A DAY",
        "",
        f"Nguồn / source:              {said.source}",
        f"Ngày / day:                  {said.day:%d/%m/%Y} ({said.day.isoformat()}, Asia/Ho_Chi_Minh)",
        f"Tình trạng / status:         {(final if said.final else open_).both}",
        f"Số kiến nghị / petitions:    {said.count}",
        *states,
        f"SHA-256:                     {said.digest}",
        f"Kho / store:                 {said.at.source}",
        f"Lịch sử / epoch:             {said.at.epoch}",
        f"Vị trí / position:           {said.at.position}",
        f"Sự kiện / event:             {said.at.event_id or '-'}",
        f"Định dạng / format:          {said.format}",
        f"Chữ ký số / signature:       {said.signature or '(chưa có / none yet)'}",
        "",
        f"{'Bên gửi / the source':<40}Bên tiếp nhận / the service",
        "",
        "",
        f"{_DOTS:<40}{_DOTS}",
        f"{'Họ tên, chức vụ, ngày':<40}Họ tên, chức vụ, ngày",
        f"{'name, office, day':<40}name, office, day",
    ]
    return "\n".join(lines) + "\n"


def _told(said: Statement) -> list[PublicState]:
    return [state for state in PublicState if state in said.states]
