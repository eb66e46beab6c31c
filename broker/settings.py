"""All settings of an installation, from `HANDOFF_…` variables and `.env`; a bad one is named, its value never shown.

Nothing needs to be set on one machine: where no address is given, the embedded Kafka and PostgreSQL of `home` are used.
"""

import ssl
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from broker import setting_shapes as shapes
from broker.entry.accounts import OpenIdSettings
from broker.errors import SettingsInvalid
from broker.limits import keys_retention_hours_max
from broker.schemas.ids import OrgId, OrgIdText
from broker.schemas.vocabulary import MsgStatus


class KafkaSecurity(StrEnum):
    """How the connection to Kafka is protected. Kafka's own names, in lower case."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_SSL = "sasl_ssl"


class SaslMechanism(StrEnum):
    """How an account proves itself to Kafka. Kafka's own names."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class LogLevel(StrEnum):
    """What the processes write to their logs. Event content is never in them, at no level."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def _postgres_dsn(secret: SecretStr) -> SecretStr:
    parts = urlsplit(secret.get_secret_value())
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise ValueError("must look like postgresql://user:password@host/database or …/database?host=/socket/folder")
    return secret


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


Dsn = Annotated[SecretStr, AfterValidator(_postgres_dsn)]
Folder = Annotated[Path, AfterValidator(_absolute)]
File = Annotated[Path, AfterValidator(_absolute)]


def _default_cache() -> Path:
    from platformdirs import user_cache_path  # a fifth of the start-up time of `handoff --help`

    return user_cache_path("warm-handoff")


_OIDC_PARTS = ("issuer", "client_id", "client_secret_file", "roles")


class Settings(BaseSettings):
    """One installation's settings; immutable. Secrets are `SecretStr`: their repr shows nothing."""

    model_config = SettingsConfigDict(
        env_prefix="HANDOFF_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    home: Folder = Field(default=Path(".handoff"), validate_default=True)
    """The data folder of the embedded parts and the zones' key files."""

    cache_dir: Folder = Field(default_factory=_default_cache)
    """Where Kafka's jars are kept, shared between all copies of this user."""

    maven_repository: str | None = Field(default=None, pattern=r"^https?://\S+[^/]$")
    """Where Kafka's jars are fetched from: Maven Central, or this mirror of it. The lock decides what is accepted."""

    zones_dir: Folder | None = None
    """The folder with the zones of the organisations on this machine and their keys; `<home>/zones` by default."""

    environment: MsgStatus = MsgStatus.ACTUAL
    """`actual` or `exercise`: an installation serves one of the two, and refuses events of the other."""

    time_zone: shapes.ZoneName = "UTC"
    """In which zone people are shown moments and write them, by its IANA name; what is kept for good stays in UTC."""

    topic_prefix: str = Field(default="", pattern=r"^([a-z0-9-]{1,40}\.)?$")
    """Put before every topic name, so that several networks can share a Kafka cluster; ends in a dot."""

    topic_partitions: int = Field(default=4, ge=1, le=64)
    """How many broker processes can share one agency's traffic: the partitions of a topic that is made when an
    organisation is onboarded. Kafka can add more to it later."""

    topic_replicas: int = Field(default=1, ge=1, le=7)
    """On how many of Kafka's servers each partition of such a topic is kept: 3 where there are three of them."""

    keys_retention_hours: int = Field(default=keys_retention_hours_max, ge=1, le=keys_retention_hours_max)
    """How long Kafka keeps wrapped keys on `keys.<org>`, set when a provider is onboarded; whoever is away for longer
    has to have them wrapped anew."""

    broker_org: OrgIdText = OrgId("org-broker")
    """The organisation that operates the broker: the source of everything it publishes."""

    log_level: LogLevel = LogLevel.INFO

    kafka_bootstrap: str | None = Field(default=None, pattern=r"^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5})*$")
    """`host:port[,host:port…]` of a Kafka cluster; the embedded one where it is not set."""

    kafka_java_options: str = ""
    """Further options for the Java of the embedded Kafka, set apart by spaces: `-Xmx1g` gives it more memory."""

    kafka_security: KafkaSecurity = KafkaSecurity.PLAINTEXT
    kafka_ca_file: File | None = None
    """The certificates that the cluster's own is checked against; the system's where it is not set."""

    kafka_cert_file: File | None = None
    kafka_key_file: File | None = None
    """Our certificate and its key, for a cluster that asks clients for one (mutual TLS)."""

    kafka_key_password: SecretStr | None = None
    kafka_sasl_mechanism: SaslMechanism = SaslMechanism.SCRAM_SHA_512
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None

    postgres_dsn: Dsn | None = None
    """The broker's database as its everyday role, which owns no table; the embedded one where it is not set."""

    postgres_owner_dsn: Dsn | None = None
    """The same database as the role that owns the tables: used by migrations only."""

    postgres_sequencer_dsn: Dsn | None = None
    """The same database as the role that writes the log of the trail: used by the sequencer only."""

    log_dir: Folder | None = None
    """Where the log is published for auditors, as static files; `<home>/log` by default."""

    log_origin: str | None = Field(default=None, pattern=r"^[^\s+]{1,200}$")
    """The log's name in its checkpoints, a URL without its scheme; `<broker_org>/<environment>` by default."""

    broker_url: str | None = Field(default=None, pattern=r"^https://\S+[^/]$|^http://(localhost|127\.0\.0\.1):\d{1,5}$")
    """Where an agency's client finds the broker's door: there it asks for the log's checkpoints, and keeps them."""

    provider_postgres_dsn: Dsn | None = None
    """The provider zone's database as its everyday role."""

    provider_postgres_owner_dsn: Dsn | None = None
    """The provider zone's database as the role that owns its tables: used by migrations only."""

    outgoing_ca_file: File | None = None
    """Certificates that providers' servers are checked against besides the system's: for agencies with their own."""

    outgoing_loopback: str | None = Field(
        default=None, pattern=r"^(localhost|127\.0\.0\.1):\d{1,5}(,(localhost|127\.0\.0\.1):\d{1,5})*$"
    )
    """`localhost:port[,…]`: endpoints of this very machine that channels may lead to, by http too. None by default, and
    no channel can add to them: whatever listens there can be called by whoever may save a channel."""

    outgoing_internal: str | None = Field(
        default=None, pattern=r"^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*:\d{1,5}(,[a-z][a-z0-9-]*(\.[a-z0-9-]+)*:\d{1,5})*$"
    )
    """`fhir.hospital.internal:8443[,…]`: endpoints of the organisation's own network that channels may lead to, by
    https, though their addresses are private. None by default, and no channel can add to them."""

    door_address: str | None = Field(default=None, pattern=shapes.LISTENS_AT)
    """`host:port` at which `handoff serve adapter` lets providers' own systems fetch offers and answer them, behind a
    TLS proxy. Nothing listens where it is not set."""

    web_address: str | None = Field(default=None, pattern=shapes.LISTENS_AT)
    """`host:port` at which `handoff serve web` takes events from agencies that have no Kafka of their own, behind a TLS
    proxy. Nothing listens where it is not set."""

    inbox_address: str | None = Field(default=None, pattern=shapes.LISTENS_AT)
    """`host:port` at which `handoff serve adapter` shows the pages of the inbox, behind a TLS proxy. Nothing listens
    where it is not set."""

    inbox_url: str | None = Field(default=None, pattern=shapes.PAGES_URL)
    """How people reach the pages: `https://inbox.haven.example`, or `http://127.0.0.1:port` on this very machine. By
    default the latter, at the port of `inbox_address`."""

    inbox_exit_url: str = Field(default="https://www.weather.gov/", pattern=r"^https?://[^\s\"<>]{1,200}$")
    """The neutral page that quick exit shows, on every page of ours: one that many people look at, and that says
    nothing of them."""

    inbox_sign_in_links: bool = False
    """Whether a one-time link may sign somebody in at the pages of the actual network. In an exercise it may anyway;
    where real people's data are seen, passkeys and the organisation's own sign-in are the ways in."""

    inbox_oidc_issuer: str | None = Field(default=None, pattern=shapes.OIDC_ISSUER)
    """The organisation's own sign-in by OpenID Connect: its issuer, as its discovery document has it. With it belong
    the next three."""

    inbox_oidc_client_id: str | None = Field(default=None, min_length=1, max_length=200)
    """As whom the pages are registered there; the way back is `<inbox_url>/organisation/back`."""

    inbox_oidc_client_secret_file: File | None = None
    """The file with the secret that the pages show there, readable by its owner alone."""

    inbox_oidc_roles: str | None = Field(default=None, pattern=shapes.oidc_roles(shapes.STAFF_ROLES))
    """`claim=ROLE[,claim=ROLE…]`: which value of the claim gives which role; the first that somebody has holds."""

    inbox_oidc_role_claim: str = Field(default="groups", pattern=shapes.OIDC_CLAIM)
    """Where the ID token says it: `groups`, or `realm_access.roles`."""

    inbox_oidc_org: OrgIdText | None = None
    """Whose sign-in it is; not needed where the installation serves one organisation."""

    desk_address: str | None = Field(default=None, pattern=shapes.LISTENS_AT)
    """`host:port` at which `handoff serve web` shows the desk: the pages of the network's own people, behind a TLS
    proxy that lets nobody else reach them. Nothing listens where it is not set."""

    desk_url: str | None = Field(default=None, pattern=shapes.PAGES_URL)
    """How they reach it: `https://desk.network.example`, or `http://127.0.0.1:port` on this very machine. By default
    the latter, at the port of `desk_address`."""

    desk_sign_in_links: bool = False
    """As `inbox_sign_in_links`, for the desk."""

    desk_oidc_issuer: str | None = Field(default=None, pattern=shapes.OIDC_ISSUER)
    desk_oidc_client_id: str | None = Field(default=None, min_length=1, max_length=200)
    desk_oidc_client_secret_file: File | None = None
    desk_oidc_roles: str | None = Field(default=None, pattern=shapes.oidc_roles(shapes.DESK_ROLES))
    desk_oidc_role_claim: str = Field(default="groups", pattern=shapes.OIDC_CLAIM)
    """The operator's own sign-in, as those of `inbox_oidc`; the way back is `<desk_url>/organisation/back`."""

    public_operator: str | None = Field(default=None, pattern=shapes.SENTENCE)
    """Who operates the network, as the public page names it; `broker_org` by default."""

    public_complaints: str | None = Field(default=None, pattern=shapes.SENTENCE)
    public_withdrawal: str | None = Field(default=None, pattern=shapes.SENTENCE)
    """How people complain to the operator, and how they take a permission back: a telephone number, hours, an address,
    as the public page says it."""

    @field_validator("environment")
    @classmethod
    def _one_of_two(cls, value: MsgStatus) -> MsgStatus:
        if value not in (MsgStatus.ACTUAL, MsgStatus.EXERCISE):
            raise ValueError("must be actual or exercise")
        return value

    @field_validator("kafka_security", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        sasl = self.kafka_security in (KafkaSecurity.SASL_PLAINTEXT, KafkaSecurity.SASL_SSL)
        if sasl and (self.kafka_username is None or self.kafka_password is None):
            raise ValueError("SASL needs HANDOFF_KAFKA_USERNAME and HANDOFF_KAFKA_PASSWORD")
        if (self.kafka_cert_file is None) != (self.kafka_key_file is None):
            raise ValueError("HANDOFF_KAFKA_CERT_FILE and HANDOFF_KAFKA_KEY_FILE belong together")
        for pages in ("inbox", "desk"):
            oidc = [getattr(self, f"{pages}_oidc_{part}") for part in _OIDC_PARTS]
            if any(oidc) and not all(oidc):
                names = [f"HANDOFF_{pages}_OIDC_{part}".upper() for part in _OIDC_PARTS]
                raise ValueError(f"{', '.join(names[:-1])} and {names[-1]} belong together")
        return self

    @property
    def house_zone(self) -> ZoneInfo:
        """The zone of `time_zone`."""
        return ZoneInfo(self.time_zone)

    @property
    def inbox_oidc(self) -> OpenIdSettings | None:
        """The own sign-in of the organisation whose inbox it is."""
        return self._oidc("inbox")

    @property
    def desk_oidc(self) -> OpenIdSettings | None:
        """The operator's own sign-in."""
        return self._oidc("desk")

    def _oidc(self, pages: str) -> OpenIdSettings | None:
        names = {part: f"{pages}_oidc_{part}" for part in (*_OIDC_PARTS, "role_claim")}
        told = {part: getattr(self, name) for part, name in names.items()}
        return OpenIdSettings(**told) if told["issuer"] is not None else None

    @property
    def inbox_links_allowed(self) -> bool:
        """Whether a link may sign somebody in at the pages of the inbox."""
        return self.inbox_sign_in_links or self.environment is MsgStatus.EXERCISE

    @property
    def inbox_origin(self) -> str:
        """How people reach the pages of the inbox.

        Raises `SettingsInvalid` where that is not said and the pages are not for this machine alone.
        """
        return _origin(self.inbox_url, self.inbox_address, "HANDOFF_INBOX_URL")

    @property
    def desk_links_allowed(self) -> bool:
        """Whether a link may sign somebody in at the desk."""
        return self.desk_sign_in_links or self.environment is MsgStatus.EXERCISE

    @property
    def desk_origin(self) -> str:
        """How people reach the desk; raises as `inbox_origin` does."""
        return _origin(self.desk_url, self.desk_address, "HANDOFF_DESK_URL")

    @property
    def zones(self) -> Path:
        """The folder with the zones of the organisations on this machine: `<org>/keys` and what each knows."""
        return self.zones_dir or self.home / "zones"

    @property
    def log(self) -> Path:
        """The folder in which the log is published."""
        return self.log_dir or self.home / "log"

    @property
    def origin(self) -> str:
        """The log's name. Those of exercises never pass for actual ones."""
        return self.log_origin or f"{self.broker_org}/{self.environment.value}"

    def kafka_client_options(self) -> dict[str, Any]:
        """The keyword arguments that every aiokafka client of this installation gets, besides `bootstrap_servers`.

        Holds the password in the clear: pass it on, never log it. Raises `SettingsInvalid` for unreadable files.
        """
        options: dict[str, Any] = {"security_protocol": self.kafka_security.value.upper()}
        if self.kafka_security in (KafkaSecurity.SSL, KafkaSecurity.SASL_SSL):
            options["ssl_context"] = self._tls()
        if self.kafka_username is not None and self.kafka_password is not None:
            options["sasl_mechanism"] = self.kafka_sasl_mechanism.value
            options["sasl_plain_username"] = self.kafka_username
            options["sasl_plain_password"] = self.kafka_password.get_secret_value()
        return options

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.kafka_ca_file)
            if self.kafka_cert_file is not None and self.kafka_key_file is not None:
                password = self.kafka_key_password.get_secret_value() if self.kafka_key_password else ""
                context.load_cert_chain(self.kafka_cert_file, self.kafka_key_file, password=lambda: password)
        except OSError:  # ssl.SSLError is one; the message of either may quote the file
            raise SettingsInvalid(
                "HANDOFF_KAFKA_CA_FILE, HANDOFF_KAFKA_CERT_FILE or HANDOFF_KAFKA_KEY_FILE cannot be read."
            ) from None
        return context


def _origin(url: str | None, address: str | None, setting: str) -> str:
    if url is not None:
        return url
    host, _, port = (address or "").rpartition(":")
    if host not in ("127.0.0.1", "localhost"):
        raise SettingsInvalid(f"{setting} is not set: say how people reach these pages.")
    return f"http://{host}:{port}"


def load_settings(**given: Any) -> Settings:
    """The settings of this process: arguments before variables before `.env` before defaults.

    Raises `SettingsInvalid`, which names each bad setting and what it should be, and no value.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsInvalid("; ".join(_told(one["loc"], one["msg"]) for one in error.errors())) from None


def _told(where: tuple[int | str, ...], message: str) -> str:
    plain = shapes.IN_WORDS.get(str(where[-1]) if where else "") or message.removeprefix("Value error, ")
    return f"HANDOFF_{'_'.join(map(str, where)).upper()}: {plain}" if where else plain


def sqlalchemy_url(dsn: SecretStr | str) -> str:
    """The address that SQLAlchemy's async engine wants (`postgresql+asyncpg://…`). Holds the password: never log it."""
    plain = dsn.get_secret_value() if isinstance(dsn, SecretStr) else dsn
    return "postgresql+asyncpg://" + plain.partition("://")[2]
