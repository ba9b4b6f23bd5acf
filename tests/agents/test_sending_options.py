"""Mail that goes by an account carries its display name and its address for answers."""

from __future__ import annotations

import pytest

from tests.support.dovecot import DovecotServer
from tests.support.options import set_options
from tests.support.submission import SubmissionServer
from tests.support.submission_account import Post, Sender, emails, read


@pytest.fixture
def anna(post: Post, dovecot: DovecotServer, submission: SubmissionServer) -> Sender:
    anna = post.sender(dovecot, submission)
    set_options(
        anna.service, anna.account_id, display_name="Ännä Östby", reply_to="answers@example.com"
    )
    return anna


def sent(anna: Sender) -> tuple[str, str | None]:
    [received] = anna.received()
    message = read(received.source)
    answers = message["Reply-To"]
    return str(message["From"]), None if answers is None else str(answers)


def test_display_name_and_address_for_answers_are_the_accounts(anna: Sender) -> None:
    anna.succeed("Send", emails(anna.mail()))
    assert sent(anna) == (f"Ännä Östby <{anna.address}>", "answers@example.com")


def test_the_address_alone_gets_the_display_name(anna: Sender) -> None:
    anna.succeed("Send", emails(anna.mail(From={"Address": anna.address.upper()})))
    assert sent(anna)[0] == f"Ännä Östby <{anna.address.upper()}>"


def test_what_the_mail_says_itself_counts(anna: Sender) -> None:
    anna.succeed("Send", emails(anna.mail(From={"Address": anna.address, "Name": "Anna"})))
    assert sent(anna)[0] == f"Anna <{anna.address}>"


def test_without_options_it_is_the_callers_name(anna: Sender) -> None:
    set_options(anna.service, anna.account_id, display_name="", reply_to="")
    anna.succeed("Send", emails(anna.mail()))
    assert sent(anna) == (f"{anna.user.title()} <{anna.address}>", None)


def test_a_mail_by_other_servers_is_none_of_the_accounts(anna: Sender) -> None:
    anna.succeed("SendEMails", anna.outgoing(), emails(anna.mail()))
    assert sent(anna)[1] is None


def test_a_new_mail_begins_with_the_display_name(anna: Sender) -> None:
    reply = anna.succeed("CreateDefaultEMailEntity")
    assert reply.text("Response/From/Name") == "Ännä Östby"
