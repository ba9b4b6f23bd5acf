"""Many runs of `services84 COMMAND`, each in a process of its own that need not import everything.

`python -m tests.support.command_press` reads a JSON object a line (arguments, environment, and the
paths of its standard input and of what it writes), forks for it, and prints the exit code.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class CommandPress:
    """Runs commands one after the other."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._input, self._output = folder / "input", folder / "output"

    def run(
        self, arguments: tuple[str, ...], environ: Mapping[str, str], stdin: str
    ) -> tuple[int, str]:
        """The exit code, and all that the command wrote."""
        self._input.write_text(stdin, encoding="utf-8")
        order = [arguments, dict(environ), str(self._input), str(self._output)]
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline()), self._output.read_text(encoding="utf-8")


@contextmanager
def command_press() -> Iterator[CommandPress]:
    """A press; its process ends with the block."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.command_press"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        yield CommandPress(process, Path(folder))


def _run(arguments: list[str], environ: dict[str, str], given: str, written: str) -> None:
    """In the child: become the command. Does not come back."""
    from services84.cli import main

    os.dup2(os.open(given, os.O_RDONLY), 0)
    output = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["services84", *arguments]
    main(arguments)


def _serve() -> None:
    import services84.application
    import services84.cli  # noqa: F401

    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                _run(*order)
            finally:
                # After the traceback, were there one, has been written as usual.
                error = sys.exc_info()[1]
                if error is not None and not isinstance(error, SystemExit):
                    sys.excepthook(type(error), error, error.__traceback__)
                code = error.code if isinstance(error, SystemExit) else 1
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code if isinstance(code, int) else 0 if code is None else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()
