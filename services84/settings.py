"""Every setting, read once from the environment (prefix SERVICES84_) and documented here.

Reading and checking only; `application.py` hands the values to the rooms that need them.
"""

from __future__ import annotations

import ipaddress
import typing
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services84.errors import ConfigurationError

PREFIX = "SERVICES84_"
MIB = 1024 * 1024


class Settings(BaseSettings):
    """The settings of one installation; immutable after reading.

    Times are in seconds and sizes in bytes unless a name says otherwise.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    # Where things are kept
    database_url: str = Field(
        "sqlite:///services84.sqlite3", description="SQLAlchemy URL; SQLite or PostgreSQL"
    )
    key_file: Path = Field(
        Path("services84.key"), description="the key of mail secrets, made by `services84 init`"
    )
    database_pool: int = Field(40, ge=2, le=1000, description="database connections a process")

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
    reveal_passwords: bool = Field(
        False, description="true: mail passwords are returned decrypted, as the vendor does"
    )
    ticket_seconds: int = Field(6 * 3600, ge=60, description="life of a ticket after its last use")
    login_free_attempts: int = Field(
        5, ge=1, description="failed logins of a name before it is slowed down"
    )
    login_free_attempts_address: int = Field(
        20, ge=1, description="failed logins from an address before it is slowed down"
    )
    login_max_delay: int = Field(900, ge=1, description="longest slow-down of logins")
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
    max_xml_depth: int = Field(64, ge=8, le=200, description="deepest nesting of elements")
    max_xml_elements: int = Field(200_000, ge=16, description="most elements of a request")

    # Mail servers
    mail_tls: Literal["required", "off"] = Field(
        "required", description="off: passwords may go in clear where a server has no TLS"
    )
    mail_ca_file: Path | None = Field(
        None, description="PEM file of certificate authorities to trust beside the system's"
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
        300.0, ge=0, description="an account is synced when its last success is so old; 0: never"
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
    sync_max_errors: int = Field(
        10, ge=1, description="consecutive errors that turn Failing into Failed"
    )
    sync_parallel: int = Field(10, ge=1, le=200, description="accounts synced at once, a process")
    lease_seconds: float = Field(
        60.0, ge=2, le=3600, description="after which a dead owner's account is free again"
    )
    backoff_base: float = Field(2.0, gt=0, description="shortest delay after an error")
    backoff_cap: float = Field(600.0, gt=0, description="longest delay after an error")

    # The process
    bind: str = Field("127.0.0.1:8084", description="HOST:PORT or unix:PATH of `serve`")
    workers: int = Field(2, ge=1, le=64, description="gunicorn worker processes")
    threads: int = Field(128, ge=1, le=1024, description="threads a worker")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe message that is logged"
    )
    log_format: Literal["console", "json"] = Field("console", description="form of a log line")

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: Any) -> Any:
        return (
            tuple(v.strip() for v in value.split(",") if v.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError as error:
                raise ValueError(f"{network!r} is no IP network such as 10.0.0.0/8") from error
        return value

    @property
    def online(self) -> bool:
        return self.installation == "online"


def _allowed(name: str) -> str:
    field = Settings.model_fields.get(name)
    if field is None:
        return ""
    choices = typing.get_args(field.annotation)
    if typing.get_origin(field.annotation) is Literal:
        return f"allowed: {', '.join(map(str, choices))}"
    return field.description or ""


def read_settings(**overrides: Any) -> Settings:
    """The settings of the environment, `overrides` first.

    Raises ConfigurationError naming the setting, its value and what is allowed.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        shown = "(not shown)" if name == "database_url" else repr(first.get("input"))
        problem = f"{PREFIX}{name.upper()}={shown}: {first['msg']}"
        raise ConfigurationError("; ".join(filter(None, [problem, _allowed(name)]))) from error
