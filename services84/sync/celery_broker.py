"""Celery: sending calls to workers, and the program of a worker. Imported nowhere else.

Calls are Celery's tasks. None of its results, events, remote control and time limits are used:
how a sync goes is in the database, and the engine ends one whose turn has been long enough.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import celery
import structlog
from celery import signals
from celery.exceptions import CDeprecationWarning, CPendingDeprecationWarning, SecurityWarning
from celery.worker import state
from kombu.exceptions import OperationalError

from services84.errors import BrokerUnavailable
from services84.settings import Settings

log = structlog.get_logger(__name__)

TASK = "services84.sync"
URGENT, DUE = "services84.urgent", "services84.due"
CONNECT_SECONDS = 3.0
SILENCE_SECONDS = 5.0  # of a broker that is connected
# After a failure nobody tries for so long: a broker that does not even refuse would otherwise
# keep every caller for its time-outs.
REST_SECONDS = 2.0
# How long a worker may take to stop. The desk needs 13 s at most; service managers kill after 30.
STOP_SECONDS = 25.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class CeleryBroker:
    """Sends calls to workers; a `Broker` for all threads of a process, made after its fork."""

    def __init__(self, settings: Settings) -> None:
        self._app = make_app(settings)
        self._place = place_of(settings.broker_url)
        self._failed: float | None = None  # when the broker could not be reached, monotonic

    def send(self, account_id: int, *, urgent: bool) -> None:
        """As `Broker.send`."""
        if self._failed is not None and time.monotonic() - self._failed < REST_SECONDS:
            raise self._unavailable()
        try:
            self._app.send_task(TASK, args=[account_id], queue=URGENT if urgent else DUE)
        except (OperationalError, OSError) as error:
            if self._failed is None:
                log.warning("broker.unreachable", broker=self._place, error=type(error).__name__)
            self._failed = time.monotonic()
            raise self._unavailable() from error
        if self._failed is not None:
            log.info("broker.reached", broker=self._place)
        self._failed = None

    def close(self) -> None:
        """As `Broker.close`; another `send` makes new connections."""
        with contextlib.suppress(Exception):  # the broker may be gone
            self._app.pool.force_close_all()

    def _unavailable(self) -> BrokerUnavailable:
        return BrokerUnavailable(
            f"the broker at {self._place} cannot be reached, so no worker could be told; the sync"
            " is noted, and begins when the broker is there again",
            parameters={"Broker": self._place},
        )


def make_app(settings: Settings) -> Any:
    """The Celery application, for either end; connects to nothing."""
    app = celery.Celery("services84", broker=settings.broker_url)
    app.conf.update(
        # Messages
        task_serializer="json",
        accept_content=["json"],
        task_default_queue=DUE,
        task_ignore_result=True,
        result_backend=None,
        # Once more, since the broker may have been started anew since the last message.
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0},
        # The broker
        broker_connection_timeout=CONNECT_SECONDS,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_pool_limit=4,
        broker_transport_options=_transport(settings),
        # Workers
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        # With it, a worker that has lost RabbitMQ and found it again asks it in the middle of its
        # loop for more messages, and may wait for the answer for ever.
        worker_enable_prefetch_count_reduction=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_redirect_stdouts=False,
    )
    return app


def _transport(settings: Settings) -> dict[str, Any]:
    """What kombu is told of the kind of broker."""
    if settings.broker_url.startswith("amqp"):
        return {
            "confirm_publish": True,
            "max_retries": 1,
            "read_timeout": SILENCE_SECONDS,
            "write_timeout": SILENCE_SECONDS,
        }
    return {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": SILENCE_SECONDS,  # longer than the second for which a worker listens
        "socket_keepalive": True,
        "health_check_interval": SILENCE_SECONDS,
        # A message that a worker took and did not confirm goes to another; it may come twice.
        "visibility_timeout": int(4 * settings.sync_turn),
        "queue_order_strategy": "priority",
        "global_keyprefix": "services84:",
        "max_retries": 1,
    }


def place_of(url: str) -> str:
    """Where a broker is, without the secrets of its URL."""
    parts = urlsplit(url)
    if parts.hostname is None:
        return parts.path or "localhost"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{parts.port}" if parts.port else host


# A worker ---------------------------------------------------------------------------------------


def run(
    settings: Settings, serve: Callable[[int], None], stop: Callable[[], None], name: str
) -> int:
    """As `broker.run_worker`; a stop takes no longer than STOP_SECONDS."""
    signals.setup_logging.connect(_leave_logging_alone)
    # It warns of unpickling as root, which never happens here.
    warnings.simplefilter("ignore", SecurityWarning)
    app = make_app(settings)

    def sync(account_id: int) -> None:
        serve(int(account_id))

    app.task(name=TASK)(sync)
    worker = _program(app, _Stop(stop))(
        app=app,
        quiet=True,
        hostname=f"{name}@{socket.gethostname()}",
        concurrency=settings.sync_parallel,
        pool="threads",
        queues=[URGENT, DUE],
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _leave_logging_alone(**_: Any) -> None:
    """Celery sets up no logging of its own when somebody listens to this signal."""


def _program(app: Any, stop: _Stop) -> Any:
    class Program(app.Worker):  # type: ignore[misc]
        """Celery's worker with our handling of signals, and no process title."""

        def install_platform_tweaks(self, worker: Any) -> None:
            # What Celery advises its programmers of, and insists on.
            for category in (CDeprecationWarning, CPendingDeprecationWarning):
                warnings.simplefilter("ignore", category)
            stop.install()

        def set_process_status(self, info: Any) -> None:
            pass

        def on_consumer_ready(self, consumer: Any) -> None:
            super().on_consumer_ready(consumer)
            log.info("worker.ready", parallel=self.concurrency)

    return Program


class _Stop:
    """Ends a worker by signals."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._told: queue.SimpleQueue[int] = queue.SimpleQueue()  # safe in a signal handler
        self._asked = False

    def install(self) -> None:
        threading.Thread(target=self._wait, name="stop", daemon=True).start()
        for number in _SIGNALS:
            signal.signal(number, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._asked:
            os._exit(128 + number)
        self._asked = True
        state.should_stop = 0
        self._told.put(number)

    def _wait(self) -> None:
        number = self._told.get()
        log.info("worker.stopping", signal=signal.Signals(number).name)
        watchdog = threading.Timer(STOP_SECONDS, _give_up)
        watchdog.daemon = True
        watchdog.start()
        self._stop()


def _give_up() -> None:
    log.warning("worker.left_behind", seconds=STOP_SECONDS)
    os._exit(1)
