"""Gunicorn's settings in production, for `services84 serve` and for gunicorn.conf.py alike."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger
from prometheus_client.multiprocess import mark_process_dead

from services84.cli.open_files import room_for_connections
from services84.cli.worker import patient_worker
from services84.metrics import FOLDER
from services84.settings import Settings

_FOLDER_PREFIX = "services84-metrics-"


class PlainLogger(Logger):  # type: ignore[misc]
    """Leaves gunicorn's messages to the logging that `services84.logs` has set up.

    No access log: every call has its line from the front end already.
    """

    def setup(self, cfg: Any) -> None:
        self.error_log.propagate = True
        self.error_log.setLevel(self.LOG_LEVELS[cfg.loglevel])
        self.access_log.propagate = False

    def access(self, *_: Any) -> None:
        """Nothing; see the class."""


def server_options(settings: Settings) -> dict[str, Any]:
    """Gunicorn's settings by name.

    Threads, because most calls wait for a mail server; a sync worker would be killed at its
    time-out. Nothing is loaded before the fork: connections and locks do not survive one.
    """
    return {
        "bind": settings.bind,
        "worker_class": patient_worker(settings.request_timeout),
        "workers": settings.workers,
        "threads": settings.threads,
        # Beyond it a worker accepts nobody; from that less the threads on it keeps no connection
        # for a next call.
        "worker_connections": max(room_for_connections(), settings.threads + 1),
        "preload_app": False,
        # The heart-beat of a worker and the time that running calls get when it stops, seconds.
        "timeout": 30,
        "graceful_timeout": 30,
        # Longer than the 60 s for which proxies usually keep a connection to us open.
        "keepalive": 75,
        # A legacy client's addresses and headers are short; ?wsdl is the longest query.
        "limit_request_line": 4094,
        "limit_request_fields": 64,
        "limit_request_field_size": 8190,
        # Whether a proxy is believed is SERVICES84_TRUSTED_PROXIES' matter, and only there.
        "forwarded_allow_ips": "",
        "proc_name": "services84",
        "logger_class": PlainLogger,
        "loglevel": settings.log_level,
        "accesslog": None,
        "control_socket_disable": True,
        "on_starting": make_metrics_folder,
        "child_exit": forget_worker,
        "on_exit": remove_metrics_folder,
        "post_worker_init": stop_when_told,
        "worker_exit": close_application,
    }


def make_metrics_folder(_: Any) -> None:
    """Before the first worker: the folder in which all of them keep their numbers.

    One that the environment names has to be this server's alone; what an earlier life left in
    it is dropped, as prometheus-client wants it.
    """
    given = os.environ.get(FOLDER)
    if given:
        Path(given).mkdir(parents=True, exist_ok=True)
        for old in Path(given).glob("*.db"):
            old.unlink(missing_ok=True)
    else:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix=_FOLDER_PREFIX)


def forget_worker(_: Any, worker: Any) -> None:
    """Drop what a worker that is gone said of the present; what it has counted stays."""
    if os.environ.get(FOLDER):
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def remove_metrics_folder(_: Any) -> None:
    """At the end of the server, if the folder is its own."""
    folder = Path(os.environ.get(FOLDER) or "")
    if folder.name.startswith(_FOLDER_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def stop_when_told(worker: Any) -> None:
    """Have a worker's syncs end as soon as it is told to leave.

    Gunicorn first waits for the running calls, and those may be waiting for a sync.
    """
    stop = getattr(worker.wsgi, "stop", None)
    if stop is None:
        return
    told: queue.SimpleQueue[int] = queue.SimpleQueue()  # safe to use in a signal handler
    before = signal.getsignal(signal.SIGTERM)

    def tell(number: int, frame: Any) -> None:
        told.put(number)
        if callable(before):
            before(number, frame)

    def wait() -> None:
        told.get()
        stop()

    threading.Thread(target=wait, name="stop", daemon=True).start()
    signal.signal(signal.SIGTERM, tell)
    signal.siginterrupt(signal.SIGTERM, False)  # as gunicorn has it


def close_application(_: Any, worker: Any) -> None:
    """End a leaving worker's syncs at their next commit, so that others can go on at once."""
    close = getattr(getattr(worker, "wsgi", None), "close", None)
    if close is not None:
        close()
