"""`services84 keys`: no mail password is lost, whatever happens while the key is changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from services84.application import Application
from services84.security.keyfile import KeyFile
from services84.security.vault import Vault
from services84.settings import read_settings
from services84.store.accounts import AccountStore
from services84.store.database import Database
from services84.store.mail_tokens import MailTokenStore
from services84.store.principals import PrincipalStore
from services84.store.sealed import SealedSecrets
from services84.store.values import AccountDraft, ServiceAuth
from tests.cli.conftest import Run
from tests.support.rotations import Rotations

KILLS = 20
SAVED_AGAIN = 6  # accounts whose passwords change all the time


def _draft(associate_id: int, password: str, account_id: int = 0) -> AccountDraft:
    incoming = ServiceAuth(0, "imap.example.com", 993, "Password", "anna", password)
    outgoing = ServiceAuth(0, "smtp.example.com", 465, "Password", "anna", f"{password} out")
    return AccountDraft(account_id, "a@example.com", associate_id, incoming, outgoing)


class Mailboxes:
    """Accounts whose passwords are known here, saved by a process that goes on running."""

    def __init__(self, database: Database, key_file: Path, count: int) -> None:
        self._database, self._key_file = database, key_file
        self.store = AccountStore(database, Vault.load(key_file))
        self.associate = PrincipalStore(database).add_associate("anna", "hash").associate_id
        self.tokens = MailTokenStore(database, Vault.load(key_file))
        self.passwords: dict[int, str] = {}
        for number in range(count):
            self.save(f"first {number}")
        self.renewed = [i for i in self.passwords if i > SAVED_AGAIN]  # a save drops the token
        for account_id in self.renewed:
            self.tokens.keep(account_id, "example", f"refresh {account_id}", "", None, ())

    def save(self, password: str, account_id: int = 0) -> None:
        saved = self.store.save(_draft(self.associate, password, account_id))
        self.passwords[saved.account_id] = password

    def check(self) -> None:
        """Every password opens: for a process that starts, and for the one that runs."""
        for store in (self.store, AccountStore(self._database, Vault.load(self._key_file))):
            for account_id, password in self.passwords.items():
                account = store.get(account_id, secrets=True)
                assert account is not None
                assert account.incoming is not None
                assert account.outgoing is not None
                assert account.incoming.password == password
                assert account.outgoing.password == f"{password} out"
        for tokens in (self.tokens, MailTokenStore(self._database, Vault.load(self._key_file))):
            for account_id in self.renewed:
                token = tokens.of_account(account_id)
                assert token is not None
                assert token.refresh_token == f"refresh {account_id}"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    Vault.create_key_file(tmp_path / "kept.key")
    return tmp_path / "kept.key"


@pytest.fixture
def mailboxes(database: Database, key_file: Path) -> Mailboxes:
    return Mailboxes(database, key_file, 8)


@pytest.fixture
def rotations(database_url: str, key_file: Path) -> Iterator[Rotations]:
    process = Rotations(database_url, key_file)
    yield process
    process.close()


def test_killed_twenty_times_it_loses_no_password_that_is_saved_meanwhile(
    mailboxes: Mailboxes, rotations: Rotations, key_file: Path
) -> None:
    first = KeyFile(key_file).read().sealing
    stop, paused = threading.Event(), threading.Lock()
    failures: list[BaseException] = []

    def save_on() -> None:
        number = 0
        try:
            while not stop.wait(0.02):
                with paused:
                    number += 1
                    mailboxes.save(f"later {number}", 1 + number % SAVED_AGAIN)
        except BaseException as error:
            failures.append(error)

    saving = threading.Thread(target=save_on)
    saving.start()
    kills = tries = 0
    try:
        while kills < KILLS:
            tries += 1
            # Early and late steps in turn; a number beyond the last one is a whole rotation.
            kills += rotations.killed(1 + tries * 7 % 48)
            with paused:
                mailboxes.check()
        assert not rotations.killed(0)
        assert not rotations.killed(0)
    finally:
        stop.set()
        saving.join(60)
    assert failures == []
    mailboxes.check()
    ring = KeyFile(key_file).read()
    assert first not in ring.keys
    assert len(ring.keys) == 1
    assert [path.name for path in key_file.parent.glob("*kept.key*")] == ["kept.key"]


def test_a_rotation_is_seen_by_processes_that_run(run: Run, installed: Run) -> None:
    assert run("associate", "add", "anna", "--password-stdin", stdin="correct horse").exit_code == 0
    application = Application(read_settings())
    try:
        account = application.services.accounts.save(_draft(1, "geheim"))
        first = KeyFile(application.settings.key_file).read().sealing
        done = run("keys", "rotate")
        assert done.exit_code == 0, done.stderr
        assert done.stdout.splitlines()[1] == "2 mail passwords sealed with it"
        assert f"key {first} removed" in done.stdout
        again = application.services.accounts.get(account.account_id, secrets=True)
        assert again is not None
        assert again.incoming is not None
        assert again.incoming.password == "geheim"
        application.services.accounts.save(_draft(1, "neu", account.account_id))
        verified = run("keys", "verify")
        assert verified.exit_code == 0
        ring = KeyFile(application.settings.key_file).read()
        assert verified.stdout.splitlines() == [
            f"key {ring.sealing} seals: 2 mail passwords",
            "2 of 2 mail passwords can be opened",
        ]
    finally:
        application.close()


def test_on_several_machines_the_key_goes_ahead_and_the_former_one_stays_behind(
    run: Run, installed: Run, installation: Path
) -> None:
    run("associate", "add", "anna", "--password-stdin", stdin="correct horse")
    copy = installation / "other-machine.key"

    def copied() -> Vault:
        copy.write_bytes((installation / "cli.key").read_bytes())
        copy.chmod(0o600)
        return Vault.load(copy)

    first = KeyFile(installation / "cli.key").read().sealing
    assert "is prepared" in run("keys", "prepare").stdout
    database = Database(read_settings().database_url)
    other = AccountStore(database, copied())
    account = other.save(_draft(1, "geheim"))
    assert run("keys", "rotate", "--keep-old").exit_code == 0
    for password in ("in between", "and again"):
        found = other.get(account.account_id, secrets=True)
        assert found is not None
        other.save(_draft(1, password, account.account_id))
    assert f"key {first} opens: 2 mail passwords" in run("keys", "verify").stdout
    copied()
    finished = run("keys", "rotate")
    assert "seals already; going on" in finished.stdout
    assert f"key {first} removed" in finished.stdout
    found = other.get(account.account_id, secrets=True)
    assert found is not None
    assert found.incoming is not None
    assert found.incoming.password == "and again"
    database.close()


def test_what_cannot_be_opened_is_named_and_its_key_kept(
    run: Run, installed: Run, installation: Path
) -> None:
    run("associate", "add", "anna", "--password-stdin", stdin="correct horse")
    database = Database(read_settings().database_url)
    stranger = installation / "stranger.key"
    Vault.create_key_file(stranger)
    AccountStore(database, Vault.load(stranger)).save(_draft(1, "lost"))
    AccountStore(database, Vault.load(installation / "cli.key")).save(_draft(1, "kept"))
    verified = run("keys", "verify")
    assert verified.exit_code == 1
    assert "keys that are not in the file: 2 mail passwords" in verified.stdout
    assert "2 of 4 mail passwords can be opened" in verified.stdout
    assert "a@example.com: the secret in service_auth 1, password," in verified.stderr
    rotated = run("keys", "rotate")
    assert rotated.exit_code == 1
    assert "2 mail passwords sealed with it" in rotated.stdout
    report = SealedSecrets(database, Vault.load(installation / "cli.key")).report()
    assert report.sealed == 4
    assert len(report.unreadable) == 2
    assert "lost" not in verified.output + rotated.output
    database.close()


def test_without_a_key_file_it_says_so(run: Run, installation: Path) -> None:
    for command in ("rotate", "verify", "prepare"):
        done = run("keys", command)
        assert done.exit_code == 2
        assert "there is no key file" in done.stderr
