"""The properties of an EmailAccount record: their names, types and who writes them. Data only.

The names are the vendor's; those that it has not are marked. Readers, records and the published
description of the resource are made from this table.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from services84.agents.account_members import LONGEST_ADDRESS, LONGEST_PASSWORD, LONGEST_TEXT
from services84.store.account_options import DeletionPolicy

HIGHEST_INT = 2**31 - 1
HIGHEST_PORT = 65_535
# RFC 3339, with the offset left out for UTC.
MOMENT = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,7})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?$"
)


class Kind(enum.Enum):
    """The type of a property."""

    INTEGER = "integer"  # from 0 on
    TEXT = "string"
    BOOLEAN = "boolean"
    MOMENT = "date-time"
    CHOICE = "choice"  # of an enumeration, by number or by name


class Access(enum.Enum):
    """Who writes a property."""

    CALLER = "caller"
    SERVICE = "service"  # read-only: what a caller gives for it is checked and not used
    SECRET = "secret"  # the caller; records have a mask in its place, or nothing


@dataclass(frozen=True)
class Property:
    """One property. `required` is for PUT and POST alike; `longest` counts characters."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    access: Access = Access.CALLER
    longest: int = LONGEST_TEXT
    choices: Mapping[str, int] | None = None
    accepted: bool = True  # false: only records have it


SERVER_TYPES = {"Imap": 1}
DELETION_POLICIES = {
    "DontDelete": int(DeletionPolicy.DONT_DELETE),
    "DeleteOnReceive": int(DeletionPolicy.DELETE_ON_RECEIVE),
    "DeleteWhenDeleting": int(DeletionPolicy.DELETE_WHEN_DELETING),
}
_INTEGER, _TEXT, _BOOLEAN, _MOMENT = Kind.INTEGER, Kind.TEXT, Kind.BOOLEAN, Kind.MOMENT
_SERVICE, _SECRET = Access.SERVICE, Access.SECRET

PROPERTIES = (
    Property("Id", _INTEGER, "The id of the account.", access=_SERVICE),
    Property("BusinessId", _INTEGER, "The caller's number of whom it belongs to.", True),
    Property("DisplayName", _TEXT, "The name under which mail is sent.", True),
    Property("EmailAddress", _TEXT, "The address of the account.", True, longest=LONGEST_ADDRESS),
    Property("Active", _BOOLEAN, "Whether the account is synced."),
    Property(
        "SendNotificationOnNewMessages",
        _BOOLEAN,
        "Whether NotificationEmailAddress is told of new mail, once a sync.",
    ),
    Property(
        "NotificationEmailAddress",
        _TEXT,
        "The address that is told of new mail.",
        longest=LONGEST_ADDRESS,
    ),
    Property("IncomingServer", _TEXT, "The name or address of the IMAP server.", True),
    Property(
        "IncomingServerType", Kind.CHOICE, "What the server speaks.", True, choices=SERVER_TYPES
    ),
    Property("IncomingServerPort", _INTEGER, "The port of the IMAP server.", True),
    Property(
        "IncomingServerSSL",
        _BOOLEAN,
        "Whether TLS is sure: from the first byte, or by STARTTLS on port 143.",
    ),
    Property("IncomingServerUsername", _TEXT, "The user name at the IMAP server.", True),
    Property(
        "IncomingServerPassword",
        _TEXT,
        "The password at the IMAP server; an extension.",
        access=_SECRET,
        longest=LONGEST_PASSWORD,
    ),
    Property(
        "DeleteMessageSettings",
        Kind.CHOICE,
        "When messages are removed from the mail server.",
        True,
        choices=DELETION_POLICIES,
    ),
    Property("OutgoingServer", _TEXT, "The name or address of the submission server.", True),
    Property("OutgoingServerPort", _INTEGER, "The port of the submission server.", True),
    Property(
        "OutgoingServerSSL",
        _BOOLEAN,
        "Whether TLS is sure: from the first byte, or by STARTTLS on ports 25 and 587.",
    ),
    Property("OutgoingServerUsername", _TEXT, "The user name at the submission server.", True),
    Property(
        "OutgoingServerPassword",
        _TEXT,
        "The password at the submission server; an extension.",
        access=_SECRET,
        longest=LONGEST_PASSWORD,
    ),
    Property(
        "ReplyToEmail",
        _TEXT,
        "Where answers to mail of this account go.",
        longest=LONGEST_ADDRESS,
    ),
    Property("LastCheckTime", _MOMENT, "When the last sync that succeeded ended.", access=_SERVICE),
    Property(
        "LastMessageId",
        _INTEGER,
        "The highest id that a cached message of the account has had.",
        True,
        _SERVICE,
    ),
    Property("ErrorCount", _INTEGER, "How many syncs on end have failed.", True, _SERVICE),
    Property(
        "GoogleAccessToken",
        _TEXT,
        "An access token of Google's, by which both servers are signed in to; or the answer that "
        "it came in (JSON), by whose refresh_token it is renewed where a client is configured.",
        access=_SECRET,
        longest=LONGEST_PASSWORD,
    ),
    Property(
        "Office365AccessToken",
        _TEXT,
        "An access token of Microsoft's, by which both servers are signed in to; or the answer "
        "that it came in (JSON), by whose refresh_token it is renewed where a client is "
        "configured.",
        access=_SECRET,
        longest=LONGEST_PASSWORD,
    ),
    Property("AssociateId", _INTEGER, "The associate whose account it is; an extension."),
    Property("CreatedOn", _MOMENT, "When the record was made.", access=_SERVICE),
    Property("UpdatedOn", _MOMENT, "When the record was last changed.", access=_SERVICE),
)
BY_NAME = {one.name.lower(): one for one in PROPERTIES}
# What records of the vendor's have besides: records of its clients may come with them.
PASSED_OVER = frozenset(
    ("uniqueid", "updatedby", "isnew", "systemid", "tostringtext", "localizationdetails")
) | {"customfields"}
TOKENS = {"google": "GoogleAccessToken", "office365": "Office365AccessToken"}
