"""What the settings name, for the service and for a command that works beside it without a server."""

from pathlib import Path
from urllib.parse import urlsplit

from services.intake.adapters.clamd import Clamd
from services.intake.adapters.file_folder import LocalFolder
from services.intake.adapters.ids import OrderedIds
from services.intake.adapters.seals import PetitionSeals
from services.intake.settings import SANDBOX_SOURCE, IntakeSettings
from shared.http.loopback import is_loopback
from shared.http.system_tokens import SystemSettings
from shared.sealing import key_in
from shared.settings import WrongSettings

MIGRATIONS = ("shared.postgres", "services.intake")

#: Draws a new time-ordered id.
new_id = OrderedIds()


def seals_of(settings: IntakeSettings) -> PetitionSeals:
    """The seals under the master key. Raises WrongSettings."""
    if not settings.master_key_file:
        raise WrongSettings("INTAKE_MASTER_KEY_FILE: a file of 32 random bytes; without it nothing can be sealed")
    try:
        return PetitionSeals(key_in(settings.master_key_file), new_id)
    except (OSError, ValueError) as error:
        raise WrongSettings(f"INTAKE_MASTER_KEY_FILE: {error}") from None


def folder_of(settings: IntakeSettings) -> LocalFolder | None:
    """The folder of uploaded files, if there is one. Raises WrongSettings."""
    try:
        return LocalFolder(Path(settings.files)) if settings.files else None
    except OSError as error:
        raise WrongSettings(f"INTAKE_FILES: {settings.files}: {error.strerror}; name a folder to write in") from None


def scanner_of(settings: IntakeSettings) -> Clamd | None:
    """What looks through uploaded files, if anything does. Raises WrongSettings."""
    try:
        return Clamd(settings.scanner) if settings.scanner else None
    except ValueError as error:
        raise WrongSettings(f"INTAKE_SCANNER: {error}") from None


def system_settings(settings: IntakeSettings) -> SystemSettings:
    """What the settings say of the provider of systems. Raises WrongSettings."""
    found = SystemSettings(
        settings.jwt_issuer,
        settings.jwt_audience,
        settings.jwt_jwks,
        settings.jwt_admin,
        people_issuer=settings.issuer,
        people_audience=settings.audience,
    )
    if found.wrong:
        raise WrongSettings(f"INTAKE_{found.wrong}")
    return found


def check_sandbox(settings: IntakeSettings, born: str, *, is_movable: bool) -> None:
    """Hold a sandbox and what is none apart, by the settings and by how the store was begun. Raises WrongSettings."""
    begun_as_one = born == SANDBOX_SOURCE and is_movable
    if begun_as_one and not settings.sandbox:
        raise WrongSettings(
            "INTAKE_DATABASE_URL: this store was begun as a sandbox and never serves as anything else: run it by "
            "`doithoai dev --sandbox`, or name another database"
        )
    if settings.sandbox and born and not begun_as_one:
        raise WrongSettings(
            "INTAKE_SANDBOX: this store was not begun as a sandbox and never becomes one: leave the setting out, or "
            "name an empty database"
        )
    has_marks = settings.source == SANDBOX_SOURCE and settings.movable_from is not None
    if has_marks and not (settings.sandbox or born):
        raise WrongSettings(
            f"INTAKE_SANDBOX: a store called {SANDBOX_SOURCE} (INTAKE_SOURCE) with a clock of its own "
            "(INTAKE_CLOCK_START) would be a sandbox for ever: set this too, or name the store otherwise"
        )
    shown_at = urlsplit(settings.public_url).hostname or settings.host
    if settings.sandbox and not (has_marks and is_loopback(settings.host) and is_loopback(shown_at)):
        raise WrongSettings(
            "INTAKE_SANDBOX: a sandbox listens on loopback and is shown nowhere else (INTAKE_PUBLIC_URL), is called "
            f"{SANDBOX_SOURCE} (INTAKE_SOURCE) and has a clock of its own (INTAKE_CLOCK_START): set these, or leave "
            "the setting out"
        )
