"""The settings of intake, from the environment (`INTAKE_...`) or from files, one a setting."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import PublicUrl

#: A name within a namespace, so that no later field of the product is called the same.
_ATTRIBUTE = r"[a-z0-9]+(?:-[a-z0-9]+)*\.[a-z0-9]+(?:[_-][a-z0-9]+)*"
#: The name of every sandbox's store, which each of its events bears: nobody takes one for a province's.
SANDBOX_SOURCE = "sandbox"


class IntakeSettings(BaseSettings):
    """What an operator sets."""

    model_config = SettingsConfigDict(env_prefix="INTAKE_", env_file=None, env_ignore_empty=True, extra="ignore")

    database_url: str = Field(description="PostgreSQL; a list of hosts and target_session_attrs are allowed")
    amqp_url: str = Field(default="", description="RabbitMQ; empty: events leave by the feed alone")
    event_type_prefix: Literal["", "vn.doithoai."] = Field(
        default="", description="what the `type` of an event begins with, in messages and in the feed"
    )
    host: str = "127.0.0.1"
    port: int = Field(default=8570, ge=0, le=65535)
    source: str = Field(
        default="",
        max_length=64,
        pattern=r"^[A-Za-z0-9._-]*$",
        description="the store's name; another for each store; letters of ASCII, digits, full stops, _ and -",
    )
    public_url: PublicUrl = Field(default="", description="the address under which a proxy shows it, with its path")
    master_key_file: str = Field(default="", description="32 random bytes that wrap every data key")
    tokens_file: str = Field(default="", description="JSON, see `doithoai token`")
    tokens: str = Field(default="", description="the same JSON in the environment")
    issuer: str = Field(default="", description="the OpenID provider at which people sign in; empty: none")
    audience: str = Field(default="doithoai", description="what access tokens of people name as their audience")
    jwt_issuer: str = Field(default="", description="the provider whose access tokens systems bring; empty: none")
    jwt_audience: str = Field(default="doithoai-api", description="what those tokens name as their audience")
    jwt_jwks: str = Field(default="", description="its keys, a file or an address; empty: as the issuer describes")
    jwt_admin: bool = Field(default=False, description="whether such a token may carry the role admin")
    rate: int = Field(
        default=1000,
        ge=0,
        le=1_000_000,
        description="requests a second of one caller, ten seconds' worth at once; 0: any",
    )
    migrate: bool = Field(default=True, description="apply pending migrations at start")
    clock_start: AwareDatetime | None = Field(
        default=None, description="development: the movable clock's first instant, on an empty store only"
    )
    sandbox: bool = Field(
        default=False, description="development: a store that is begun and served as a sandbox, on loopback only"
    )
    files: str = Field(default="", description="the folder of uploaded files; empty: none are taken")
    largest_file: int = Field(default=32, ge=1, le=1024, description="the largest file that is taken, in MiB")
    scanner: str = Field(
        default="", description="a clamd: unix:///run/clamav/clamd.ctl or tcp://host:3310; empty: none"
    )
    attributes: str = Field(
        default="",
        pattern=rf"^({_ATTRIBUTE}( *, *{_ATTRIBUTE})*)?$",
        description="the names of the province's own attributes of petitions, by commas, such as lai-chau.ho-ngheo: "
        "small letters of ASCII and digits around one full stop, with - or _ between",
    )
    seed_calendars: bool = True
    pool_size: int = Field(default=8, ge=2, le=100)

    @property
    def declared_attributes(self) -> frozenset[str]:
        """The names under which petitions may have attributes."""
        return frozenset(self.attributes.replace(" ", "").split(",")) - {""}

    @property
    def movable_from(self) -> datetime | None:
        """The first instant of the movable clock, if there is to be one."""
        return self.clock_start
