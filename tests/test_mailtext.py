"""What mail servers say is shown without the secret that they were sent."""

from __future__ import annotations

import base64
import json

import pytest

from services84.mailtext import without

SECRET = "pa55word<&'\"é\\of the mailbox"


@pytest.mark.parametrize(
    "quoted",
    [
        SECRET.encode(),
        base64.b64encode(f"\0anna\0{SECRET}".encode()),
        base64.b64encode(f"user=anna\1auth=Bearer {SECRET}\1\1".encode()),
        base64.urlsafe_b64encode(f"??>>{SECRET}".encode()),
        repr(SECRET.encode()).encode(),
        json.dumps(SECRET).encode(),
        SECRET.encode()[5:],
    ],
)
def test_a_quoted_secret_is_hidden_in_whichever_form(quoted: bytes) -> None:
    shown = without(b"NO [AUTH] you said " + quoted + b", which is wrong", SECRET)
    assert shown.startswith(b"NO [AUTH] you said ")
    assert shown.endswith(b"which is wrong")
    assert b"***" in shown
    assert b"of the mailbox" not in shown
    assert base64.b64encode(b"x" + SECRET.encode())[8:20] not in shown


@pytest.mark.parametrize(
    "text",
    [
        b"authentication failed: wrong password of the account",
        b"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR LOGINDISABLED/abcdefghijkl==",
        b"\xff\xfe no text at all \0",
        b"LOGINDISABLED thirteen characters",
        b"",
    ],
)
def test_other_texts_stay_as_they_are(text: bytes) -> None:
    assert without(text, SECRET) == text
    assert without(text, "ab") == text
