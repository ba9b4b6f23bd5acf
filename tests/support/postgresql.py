"""A real PostgreSQL for tests, and fresh databases on it and on SQLite.

The cluster is private to the test session: its own folder, a Unix socket that only its owner
(and root) can reach, no port. Databases are copies of a migrated template, which is fast.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services84.store.database import Database

OWNER = "services84"  # superuser inside the cluster
TEMPLATE = "template_services84"
DEADLINE = 30.0  # seconds, to start
NEEDED_MEMORY = 1024**3
# Nothing of a test's database is needed after a crash.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")


class PostgresqlServer:
    """One cluster; `url(name)` addresses a database of it."""

    def __init__(self, folder: Path, binaries: Path, settings: tuple[str, ...] = FAST) -> None:
        self.folder = folder
        self._binaries = binaries
        self._settings = settings
        self._user: dict[str, Any] = _unprivileged_user()
        if self._user:
            os.chown(folder, self._user["user"], self._user["group"])
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0

    def start(self) -> None:
        self._run(
            "initdb", "--pgdata=data", f"--username={OWNER}", "--auth=trust", "--encoding=UTF8",
            "--locale=C", "--no-sync", "--no-instructions",
        )  # fmt: skip
        self.launch()
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        template = Database(self.url(TEMPLATE))
        template.migrate()
        template.close()

    def launch(self) -> None:
        """Start the server on the cluster that is there, also after a `kill`."""
        settings = [f"unix_socket_directories={self.folder}", "listen_addresses=", *self._settings]
        settings += ["unix_socket_permissions=0700", "max_connections=100"]
        command = [str(self._binaries / "postgres"), "-D", "data"]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command + [argument for setting in settings for argument in ("-c", setting)],
                cwd=self.folder,
                env=_environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._user,
            )
        self._process = process
        deadline = time.monotonic() + DEADLINE
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill -9 the server with all its children, and come back when they are gone."""
        assert self._process is not None
        children = _children(self._process.pid)
        for pid in [self._process.pid, *children]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        deadline = time.monotonic() + DEADLINE
        while any(_is_alive(pid) for pid in children):
            if time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL's processes do not end")
            time.sleep(0.01)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()  # SIGTERM waits for clients to leave
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
                return
            self._process.send_signal(3)  # SIGQUIT does not
            self._process.wait(10)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def url(self, name: str) -> str:
        return f"postgresql://{OWNER}@/{name}?host={self.folder}"

    def create(self, *, template: str = TEMPLATE, options: str = "") -> str:
        """A new database, migrated unless another template is named; gives its name."""
        self._made += 1
        name = f"test{self._made}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} {options}")
        return name

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> None:
        self._run("psql", *self._client(database), "--command", statement)

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except RuntimeError:
            return False
        return True

    def _client(self, database: str) -> list[str]:
        return [
            f"--host={self.folder}", f"--username={OWNER}", f"--dbname={database}",
            "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1",
        ]  # fmt: skip

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._binaries / program, *arguments],
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            **self._user,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")


def _children(pid: int) -> list[int]:
    """Every backend has a session of its own, so the parent tells them, not the group."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(number) for number in listed.stdout.split()]


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        # A dead one whose new parent has not looked after it yet is no obstacle.
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "Asia/Kathmandu"}


def _unprivileged_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            owner = pwd.getpwnam(name)
            return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    raise RuntimeError("there is no user to run PostgreSQL as")


def find_postgresql() -> Path | None:
    """The folder of the newest PostgreSQL that is installed with its server."""

    def version(folder: Path) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", str(folder))]

    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version, reverse=True)
    on_path = shutil.which("postgres")
    folders = [*debian, *([Path(on_path).parent] if on_path else [])]
    programs = ("initdb", "postgres", "psql")
    return next((f for f in folders if all((f / program).exists() for program in programs)), None)


def _memory() -> str | None:
    """A file system in memory with room for a cluster: a new database takes a tenth of the time."""
    with contextlib.suppress(OSError):
        free = os.statvfs("/dev/shm")
        if free.f_bavail * free.f_frsize > NEEDED_MEMORY and os.access("/dev/shm", os.W_OK):
            return "/dev/shm"
    return None


def missing(what: str) -> None:
    """Skip for want of a real server, or fail where the run is meant to be complete."""
    reason = f"{what} is not installed"
    if os.environ.get("CI") or os.environ.get("SERVICES84_TEST_REQUIRE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A running PostgreSQL; skips without one."""
    binaries = find_postgresql()
    if binaries is None:
        missing("PostgreSQL's server")
        return
    # Not pytest's own folder: its parents are closed to the user that PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="services84-pg-", dir=_memory()))
    server = PostgresqlServer(folder, binaries)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    template = Database(f"sqlite:///{path}")
    template.migrate()
    template.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database: each test runs on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "test.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgresql")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, migrated database of either kind."""
    opened = Database(database_url)
    yield opened
    opened.close()
