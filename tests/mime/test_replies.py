"""Answers and forwarded messages."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from services84.mime.addresses import Address
from services84.mime.draft import MOST_REFERENCES, Draft, DraftAttachment, check, reply_chain
from services84.mime.replies import answering, forwarded, replied

ANNA = Address("Anna", "anna@example.com")
BERT = Address("Bert", "bert@example.com")
CARLA = Address("", "carla@example.com")
DORA = Address("Dora", "dora@example.com")
SENT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
FILE = DraftAttachment("a.pdf", b"%PDF")
PICTURE = DraftAttachment("p.png", b"PNG", content_id="p@x", inline=True)
ORIGINAL = Draft(
    sender=ANNA,
    to=(BERT, CARLA),
    cc=(DORA, ANNA),
    subject="Offer",
    plain="One\r\nTwo",
    html="<html><head><style>p{}</style></head><BODY class='x'><p>One</p></BODY></html>",
    message_id="<2@x.org>",
    in_reply_to="<1@x.org>",
    references="<0@x.org> <1@x.org>",
    attachments=(FILE, PICTURE),
)


def test_a_forwarded_message_quotes_and_carries_everything_but_its_recipients() -> None:
    draft = forwarded(ORIGINAL, sender=BERT, sent_at=SENT)

    assert (draft.sender, draft.to, draft.cc, draft.bcc) == (BERT, (), (), ())
    assert draft.subject == "Fw: Offer"
    assert draft.attachments == (FILE, PICTURE)
    assert draft.message_id == ""
    assert draft.references == "<0@x.org> <1@x.org> <2@x.org>"
    assert draft.plain == (
        "\n\n-----Original Message-----\n"
        "From: Anna <anna@example.com>\n"
        "Sent: Sun, 01 Mar 2026 09:00:00 +0000\n"
        "To: Bert <bert@example.com>; carla@example.com\n"
        "Cc: Dora <dora@example.com>; Anna <anna@example.com>\n"
        "Subject: Offer\n"
        "\n"
        "One\nTwo"
    )
    before, after = draft.html.split("<BODY class='x'>")
    assert before == "<html><head><style>p{}</style></head>"
    assert after.index("<b>From:</b> Anna &lt;anna@example.com&gt;<br>") < after.index("<p>One")


def test_what_a_message_lacks_a_forwarded_one_lacks_too() -> None:
    draft = forwarded(Draft(sender=Address("", "")), sender=BERT)

    assert draft.subject == "Fw:"
    assert draft.plain == "\n\n-----Original Message-----\n\n"
    assert draft.html == ""
    assert forwarded(dataclasses.replace(ORIGINAL, plain=""), sender=BERT).plain == ""


def test_html_without_a_body_gets_the_head_before_it() -> None:
    draft = forwarded(dataclasses.replace(ORIGINAL, html="<p>One", subject="<b>"), sender=BERT)

    assert draft.html.endswith("<p>One")
    assert "<b>Subject:</b> &lt;b&gt;" in draft.html


@pytest.mark.parametrize(
    ("subject", "forward", "reply"),
    [
        ("Offer", "Fw: Offer", "Re: Offer"),
        ("Re: Offer", "Fw: Re: Offer", "Re: Offer"),
        ("FW: Offer", "FW: Offer", "Re: FW: Offer"),
        ("Fwd: Offer", "Fwd: Offer", "Re: Fwd: Offer"),
        ("AW: Offer", "Fw: AW: Offer", "AW: Offer"),
        ("RE[2]: Offer", "Fw: RE[2]: Offer", "RE[2]: Offer"),
        ("Regarding: x", "Fw: Regarding: x", "Re: Regarding: x"),
    ],
)
def test_a_prefix_is_not_doubled(subject: str, forward: str, reply: str) -> None:
    original = dataclasses.replace(ORIGINAL, subject=subject)

    assert forwarded(original, sender=BERT).subject == forward
    assert replied(original, sender=BERT).subject == reply


def test_an_answer_goes_to_the_sender_and_names_what_it_answers() -> None:
    draft = replied(ORIGINAL, sender=BERT, sent_at=SENT)

    assert (draft.to, draft.cc) == ((ANNA,), ())
    assert (draft.in_reply_to, draft.references) == (
        "<2@x.org>",
        "<0@x.org> <1@x.org> <2@x.org>",
    )
    assert draft.plain.endswith("> Subject: Offer\n>\n> One\n> Two")
    assert draft.attachments == (PICTURE,)


def test_an_answer_to_all_goes_to_everybody_once_and_not_to_oneself() -> None:
    draft = replied(ORIGINAL, sender=Address("", "BERT@example.com"), to_all=True)

    assert (draft.to, draft.cc) == ((ANNA,), (CARLA, DORA))
    elsewhere = dataclasses.replace(ORIGINAL, reply_to=(DORA,))
    assert replied(elsewhere, sender=BERT).to == (DORA,)


@pytest.mark.parametrize(
    ("parent", "references", "in_reply_to", "chain"),
    [
        ("", "", "", ""),
        ("<2@x>", "", "", "<2@x>"),
        ("<2@x>", "", "<1@x>", "<1@x> <2@x>"),
        ("<2@x>", "<0@x> nonsense <1@x>", "<9@x>", "<0@x> <1@x> <2@x>"),
        ("<2@x>", "<2@x>", "", "<2@x>"),
        ("no id", "<ä@x>", "", ""),
    ],
)
def test_a_chain_of_references_grows_by_the_parent(
    parent: str, references: str, in_reply_to: str, chain: str
) -> None:
    assert reply_chain(parent, references, in_reply_to) == chain


def test_a_long_chain_keeps_its_first_and_its_latest() -> None:
    references = " ".join(f"<{n}@x>" for n in range(500))
    draft = answering(ORIGINAL, "<500@x>", references)

    kept = check(draft).references.split()
    assert len(kept) == MOST_REFERENCES
    assert (kept[0], kept[1], kept[-1]) == ("<0@x>", "<472@x>", "<500@x>")
    assert draft.in_reply_to == "<500@x>"
