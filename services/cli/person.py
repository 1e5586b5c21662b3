"""`doithoai person`: grant, end and annul posts, erase names, list people, and grant many posts from a file."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, get_args

import typer

from services.cli.intake_client import DEFAULT_URL, headers, post
from services.cli.person_check import people, refused_row
from services.cli.person_files import InvalidRow, PersonRow, read_people
from services.cli.rule_files import day
from services.exit_codes import FAILED, WRONG_USE, given_code, stop_at
from services.intake.domain.people import person_id
from shared.events.person import PostRole
from shared.identifiers import NATION, normalised
from shared.sentences import Sentence

app = typer.Typer(name="person", no_args_is_help=True)

Url = Annotated[str, typer.Option(help="Hệ thống tiếp nhận / The intake.")]
Token = Annotated[
    str, typer.Option(help="Mã truy cập; bỏ trống thì lấy DOITHOAI_TOKEN / The caller's token; else DOITHOAI_TOKEN.")
]
Subject = Annotated[
    str,
    typer.Argument(
        metavar="SUBJECT",
        help="Mã người dùng cố định (`sub`) ở hệ thống đăng nhập / The person's stable `sub` at the sign-in provider.",
    ),
]
Post = Annotated[str, typer.Argument(metavar="POST", help="Mã vị trí công tác / The id of the post.")]
Reason = Annotated[str, typer.Option(help="Lý do, được lưu niêm phong / Why; it is kept sealed.")]
Number = Annotated[str, typer.Option(help="Số quyết định / The number of the decision.")]


@app.callback()
def main() -> None:
    """Người dùng: giao, chấm dứt, hủy vị trí công tác, xóa họ tên, liệt kê, giao hàng loạt từ tệp.

    People: grant, end and annul posts, erase names, list them, grant many posts from a file.
    """


@app.command()
def grant(
    subject: Subject,
    name: Annotated[str, typer.Option(help="Họ tên, được lưu niêm phong / The name, which is kept sealed.")],
    position: Annotated[str, typer.Option(help="Chức vụ / The position.")],
    role: Annotated[list[str], typer.Option(help=", ".join(get_args(PostRole)))],
    since: Annotated[str, typer.Option("--from", help="Từ ngày / The first day, YYYY-MM-DD.")],
    place: Annotated[str, typer.Option(help="Địa bàn / The jurisdiction.")] = NATION,
    agency: Annotated[str, typer.Option(help="Cơ quan / The agency, for the role agency.")] = "",
    until: Annotated[str, typer.Option("--to", help="Đến hết ngày / The last day, YYYY-MM-DD.")] = "",
    number: Number = "",
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Giao một vị trí công tác; in mã của vị trí đó.

    Grant a post; its id is printed.
    """
    known = get_args(PostRole)
    if unknown := [each for each in role if each not in known]:
        said = Sentence(
            f"không có quyền {unknown[0]!r}; hãy chọn trong: {', '.join(known)}",
            f"{unknown[0]!r} is no role; choose of {', '.join(known)}",
        )
        stop_at("--role", WRONG_USE, said)
    row = PersonRow(
        subject=subject,
        name=name,
        position=position,
        roles=tuple(role),
        jurisdiction=given_code("--place", place),
        agency=given_code("--agency", agency) if agency else "",
        valid_from=day("--from", since),
        valid_until=day("--to", until) if until else None,
        number=number,
    )
    # Without a key: one that was annulled or ended can be granted again as it was, one that stands is refused.
    done = post(url, "/v1/people", row.body, token)
    typer.echo(_post_at(url, token, row, str(done["id"])))


@app.command()
def end(
    post_id: Post,
    reason: Reason = "",
    number: Number = "",
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Chấm dứt một vị trí công tác từ hôm nay.

    End a post as of today.
    """
    body = {name: value for name, value in (("reason", reason), ("number", number)) if value}
    post(url, f"/v1/posts/{post_id}/ending", body, token)
    typer.echo(Sentence("đã chấm dứt", "ended").both)


@app.command()
def annul(post_id: Post, reason: Reason = "", url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Hủy một vị trí công tác ghi nhận nhầm, coi như chưa từng giao.

    Annul a post that was recorded wrongly: nobody ever held it.
    """
    post(url, f"/v1/posts/{post_id}/annulment", {"reason": reason} if reason else {}, token)
    typer.echo(Sentence("đã hủy", "annulled").both)


@app.command()
def erase(subject: Subject, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Xóa họ tên của một người, vĩnh viễn; vị trí và việc đã làm vẫn được lưu.

    Erase a person's name, for good; the posts and what was done in them stay recorded.
    """
    post(url, f"/v1/people/{person_id(normalised(subject))}/erasure", {}, token)
    typer.echo(Sentence("đã xóa họ tên", "the name is erased").both)


@app.command(name="list")
def list_(url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Liệt kê người dùng và vị trí công tác trong phạm vi của bạn.

    List the people and the posts within your subtree.
    """
    for person in people(url, token):
        for each in person["posts"]:
            until = each.get("ended_on") or each.get("valid_until") or ""
            where = each.get("agency") or each["jurisdiction"]
            days = f"{each['valid_from']} – {until}".strip()
            mark = " " if each["stands"] else "×"
            roles = ",".join(each["roles"])
            typer.echo(f"{mark} {each['id']}  {where}  {roles}  {days}  {person['name']}, {each['position']}")


@app.command(name="import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Bảng .xlsx hoặc .csv, mỗi dòng một vị trí / A sheet, a post a row."),
    ],
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Chỉ kiểm tra, không ghi nhận gì; có mã truy cập thì so cả với dữ liệu đã có / Look at the file, "
            "with a token at what is on record too; record nothing.",
        ),
    ] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Giao các vị trí công tác trong một bảng; gửi lại tệp cũ không ghi nhận thêm gì.

    Grant the posts of a sheet; the same file sent again records nothing more.
    """
    try:
        rows = read_people(file)
    except InvalidRow as invalid:
        stop_at(f"{file}:{invalid.line}" if invalid.line else str(file), FAILED, invalid.said)
    if check and headers(token):
        if (found := refused_row(url, token, rows)) is not None:
            row, refused = found
            detail = refused.text.detail
            stop_at(f"{file}:{row.line}", FAILED, Sentence(detail.vi, detail.en))
    elif check:
        said = Sentence(
            "chỉ xem tệp; nêu --token để so cả với địa bàn, cơ quan và vị trí đã có",
            "the file alone was looked at; give --token to hold it against the places, agencies and posts on record",
        )
        typer.echo(said.both, err=True)
    if not check:
        for row in rows:
            try:
                post(url, "/v1/people", row.body, token, _key(row))
            except typer.Exit:
                said = Sentence(
                    "bị từ chối; các dòng trên đã được ghi nhận. Hãy sửa dòng này rồi gửi lại cả tệp: dòng nào đã ghi "
                    "nhận mà không sửa thì được nhận ra và bỏ qua",
                    "refused; the rows above are recorded. Mend this row and send the whole file again: rows that are "
                    "recorded and unchanged are known and skipped",
                )
                stop_at(f"{file}:{row.line}", FAILED, said)
    done = Sentence("đã kiểm tra", "looked at") if check else Sentence("đã giao", "granted")
    typer.echo(Sentence(f"{done.vi} {len(rows)} vị trí", f"{done.en}: {len(rows)} posts").both)


def _post_at(url: str, token: str, row: PersonRow, person: str) -> str:
    """The id of the post that was just granted, among those that the person has."""
    for each in people(url, token):
        if each["id"] == person:
            said = (row.position, sorted(row.roles), row.jurisdiction, row.valid_from.isoformat())
            same = [p for p in each["posts"] if (p["position"], p["roles"], p["jurisdiction"], p["valid_from"]) == said]
            return str(same[-1]["id"]) if same else ""
    return ""


def _key(row: PersonRow) -> str:
    """The same for the same row, so that a retry grants nothing twice."""
    content = json.dumps(row.body, sort_keys=True, ensure_ascii=False)
    return f"person-{hashlib.sha256(content.encode()).hexdigest()}"
