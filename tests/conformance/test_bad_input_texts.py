"""Line breaks and NULs in every text of every operation: refused, or harmless.

Here calls may succeed, where a member may hold several lines or is not looked at; then nothing
may have got into a header, an envelope or the database that was not meant to.
"""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes

import pytest

from services84.agents import Operation
from tests.conformance.bad_input import Packed
from tests.conformance.careful import WrongCalls, running_wrong_calls
from tests.conformance.test_bad_input import BREAKS, INJECTED, WITH_MEMBERS, strings
from tests.support.dovecot import DovecotServer
from tests.support.submission import SubmissionServer

UNMEANT = ("SoException", "SoDatabaseException", "SoSecretException")


@pytest.fixture(scope="module")
def calls(
    tmp_path_factory: pytest.TempPathFactory, dovecot: DovecotServer, submission: SubmissionServer
) -> Iterator[WrongCalls]:
    folder = tmp_path_factory.mktemp("texts")
    with running_wrong_calls(folder, dovecot, submission) as running:
        yield running


@pytest.mark.parametrize(
    "operation", [op for op in WITH_MEMBERS if any(strings(op))], ids=lambda op: op.name
)
def test_line_breaks_and_nuls_do_no_harm(calls: WrongCalls, operation: Operation) -> None:
    for leaf in strings(operation):
        for text in (BREAKS[0], Packed("a\0b")):
            reply = calls.call(operation.name, leaf.path, text)
            assert reply.succeeded is not None, (leaf.path, text)
            assert reply.exception.get("ExceptionType") not in UNMEANT, (leaf.path, text)
    tables, _, _ = calls.state()
    texts = (value for rows in tables.values() for row in rows for value in row)
    assert not any(isinstance(value, str) and "\0" in value for value in texts)


def test_nothing_was_put_into_headers_or_envelopes(calls: WrongCalls) -> None:
    sender = calls.sender
    recipients = {address for one in sender.received() for address in one.recipients}
    assert recipients == {sender.to}
    assert sender.received(INJECTED) == []
    kept = [source for folder in sender.folders() for source in sender.sources(folder.strip('"'))]
    assert kept
    for source in [*(one.source for one in sender.received()), *kept]:
        fields = message_from_bytes(source).items()
        assert not any(INJECTED in value for name, value in fields if name.lower() == "bcc")
        assert not any(INJECTED in name for name, _ in fields)
