"""/healthz, /readyz and /metrics of a process that serves nothing else, on a port of its own.

For supervisors and Prometheus, a few requests a minute; what they answer is `web.probes`' matter.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from socketserver import TCPServer, ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import structlog

from services84.application import Application
from services84.errors import ConfigurationError
from services84.settings import PREFIX, Settings

log = structlog.get_logger(__name__)

SILENCE = 10.0  # seconds; the longest silence of a caller


class _Handler(WSGIRequestHandler):
    timeout = int(SILENCE)

    def log_message(self, *_: object) -> None:
        """Nothing: a scrape is no event."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """As HTTPServer does, without asking the name service for this machine's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = map(str, self.server_address[:2])  # type: ignore[assignment]
        self.setup_environ()

    def handle_error(self, *_: object) -> None:
        """A caller that has gone is nobody's trouble."""
        log.debug("monitor.caller_gone", exc_info=True)


class _Server6(_Server):
    address_family = socket.AF_INET6


@contextlib.contextmanager
def monitored(application: Application, settings: Settings) -> Iterator[None]:
    """Answer at the address of SERVICES84_MONITOR_BIND during the block, if there is one.

    Raises ConfigurationError when that cannot be listened at.
    """
    if not settings.monitor_bind:
        yield
        return
    host, _, port = settings.monitor_bind.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    kind = _Server6 if ":" in host else _Server
    try:
        server = kind((host, int(port)), _Handler)
    except OSError as error:
        raise ConfigurationError(
            f"{PREFIX}MONITOR_BIND={settings.monitor_bind!r}: {error.strerror or error}"
        ) from error
    server.set_app(application.probe)
    thread = threading.Thread(target=server.serve_forever, name="monitor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
