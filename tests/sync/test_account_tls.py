"""An account's flag for TLS decides how its servers are spoken to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from services84.errors import MailServerError
from services84.store.values import Account, AccountDraft
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import save_account
from tests.support.service import Service, running_service
from tests.support.submission import SubmissionServer

SECRET = "mail-secret-84"
_numbers = count(1)


@pytest.fixture
def service(tmp_path: Path, dovecot: DovecotServer) -> Iterator[Service]:
    with running_service(
        tmp_path, mail_ca_file=dovecot.authority.ca_file, mail_read_timeout=2.0
    ) as service:
        yield service


def account(service: Service, dovecot: DovecotServer, port: int, *, ssl: bool | None) -> Account:
    user = dovecot.add_user(f"tls{next(_numbers)}", SECRET)
    _, ticket = service.associate(user)
    account_id = save_account(service, ticket, user, SECRET, port)
    stored = service.services.accounts.get(account_id)
    assert stored is not None
    assert stored.incoming is not None
    side = replace(stored.incoming, use_ssl=ssl)
    draft = AccountDraft(account_id, "a@example.com", stored.associate_id, side, None)
    return service.services.accounts.save(draft)


@pytest.mark.parametrize(
    ("port", "ssl", "works"),
    [
        ("port_tls", True, True),
        ("port_tls", False, False),
        ("port_tls", None, False),
        ("port_starttls", None, True),
        ("port_starttls", False, True),
        ("port_starttls", True, False),
        ("port_plain", None, True),
        ("port_plain", True, False),
    ],
)
def test_the_flag_decides(
    service: Service, dovecot: DovecotServer, port: str, ssl: bool | None, works: bool
) -> None:
    made = account(service, dovecot, getattr(dovecot, port), ssl=ssl)
    report = service.services.sync.sync(made.account_id, force=True)
    assert (report.error is None) is works, report.error
    assert works or isinstance(report.error, MailServerError)


def test_the_outgoing_server_goes_by_its_own_flag(
    service: Service, submission: SubmissionServer, dovecot: DovecotServer
) -> None:
    made = account(service, dovecot, submission.port_tls, ssl=True)
    assert made.incoming is not None
    mail = service.services.mail
    assert mail.where_of(made.incoming).transport.value == "tls"
    plain = replace(made.incoming, use_ssl=None)
    assert mail.where_of(plain).transport.value == "starttls"
