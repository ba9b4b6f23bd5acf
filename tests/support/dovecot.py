"""A real Dovecot for tests: its own process, folder, ports and certificate authority.

Runs as root or as a plain user; everything that it writes is below a temporary folder of its
own. Tests put mail into it by IMAP (`deliver`, `client`), never behind its back.
"""

from __future__ import annotations

import contextlib
import grp
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.support import events
from tests.support.certificates import Authority

OWNER_OF_MAIL = "nobody"  # where the tests run as root
LAST_USER = "last-of-the-log"
DEADLINE = 20.0  # seconds, to start or stop


class DovecotServer:
    """One Dovecot on `host`.

    `port_plain` offers no TLS, `port_starttls` offers STARTTLS, `port_tls` speaks TLS from the
    first byte. The certificate is for localhost and 127.0.0.1, signed by `ca_file`.

    With `introspection`, the address of a token server (RFC 7662), it takes access tokens as well.
    """

    def __init__(
        self,
        folder: Path,
        binary: str,
        *,
        introspection: str = "",
        mechanisms: str = "plain login cram-md5",
    ) -> None:
        self._mechanisms = mechanisms
        self.folder = folder
        self.host = "127.0.0.1"
        self.port_plain, self.port_starttls, self.port_tls = free_ports(3)
        self.authority = Authority(folder / "ca")
        self.ca_file = self.authority.ca_file
        self._binary = binary
        self._introspection = introspection
        self._passwords: dict[str, str] = {}
        self._own_logins = 0
        self._processes: list[subprocess.Popen[bytes]] = []
        self._log = folder / "dovecot.log"
        self._prepare()

    def _prepare(self) -> None:
        self.folder.chmod(0o755)
        (self.folder / "mail").mkdir()
        (self.folder / "users").mkdir()
        self._uid, self._gid = os.getuid(), os.getgid()
        if self._uid == 0:
            owner = pwd.getpwnam(OWNER_OF_MAIL)
            self._uid, self._gid = owner.pw_uid, owner.pw_gid
            os.chown(self.folder / "mail", self._uid, self._gid)
        self._log.touch()
        self._log.chmod(0o666)
        certificate, key = self.authority.issue("server", [self.host, "localhost"])
        protected = f"""
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
service imap-login {{
  inet_listener imap {{
    port = {self.port_starttls}
  }}
  inet_listener imaps {{
    port = {self.port_tls}
    ssl = yes
  }}
}}"""
        # Whether STARTTLS is offered is a matter of the whole process.
        plain = f"""
ssl = no
service imap-login {{
  inet_listener imap {{
    port = {self.port_plain}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}"""
        self._configurations = []
        for name, own in (("tls", protected), ("plain", plain)):
            path = self.folder / f"{name}.conf"
            path.write_text(self._common(name) + own)
            self._configurations.append(path)

    def _common(self, name: str) -> str:
        return f"""
base_dir = {self.folder}/{name}
state_dir = {self.folder}/{name}
log_path = {self._log}
login_log_format_elements = user=<%u> method=%m %c
protocols = imap
listen = {self.host}
{_as_plain_user() if os.getuid() else ""}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{self.folder}/mail/%u
mail_max_userip_connections = 1000
default_process_limit = 500
auth_mechanisms = {self._mechanisms} {"xoauth2 oauthbearer" if self._introspection else ""}
auth_failure_delay = 0
auth_username_chars =
disable_plaintext_auth = no
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {self.folder}/users/%u
}}
{self._token_passdb() if self._introspection else ""}
userdb {{
  driver = static
  args = uid={self._uid} gid={self._gid} home={self.folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
  }}
  mailbox Sent {{
    special_use = \\Sent
  }}
  mailbox Trash {{
    special_use = \\Trash
  }}
}}
service imap-login {{
  service_count = 0
}}
# Without this, every refused login makes the next one from this machine slower.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap {{
  process_limit = 500
}}
"""

    def _token_passdb(self) -> str:
        path = self.folder / "oauth2.conf.ext"
        path.write_text(
            f"introspection_url = {self._introspection}\n"
            "introspection_mode = post\n"
            "username_attribute = username\n"
            "active_attribute = active\n"
            "active_value = true\n"
        )
        return (
            f"passdb {{\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = {path}\n}}"
        )

    # Running ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start, and come back when all ports accept connections."""
        with (self.folder / "stderr").open("ab") as errors:
            for configuration in self._configurations:
                command = [self._binary, "-F", "-c", str(configuration)]
                self._processes.append(
                    subprocess.Popen(
                        command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors
                    )
                )
        for port in (self.port_plain, self.port_starttls, self.port_tls):
            self._wait_until_accepting(port)

    def _wait_until_accepting(self, port: int) -> None:
        deadline = time.monotonic() + DEADLINE
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection((self.host, port), timeout=1).close()
                return
            if time.monotonic() > deadline or any(p.poll() is not None for p in self._processes):
                said = (self.folder / "stderr").read_text() + self._log.read_text()
                raise RuntimeError(f"Dovecot did not start: {said[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop; connections break. Mail and users stay, `start` goes on with them."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    # Users and mail -----------------------------------------------------------------------------

    def add_user(self, name: str, password: str = "secret") -> str:
        """Let `name` sign in with `password`; again to change it. Gives the name back."""
        known = name in self._passwords
        self._passwords[name] = password
        # A file for each: Dovecot looks for changes of a file once a second only.
        fresh = self.folder / "users.new"
        fresh.write_text(f"{name}:{{PLAIN}}{password}\n", encoding="utf-8")
        fresh.chmod(0o644)
        fresh.replace(self.folder / "users" / name)
        if known and self._processes:
            self._wait_until_known(name, password)
        return name

    def _wait_until_known(self, name: str, password: str) -> None:
        deadline = time.monotonic() + DEADLINE
        for configuration in self._configurations:
            test = ["doveadm", "-c", str(configuration), "auth", "test", name, password]
            while subprocess.run(test, capture_output=True, check=False).returncode:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"Dovecot does not take the new password of {name}")
                time.sleep(0.1)

    def password(self, user: str) -> str:
        return self._passwords[user]

    def maildir(self, user: str) -> Path:
        """Where Dovecot keeps a user's mail; to look at."""
        return self.folder / "mail" / user

    def client(self, user: str) -> imaplib.IMAP4:
        """Another client's connection, signed in, to alter mail with; a context manager."""
        events.looked()
        connection = imaplib.IMAP4(self.host, self.port_plain, timeout=30)
        try:
            connection.login(user, self._passwords[user])
        except imaplib.IMAP4.error:
            connection.shutdown()
            raise
        return connection

    def deliver(
        self,
        user: str,
        folder: str,
        *messages: bytes,
        flags: str = "",
        internal_date: datetime | None = None,
    ) -> None:
        """Append messages to a folder (its name in modified UTF-7), which is made if need be."""
        with self.client(user) as connection:
            quoted = '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
            if folder.upper() != "INBOX":
                connection.create(quoted)
            when = imaplib.Time2Internaldate(internal_date) if internal_date else ""
            for message in messages:
                status, data = connection.append(quoted, flags, when, message)
                if status != "OK":
                    raise RuntimeError(f"{folder}: {data!r}")

    # What it has seen ---------------------------------------------------------------------------

    def log(self) -> str:
        """All that Dovecot has logged."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def logins(self, user: str) -> int:
        """How often `user` has signed in until now.

        The log is written behind the logins: a login of our own has to appear in it first.
        """
        if LAST_USER not in self._passwords:
            self.add_user(LAST_USER)
        with self.client(LAST_USER):
            self._own_logins += 1
        deadline = time.monotonic() + DEADLINE
        while self._logged(LAST_USER) < self._own_logins:
            if time.monotonic() > deadline:
                raise RuntimeError("Dovecot does not log its logins")
            time.sleep(0.01)
        return self._logged(user)

    def _logged(self, user: str) -> int:
        return self.log().count(f"Login: user=<{user}>")


def _as_plain_user() -> str:
    me = pwd.getpwuid(os.getuid()).pw_name
    group = grp.getgrgid(os.getgid()).gr_name
    unconfined = "\n".join(
        f"service {name} {{\n  chroot =\n}}" for name in ("anvil", "imap-login", "ipc", "stats")
    )
    return f"""
default_internal_user = {me}
default_internal_group = {group}
default_login_user = {me}
{unconfined}
"""


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on now."""
    with contextlib.ExitStack() as sockets:
        held = [sockets.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in held]


def find_dovecot() -> str | None:
    """The server's program, which is often outside of a plain user's PATH."""
    return shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def running_dovecot(introspection: str = "") -> Iterator[DovecotServer]:
    """A Dovecot of one's own; the test is skipped where there is no such program."""
    binary = find_dovecot()
    if binary is None:
        reason = "Dovecot is not installed (Debian: dovecot-imapd)"
        if os.environ.get("CI") or os.environ.get("SERVICES84_TEST_REQUIRE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # Not below pytest's folder: the path of a Unix socket has room for a hundred characters.
    with tempfile.TemporaryDirectory(prefix="s84-dovecot-", ignore_cleanup_errors=True) as folder:
        server = DovecotServer(Path(folder), binary, introspection=introspection)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def dovecot() -> Iterator[DovecotServer]:
    """A running Dovecot for the whole session; every test uses users of its own."""
    with running_dovecot() as server:
        yield server
