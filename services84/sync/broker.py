"""The broker, by which workers are told of requests; which one, and whether it is installed.

A call to a worker holds an account's id and nothing else. It is a mere call to look: what is to be
done, and by whom, is in the database (`store.requests`), so that calls may get lost or come twice.
The one kind is `celery_broker`, an extra, which is loaded when it is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Protocol

from services84.errors import ConfigurationError
from services84.settings import PREFIX, Settings


class Broker(Protocol):
    """Tells workers of accounts."""

    def send(self, account_id: int, *, urgent: bool) -> None:
        """Have some worker look after a request, an urgent one first; it may get lost.

        Raises BrokerUnavailable when it was not taken.
        """
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


def check_broker(settings: Settings) -> None:
    """See that what the settings ask for is installed; raises ConfigurationError."""
    if settings.executor == "celery":
        _celery(settings)


def open_broker(settings: Settings) -> Broker:
    """The broker of the settings; raises ConfigurationError, connects to nothing yet."""
    broker: Broker = _celery(settings).CeleryBroker(settings)
    return broker


def run_worker(
    settings: Settings, serve: Callable[[int], None], stop: Callable[[], None], name: str
) -> int:
    """Serve calls until a signal; gives the exit code of the process.

    `serve` is called in one of `sync_parallel` threads. The first SIGTERM or SIGINT has `stop`
    called, after which running calls of `serve` are waited for; a second ends the process at once.
    Raises ConfigurationError.
    """
    return int(_celery(settings).run(settings, serve, stop, name))


def _celery(settings: Settings) -> Any:
    try:
        if settings.broker_url.startswith("redis"):
            importlib.import_module("redis")
        return importlib.import_module("services84.sync.celery_broker")
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{PREFIX}EXECUTOR=celery needs the package {error.name}; install services84[celery]"
        ) from error
