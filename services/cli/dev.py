"""`doithoai dev`: a whole pair on this machine, with the story of plan 570 played on it."""

import contextlib
import signal
from pathlib import Path
from typing import Annotated

import httpx
import typer

from services.dev.pair import (
    FOLLOWUP_PORT,
    INTAKE_PORT,
    SANDBOX_PORT,
    DevFailed,
    DevOptions,
    Interruption,
    _say,
    run_pair,
)
from services.dev.postgres import EmbeddedUnavailable
from services.dev.rabbitmq import BrokerUnavailable
from services.exit_codes import FAILED, WRONG_USE, stop, stop_at
from services.sandbox.acts import RefusedByPair
from services.story.client import StoryRefused
from shared.sentences import Sentence

DATA, SANDBOX_DATA = Path(".data/dev"), Path(".data/sandbox")
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def dev(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option(help=f"the folder that holds everything; default {DATA}, or {SANDBOX_DATA}")
    ] = None,
    intake_port: Annotated[int | None, typer.Option(min=1, max=65535, help=f"default {INTAKE_PORT}")] = None,
    followup_port: Annotated[int | None, typer.Option(min=1, max=65535, help=f"default {FOLLOWUP_PORT}")] = None,
    story: Annotated[bool, typer.Option("--story/--no-story", help="play plan 570/KH-UBND")] = True,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="seeded, with tokens and days that an integrator moves")
    ] = False,
    sandbox_port: Annotated[int | None, typer.Option(min=1, max=65535, help=f"default {SANDBOX_PORT}")] = None,
    broker: Annotated[str, typer.Option(metavar="auto|none|URL", envvar="BROKER", help="RabbitMQ")] = "auto",
) -> None:
    """Start a whole pair on this machine and keep it running. A second run continues with the same data."""
    data = data or (SANDBOX_DATA if sandbox else DATA)
    if broker not in ("auto", "none") and not broker.startswith(("amqp://", "amqps://")):
        said = Sentence(
            f"{broker!r} không phải auto, none hay địa chỉ amqp://; hãy nêu một trong ba",
            f"{broker!r} is neither auto nor none nor an amqp:// URL; give one of them",
        )
        stop_at("--broker", WRONG_USE, said)
    ports = [intake_port or INTAKE_PORT, followup_port or FOLLOWUP_PORT]
    ports += [sandbox_port or SANDBOX_PORT] if sandbox else []
    if len(set(ports)) < len(ports):
        said = Sentence("hãy nêu các cổng khác nhau", "give different ports")
        stop_at("--intake-port, --followup-port, --sandbox-port", WRONG_USE, said)
    if sandbox and broker != "none" and _is_of_environment(context, "broker"):
        broker = "auto"  # `sandbox.env` has a URL under this name: that of a portal, of this sandbox or another
    _make_folder(data)
    interruption = Interruption()
    for stopping in STOPPING:
        signal.signal(stopping, interruption.ask)
    # An interruption while things are being stopped must not leave half of them running.
    stack = contextlib.ExitStack()
    failure = ""
    try:
        options = DevOptions(
            data.resolve(), intake_port, followup_port, sandbox_port, story and not sandbox, sandbox, broker
        )
        run_pair(stack, interruption, options)
    except KeyboardInterrupt:
        _say("Stopping ...")
    except (DevFailed, EmbeddedUnavailable, BrokerUnavailable) as error:
        failure = str(error)
    except StoryRefused as error:
        failure = f"the story was refused: {error}"
    except RefusedByPair as error:
        failure = f"the seed was refused: {error}"
    except OSError as error:
        failure = f"{error.filename or data}: {error.strerror or error}"
    except httpx.HTTPError as error:
        failure = f"the pair does not answer ({type(error).__name__}); see the logs in {data / 'logs'}"
    finally:
        for ignored in STOPPING:
            signal.signal(ignored, signal.SIG_IGN)
        stack.close()
    if failure:
        stop(FAILED, failure)


def _is_of_environment(context: typer.Context, option: str) -> bool:
    source = context.get_parameter_source(option)
    return source is not None and source.name == "ENVIRONMENT"


def _make_folder(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        said = Sentence("không phải là thư mục; hãy nêu một thư mục", "is no folder; name one")
    except OSError as error:
        why = error.strerror
        said = Sentence(f"không tạo được ({why}); hãy nêu thư mục khác", f"cannot be made ({why}); name another folder")
    else:
        return
    stop_at(f"--data: {data}", WRONG_USE, said)
