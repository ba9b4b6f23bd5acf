"""`services84 sync --trace FILE`: the protocol log that an administrator asks for."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from services84.cli.trace import TraceFile, trace_file
from services84.errors import ConfigurationError
from services84.mailhost import MailHost, Transport
from tests.cli.conftest import Run
from tests.support.dovecot import DovecotServer

HOST = MailHost("mail.example.com", 993, Transport.TLS)
PASSWORD = "canary mail secret"


@pytest.fixture
def account(installed: Run, dovecot: DovecotServer) -> str:
    user = dovecot.add_user("traced@example.com", PASSWORD)
    dovecot.deliver(user, "INBOX", b"Subject: confidential\r\n\r\nconfidential")
    installed("associate", "add", "anna", "--password-stdin", stdin="long enough")
    added = installed(
        *["account", "add", user, "--associate", "anna", "--username", user],
        *["--imap", f"127.0.0.1:{dovecot.port_plain}", "--password-stdin"],
        stdin=PASSWORD,
    )
    assert added.exit_code == 0, added.stderr
    return user


# Refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["folder", "nowhere", "link", "pipe", "pipe with a reader"])
def test_what_cannot_be_the_file_is_refused_before_anything_is_done(
    account: str, run: Run, dovecot: DovecotServer, tmp_path: Path, kind: str
) -> None:
    before = dovecot.logins(account)
    other = tmp_path / "other"
    other.write_text("precious")
    path = tmp_path / "trace"
    reader = None
    if kind == "folder":
        path.mkdir()
    elif kind == "nowhere":
        path = tmp_path / "nowhere" / "trace"
    elif kind == "link":
        path.symlink_to(other)
    else:
        os.mkfifo(path)
        if kind == "pipe with a reader":
            reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    result = run("sync", "--all", "--trace", str(path))

    assert result.exit_code == 2
    assert re.search(rf"--trace: cannot write {re.escape(str(path))}: \w+", result.stderr)
    assert "Traceback" not in result.stderr
    assert other.read_text() == "precious"
    assert dovecot.logins(account) == before
    if reader is not None:
        os.close(reader)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text("precious")
    os.chown(path, 12345, -1)
    with pytest.raises(ConfigurationError, match="belongs to somebody else"), trace_file(path):
        pass
    assert path.read_text() == "precious"


def test_a_disk_that_is_full_ends_the_log_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        tell = TraceFile(tmp_path / "trace", descriptor).conversation("anna", HOST)
        tell("> NOOP")
        tell("> NOOP")
    finally:
        os.close(descriptor)
    assert capsys.readouterr().err.count("ends here: No space left on device") == 1


# The log ----------------------------------------------------------------------------------------


def test_the_conversations_are_told_without_secrets_and_mail(
    account: str, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "trace"
    path.write_text("what was there before " * 1000)
    path.chmod(0o644)

    result = run("sync", account, "--trace", str(path))

    assert result.exit_code == 0, result.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    log = path.read_text()
    assert "canary" not in log
    assert "confidential" not in log
    assert "before" not in log
    line = rf"\d{{4}}-\d\d-\d\dT[\d:]{{8}}\.\d{{6}}Z {account} 127\.0\.0\.1:\d+ #1 [<>=] .*"
    assert all(re.fullmatch(line, one) for one in log.splitlines())
    assert "> AUTHENTICATE CRAM-MD5\n" in log
    assert "> LIST " in log
    assert "> UID FETCH " in log
    assert "BODY[] {37 bytes}" in log


def test_a_new_file_is_private_from_the_first_moment(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        with trace_file(tmp_path / "trace") as trace:
            assert stat.S_IMODE((tmp_path / "trace").stat().st_mode) == 0o600
            first = trace.conversation("anna\nroot", HOST)
            second = trace.conversation("anna", HOST)
            first("> a")
            second("> b")
    finally:
        os.umask(umask)
    second("> after the end")
    written = (tmp_path / "trace").read_text().splitlines()
    assert [line.partition("Z ")[2] for line in written] == [
        "anna root mail.example.com:993 #1 > a",
        "anna mail.example.com:993 #2 > b",
    ]
