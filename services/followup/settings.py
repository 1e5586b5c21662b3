"""The settings of followup, from the environment (`FOLLOWUP_...`) or from files, one a setting."""

from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import PublicUrl


class FollowupSettings(BaseSettings):
    """What an operator sets."""

    model_config = SettingsConfigDict(env_prefix="FOLLOWUP_", env_file=None, env_ignore_empty=True, extra="ignore")

    database_url: str = Field(description="PostgreSQL; a list of hosts and target_session_attrs are allowed")
    amqp_url: str = Field(default="", description="RabbitMQ; empty: the feed alone carries the events")
    broker_publisher: str = Field(
        default="", description="the broker's user as whom intake publishes; empty: the user of the URL"
    )
    event_type_prefix: Literal["", "vn.doithoai."] = Field(
        default="", description="what the `type` of an event begins with, in messages and in the feed"
    )
    host: str = "127.0.0.1"
    port: int = Field(default=8571, ge=0, le=65535)
    source: str = Field(
        default="followup",
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="the name of this service's log; letters of ASCII, digits, full stops, _ and -",
    )
    sources: str = Field(
        default="http://127.0.0.1:8570",
        description="the feeds that are followed, comma-separated; behind | a file with the URL of the source's broker",
    )
    source_token_file: str = Field(default="", description="the token with which the feeds are read")
    tokens_file: str = Field(default="", description="JSON, see `doithoai token`")
    tokens: str = Field(default="", description="the same JSON in the environment")
    jwt_issuer: str = Field(default="", description="the provider whose access tokens systems bring; empty: none")
    jwt_audience: str = Field(default="doithoai-api", description="what those tokens name as their audience")
    jwt_jwks: str = Field(default="", description="its keys, a file or an address; empty: as the issuer describes")
    jwt_admin: bool = Field(default=False, description="whether such a token may carry the role admin")
    issuer: str = Field(default="", description="the OpenID provider at which people sign in; empty: tokens alone")
    client_id: str = Field(default="doithoai-console", description="the console's name at the provider")
    client_secret_file: str = Field(default="", description="its secret there; empty: a public client, by PKCE alone")
    sign_in_scope: str = Field(default="openid profile", description="what the console asks the provider for")
    audience: str = Field(
        default="doithoai", description="for whom access tokens are; an address is sent as `resource`"
    )
    public_url: PublicUrl = Field(
        default="http://127.0.0.1:8571",
        description="the console's own address in browsers, with the path under which a proxy shows it",
    )
    session_key_file: str = Field(default="", description="32 random bytes that seal the tokens of sessions")
    rate: int = Field(
        default=1000,
        ge=0,
        le=1_000_000,
        description="requests a second of one caller, ten seconds' worth at once; 0: any",
    )
    webhook_key_file: str = Field(
        default="", description="32 random bytes that seal the secrets of webhooks; empty: nobody can subscribe"
    )
    webhook_allowed: str = Field(
        default="",
        description="networks and hosts inside to which webhooks may lead, over HTTP too: 10.1.0.0/16,portal.example",
    )
    webhook_ca_file: str = Field(
        default="", description="certificates, in PEM, of those who vouch for sinks beside those known to the system"
    )
    migrate: bool = Field(default=True, description="apply pending migrations at start")
    smtp_url: str = Field(default="", description="smtp://user:password@host:port, smtps://; empty: no digests by mail")
    digest_from: str = Field(default="", description="the sender of digests, an address with or without a name")
    digest_to: str = Field(default="", description="the YAML or JSON file that names each body's addresses")
    digest_at: int = Field(default=7, ge=0, le=23, description="the hour of the source's day at which digests are sent")
    digest_template: str = Field(default="", description="an office's own text; empty: the one of the product")

    @field_validator("sources")
    @classmethod
    def _named_once(cls, sources: str) -> str:
        urls = [url for url, _ in listed_sources(sources)]
        if len(set(urls)) < len(urls):
            raise ValueError("an address stands twice")
        return sources

    @property
    def feeds(self) -> tuple[str, ...]:
        """The URLs of the feeds that are followed."""
        return tuple(url for url, _ in listed_sources(self.sources))

    @property
    def broker_files(self) -> dict[str, str]:
        """The file with the URL of its broker, of each feed that has one of its own."""
        return {url: file for url, file in listed_sources(self.sources) if file}


def listed_sources(sources: str) -> list[tuple[str, str]]:
    """The feeds that a list names, each with the file of its broker's URL; empty where it has none of its own."""
    parts = [each.partition("|") for each in sources.split(",") if each.strip()]
    return [(url.strip().rstrip("/"), file.strip()) for url, _, file in parts]
