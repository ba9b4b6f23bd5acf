"""The button that tests the login tries both servers of an account, and says how each answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services84.agents import watching
from services84.agents.call import Call, Presented
from services84.agents.watching import Side, Trial
from services84.errors import ConnectionRefused, LoginRefused, NotFound
from tests.support.dovecot import DovecotServer, free_ports
from tests.support.mailboxes import credentials
from tests.support.submission import SubmissionServer
from tests.support.submission_account import SECRET, Post, Sender, running_post


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    with running_post(tmp_path_factory.mktemp("logins")) as running:
        yield running


def try_logins(sender: Sender) -> list[Trial]:
    services = sender.service.services
    associate = services.principals.associate_by_name(sender.user)
    call = Call(services, Presented(ticket=sender.ticket), services.clock(), associate)
    return watching.try_logins(call, sender.account_id)


def test_both_servers_let_in(
    post: Post, dovecot: DovecotServer, submission: SubmissionServer
) -> None:
    sender = post.sender(dovecot, submission)
    incoming, outgoing = try_logins(sender)
    assert (incoming.side, incoming.error) == (Side.INCOMING, None)
    assert outgoing == Trial(Side.OUTGOING, f"127.0.0.1:{submission.port_plain}")


def test_a_refusal_of_the_outgoing_server_alone_is_told_and_is_no_error_of_the_account(
    post: Post, dovecot: DovecotServer, submission: SubmissionServer
) -> None:
    sender = post.sender(dovecot, submission)
    submission.add_user(sender.user, "another password")
    incoming, outgoing = try_logins(sender)
    assert incoming.error is None
    assert isinstance(outgoing.error, LoginRefused)
    assert SECRET not in outgoing.said
    account = sender.service.services.accounts.get(sender.account_id)
    assert account is not None
    assert account.error_count == 0


def test_after_a_refusal_of_the_incoming_server_the_outgoing_one_is_left_alone(
    post: Post, dovecot: DovecotServer, submission: SubmissionServer
) -> None:
    sender = post.sender(dovecot, submission)
    dovecot.add_user(sender.user, "another password")
    incoming, outgoing = try_logins(sender)
    assert isinstance(incoming.error, LoginRefused)
    assert (outgoing.tried, outgoing.error) == (False, None)
    account = sender.service.services.accounts.get(sender.account_id)
    assert account is not None
    assert (account.error_count, account.error_kind) == (1, "LoginRefused")


def test_an_outgoing_server_that_is_away_is_told_as_such(
    post: Post, dovecot: DovecotServer, submission: SubmissionServer
) -> None:
    sender = post.sender(dovecot, submission, smtp_port=free_ports(1)[0])
    incoming, outgoing = try_logins(sender)
    assert incoming.error is None
    assert isinstance(outgoing.error, ConnectionRefused)


def test_an_account_without_outgoing_server_has_one_login(
    post: Post, dovecot: DovecotServer, submission: SubmissionServer
) -> None:
    sender = post.sender(dovecot, submission, OutgoingCredentials=None)
    assert [trial.side for trial in try_logins(sender)] == [Side.INCOMING]


def test_an_outgoing_side_without_password_says_so(
    post: Post, dovecot: DovecotServer, submission: SubmissionServer
) -> None:
    without = credentials("somebody", "", submission.port_plain)
    sender = post.sender(dovecot, submission, OutgoingCredentials=without)
    assert "no password" in try_logins(sender)[1].said


def test_nobody_tries_the_account_of_another(
    post: Post, dovecot: DovecotServer, submission: SubmissionServer
) -> None:
    mine, other = post.sender(dovecot, submission), post.sender(dovecot, submission)
    mine.account_id = other.account_id
    with pytest.raises(NotFound):
        try_logins(mine)
