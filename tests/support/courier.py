"""A real Courier IMAP server for tests, which Debian does not let be installed beside Dovecot.

Its packages are unpacked into a folder of the tests and run there under chroot, since their paths
are compiled in: that takes root. `.ci/packages` downloads them. Everything that it writes is below
a temporary folder of its own.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import imaplib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import events
from tests.support.dovecot import free_ports

PACKAGES = Path(__file__).resolve().parents[2] / "var" / "courier"
NOBODY = 65534
DEADLINE = 20.0  # seconds, to start or stop
COURIER = "/usr/lib/courier/courier"
PROGRAMS = [
    "/usr/sbin/couriertcpd",
    "/usr/bin/imapd",
    "/usr/bin/maildirmake.courier",
    "/usr/libexec/gam_server",
    f"{COURIER}/imaplogin",
    f"{COURIER}-authlib/authdaemond",
    f"{COURIER}-authlib/makedatprog",
    "/usr/lib/courier-authlib/libauthuserdb.so",
]
# As Debian's own /etc/courier/imapd has it, but for the limits.
SETTINGS = {
    "IMAP_CAPABILITY": "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=REFERENCES SORT QUOTA IDLE",
    "IMAP_KEYWORDS": "1",
    "IMAP_ACL": "1",
    "IMAP_IDLE_TIMEOUT": "60",
    "IMAP_MAILBOX_SANITY_CHECK": "1",
    "IMAP_UMASK": "022",
    "IMAP_ULIMITD": "131072",
    "IMAP_USELOCKS": "1",
    "IMAP_TRASHFOLDERNAME": "Trash",
    "IMAP_EMPTYTRASH": "Trash:7",
    "MAILDIRPATH": "Maildir",
}


class CourierServer:
    """One Courier on `host` and `port`, without TLS. Folders are below `INBOX.`."""

    def __init__(self, folder: Path, packages: list[Path]) -> None:
        self.folder = folder
        self.host = "127.0.0.1"
        (self.port,) = free_ports(1)
        self._root = folder / "root"
        self._log = folder / "courier.log"
        self._passwords: dict[str, str] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._prepare(packages)

    def _prepare(self, packages: list[Path]) -> None:
        for package in packages:
            subprocess.run(["dpkg", "-x", package, self._root], check=True)
        for name in ("run/courier/authdaemon", "dev", "tmp", "home", "etc/courier"):
            (self._root / name).mkdir(parents=True, exist_ok=True)
        (self._root / "tmp").chmod(0o1777)
        (self._root / "dev/null").touch(0o666)
        for program in PROGRAMS:
            self._bring_libraries(self._root / program.lstrip("/"))
        etc = self._root / "etc"
        etc.joinpath("passwd").write_text(f"nobody:x:{NOBODY}:{NOBODY}::/tmp:/bin/sh\n")
        etc.joinpath("group").write_text(f"nogroup:x:{NOBODY}:\n")
        etc.joinpath("courier/authdaemonrc").write_text(
            'authmodulelist="authuserdb"\nauthmodulelistorig="authuserdb"\ndaemons=2\n'
            "authdaemonvar=/run/courier/authdaemon\nDEBUG_LOGIN=0\n"
        )
        self._write_users()

    def _bring_libraries(self, program: Path) -> None:
        """Put the libraries that a program needs where it finds them."""
        own = self._root / "usr/lib"
        unpacked = [own, *own.glob("*-linux-gnu"), *self._root.glob("lib/*-linux-gnu")]
        needed = subprocess.run(
            ["ldd", program],
            env={**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, unpacked))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        if "not found" in needed:
            raise RuntimeError(f"{program}: {needed}")
        for library in re.findall(r"=> (/\S+)", needed):
            if not library.startswith(str(self._root)):
                shutil.copy(library, own)
        for loader in re.findall(r"^\s*(/\S+)", needed, re.MULTILINE):
            place = self._root / loader.lstrip("/")
            place.parent.mkdir(exist_ok=True)
            shutil.copy(loader, place)

    def _chroot(self, *command: str) -> list[str]:
        return ["chroot", str(self._root), *command]

    # Running ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start, and come back when it accepts connections."""
        self._run(f"{COURIER}-authlib/authdaemond")
        server = ["/usr/sbin/couriertcpd", f"-address={self.host}", "-maxprocs=200"]
        server += ["-maxperip=200", "-nodnslookup", "-noidentlookup", str(self.port)]
        self._run(*server, f"{COURIER}/imaplogin", "/usr/bin/imapd", "Maildir")
        deadline = time.monotonic() + DEADLINE
        while not (self._root / "run/courier/authdaemon/socket").exists() or not self._accepts():
            if time.monotonic() > deadline or any(p.poll() is not None for p in self._processes):
                raise RuntimeError(f"Courier did not start: {self._log.read_text()[-2000:]}")
            time.sleep(0.02)

    def _run(self, *command: str) -> None:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                self._chroot(*command),
                env={"PATH": os.defpath + ":/usr/sbin:/sbin", **SETTINGS},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)

    def _accepts(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection((self.host, self.port), timeout=1).close()
            return True
        return False

    def stop(self) -> None:
        """Stop all that runs in the folder, the server of changes to files as well."""
        deadline = time.monotonic() + DEADLINE
        while (left := self._running()) and time.monotonic() < deadline:
            for number in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            for process in self._processes:
                process.poll()
            time.sleep(0.02)
        for process in self._processes:
            process.wait(DEADLINE)

    def _running(self) -> list[int]:
        """The processes whose root is our folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/root"):
            with contextlib.suppress(OSError):
                if entry.readlink() == self._root.resolve():
                    found.append(int(entry.parent.name))
        return found

    # Users --------------------------------------------------------------------------------------

    def add_user(self, name: str, password: str = "secret") -> str:
        """Let `name` sign in with `password`; gives the name back."""
        self._passwords[name] = password
        self._write_users()
        home = self._root / "home" / name
        home.mkdir()
        os.chown(home, NOBODY, NOBODY)
        as_nobody = ["chroot", f"--userspec={NOBODY}:{NOBODY}", str(self._root)]
        make = [*as_nobody, "/usr/bin/maildirmake.courier", f"/home/{name}/Maildir"]
        subprocess.run(make, check=True)
        return name

    def _write_users(self) -> None:
        """The database of users, anew."""
        accounts, secrets = [], []
        for name, password in self._passwords.items():
            home = f"/home/{name}"
            digest = base64.b64encode(hashlib.sha256(password.encode()).digest()).decode()
            accounts.append(f"{name}\tuid={NOBODY}|gid={NOBODY}|home={home}|mail={home}/Maildir")
            secrets.append(f"{name}\timappw={{SHA256}}{digest}")
        for file, lines in (("userdb", accounts), ("userdbshadow", secrets)):
            base = f"/etc/courier/{file}"
            subprocess.run(
                self._chroot(f"{COURIER}-authlib/makedatprog", "-", f"{base}.new", f"{base}.dat"),
                input="\n".join([*lines, ".", ""]).encode(),
                check=True,
            )
        (self._root / "etc/courier/userdbshadow.dat").chmod(0o600)

    def client(self, user: str) -> imaplib.IMAP4:
        """Another client's connection, signed in; a context manager."""
        events.looked()
        connection = imaplib.IMAP4(self.host, self.port, timeout=30)
        connection.login(user, self._passwords[user])
        return connection


@pytest.fixture(scope="session")
def courier() -> Iterator[CourierServer]:
    """A running Courier for the whole session; every test uses users of its own."""
    if os.getuid() != 0:
        pytest.skip("Courier runs under chroot, which takes root")
    packages = sorted(PACKAGES.glob("*.deb"))
    if not packages:
        reason = f"Courier's packages are not in {PACKAGES}: .ci/packages downloads them"
        if os.environ.get("SERVICES84_TEST_REQUIRE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="s84-courier-", ignore_cleanup_errors=True) as folder:
        server = CourierServer(Path(folder), packages)
        try:
            server.start()
            yield server
        finally:
            server.stop()
