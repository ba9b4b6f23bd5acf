"""The one tree of errors; every failure that leaves a room of services84 is one of these.

Services84Error
├── MessageError              what came in is no valid message of the contract
│   ├── MalformedMessage      not XML, not a SOAP envelope, no body
│   ├── LimitExceeded         larger, deeper or with more elements than the settings allow
│   │   └── BodyTooLong       more bytes than that
│   ├── ServerBusy            too many large requests at once; try again later
│   ├── InvalidMember         a member's text is not of the member's type
│   ├── UnknownOperation      the body names no operation of this service
│   ├── VersionMismatch       a SOAP version that is neither 1.1 nor 1.2
│   ├── NotUnderstood         a mandatory header that nobody here understands
│   ├── MethodNotAllowed      an HTTP method that the address does not have
│   ├── NotAcceptable         none of the types that the caller takes can be given
│   ├── PatchConflict         a patch that does not fit what it is applied to
│   └── UnsupportedMediaType  a content type that is not read here
├── CallError                 a valid message that could not be fulfilled
│   ├── NotAuthenticated      no ticket, an unknown or an expired one
│   ├── AccessDenied          the caller has no right to this
│   ├── NotFound              no such account, associate, folder or item
│   ├── InvalidValue          a member's value makes no sense here
│   ├── InvalidRecord         the same of a resource's properties, all that are wrong at once
│   ├── TooManyAttempts       slowed down after repeated refusals
│   ├── AccountInactive       the account is switched off
│   ├── BrokerUnavailable     the broker, by which workers are told what to sync
│   ├── SyncInterrupted       the service is stopping, or had to let go of the mail server
│   └── MailServerError       the mail server, or the way to it
│       ├── HostNotAllowed    the outbound policy forbids the address
│       ├── MailServerUnreachable
│       │   ├── UnknownHost
│       │   ├── ConnectionRefused
│       │   ├── ConnectionLost
│       │   └── MailServerTimeout
│       ├── TlsFailed         no TLS where it is needed, or a certificate that is not trusted
│       ├── LoginRefused      the credentials were refused
│       ├── MailServerBusy    throttled; try again later
│       │   └── CacheBehind   the cache cannot be brought level while a caller waits
│       ├── SendUncertain     a message may have been sent; nobody knows
│       ├── RecipientsRefused the server does not take mail for some of the recipients
│       └── MailServerRefused the server answered NO or BAD, or what nobody understands
│           ├── MessageTooLarge  longer than the server takes
│           ├── SevenBitOnly  the message has 8-bit characters, which the server does not take
│           ├── FolderMissing it has no folder of the name that it was given
│           └── UidValidityUnstable  it renumbers a folder's messages at every sync
├── StoreError                the database
│   ├── StoreUnavailable
│   ├── SchemaMismatch        made by another version; `services84 init` upgrades it
│   └── LeaseLost             another process has taken the account over
├── BackupError               a backup, or what it is to be put in the place of
│   ├── BackupUnusable        damaged, no backup at all, or it cannot be written
│   ├── NotEmpty              the database holds something, and replacing it was not asked for
│   └── InUse                 the service is running
├── SecretError               the key or what it sealed
│   ├── KeyUnavailable
│   └── SecretUnreadable
└── ConfigurationError        a setting has a wrong value

Front ends turn these into replies, each in one place. This module imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class Services84Error(Exception):
    """Root of the tree.

    `message` says what is wrong for whoever reads a log; `friendly_text` says it to a user and
    is the message unless given; `parameters` name what the failure is about. `exception_type`
    is the name that goes over the wire, in the vendor's manner (`SoNotFoundException`).
    No text of an error ever holds a password, token, ticket or key.
    """

    exception_type = "SoException"

    def __init__(
        self,
        message: str,
        *,
        friendly_text: str | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.friendly_text = friendly_text or message
        self.parameters: dict[str, str] = dict(parameters or {})


# What came in is no message of the contract -----------------------------------------------------


class MessageError(Services84Error):
    """No valid message of the contract; a front end answers with a Fault or an HTTP status."""

    exception_type = "SoMessageException"


class MalformedMessage(MessageError):
    """Not XML, not a SOAP envelope, a DTD, or no element in the body."""


class LimitExceeded(MessageError):
    """Beyond a limit of the settings; `parameters` name the limit."""


class BodyTooLong(LimitExceeded):
    """The body has more bytes than allowed here (413)."""


class ServerBusy(MessageError):
    """No room for this message now (503); `retry_after` in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message, parameters={"RetryAfter": f"{retry_after:.0f}"})
        self.retry_after = retry_after


LONGEST_PATH = 400  # characters of a member's path that are told


class InvalidMember(MessageError):
    """A member's text is not of its type; `member` is its path below the operation."""

    exception_type = "SoArgumentException"

    def __init__(self, member: str, value: str, problem: str) -> None:
        shown = value if len(value) <= 60 else value[:57] + "..."
        # Names that are no members are the caller's, of whatever length.
        path = member if len(member) <= LONGEST_PATH else member[: LONGEST_PATH - 3] + "..."
        super().__init__(
            f"{path}: {shown!r} {problem}", parameters={"Member": path, "Problem": problem}
        )
        self.member = path


class UnknownOperation(MessageError):
    """The body's element is no operation of this service."""


class VersionMismatch(MessageError):
    """The envelope's namespace is neither SOAP 1.1's nor SOAP 1.2's."""


class NotUnderstood(MessageError):
    """Headers marked mustUnderstand that are not understood; `headers` are their QNames."""

    def __init__(self, headers: list[str]) -> None:
        super().__init__(f"mandatory headers not understood: {', '.join(headers)}")
        self.headers = headers


class MethodNotAllowed(MessageError):
    """The HTTP method does not fit the address (405)."""


class NotAcceptable(MessageError):
    """The caller takes no type that the answer can be given in (406, RFC 9110 section 15.5.7)."""


class PatchConflict(MessageError):
    """A well-formed patch that cannot be applied to what is there (409, RFC 5789 section 2.2)."""


class UnsupportedMediaType(MessageError):
    """The content type is none that is read at this address (415)."""


# A valid message that could not be fulfilled ----------------------------------------------------


class CallError(Services84Error):
    """A valid message that could not be fulfilled; goes out with Succeeded=false."""


class NotAuthenticated(CallError):
    """No ticket, an unknown, revoked or expired one, or an application that is not admitted."""

    exception_type = "SoAuthenticationException"


class AccessDenied(CallError):
    """The caller is known and has no right to this."""

    exception_type = "SoAccessDeniedException"


class NotFound(CallError):
    """What the call names does not exist, as far as this caller may know."""

    exception_type = "SoNotFoundException"


class InvalidValue(CallError):
    """A member has a value of the right type that makes no sense; `member` is its path."""

    exception_type = "SoArgumentException"

    def __init__(self, member: str, value: object, problem: str) -> None:
        text = str(value)
        shown = text if len(text) <= 60 else text[:57] + "..."
        super().__init__(
            f"{member}: {shown!r} {problem}", parameters={"Member": member, "Problem": problem}
        )
        self.member = member


@dataclass(frozen=True)
class PropertyProblem:
    """What is wrong with one property of a record. `attempted` is what was given for it, None where
    nothing was, or where it is a secret; `message` goes on after the name: "is required"."""

    name: str
    attempted: object
    message: str


class InvalidRecord(CallError):
    """Properties of a record are missing or make no sense; `problems` are all of them."""

    exception_type = "SoArgumentException"

    def __init__(self, problems: Sequence[PropertyProblem]) -> None:
        super().__init__(
            "; ".join(f"{one.name}: {one.message}" for one in problems),
            parameters={one.name: one.message for one in problems},
        )
        self.problems = tuple(problems)


class TooManyAttempts(CallError):
    """Slowed down after repeated refusals; `retry_after` in seconds."""

    exception_type = "SoAuthenticationException"

    def __init__(self, retry_after: float) -> None:
        super().__init__(
            f"too many failed attempts; try again in {retry_after:.0f} seconds",
            parameters={"RetryAfter": f"{retry_after:.0f}"},
        )
        self.retry_after = retry_after


class AccountInactive(CallError):
    """The mail account is switched off (Active=false): nothing syncs it until it is on again."""

    exception_type = "SoAccountInactiveException"

    def __init__(self, account_id: int, email_address: str) -> None:
        super().__init__(
            f"mail account {account_id} ({email_address}) is switched off and is not synced;"
            " set Active to true to have it synced again",
            parameters={"EMailAccountId": str(account_id)},
        )


class BrokerUnavailable(CallError):
    """The broker cannot be reached: no worker was told of the sync. It is written down that it
    was asked for, and it is begun when the broker is there again."""

    exception_type = "SoBrokerException"


class SyncInterrupted(CallError):
    """A sync that was ended at a commit, or not begun, through no fault of the account's or the
    caller's; the next one goes on from there."""


class MailServerError(CallError):
    """The mail server `host`, or the way to it; the message is fit for ErrorReason."""

    exception_type = "SoMailServerException"

    def __init__(self, message: str, *, host: str = "") -> None:
        super().__init__(message, parameters={"Server": host} if host else None)
        self.host = host


class HostNotAllowed(MailServerError):
    """The outbound policy forbids an address of this host."""


class MailServerUnreachable(MailServerError):
    """No conversation with the server came about, or it broke off."""


class UnknownHost(MailServerUnreachable):
    """The name has no address."""


class ConnectionRefused(MailServerUnreachable):
    """Nobody listens on the port, or the network refuses."""


class ConnectionLost(MailServerUnreachable):
    """The server, or something on the way, broke the connection."""


class MailServerTimeout(MailServerUnreachable):
    """The server did not answer within the time-out."""


class TlsFailed(MailServerError):
    """TLS is needed and not offered, or the certificate is not trusted."""


class LoginRefused(MailServerError):
    """The server refused the credentials, or offers no usable mechanism."""


class MailServerBusy(MailServerError):
    """The server asks for patience; `retry_after` in seconds where it says how much."""

    def __init__(self, message: str, *, host: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, host=host)
        self.retry_after = retry_after


class CacheBehind(MailServerBusy):
    """The cache of account `account_id` is not level with the server and cannot be brought there
    while a caller waits: there is too much, or another sync has the account."""

    def __init__(self, message: str, account_id: int, *, retry_after: float) -> None:
        super().__init__(message, retry_after=retry_after)
        self.account_id = account_id


class MailServerRefused(MailServerError):
    """The server answered NO or BAD, or something outside the protocol."""


class MessageTooLarge(MailServerRefused):
    """The message is longer than the server takes; nothing was sent."""


class SevenBitOnly(MailServerRefused):
    """The message holds 8-bit characters, and the server does not take them (no 8BITMIME);
    nothing was sent, and the same message in 7 bits may be."""


class RecipientsRefused(MailServerError):
    """The server refuses recipients; nothing was sent to anybody. `refused` gives the reason of
    each by its address."""

    exception_type = "SoRecipientsRefusedException"

    def __init__(self, refused: Mapping[str, str], *, host: str = "", server: str = "") -> None:
        reasons = "; ".join(f"{address} ({reason})" for address, reason in refused.items())
        super().__init__(
            f"{server or host or 'the mail server'} refused recipients, and the message was sent "
            f"to nobody: {reasons}",
            host=host,
        )
        self.refused = dict(refused)
        self.parameters["Recipients"] = "; ".join(refused)


class SendUncertain(MailServerError):
    """A message was handed over whole, and the answer did not come: it may have been sent. To be
    told to whoever sends, and never tried again without them."""

    exception_type = "SoSendUncertainException"


class FolderMissing(MailServerRefused):
    """The server has no folder of this name, and says so (RFC 3501 TRYCREATE, RFC 5530)."""


class UidValidityUnstable(MailServerRefused):
    """The server gives a folder another UIDVALIDITY at every sync: nothing that is known of its
    messages lasts (RFC 9051 section 2.3.1.1 wants it to persist)."""


# The database -----------------------------------------------------------------------------------


class StoreError(Services84Error):
    """The database could not do what was asked."""

    exception_type = "SoDatabaseException"


class StoreUnavailable(StoreError):
    """The database cannot be reached, is locked for too long, or its disk is full."""


class SchemaMismatch(StoreError):
    """The database is not at this version's schema; `services84 init` brings it there."""


class LeaseLost(StoreError):
    """Another process has taken over the account; nothing of this transaction was written."""


# Backups ----------------------------------------------------------------------------------------


class BackupError(Services84Error):
    """A backup cannot be made or restored; nothing was changed."""

    exception_type = "SoBackupException"


class BackupUnusable(BackupError):
    """The file is damaged, no backup, of an unknown version, in the way, or cannot be written."""


class NotEmpty(BackupError):
    """The database holds something, and nobody has said that it may be replaced."""


class InUse(BackupError):
    """The service is running, and has to be stopped first."""


# The key ----------------------------------------------------------------------------------------


class SecretError(Services84Error):
    """A secret cannot be sealed or opened."""

    exception_type = "SoSecretException"


class KeyUnavailable(SecretError):
    """The key file is missing, unreadable, open to others, or holds no key."""


class SecretUnreadable(SecretError):
    """The sealed text is damaged, belongs elsewhere, or was sealed with a key that is gone."""


# The settings -----------------------------------------------------------------------------------


class ConfigurationError(Services84Error):
    """A setting has a wrong value; the message names the setting, the value and what is allowed."""

    exception_type = "SoConfigurationException"
