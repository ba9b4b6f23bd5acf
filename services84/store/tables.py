"""The tables, with the vendor's names for what the vendor has (its database reference).

Definitions only. `migrations/` builds the same schema step by step; a test compares the two.
Columns whose vendor name is an SQL or Python keyword have another key here (`from` is `sender`).
Ids go over the wire as xs:int, hence Integer; what a mail server counts with needs 63 bits.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

from services84.store.columns import AnyText, UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

# SQLite gives the id of a deleted last row to the next one unless told otherwise; a client that
# kept the id would then see somebody else's mail.
_IDS_STAY: dict[str, Any] = {"sqlite_autoincrement": True}


def _id(name: str) -> Column[int]:
    return Column(name, Integer, primary_key=True)


def _reference(name: str, target: str, *, cascade: bool = True, **options: Any) -> Column[int]:
    key = ForeignKey(target, ondelete="CASCADE" if cascade else None)
    return Column(name, Integer, key, **{"nullable": False, **options})


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, AnyText, **{"nullable": False, **options})


def _number(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


def _switch(name: str, *, on: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=true() if on else false())


def _moment(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, UtcDateTime, nullable=nullable)


def _long_text_index(name: str, column: str) -> Index:
    """An index for equality over text of any length: a PostgreSQL btree refuses values over
    2704 bytes, a hash index takes all. Empty texts, which nobody looks for, stay out."""
    filled = text(f"{column} <> ''")
    return Index(
        name, column, postgresql_using="hash", postgresql_where=filled, sqlite_where=filled
    )


# Principals -------------------------------------------------------------------------------------

associate = Table(
    "associate",
    metadata,
    _id("associate_id"),
    _text("name"),
    _text("name_key", unique=True),  # folded: names differ by more than case
    _text("full_name"),
    Column("is_admin", Boolean, nullable=False),
    _text("password_hash"),
    _moment("registered"),
    _moment("updated"),
    _text("language", server_default=""),  # what it is written to in; empty: as everybody
    **_IDS_STAY,
)

associate_role = Table(
    "associate_role",
    metadata,
    _reference("associate_id", "associate.associate_id", primary_key=True, autoincrement=False),
    _text("role", primary_key=True),
)

credentials = Table(
    "credentials",
    metadata,
    _id("credentials_id"),
    _text("ticket_hash", unique=True),
    _reference("associate_id", "associate.associate_id"),
    _moment("created"),
    _moment("last_used"),
    _moment("expires"),
    Index("ix_credentials_associate_id", "associate_id"),
    Index("ix_credentials_expires", "expires"),
    **_IDS_STAY,
)

application = Table(
    "application",
    metadata,
    _id("application_id"),
    _text("name"),
    _text("name_key", unique=True),
    _text("token_hash", unique=True),
    Column("email_agent", Boolean, nullable=False),
    _moment("registered"),
    **_IDS_STAY,
)

# An application that may ask for access tokens (OAuth 2); its secret is the application's token.
oauth_client = Table(
    "oauth_client",
    metadata,
    _reference(
        "application_id", "application.application_id", primary_key=True, autoincrement=False
    ),
    _text("client_id", unique=True),
    _text("grants"),  # names of RFC 6749, separated by blanks
    Column("acts_as", Integer, ForeignKey("associate.associate_id", ondelete="SET NULL")),
    _moment("registered"),
)

# What an associate, or whoever configured the application, has allowed it once; all tokens that
# were made of it end with it.
oauth_grant = Table(
    "oauth_grant",
    metadata,
    _id("oauth_grant_id"),
    _reference("application_id", "application.application_id"),
    _reference("associate_id", "associate.associate_id"),
    _moment("created"),
    _moment("expires"),  # with the last of its tokens
    Index("ix_oauth_grant_application_id", "application_id"),
    Index("ix_oauth_grant_associate_id", "associate_id"),
    Index("ix_oauth_grant_expires", "expires"),
    **_IDS_STAY,
)

access_token = Table(
    "access_token",
    metadata,
    _text("token_hash", primary_key=True),
    _reference("oauth_grant_id", "oauth_grant.oauth_grant_id"),
    _moment("expires"),
    Index("ix_access_token_oauth_grant_id", "oauth_grant_id"),
    Index("ix_access_token_expires", "expires"),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    _text("token_hash", primary_key=True),
    _reference("oauth_grant_id", "oauth_grant.oauth_grant_id"),
    _moment("expires"),
    _moment("rotated", nullable=True),  # when the next one was made of it
    Index("ix_refresh_token_oauth_grant_id", "oauth_grant_id"),
    Index("ix_refresh_token_expires", "expires"),
)

login_attempt = Table(
    "login_attempt",
    metadata,
    _text("key", primary_key=True),
    _number("failures"),
    _moment("last"),
    _moment("blocked_until", nullable=True),
    Index("ix_login_attempt_last", "last"),
)

# Accounts and their syncs -----------------------------------------------------------------------

service_auth = Table(
    "service_auth",
    metadata,
    _id("service_auth_id"),
    _text("server"),
    _number("port"),
    _text("auth_type"),
    _text("username"),
    _text("password"),  # sealed by the vault; empty where there is none
    Column("use_ssl", Boolean),  # NULL: the port decides
    _moment("registered"),
    _moment("updated"),
    **_IDS_STAY,
)

email_account = Table(
    "email_account",
    metadata,
    _id("email_account_id"),
    _text("email_address"),
    _text("address_key"),  # folded, for lookups without regard to case
    _reference("associate_id", "associate.associate_id", cascade=False),
    _reference("incoming_auth", "service_auth.service_auth_id", cascade=False, nullable=True),
    _reference("outgoing_auth", "service_auth.service_auth_id", cascade=False, nullable=True),
    Column("account_status", SmallInteger, nullable=False),
    _number("error_count"),
    _text("error_reason"),
    _text("error_kind", server_default=""),  # the class of the error, for advice
    _count("refused_count"),  # of its errors, how many logins were refused
    _count("throttled_count"),  # and how often the server asked for patience
    _number("current_mark"),  # the highest of an associate's is its current account
    _moment("last_success", nullable=True),
    _moment("next_attempt", nullable=True),
    Column("run_id", Integer),  # the sync that holds the account
    _text("lease_owner"),
    _moment("lease_until", nullable=True),
    # What the resource EmailAccounts adds; see AccountOptions.
    _text("display_name", server_default=""),
    _count("business_id"),
    _switch("active", on=True),
    _text("reply_to", server_default=""),
    _switch("send_notification"),
    _text("notification_email", server_default=""),
    Column("deletion_policy", SmallInteger, nullable=False, server_default="3"),
    _text("token_provider", server_default=""),
    _count("last_message_id"),  # the highest id that a message of its cache has had
    _moment("registered"),
    _moment("updated"),
    Index("ix_email_account_associate_id", "associate_id"),
    _long_text_index("ix_email_account_address_key", "address_key"),
    Index("ix_email_account_due", "account_status", "next_attempt"),
    **_IDS_STAY,
)

# How an account's access token is renewed; the access token itself is the password of its sides.
mail_token = Table(
    "mail_token",
    metadata,
    _reference(
        "email_account_id", "email_account.email_account_id", primary_key=True, autoincrement=False
    ),
    _text("provider"),
    _text("refresh_token"),  # sealed by the vault
    _moment("expires", nullable=True),  # of the access token, where the provider told
    _moment("renewed"),
    _number("generation"),  # counts every change, so that a late answer overwrites nothing newer
    _text("problem"),  # why the provider gives no more access tokens; empty while it does
    _moment("registered"),
)

sync_run = Table(
    "sync_run",
    metadata,
    _id("sync_run_id"),
    _reference("account_id", "email_account.email_account_id"),
    _text("state"),
    _text("owner"),
    _moment("started"),
    _moment("finished", nullable=True),
    _number("new"),
    _number("changed"),
    _number("removed"),
    _text("error_reason"),
    _text("error_kind", server_default=""),
    Index("ix_sync_run_account_id", "account_id", "sync_run_id"),
    **_IDS_STAY,
)

# Syncs that workers were asked for and that have not ended.
sync_request = Table(
    "sync_request",
    metadata,
    _reference(
        "account_id", "email_account.email_account_id", primary_key=True, autoincrement=False
    ),
    _moment("asked"),
    Column("urgent", Boolean, nullable=False),  # somebody waits for it
    _text("owner"),  # the worker that has taken it; empty while none has
    _moment("again"),  # when it is asked for anew, unless it has ended by then
    _number("sends"),
)

sync_progress = Table(
    "sync_progress",
    metadata,
    _reference("sync_run_id", "sync_run.sync_run_id", primary_key=True, autoincrement=False),
    _text("folder"),
    _number("folders_done"),
    _number("folders_total"),
    _number("messages_done"),
    _number("messages_total"),
    Column("bytes_done", BigInteger, nullable=False),
    _moment("updated"),
)

mail_host_slot = Table(
    "mail_host_slot",
    metadata,
    _id("mail_host_slot_id"),  # the order of waiting
    _text("host"),
    _text("owner"),
    Column("held", Boolean, nullable=False),  # else it waits to be
    _moment("asked"),
    _moment("until"),
    Index("ix_mail_host_slot_host", "host"),
    **_IDS_STAY,
)

service_lease = Table(
    "service_lease",
    metadata,
    _text("name", primary_key=True),
    _text("owner"),
    _moment("until"),
)

# Folders and mail -------------------------------------------------------------------------------

email_folder = Table(
    "email_folder",
    metadata,
    _id("email_folder_id"),
    _reference("account_id", "email_account.email_account_id"),
    _text("name"),
    _text("server_name"),
    _text("folder_separator"),
    _number("attributes"),
    Column("uid_validity", BigInteger),
    Column("uid_next", BigInteger),
    Column("highest_mod_seq", BigInteger),
    Column("complete", Boolean, nullable=False),
    _moment("window_start", nullable=True),  # no mail before it was wanted at the first sync
    Column("left_out", Text, nullable=False, server_default=""),  # UIDs, as a sequence set
    _count("validity_changes"),  # consecutive syncs that found another UIDVALIDITY
    _moment("set_aside_until", nullable=True),
    _count("set_aside_count"),
    _number("total"),
    _number("unread"),
    _count("kept_count"),  # of the total, how many the server has no more
    _count("hidden_count"),  # beside the total: deleted here, and still on the server
    _moment("registered"),
    _moment("updated"),
    Index("ix_email_folder_account_id", "account_id"),
    **_IDS_STAY,
)

folder_visit = Table(
    "folder_visit",
    metadata,
    _reference("associate_id", "associate.associate_id", primary_key=True, autoincrement=False),
    _text("place", primary_key=True),  # a hash of server, user and folder
    Column("uid_validity", BigInteger, nullable=False),
    Column("uid_next", BigInteger, nullable=False),
    _moment("visited"),
)

email_item = Table(
    "email_item",
    metadata,
    _id("email_item_id"),
    _reference("email_folder_id", "email_folder.email_folder_id"),
    # Negative (kept_validity) once the server has the message no more and its copy is kept.
    Column("uid_validity", BigInteger, nullable=False),
    Column("uid", BigInteger, nullable=False),
    _number("flags"),
    _text("keywords"),
    _moment("received_at", nullable=True),
    Column("size", BigInteger, nullable=False),
    _text("message_id"),
    _text("in_reply_to"),
    _text("references"),
    _text("subject"),
    _text("from", key="sender"),
    _text("reply_to"),
    _text("to"),
    _text("cc"),
    _text("bcc"),
    _moment("sent_at", nullable=True),
    Column("priority", SmallInteger, nullable=False),
    Column("has_attachment", Boolean, nullable=False),
    _text("parse_problem"),
    _moment("replied_at", nullable=True),
    _switch("keep"),  # the copy stays when the server has the message no more
    _switch("hidden"),  # deleted here alone: a mark, without content, of what the server has
    _moment("registered"),
    UniqueConstraint("email_folder_id", "uid_validity", "uid"),
    Index("ix_email_item_folder_uid", "email_folder_id", "uid"),
    _long_text_index("ix_email_item_message_id", "message_id"),
    _long_text_index("ix_email_item_in_reply_to", "in_reply_to"),
    **_IDS_STAY,
)

email_source = Table(
    "email_source",
    metadata,
    _reference("email_item_id", "email_item.email_item_id", primary_key=True, autoincrement=False),
    Column("mime", LargeBinary, nullable=False),  # the message's bytes, a zlib stream (RFC 1950)
)

email_attachment = Table(
    "email_attachment",
    metadata,
    _id("email_attachment_id"),
    _reference("email_item_id", "email_item.email_item_id"),
    _text("part"),
    _text("cid"),
    _text("filename"),
    _text("type"),
    Column("size", BigInteger, nullable=False),
    _text("encoding"),
    _text("disposition"),
    Index("ix_email_attachment_email_item_id", "email_item_id"),
    **_IDS_STAY,
)

email_notice = Table(
    "email_notice",
    metadata,
    # A message that its account's notification address is still to be told of.
    _reference("email_item_id", "email_item.email_item_id", primary_key=True, autoincrement=False),
)

email_problem = Table(
    "email_problem",
    metadata,
    _reference(
        "email_folder_id", "email_folder.email_folder_id", primary_key=True, autoincrement=False
    ),
    Column("uid_validity", BigInteger, primary_key=True, autoincrement=False),
    Column("uid", BigInteger, primary_key=True, autoincrement=False),
    _text("reason"),
    _number("tries"),
    _moment("last"),
)
