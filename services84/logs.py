"""The set-up of structlog, and of the standard library's logging beneath it.

Called once by whatever starts a process; rooms only ask for `structlog.get_logger`. Nothing here
decides what is logged, and nothing is read from the environment.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TextIO

import structlog

from services84.settings import Settings

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def set_up_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every log line to `stream` (default: standard error), in the form of the settings.

    Lines of libraries come out in the same form, from warnings on; ours from
    `settings.log_level` on.
    """
    stream = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    renderers = _renderers(settings.log_format, stream)
    structlog.configure(
        processors=[*_SHARED, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Lines(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *renderers,
            ],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("services84").setLevel(level)


class _Lines:
    """Our own lines, straight to the stream: by way of the standard library's records every call
    would spend as long again on its line. Where it cannot be written, that is nobody's failure.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # ValueError: it is closed
            self._stream.write(f"{line}\n")  # at once, so that lines of threads do not mix
            self._stream.flush()

    debug = info = warning = warn = error = critical = exception = fatal = msg


def _renderers(form: str, stream: TextIO) -> list[structlog.typing.Processor]:
    if form == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    colors = stream.isatty()
    # Plain tracebacks: the pretty ones show local variables, and those can be secrets.
    return [
        structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback
        )
    ]
