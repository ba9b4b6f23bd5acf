"""Every setting, read once from the environment (prefix SERVICES84_) and documented here.

Reading and checking only; `application.py` hands the values to the rooms that need them.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import ssl
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services84.errors import ConfigurationError
from services84.texts.languages import LANGUAGES, known_language

PREFIX = "SERVICES84_"
MIB = 1024 * 1024
DAY = 24 * 3600
BROKERS = ("redis", "rediss", "redis+socket", "amqp", "amqps")
_SHARED_DATABASES = ("postgres", "postgresql", "postgresql+psycopg")
LONGEST_SOCKET_PATH = 107  # bytes; of sockaddr_un on Linux
# Whose wrong values are not repeated.
_SECRETS = frozenset({"database_url", "broker_url", "metrics_token"})
# Variables with our prefix that are none of the service's settings.
_OTHERS = re.compile(rf"{PREFIX}(TEST_\w*|NO_APT)", re.IGNORECASE)

# Of RFC 7518 and 8037 those with a key pair; a secret cannot be published, and `none` is none.
_SIGNATURES = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)


class Settings(BaseSettings):
    """The settings of one installation; immutable after reading.

    Times are in seconds and sizes in bytes unless a name says otherwise.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", allow_inf_nan=False
    )

    # Where things are kept
    database_url: str = Field(
        "sqlite:///services84.sqlite3", description="SQLAlchemy URL; SQLite or PostgreSQL"
    )
    key_file: Path = Field(
        Path("services84.key"), description="the key of mail secrets, made by `services84 init`"
    )
    database_pool: int = Field(40, ge=2, le=1000, description="database connections a process")

    # Many machines
    executor: Literal["local", "celery"] = Field(
        "local",
        description="where syncs run: in the server's own threads, or in the processes of "
        "`services84 worker`, which a broker tells what to do",
    )
    broker_url: str = Field(
        "redis://127.0.0.1:6379/0",
        repr=False,
        description="the broker of celery: redis:, rediss:, redis+socket:, amqp: or amqps:",
    )
    sync_turn: float = Field(
        600.0,
        ge=10,
        le=1500,
        description="how long a worker syncs an account at a stretch; it goes on after others",
    )

    # What callers meet
    installation: Literal["onsite", "online"] = Field(
        "onsite", description="online: ApplicationToken is required and private hosts are refused"
    )
    errors: Literal["header", "fault"] = Field(
        "header", description="how a failed call answers: ExceptionInfo header or SOAP Fault"
    )
    wsdl_soap: Literal["both", "1.1", "1.2"] = Field(
        "both", description="the ports of ?wsdl where the address does not say"
    )
    language: str = Field(
        "en",
        description="language of what the service writes to people who have none of their own: en, "
        "no, sv, da, de or nl",
    )
    time_zone: str = Field(
        "UTC", description="IANA name of the zone of dates for callers that name none"
    )
    reveal_passwords: bool = Field(
        False, description="true: mail passwords are returned decrypted, as the vendor does"
    )
    ticket_seconds: int = Field(
        6 * 3600, ge=60, le=365 * DAY, description="life of a ticket after its last use"
    )
    context: str = Field(
        "Default", description="name of the installation in access tokens, as Cust12345"
    )
    access_token_seconds: int = Field(
        3600, ge=60, le=DAY, description="life of an application's access token"
    )
    refresh_token_seconds: int = Field(
        30 * DAY, ge=60, le=365 * DAY, description="life of a refresh token that is not used"
    )
    oidc_issuer: str = Field(
        "", description="OpenID Connect provider whose JWTs are taken as Bearer; empty: none is"
    )
    oidc_audience: str = Field(
        "", validate_default=True, description="the audience that its tokens have to be for"
    )
    oidc_jwks_url: str = Field(
        "", description="where its keys are; empty: where its own configuration says"
    )
    oidc_algorithms: Annotated[tuple[str, ...], NoDecode] = Field(
        ("RS256", "ES256"), description="signatures that are taken; comma-separated"
    )
    oidc_claim: str = Field(
        "preferred_username", min_length=1, description="the claim that is an associate's name"
    )
    oidc_leeway: int = Field(
        30, ge=0, le=300, description="how far its clock may differ from this one"
    )
    login_free_attempts: int = Field(
        5, ge=1, description="failed logins of a name before it is slowed down"
    )
    login_free_attempts_address: int = Field(
        20, ge=1, description="failed logins from an address before it is slowed down"
    )
    login_max_delay: int = Field(900, ge=1, le=DAY, description="longest slow-down of logins")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="networks whose X-Forwarded headers count; comma-separated"
    )
    remote_user_header: str = Field(
        "",
        description="HTTP header in which a trusted proxy names the user that it has "
        "authenticated, for AuthenticateImplicit; empty: none does",
    )

    # Limits of a request
    max_body_bytes: int = Field(96 * MIB, ge=1024, description="largest request body")
    body_budget_bytes: int = Field(
        384 * MIB, ge=1024, description="large request bodies in memory at once, a process"
    )
    request_timeout: float = Field(
        30.0, gt=0, le=3600, description="longest silence of a caller while it sends a request"
    )
    max_xml_depth: int = Field(64, ge=8, le=200, description="deepest nesting of elements")
    max_xml_elements: int = Field(200_000, ge=16, description="most elements of a request")

    # Mail servers
    mail_tls: Literal["required", "off"] = Field(
        "required", description="off: passwords may go in clear where a server has no TLS"
    )
    mail_ca_file: Path | None = Field(
        None, description="PEM file of certificate authorities to trust beside the system's"
    )
    mail_oauth_file: Path | None = Field(
        None,
        description="TOML file of the providers that renew access tokens for mailboxes; "
        "for its owner alone",
    )
    mail_connect_timeout: float = Field(15.0, gt=0, le=300, description="until connected")
    mail_read_timeout: float = Field(60.0, gt=0, le=1800, description="longest silence")

    mail_connections_per_host: int = Field(
        10,
        ge=1,
        le=1000,
        description="connections to a mail host at once, of all processes together",
    )

    # Sync
    sync_interval: float = Field(
        300.0,
        ge=0,
        le=365 * DAY,
        description="an account is synced when its last success is so old; 0: never",
    )
    idle_connections: int = Field(
        0,
        ge=0,
        le=1000,
        description="accounts whose INBOX is watched (IDLE) for new mail; "
        "half of a mail host's connections at most",
    )
    sync_wait: float = Field(
        50.0, ge=0, le=3600, description="how long SyncEmailAccount waits before it answers"
    )
    sync_days: int = Field(
        0, ge=0, le=36500, description="days of old mail in a folder's first sync; 0: everything"
    )
    sync_max_errors: int = Field(
        10, ge=1, description="consecutive errors that turn Failing into Failed"
    )
    history_days: int = Field(
        90,
        ge=1,
        le=36500,
        description="for so many days it is known how a sync ended, of an account the last 100",
    )
    sync_parallel: int = Field(10, ge=1, le=200, description="accounts synced at once, a process")
    lease_seconds: float = Field(
        60.0, ge=2, le=3600, description="after which a dead owner's account is free again"
    )
    backoff_base: float = Field(2.0, gt=0, le=DAY, description="shortest delay after an error")
    backoff_cap: float = Field(
        600.0,
        gt=0,
        le=DAY,
        description="longest delay after an error; no shorter than the shortest",
    )

    # Monitoring
    metrics_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.0/8", "::1/128"),
        description="networks from which /metrics may be read without a token; comma-separated",
    )
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="bearer token with which /metrics may be read from anywhere; empty: none",
    )

    monitor_bind: str = Field(
        "",
        description="HOST:PORT at which `worker` and `scheduler` answer /healthz, /readyz and"
        " /metrics; empty: nowhere",
    )

    # The process
    bind: str = Field(
        "127.0.0.1:8084", description="HOST:PORT or unix:PATH of `serve`; port 0: any"
    )
    workers: int = Field(2, ge=1, le=64, description="gunicorn worker processes")
    threads: int = Field(128, ge=1, le=1024, description="threads a worker")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe message that is logged"
    )
    log_format: Literal["console", "json"] = Field("console", description="form of a log line")

    @field_validator("trusted_proxies", "metrics_networks", "oidc_algorithms", mode="before")
    @classmethod
    def _split_networks(cls, value: Any) -> Any:
        return (
            tuple(v.strip() for v in value.split(",") if v.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("trusted_proxies", "metrics_networks")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError as error:
                raise ValueError(f"{network!r} is no IP network such as 10.0.0.0/8") from error
        return value

    @field_validator("metrics_token")
    @classmethod
    def _check_token(cls, value: SecretStr) -> SecretStr:
        if value and not re.fullmatch(r"[!-~]{16,512}", value.get_secret_value()):
            raise ValueError("has not 16 to 512 printable ASCII characters without blanks")
        return value

    @field_validator("language")
    @classmethod
    def _check_language(cls, value: str) -> str:
        known = known_language(value)
        if known is None:
            raise ValueError(f"{value!r} is none of {', '.join(LANGUAGES)}")
        return known

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is no time zone such as Europe/Oslo") from error
        return value

    @field_validator("oidc_audience")
    @classmethod
    def _check_audience(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("oidc_issuer") and not value:
            raise ValueError(f"is empty, and {PREFIX}OIDC_ISSUER is set")
        return value

    @field_validator("oidc_algorithms")
    @classmethod
    def _check_algorithms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [each for each in value if each not in _SIGNATURES]
        if wrong or not value:
            raise ValueError(f"is none of {', '.join(_SIGNATURES)}")
        return value

    @field_validator("context")
    @classmethod
    def _check_context(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
            raise ValueError("is no name of letters, digits, - and _, such as Cust12345")
        return value

    @field_validator("remote_user_header")
    @classmethod
    def _check_header(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9-]+", value):
            raise ValueError("is no name of a header such as X-Remote-User")
        return value

    @field_validator("mail_ca_file", "mail_oauth_file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("mail_ca_file")
    @classmethod
    def _check_authorities(cls, value: Path | None) -> Path | None:
        if value is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            try:
                context.load_verify_locations(value)
            except ssl.SSLError:
                pass  # told below, as of a file with nothing but revocations
            except OSError as error:
                raise ValueError(f"cannot be read: {error.strerror}") from error
            if not context.cert_store_stats()["x509"]:
                raise ValueError("holds no certificate in PEM form")
        return value

    @field_validator("backoff_cap")
    @classmethod
    def _check_cap(cls, value: float, info: ValidationInfo) -> float:
        base = info.data.get("backoff_base")
        if base is not None and value < base:
            raise ValueError(f"is less than {PREFIX}BACKOFF_BASE, which is {base:g}")
        return value

    @field_validator("executor")
    @classmethod
    def _check_executor(cls, value: str, info: ValidationInfo) -> str:
        url = str(info.data.get("database_url", ""))
        if value == "celery" and url.partition(":")[0] not in _SHARED_DATABASES:
            raise ValueError(
                f"needs a PostgreSQL database ({PREFIX}DATABASE_URL), for all to share"
            )
        return value

    @field_validator("broker_url")
    @classmethod
    def _check_broker(cls, value: str) -> str:
        scheme, colon, rest = value.partition("://")
        try:
            port = urlsplit(value).port
        except ValueError:
            # Not chained: the parser's message may quote a piece of the password.
            raise ValueError("has no port from 1 to 65535") from None
        if not colon or scheme not in BROKERS or not rest or port == 0:
            raise ValueError("is no broker's URL such as redis://HOST:6379/0 or amqp://HOST:5672//")
        return value

    @field_validator("monitor_bind")
    @classmethod
    def _check_monitor(cls, value: str) -> str:
        if value.startswith("unix:"):
            raise ValueError("is no HOST:PORT")
        return cls._check_bind(value) if value else value

    @field_validator("bind")
    @classmethod
    def _check_bind(cls, value: str) -> str:
        if value.startswith("unix:"):
            length = len(os.fsencode(value.removeprefix("unix:")))
            if not 0 < length <= LONGEST_SOCKET_PATH:
                raise ValueError(f"has no path of 1 to {LONGEST_SOCKET_PATH} bytes after unix:")
            return value
        host, colon, port = value.rpartition(":")
        if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
            raise ValueError("has no port from 0 to 65535 after a colon")
        if host.startswith("["):
            try:
                ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
            except ValueError as error:
                raise ValueError("is no address of the form [IPv6]:PORT") from error
        if not re.fullmatch(r"\[[^\]]+\]|[A-Za-z0-9._-]+", host):
            raise ValueError("names no host; an IPv6 address stands in brackets")
        return value

    @property
    def online(self) -> bool:
        return self.installation == "online"


def _allowed(name: str) -> str:
    """What a setting may be, as its error tells."""
    field = Settings.model_fields.get(name)
    if field is None:
        return ""
    if typing.get_origin(field.annotation) is Literal:
        return f"allowed: {', '.join(map(str, typing.get_args(field.annotation)))}"
    if field.annotation is bool:
        return "allowed: true, false"
    if field.annotation not in (int, float):
        return field.description or ""
    kind = "a whole number" if field.annotation is int else "a number"
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    bounds = [
        f"{word} {getattr(mark, sign):.15g}"
        for mark in field.metadata
        for sign, word in words.items()
        if hasattr(mark, sign)
    ]
    return f"allowed: {', '.join([kind, *bounds])}"


def unknown_settings(names: Iterable[str]) -> list[str]:
    """What is wrong with the names of variables that begin like settings and are none."""
    known = [name.upper() for name in Settings.model_fields]
    problems = []
    for name in sorted(names):
        prefix, rest = name.upper()[: len(PREFIX)], name.upper()[len(PREFIX) :]
        if prefix == PREFIX and rest not in known and not _OTHERS.fullmatch(name):
            nearest = difflib.get_close_matches(rest, known, n=1)
            meant = f"; is {PREFIX}{nearest[0]} meant?" if nearest else ""
            problems.append(f"there is no setting {name}, it is ignored{meant}")
    return problems


def read_settings(**overrides: Any) -> Settings:
    """The settings of the environment, `overrides` first.

    Raises ConfigurationError naming the setting, its value and what is allowed.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        shown = "(not shown)" if name in _SECRETS else repr(first.get("input"))
        what = first["msg"].removeprefix("Value error, ")
        problem = f"{PREFIX}{name.upper()}={shown}: {what}"
        raise ConfigurationError("; ".join(filter(None, [problem, _allowed(name)]))) from error
