"""Values that go into and come out of the store; plain, frozen, and free of SQL.

Names follow the vendor's tables. Times are aware datetimes in UTC. Folder attributes and item
flags are the vendor's bit masks (`FolderAttribute`, `ItemFlag`).
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services84.store.account_options import AccountOptions
from services84.store.compression import Packed


class AccountStatus(enum.IntEnum):
    """EmailAccountStatus of the vendor's database."""

    UNKNOWN = 0
    DELETED = 1
    FAILING = 2
    FAILED = 3
    OK = 4


class ItemFlag(enum.IntFlag):
    """EMailFlags of the vendor."""

    NONE = 0
    SEEN = 1
    DELETED = 2
    RECENT = 4
    FLAGGED = 8
    DRAFT = 16
    ANSWERED = 32


class FolderAttribute(enum.IntFlag):
    """EMailFolderAttributeConstants of the vendor; email_folder.attributes."""

    NONE = 0
    NO_INFERIORS = 1
    NO_SELECT = 2
    MARKED = 4
    UNMARKED = 8
    NON_EXISTENT = 16
    SUBSCRIBED = 32
    REMOTE = 64
    HAS_CHILDREN = 128
    HAS_NO_CHILDREN = 256
    ALL = 512
    ARCHIVE = 1024
    DRAFTS = 2048
    FLAGGED = 4096
    INBOX = 8192
    JUNK = 16384
    SENT = 32768
    TRASH = 65536


# Principals -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Associate:
    """A user of the service."""

    associate_id: int
    name: str
    full_name: str
    is_admin: bool


@dataclass(frozen=True)
class Application:
    """An application that was registered with a token; needed online."""

    application_id: int
    name: str
    email_agent: bool


@dataclass(frozen=True)
class OAuthClient:
    """An application as the token endpoint knows it. `grants` are names of RFC 6749; `acts_as` is
    the associate that it is with nothing but its own secret, where there is one."""

    application: Application
    client_id: str
    grants: frozenset[str]
    acts_as: int | None


@dataclass(frozen=True)
class HashedToken:
    """A token as it is kept: its hash, and when it ends."""

    token_hash: str = field(repr=False)
    expires: datetime


@dataclass(frozen=True)
class AccessToken:
    """A valid access token: for whom it stands, and which application it was given to."""

    grant_id: int
    application_id: int
    associate: Associate
    expires: datetime


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token that is known, whether or not another one has been made of it."""

    grant_id: int
    application_id: int
    associate: Associate
    expires: datetime
    rotated: datetime | None


@dataclass(frozen=True)
class TicketRow:
    """A ticket by its hash; `expires` moves forward with every use."""

    associate: Associate
    expires: datetime


# Accounts ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ServiceAuth:
    """Where and how to sign in to one mail server; only here is the password in clear.

    `use_ssl` None leaves it to the port how the connection is protected (`mailhost`). Read without
    its secrets, `password` is None and `has_password` tells whether there is one; writing does
    not look at that.
    """

    service_auth_id: int
    server: str
    port: int
    auth_type: str
    username: str
    password: str | None = field(default=None, repr=False)
    has_password: bool = False
    use_ssl: bool | None = None


@dataclass(frozen=True)
class MailToken:
    """How the access token of an account is renewed. `expires` is that of the access token, None
    where the provider did not tell; `problem` is why it cannot be renewed any more."""

    account_id: int
    provider: str
    refresh_token: str = field(repr=False)
    expires: datetime | None
    renewed: datetime
    generation: int
    problem: str = ""


@dataclass(frozen=True)
class Account:
    """A row of email_account with its two service_auth rows.

    `error_count` is the number of consecutive errors; among them are `refused_count` refused
    logins and `throttled_count` requests for patience.
    """

    account_id: int
    email_address: str
    associate_id: int
    associate_name: str
    incoming: ServiceAuth | None
    outgoing: ServiceAuth | None
    status: AccountStatus
    error_count: int
    error_reason: str
    last_success: datetime | None
    next_attempt: datetime | None
    lease_until: datetime | None
    registered: datetime
    updated: datetime
    refused_count: int = 0
    throttled_count: int = 0
    options: AccountOptions = field(default_factory=AccountOptions)
    last_message_id: int = 0
    error_kind: str = ""  # the name of the class of `services84.errors`


@dataclass(frozen=True)
class AccountDraft:
    """What a save writes. `account_id` 0 inserts.

    A ServiceAuth's password of None keeps the stored one (or stores none); a ServiceAuth of None
    clears that direction. `reset_errors` clears Failing or Failed, the count, the reason and the
    backoff. `options` of None keeps what is stored.
    """

    account_id: int
    email_address: str
    associate_id: int
    incoming: ServiceAuth | None
    outgoing: ServiceAuth | None
    reset_errors: bool = False
    options: AccountOptions | None = None


# Sync -------------------------------------------------------------------------------------------


class RunState(enum.StrEnum):
    """State of one sync of one account."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    LOST = "lost"  # its process died; another took the account over
    PARTIAL = "partial"  # brought level some folders that an operation had changed, no more


@dataclass(frozen=True)
class Lease:
    """The right to sync one account until `until`; `run_id` is the run that holds it.

    Every write of a sync passes its lease, and the store refuses it with LeaseLost once another
    run has taken the account over.
    """

    account_id: int
    run_id: int
    owner: str
    until: datetime


@dataclass(frozen=True)
class Run:
    """One sync of one account, running or finished."""

    run_id: int
    account_id: int
    state: RunState
    owner: str
    started: datetime
    finished: datetime | None
    new: int
    changed: int
    removed: int
    error_reason: str
    error_kind: str = ""

    @property
    def completed(self) -> bool:
        """Whether it has brought the whole account level."""
        return self.state is RunState.COMPLETED

    @property
    def ended(self) -> bool:
        """Whether it has found out how the account is: nobody has to go on with it."""
        return self.state in (RunState.COMPLETED, RunState.FAILED)


@dataclass(frozen=True)
class RunProgress:
    """How far a running sync was at the time `updated`; totals grow while folders are looked
    into."""

    folder: str
    folders_done: int
    folders_total: int
    messages_done: int
    messages_total: int
    bytes_done: int
    updated: datetime


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended, for its row and for the account's.

    With `error_reason` empty the account becomes Ok with no errors; else its count goes to
    `error_count`, its status to `status`, and nobody tries before `next_attempt`. An
    `interrupted` run (shutdown) leaves the account as it was and only gives the lease back; so
    does a `partial` one, which says nothing of the account as a whole.
    """

    new: int = 0
    changed: int = 0
    removed: int = 0
    error_reason: str = ""
    error_count: int = 0
    status: AccountStatus = AccountStatus.OK
    next_attempt: datetime | None = None
    interrupted: bool = False
    partial: bool = False
    refused_count: int = 0
    throttled_count: int = 0
    error_kind: str = ""  # the name of the class of `services84.errors`

    def with_counts(self, new: int, changed: int, removed: int) -> RunOutcome:
        """The same outcome with the counts of what was written."""
        return replace(self, new=new, changed=changed, removed=removed)


# Folders and items ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Folder:
    """A row of email_folder. `server_name` is the name as the server spells it, byte for byte
    (decoded as latin-1); `name` is for people. `complete` says that every message up to the
    cursor (uid_validity, uid_next, highest_mod_seq) is stored, save those UIDs that are `left_out`
    because they are older than `window_start`. `validity_changes` counts the consecutive syncs
    that found another UIDVALIDITY. A folder that could not be opened `set_aside_count` times on
    end is not tried before `set_aside_until`. Of the `total`, `kept_count` are copies of what the
    server has no more; beside it there are `hidden_count` marks of what was deleted here alone."""

    folder_id: int
    account_id: int
    name: str
    server_name: str
    delimiter: str
    attributes: FolderAttribute
    uid_validity: int | None
    uid_next: int | None
    highest_mod_seq: int | None
    total: int
    unread: int
    complete: bool
    window_start: datetime | None = None
    left_out: str = ""  # a sequence set, "1:40,44" (RFC 9051 section 9)
    validity_changes: int = 0
    set_aside_until: datetime | None = None
    set_aside_count: int = 0
    kept_count: int = 0
    hidden_count: int = 0

    @property
    def mirrored(self) -> int:
        """How many messages of the server are known here."""
        return self.total - self.kept_count + self.hidden_count

    @property
    def is_named_inbox(self) -> bool:
        """Whether it is the one folder that mail is delivered to, whatever a server marks."""
        return self.server_name.upper() == "INBOX"

    @property
    def subscribed(self) -> bool:
        return bool(self.attributes & FolderAttribute.SUBSCRIBED)


@dataclass(frozen=True)
class FolderDraft:
    """A folder as the server lists it, to be inserted or to update its row."""

    name: str
    server_name: str
    delimiter: str
    attributes: FolderAttribute


@dataclass(frozen=True)
class FolderChanges:
    """What a new folder list changes: rows to insert, to update by id, to drop with all mail."""

    added: Sequence[FolderDraft] = ()
    updated: Mapping[int, FolderDraft] = field(default_factory=dict)
    removed: Sequence[int] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.updated or self.removed)


@dataclass(frozen=True)
class Cursor:
    """How far a folder is synced; written in the transaction of the rows that it speaks of."""

    uid_validity: int
    uid_next: int | None
    highest_mod_seq: int | None
    complete: bool
    window_start: datetime | None = None
    left_out: str = ""
    validity_changes: int = 0


@dataclass(frozen=True)
class NewAttachment:
    """A description of one attachment; its bytes stay in the message's source."""

    part: str  # index of the MIME part, "1", "2.1", ... (RFC 3501 section 6.4.5)
    content_id: str
    name: str
    content_type: str
    size: int  # decoded bytes, as near as the encoding tells
    encoding: str
    inline: bool


@dataclass(frozen=True)
class NewItem:
    """A message to insert. `source` is its bytes exactly as the server gave them, or those packed.

    `parse_problem` is empty, or says why the message could not be fully read.
    """

    uid: int
    flags: ItemFlag
    keywords: str  # the server's other flags, space-separated, sorted
    internal_date: datetime | None
    size: int
    source: bytes | Packed = field(repr=False)
    message_id: str = ""
    in_reply_to: str = ""
    references: str = ""
    subject: str = ""
    sender: str = ""
    reply_to: str = ""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    sent_at: datetime | None = None
    priority: int = 3
    attachments: Sequence[NewAttachment] = ()
    parse_problem: str = ""


@dataclass(frozen=True)
class ItemState:
    """What a plan needs to know of a stored message."""

    item_id: int
    uid: int
    flags: ItemFlag
    keywords: str


@dataclass(frozen=True)
class FlagChange:
    """A stored message's new flags."""

    item_id: int
    flags: ItemFlag
    keywords: str


@dataclass(frozen=True)
class Refusal:
    """A message that the server has, and did not give. `tries` 0: only under suspicion, because
    the connection broke while it was fetched along with others."""

    tries: int
    last: datetime


@dataclass(frozen=True)
class Identity:
    """By what a message is recognised after UIDVALIDITY has changed."""

    uid: int
    message_id: str
    internal_date: datetime | None
    size: int


@dataclass(frozen=True)
class Adoption:
    """Where a message went that has left its folder: its UID there, and its flags."""

    uid: int
    flags: ItemFlag
    keywords: str


@dataclass(frozen=True)
class FolderBatch:
    """Changes of one folder that are committed together, in one transaction, or not at all.

    Order of writing: `rekeyed` (item id → new UID, under `cursor.uid_validity`), `adopted` (item
    id of another folder of the account → its place here, under `uid_validity`), `removed` (item
    ids), `drop_other_validity` (rows of any other UIDVALIDITY), `changed`, `added` (under
    `uid_validity`), `refused`, `suspected`, `forgotten`, `cursor`. Counts of the folder, and of
    those that messages came from, are renewed in the same transaction whenever rows change.
    What is removed or dropped stays as a kept copy where it is marked so. `news` are those UIDs
    of `added` that somebody is to be told of.
    """

    uid_validity: int
    added: Sequence[NewItem] = ()
    changed: Sequence[FlagChange] = ()
    removed: Sequence[int] = ()
    rekeyed: Mapping[int, int] = field(default_factory=dict)
    adopted: Mapping[int, Adoption] = field(default_factory=dict)
    drop_other_validity: bool = False
    refused: Mapping[int, str] = field(default_factory=dict)  # UID → reason; one more try
    suspected: Mapping[int, str] = field(default_factory=dict)  # UID → reason; no try yet
    forgotten: Sequence[int] = ()  # UIDs that were refused or suspected, and are gone
    cursor: Cursor | None = None
    news: Collection[int] = ()


@dataclass(frozen=True)
class Item:
    """A stored message without its bodies and bytes."""

    item_id: int
    folder_id: int
    uid_validity: int
    uid: int
    flags: ItemFlag
    keywords: str
    internal_date: datetime | None
    size: int
    message_id: str
    in_reply_to: str
    references: str
    subject: str
    sender: str
    reply_to: str
    to: str
    cc: str
    bcc: str
    sent_at: datetime | None
    priority: int
    parse_problem: str
    replied_at: datetime | None = None  # known to the cache alone

    @property
    def is_kept(self) -> bool:
        """Whether the mail server has the message no more."""
        return self.uid_validity < 0


@dataclass(frozen=True)
class ItemPlace:
    """Where a stored message is; its UID counts under that UIDVALIDITY alone."""

    item_id: int
    folder_id: int
    account_id: int
    uid_validity: int
    uid: int

    @property
    def is_kept(self) -> bool:
        """Whether the mail server has the message no more."""
        return self.uid_validity < 0
