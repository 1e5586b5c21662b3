"""The two databases of the pair: the setting that names each, and the packages whose migrations make it."""

from services.followup.configured import MIGRATIONS as FOLLOWUP
from services.intake.configured import MIGRATIONS as INTAKE
from shared.settings import value_of

URLS = {"intake": "INTAKE_DATABASE_URL", "followup": "FOLLOWUP_DATABASE_URL"}
PACKAGES = {"intake": INTAKE, "followup": FOLLOWUP}


def urls_given() -> dict[str, str]:
    """The URLs of those that are set, by their names. Raises WrongSettings."""
    return {name: url for name, variable in URLS.items() if (url := value_of(variable))}
