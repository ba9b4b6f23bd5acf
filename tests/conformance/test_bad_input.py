"""Bad input to every member of every operation: a clear error that names it, nothing changed.

The cases are made from the declarations of the operations, so that what is added is tried too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from services84.agents import EMAIL, Operation
from services84.carriers.base import Int, String
from tests.conformance.bad_input import Leaf, Packed, leaves, wrong_texts
from tests.conformance.careful import WrongCalls, running_wrong_calls
from tests.support.dovecot import DovecotServer
from tests.support.service import Reply, envelope
from tests.support.submission import SubmissionServer

WITH_MEMBERS = [operation for operation in EMAIL if operation.parameters]
BY_NAME = pytest.mark.parametrize("operation", WITH_MEMBERS, ids=lambda op: op.name)
INJECTED = "evil@example.org"
BREAKS = [f"a@b.example\r\nBcc: {INJECTED}", f"a@b.example\nRCPT TO:<{INJECTED}>"]
LONG = "x" * 10_000_000
FOLDERS = ["a\r\nb LOGOUT", "a\nb", "a\x85b", "a\u2028b", Packed("a\0b"), Packed("a\x01b"), LONG]
FIELD_NAMES = ["X:Y", "X Y", "X\r\nBcc", "Grüße", "", Packed("X\0Y"), "To"]
MISSING = [-1, 0, 2**31 - 1]

# What an operation does not look at, and says nothing of: there is no folder to open here,
_NO_FOLDER = {
    "AuthenticateIncoming",
    "AuthenticateOutgoing",
    "Authenticate",
    "GetFolderList",
    "GetFolderInfo",
    "SetSubscription",
    "RefreshFolder",
    "RelayMessage",
}
# a message says where it came from and goes elsewhere,
_PUTS_MAIL = {"Save", "SaveToMailServer"}
# and a forwarding mail goes to others, under fields of its own.
_NOT_FORWARDED = re.compile(r"Email/(To|Cc|Bcc|CustomHeaderList|From|InReplyTo)/")


@pytest.fixture(scope="module")
def calls(
    tmp_path_factory: pytest.TempPathFactory, dovecot: DovecotServer, submission: SubmissionServer
) -> Iterator[WrongCalls]:
    folder = tmp_path_factory.mktemp("careful")
    with running_wrong_calls(folder, dovecot, submission) as running:
        yield running


def strings(operation: Operation) -> Iterator[Leaf]:
    """Members that are texts, without those that only describe other members."""
    for leaf in leaves(operation):
        described = re.search(r"(^|/)(TableRight|FieldProperties)/", leaf.path)
        if issubclass(leaf.kind, String) and not wrong_texts(leaf.kind) and not described:
            yield leaf


def refused(reply: Reply, leaf: Leaf, *, about: Any = None) -> None:
    """The reply is a refusal in words for callers, which names the member or, of `about`, the
    id."""
    assert reply.status.startswith("200"), (leaf.path, reply.status)
    assert reply.succeeded is False, (leaf.path, about)
    told = reply.exception
    kinds = ("SoArgumentException", "SoNotFoundException", "SoAccessDeniedException")
    assert told["ExceptionType"] in kinds, (leaf.path, told)
    # Of an array the item is counted; of a member of a member its whole may be named.
    named = re.sub(r"\[\d+\]", "", told["Message"].partition(":")[0])
    in_short = re.sub(r"(^|/)(string|int)$", "", leaf.path)
    found = named == in_short or (named and f"{leaf.path}/".startswith(f"{named}/"))
    assert found or (about is not None and f"no {about}" in _kind_of(told["Message"])), told
    assert len(told["Message"]) < 1000


def _kind_of(message: str) -> str:
    """`no mail account 7` is a `no 7`."""
    return re.sub(r"^no (mail |temporary )?[a-z]+ ", "no ", message)


def nothing_comes_of(calls: WrongCalls, operation: Operation, cases: Iterable[Any]) -> None:
    """Each case, a member with a value, is refused; mail server and database stay as they are."""
    before = calls.state()
    for leaf, value in cases:
        about = value if issubclass(leaf.kind, Int) else None
        refused(calls.call(operation.name, leaf.path, value), leaf, about=about)
    assert calls.state() == before


@BY_NAME
def test_a_text_that_is_not_of_its_members_type_is_named(
    calls: WrongCalls, operation: Operation
) -> None:
    before = calls.state()
    for leaf in leaves(operation):
        for text in wrong_texts(leaf.kind):
            body = envelope(operation.name, leaf.xml(text), ticket=calls.sender.ticket)
            reply = calls.sender.service.post(body)
            assert reply.status.startswith("500"), (leaf.path, text)
            told = reply.root.findtext(".//faultstring") or ""
            assert told.startswith(f"{leaf.path}: {text!r} "), (leaf.path, text, told)
    assert calls.state() == before


def _folders(operation: Operation) -> Iterator[Leaf]:
    for leaf in strings(operation):
        *above, name = re.sub("/string$", "", leaf.path).split("/")
        if name == "Folder":
            if operation.name not in _NO_FOLDER and above != ["OutgoingConnectionInfo"]:
                yield leaf
        elif name == "FolderName":
            if operation.name in _PUTS_MAIL:
                yield leaf
        elif name in ("Folders", "MoveToFolder", "TargetFolder") or leaf.path == FOLDER_NAME:
            yield leaf


FOLDER_NAME = "Folders/EMailFolder/Name"


@pytest.mark.parametrize(
    "operation", [op for op in WITH_MEMBERS if any(_folders(op))], ids=lambda op: op.name
)
def test_what_is_no_name_of_a_folder_is_named(calls: WrongCalls, operation: Operation) -> None:
    cases = [(leaf, name) for leaf in _folders(operation) for name in FOLDERS]
    nothing_comes_of(calls, operation, cases)


ADDRESSES = {"FromAddress", "EmailAddress", "EMailAddress", "Address", "From", "Recipients"}


def _addresses(operation: Operation) -> Iterator[Leaf]:
    for leaf in strings(operation):
        name = re.sub("/string$", "", leaf.path).rpartition("/")[2]
        shown = "/InReplyTo/" in leaf.path or leaf.path.startswith("DocumentEntity/")
        if name in ADDRESSES and not shown and operation.name != "CreateForwardEmail":
            yield leaf


@pytest.mark.parametrize(
    "operation", [op for op in WITH_MEMBERS if any(_addresses(op))], ids=lambda op: op.name
)
def test_an_address_with_line_breaks_is_named(calls: WrongCalls, operation: Operation) -> None:
    texts = [*BREAKS, Packed("a\0@b.example")]
    nothing_comes_of(
        calls, operation, [(leaf, text) for leaf in _addresses(operation) for text in texts]
    )


def _field_names(operation: Operation) -> Iterator[Leaf]:
    for leaf in strings(operation):
        if leaf.path.endswith("EMailCustomHeader/Name") and operation.name != "CreateForwardEmail":
            yield leaf


WITH_FIELDS = [op for op in WITH_MEMBERS if any(_field_names(op))]


@pytest.mark.parametrize("operation", WITH_FIELDS, ids=lambda op: op.name)
def test_what_is_no_name_of_a_header_field_is_named(
    calls: WrongCalls, operation: Operation
) -> None:
    cases = [(leaf, name) for leaf in _field_names(operation) for name in FIELD_NAMES]
    nothing_comes_of(calls, operation, cases)


ONE_LINE = re.compile(
    "(Email|Entity|Emails/EMailEntity)/(Subject|MessageID|InReplyTo/MessageId|(To|Cc|Bcc)/EMailAddress"
    "/Name|From/Name|CustomHeaderList/EMailCustomHeader/Values/string|Attachments/EMailAttachment/"
    "(Filename|Type|Description|Id))"
)


@pytest.mark.parametrize("operation", WITH_FIELDS, ids=lambda op: op.name)
def test_what_would_break_out_of_a_header_field_is_named(
    calls: WrongCalls, operation: Operation
) -> None:
    found = [leaf for leaf in strings(operation) if ONE_LINE.fullmatch(leaf.path)]
    assert len(found) >= 12
    nothing_comes_of(calls, operation, [(leaf, text) for leaf in found for text in BREAKS])


# Ids --------------------------------------------------------------------------------------------

IDS = {
    "EMailAccountId": "account",
    "AccountId": "account",
    "AssociateId": "associate",
    "FolderId": "folder",
    "Folders": "folder",
    "EmailItemId": "item",
    "MailItemId": "item",
    "Id": "item",
    "Ids": "item",
    "EmailItemIds": "item",
    "DocumentId": "document",
    "EMailSOInfoId": "document",
    "EmailIds": None,
    "MessageServerId": None,
    "MessageServerIds": None,
}
OF_A_MESSAGE = re.compile("(Email|Entity|Emails/EMailEntity)/EmailItemId")


def _ids(operation: Operation) -> Iterator[tuple[Leaf, str | None]]:
    """Members that name something by its id, and what a `Things` calls that."""
    for leaf in leaves(operation):
        *above, name = re.sub("/int$", "", leaf.path).split("/")
        if not issubclass(leaf.kind, Int) or name not in IDS:
            continue
        own = not above or above in (["EMailAccount"], ["SyncUserAccount"], ["DocumentEntity"])
        if own or OF_A_MESSAGE.fullmatch(leaf.path):
            yield leaf, IDS[name]


# Where 0 or nothing is an answer of its own: none yet, the caller's own, any.
ZERO_COUNTS = {
    "SaveEMailAccount": {"EMailAccountId", "AssociateId"},
    "SyncEmailAccount": {"AccountId", "AssociateId"},
    "SaveEmailToTmpDocument": {"FolderId"},
    "CreateEMailFromDocumentEntity": {"DocumentId"},
}
# Heads of messages that are not there are left out; what is newer than a message that is gone is
# told all the same.
FORGIVING = {"GetEMailEnvelopes": {-1, 2**31 - 1}, "HasNewMail": {0, 2**31 - 1}}


def _id_cases(calls: WrongCalls, operation: Operation) -> Iterator[tuple[Leaf, int]]:
    for leaf, kind in _ids(operation):
        name = re.sub("/int$", "", leaf.path).rpartition("/")[2]
        wrong = [*MISSING, *([getattr(calls.foreign, kind)] if kind else [])]
        zero_counts = bool(OF_A_MESSAGE.fullmatch(leaf.path)) or name in ZERO_COUNTS.get(
            operation.name, ()
        )
        for value in wrong:
            forgiven = value in FORGIVING.get(operation.name, ()) and name != "FolderId"
            foreign_item = operation.name == "HasNewMail" and value == calls.foreign.item
            if not ((value == 0 and zero_counts) or forgiven or foreign_item):
                yield leaf, value


@pytest.mark.parametrize(
    "operation", [op for op in WITH_MEMBERS if any(_ids(op))], ids=lambda op: op.name
)
def test_an_id_of_nothing_or_of_anothers_is_named(calls: WrongCalls, operation: Operation) -> None:
    nothing_comes_of(calls, operation, _id_cases(calls, operation))
