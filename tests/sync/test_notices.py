"""New mail is told of once, through the account's own server, and never twice."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from services84.mime.addresses import Address
from services84.mime.automatic import is_automatic_reply
from services84.smtp.submission import Session
from services84.store.marks import Marks
from services84.sync.notices import SHOWN, notice
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import message
from tests.support.options import CLEAR, set_options
from tests.support.submission import Received, SubmissionServer
from tests.support.submission_account import Post, Sender, read


@pytest.fixture
def anna(post: Post, dovecot: DovecotServer, submission: SubmissionServer) -> Sender:
    """Somebody whose new mail another address is told of; one message was there before."""
    anna = post.sender(dovecot, submission)
    anna.deliver(message(1))
    notify(anna)
    return anna


def notify(anna: Sender, *, on: bool = True) -> None:
    set_options(
        anna.service,
        anna.account_id,
        send_notification=on,
        notification_email=anna.to,
        display_name="Ännä's mail",
    )


def notices(anna: Sender) -> list[Received]:
    assert anna.submission is not None
    return anna.submission.received(anna.to)


def test_the_first_sync_tells_of_nothing_and_the_next_of_what_came(anna: Sender) -> None:
    anna.sync()
    assert notices(anna) == []
    anna.sync()
    assert notices(anna) == []

    anna.deliver(message(2), message(3))
    assert anna.sync()["Sync.New"] == "2"

    [notice] = notices(anna)
    told = read(notice.source)
    assert notice.mail_from == anna.address
    assert told["Subject"] == f"2 new messages for {anna.address}"
    assert str(told["From"]) == f"Ännä's mail <{anna.address}>"
    assert told["Auto-Submitted"] == "auto-generated"
    text = told.get_content()
    assert "Sender 3 <sender3@example.com>: Message 3 – Grüße" in text
    assert text.index("Message 3") < text.index("Message 2")
    anna.sync()
    assert len(notices(anna)) == 1


def test_a_notice_is_in_the_language_of_whose_account_it_is(anna: Sender) -> None:
    account = anna.service.services.accounts.get(anna.account_id)
    assert account is not None
    anna.service.services.principals.set_language(account.associate_id, "sv")
    anna.sync()
    anna.deliver(*(message(number) for number in range(2, SHOWN + 4)))
    anna.sync()
    anna.service.services.principals.set_language(account.associate_id, "de")
    anna.deliver(message(90))
    anna.sync()
    swedish, german = (read(notice.source) for notice in notices(anna))
    assert swedish["Subject"] == f"{SHOWN + 2} nya meddelanden till {anna.address}"
    assert "och 2 till" in swedish.get_content()
    assert german["Subject"] == f"1 neue Nachricht für {anna.address}"
    assert german.get_content().startswith(f"1 neue Nachricht für {anna.address}:")


@pytest.mark.parametrize(
    ("language", "subject", "nothing"),
    [
        ("en", "1 new message for a@b.c", "(no sender): (no subject)"),
        ("no", "1 ny melding til a@b.c", "(ingen avsender): (uten emne)"),
        ("sv", "1 nytt meddelande till a@b.c", "(ingen avsändare): (inget ämne)"),
        ("da", "1 ny meddelelse til a@b.c", "(ingen afsender): (intet emne)"),
        ("de", "1 neue Nachricht für a@b.c", "(kein Absender): (kein Betreff)"),
        ("nl", "1 nieuw bericht voor a@b.c", "(geen afzender): (geen onderwerp)"),
        ("fr", "1 new message for a@b.c", "(no sender): (no subject)"),
    ],
)
def test_a_notice_speaks_all_the_languages_of_the_service(
    language: str, subject: str, nothing: str
) -> None:
    @dataclass
    class Nothing:
        sender: str = ""
        subject: str = ""

    told = notice(Address("", "a@b.c"), "x@y.z", [Nothing()], language)  # type: ignore[list-item]
    assert told.subject == subject
    assert nothing in told.plain


def test_the_words_of_senders_are_not_translated() -> None:
    @dataclass
    class Mail:
        sender: str = "no sender"
        subject: str = "no subject"

    told = notice(Address("", "a@b.c"), "x@y.z", [Mail()], "de")  # type: ignore[list-item]
    assert "no sender: no subject" in told.plain


def test_many_messages_are_one_notice_that_names_some(anna: Sender) -> None:
    anna.sync()
    anna.deliver(*(message(number) for number in range(2, SHOWN + 7)))
    anna.sync()
    [notice] = notices(anna)
    assert "and 5 more" in read(notice.source).get_content()


def test_nobody_is_told_where_it_is_not_wanted(anna: Sender) -> None:
    anna.sync()
    notify(anna, on=False)
    anna.deliver(message(2))
    anna.sync()
    notify(anna)
    anna.sync()
    assert notices(anna) == []


def test_what_one_sends_drafts_or_throws_away_is_no_news(anna: Sender) -> None:
    with anna.client() as client:
        for name in ("Sent", "Drafts", "Trash", "Archive"):
            client.create(name)
    anna.sync()
    for name in ("Sent", "Drafts", "Trash"):
        anna.deliver(message(5), folder=name)
    anna.sync()
    assert notices(anna) == []
    anna.deliver(message(6), folder="Archive")
    anna.sync()
    assert len(notices(anna)) == 1


def test_a_message_that_moved_is_no_news(anna: Sender) -> None:
    with anna.client() as client:
        client.create("Archive")
    anna.sync()
    with anna.client() as client:
        client.select("INBOX")
        client.uid("MOVE", "1", "Archive")
    anna.sync()
    assert notices(anna) == []


def test_cleared_mail_is_told_of_too(anna: Sender) -> None:
    set_options(anna.service, anna.account_id, deletion_policy=CLEAR)
    anna.sync()
    anna.deliver(message(2))
    anna.sync()
    assert anna.state() == {}
    assert len(notices(anna)) == 1


def test_a_notice_that_is_refused_is_not_sent_again_and_fails_no_sync(
    anna: Sender, submission: SubmissionServer
) -> None:
    anna.sync()
    submission.add_user(anna.user, "another password")
    anna.deliver(message(2))
    anna.sync()
    account = anna.service.services.accounts.get(anna.account_id)
    assert account is not None
    assert account.error_count == 0
    submission.add_user(anna.user, anna.server.password(anna.user))  # type: ignore[union-attr]
    anna.sync()
    assert notices(anna) == []
    anna.deliver(message(3))
    anna.sync()
    [notice] = notices(anna)
    assert read(notice.source)["Subject"].startswith("1 new message for")


@pytest.mark.parametrize("moment", ["before it is marked", "before it is sent", "after it was"])
def test_a_process_that_dies_tells_of_a_message_once_at_most(
    anna: Sender, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    anna.sync()
    anna.deliver(message(2))
    send = Session.send

    def dies(*_: object, **__: object) -> None:
        raise RuntimeError("the process dies here")

    def sends_and_dies(session: Session, *arguments: object, **named: object) -> None:
        send(session, *arguments, **named)  # type: ignore[arg-type]
        dies()

    if moment == "before it is marked":
        monkeypatch.setattr(Marks, "take_news", dies)
    else:
        monkeypatch.setattr(
            Session, "send", dies if moment == "before it is sent" else sends_and_dies
        )
    anna.service.services.sync.sync(anna.account_id, force=True)
    monkeypatch.undo()
    anna.service.services.sync.sync(anna.account_id, force=True)
    anna.service.services.sync.sync(anna.account_id, force=True)
    assert len(notices(anna)) == (0 if moment == "before it is sent" else 1)


AUTOMATIC = {
    "auto-replied": b"Auto-Submitted: auto-replied (vacation)\r\n",
    "a report": b"Content-Type: multipart/report;\r\n\treport-type=delivery-status; boundary=x\r\n",
    "no way back": b"Return-Path: <>\r\n",
}
NOT_AUTOMATIC = {
    "a list": b"Auto-Submitted: auto-generated\r\n",
    "no": b"Auto-Submitted: no\r\n",
    "ordinary": b"Return-Path: <a@example.com>\r\nContent-Type: text/plain\r\n",
    "in the body": b"Subject: x\r\n\r\nAuto-Submitted: auto-replied\r\n",
    "empty": b"",
}


@pytest.mark.parametrize("name", AUTOMATIC)
def test_answers_of_machines_are_told_by_their_header(name: str) -> None:
    assert is_automatic_reply(AUTOMATIC[name] + b"Subject: x\r\n\r\nbody")


@pytest.mark.parametrize("name", NOT_AUTOMATIC)
def test_other_mail_is_none_of_them(name: str) -> None:
    assert not is_automatic_reply(NOT_AUTOMATIC[name])


def test_notices_and_what_machines_answer_to_them_are_told_to_nobody(anna: Sender) -> None:
    anna.sync()
    anna.deliver(message(2))
    anna.sync()
    [notice] = notices(anna)
    bounces = [head + b"Subject: failed\r\n\r\nbody" for head in AUTOMATIC.values()]
    anna.deliver(notice.source, *bounces)
    anna.sync()
    assert len(notices(anna)) == 1
    anna.deliver(bounces[0], message(3))
    anna.sync()
    assert read(notices(anna)[-1].source)["Subject"].startswith("1 new message for")
