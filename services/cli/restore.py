"""`doithoai restore`: the newest backup, or a named one, made into folders that servers start on, and checked."""

import asyncio
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import asyncpg
import msgspec
import typer

from services.backups import programs, restoring
from services.backups.catalog import chosen
from services.backups.errors import BackupFailed, WrongTarget
from services.backups.restoring import Restored
from services.exit_codes import FAILED, WRONG_USE, stop, stop_at, unwritable
from shared.sentences import Sentence
from shared.settings import WrongSettings, value_of


def restore(
    from_: Annotated[
        Path,
        typer.Option(
            "--from", metavar="FOLDER", help="Nơi cất, hoặc một bản. / Where the backups are, or one of them."
        ),
    ],
    to: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="Thư mục của người chạy PostgreSQL. / A folder of PostgreSQL's user."),
    ],
    only: Annotated[
        str, typer.Option(metavar="intake|followup", help="Chỉ một máy chủ dữ liệu. / One server alone.")
    ] = "",
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Dời dữ liệu cũ ở đó sang bên cạnh. / Move what it holds aside, deleting nothing."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In JSON. / Print JSON instead of text.")] = False,
) -> None:
    """Khôi phục từ bản sao lưu và kiểm tra. / Restore a backup, verify it, erase again what was erased since.

    INTAKE_MASTER_KEY_FILE names the master key. Where intake alone was lost, FOLLOWUP_DATABASE_URL names the followup
    that is asked for later erasures.
    """

    def say(text: str) -> None:
        if not as_json:
            typer.echo(text, err=True)

    from_, to = from_.absolute(), to.absolute()  # PostgreSQL's programs run in a folder of their own
    try:
        catalog, backup = chosen(from_)
        if only and only not in backup.manifest.databases:
            held = ", ".join(backup.manifest.databases)
            raise WrongTarget(f"--only: {only}", f"bản sao lưu có: {held}", f"the backup holds: {held}")
        to.mkdir(parents=True, exist_ok=True)
        programs.as_owner_of(to)
        if replace:
            for moved in restoring.move_aside(to, datetime.now(UTC)):
                say(str(moved))
        followup_url = value_of("FOLLOWUP_DATABASE_URL") if only == "intake" else ""
        found = asyncio.run(restoring.restore(catalog, backup, to, only, followup_url, say))
        _give_files(to)
    except WrongSettings as error:
        stop(WRONG_USE, str(error))
    except WrongTarget as error:
        stop_at(error.place, WRONG_USE, error.said)
    except BackupFailed as error:
        stop_at(error.place, FAILED, error.said)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        stop(FAILED, f"{to}: {type(error).__name__}: {error}")
    except OSError as error:
        stop_at(str(error.filename or to), FAILED, unwritable(error))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        _print(found, to)
    if not found.is_whole:
        raise typer.Exit(FAILED)


def _give_files(to: Path) -> None:
    """As root, files go to whoever the folder of files belongs to today."""
    live = value_of("INTAKE_FILES")
    if os.geteuid() != 0 or not live or not Path(live).is_dir() or not (to / "files").is_dir():
        return
    owner = Path(live).stat()
    for path in (to / "files", *(to / "files").rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)


def _print(found: Restored, to: Path) -> None:
    lines = [
        Sentence(
            f"bản {found.backup}, trong {sum(found.seconds.values()):.0f} giây",
            f"the backup {found.backup}, in {sum(found.seconds.values()):.0f} seconds",
        )
    ]
    for name, store in found.stores.items():
        at = f"{store.recorded_at:%Y-%m-%d %H:%M:%S} UTC" if store.recorded_at else "–"
        lines.append(
            Sentence(
                f"{name}: đến sự kiện {store.position} ghi lúc {at}; {store.log_segments} đoạn nhật ký sau bản sao lưu",
                f"{name}: up to event {store.position} of {at}; {store.log_segments} segments of log after the backup",
            )
        )
        if not store.log_is_whole:
            lines.append(
                Sentence(
                    f"{name}: nhật ký không đọc được đến cuối: thiếu hoặc hỏng một đoạn; những gì ghi sau đó đã mất",
                    f"{name}: the log was not replayed to its end: a segment is missing or damaged, and what came "
                    "after it is lost",
                )
            )
    if found.erased is not None:
        e = found.erased
        lines += [
            Sentence(
                f"{found.keys_opened} khóa và {found.events_opened} sự kiện niêm phong mới nhất mở được",
                f"{found.keys_opened} keys and the {found.events_opened} newest sealed events open",
            ),
            *_unopened(found),
            Sentence(
                f"{e.known} lần xóa dữ liệu cá nhân: {e.stands} còn hiệu lực, {e.again} xóa lại, {e.nothing_there} "
                "không còn gì để xóa",
                f"{e.known} erasures: {e.stands} stand, {e.again} done again, {e.nothing_there} with nothing to erase",
            ),
            Sentence(
                f"{found.files} tệp; thiếu {len(found.files_missing)}, hỏng {len(found.files_damaged)}",
                f"{found.files} files; {len(found.files_missing)} missing, {len(found.files_damaged)} damaged",
            ),
        ]
    if found.lists_unknown:
        places = ", ".join(found.lists_unknown)
        lines.append(
            Sentence(
                f"không biết hết những ai đã được xóa dữ liệu; dữ liệu của họ có thể đã trở lại: {places}; hãy lấy lại "
                "các tệp này từ bản cất khác rồi khôi phục lại, hoặc dời đi nếu chắc chắn không cần",
                f"not everybody who was erased is known, and their data may be back: {places}; get these files again "
                "from another copy and restore once more, or move them away where they are surely not needed",
            )
        )
    for line in (*lines, *_steps(found, to)):
        typer.echo(line.both)
    for name in (*found.files_missing, *found.files_damaged):
        typer.echo(f"  {name}")


def _unopened(found: Restored) -> list[Sentence]:
    """What is restored like everything else, and opens to nobody with this key."""
    if not (found.keys_unopened or found.events_unopened):
        return []
    places = ", ".join(map(str, found.unopened_at)) + (", …" if found.events_unopened > len(found.unopened_at) else "")
    return [
        Sentence(
            f"{found.keys_unopened} khóa không mở được bằng khóa chính này: nội dung của {found.events_unopened} "
            f"sự kiện ({places}) được niêm phong bằng khóa khác hoặc đã bị sửa; mọi thứ khác vẫn được khôi phục "
            "(docs/runbooks/DoithoaiSealsUnopened.md)",
            f"{found.keys_unopened} keys do not open under this master key: the content of {found.events_unopened} "
            f"events ({places}) is sealed under another key or was altered; all else is restored "
            "(docs/runbooks/DoithoaiSealsUnopened.md)",
        )
    ]


def _steps(found: Restored, to: Path) -> list[Sentence]:
    """What a person does next."""
    held = ", ".join(str(to / name) for name in found.stores if (to / name).is_dir())
    steps = [
        Sentence(
            f"tiếp theo: cho PostgreSQL chạy trên {held}, đặt INTAKE_FILES, chạy intake rồi followup, rồi "
            "doithoai doctor",
            f"next: start PostgreSQL on {held}, set INTAKE_FILES, start intake, then followup, then doithoai doctor",
        )
    ]
    for source in found.followup_ahead or (["..."] if len(found.stores) == 1 and "intake" in found.stores else []):
        when = Sentence("followup đã đọc nhiều hơn", "followup has read more")
        if source == "...":
            source = found.stores["intake"].source
            when = Sentence("nếu followup dừng nguồn này", "where followup stops this source")
        commands = (
            f"doithoai followup rebuild --confirm-restored {source}; "
            f"doithoai reconcile --source {source} --reason source_restored"
        )
        steps.append(Sentence(f"{when.vi}: {commands}", f"{when.en}: {commands}"))
    return steps
