"""All tables of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES_CHILDREN_FIRST = (
    "email_attachment",
    "email_source",
    "email_body",
    "email_item",
    "email_problem",
    "email_folder",
    "sync_run",
    "email_account",
    "service_auth",
    "login_attempt",
    "application",
    "credentials",
    "associate",
)


def upgrade() -> None:
    _make_principals()
    _make_accounts()
    _make_folders()
    _make_items()
    _make_parts()


def downgrade() -> None:
    for table in _TABLES_CHILDREN_FIRST:
        op.drop_table(table)


def _make_principals() -> None:
    op.create_table(
        "associate",
        sa.Column("associate_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("registered", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("associate_id", name="pk_associate"),
        sa.UniqueConstraint("name_key", name="uq_associate_name_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "credentials",
        sa.Column("credentials_id", sa.Integer(), nullable=False),
        sa.Column("ticket_hash", sa.Text(), nullable=False),
        sa.Column("associate_id", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["associate_id"],
            ["associate.associate_id"],
            name="fk_credentials_associate_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("credentials_id", name="pk_credentials"),
        sa.UniqueConstraint("ticket_hash", name="uq_credentials_ticket_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_credentials_associate_id", "credentials", ["associate_id"])
    op.create_index("ix_credentials_expires", "credentials", ["expires"])
    op.create_table(
        "application",
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("email_agent", sa.Boolean(), nullable=False),
        sa.Column("registered", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("application_id", name="pk_application"),
        sa.UniqueConstraint("name_key", name="uq_application_name_key"),
        sa.UniqueConstraint("token_hash", name="uq_application_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "login_attempt",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_login_attempt"),
    )
    op.create_index("ix_login_attempt_last", "login_attempt", ["last"])


def _make_accounts() -> None:
    op.create_table(
        "service_auth",
        sa.Column("service_auth_id", sa.Integer(), nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("auth_type", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("registered", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("service_auth_id", name="pk_service_auth"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "email_account",
        sa.Column("email_account_id", sa.Integer(), nullable=False),
        sa.Column("email_address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("associate_id", sa.Integer(), nullable=False),
        sa.Column("incoming_auth", sa.Integer(), nullable=True),
        sa.Column("outgoing_auth", sa.Integer(), nullable=True),
        sa.Column("account_status", sa.SmallInteger(), nullable=False),
        sa.Column("error_count", sa.Integer(), nullable=False),
        sa.Column("error_reason", sa.Text(), nullable=False),
        sa.Column("current_mark", sa.Integer(), nullable=False),
        sa.Column("last_success", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_attempt", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("registered", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["associate_id"], ["associate.associate_id"], name="fk_email_account_associate_id"
        ),
        sa.ForeignKeyConstraint(
            ["incoming_auth"],
            ["service_auth.service_auth_id"],
            name="fk_email_account_incoming_auth",
        ),
        sa.ForeignKeyConstraint(
            ["outgoing_auth"],
            ["service_auth.service_auth_id"],
            name="fk_email_account_outgoing_auth",
        ),
        sa.PrimaryKeyConstraint("email_account_id", name="pk_email_account"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_email_account_address_key",
        "email_account",
        ["address_key"],
        postgresql_using="hash",
        postgresql_where=sa.text("address_key <> ''"),
        sqlite_where=sa.text("address_key <> ''"),
    )
    op.create_index("ix_email_account_associate_id", "email_account", ["associate_id"])
    op.create_index("ix_email_account_due", "email_account", ["account_status", "next_attempt"])
    op.create_table(
        "sync_run",
        sa.Column("sync_run_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished", sa.DateTime(timezone=True), nullable=True),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("error_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["email_account.email_account_id"],
            name="fk_sync_run_account_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sync_run_id", name="pk_sync_run"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sync_run_account_id", "sync_run", ["account_id", "sync_run_id"])


def _make_folders() -> None:
    op.create_table(
        "email_folder",
        sa.Column("email_folder_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("server_name", sa.Text(), nullable=False),
        sa.Column("folder_separator", sa.Text(), nullable=False),
        sa.Column("attributes", sa.Integer(), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=True),
        sa.Column("uid_next", sa.BigInteger(), nullable=True),
        sa.Column("highest_mod_seq", sa.BigInteger(), nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("unread", sa.Integer(), nullable=False),
        sa.Column("registered", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["email_account.email_account_id"],
            name="fk_email_folder_account_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("email_folder_id", name="pk_email_folder"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_email_folder_account_id", "email_folder", ["account_id"])
    op.create_table(
        "email_problem",
        sa.Column("email_folder_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("uid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["email_folder_id"],
            ["email_folder.email_folder_id"],
            name="fk_email_problem_email_folder_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("email_folder_id", "uid_validity", "uid", name="pk_email_problem"),
    )


def _make_items() -> None:
    op.create_table(
        "email_item",
        sa.Column("email_item_id", sa.Integer(), nullable=False),
        sa.Column("email_folder_id", sa.Integer(), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("in_reply_to", sa.Text(), nullable=False),
        sa.Column("references", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("from", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("cc", sa.Text(), nullable=False),
        sa.Column("bcc", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("has_attachment", sa.Boolean(), nullable=False),
        sa.Column("parse_problem", sa.Text(), nullable=False),
        sa.Column("registered", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["email_folder_id"],
            ["email_folder.email_folder_id"],
            name="fk_email_item_email_folder_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("email_item_id", name="pk_email_item"),
        sa.UniqueConstraint(
            "email_folder_id", "uid_validity", "uid", name="uq_email_item_email_folder_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_email_item_folder_uid", "email_item", ["email_folder_id", "uid"])
    op.create_index(
        "ix_email_item_in_reply_to",
        "email_item",
        ["in_reply_to"],
        postgresql_using="hash",
        postgresql_where=sa.text("in_reply_to <> ''"),
        sqlite_where=sa.text("in_reply_to <> ''"),
    )
    op.create_index(
        "ix_email_item_message_id",
        "email_item",
        ["message_id"],
        postgresql_using="hash",
        postgresql_where=sa.text("message_id <> ''"),
        sqlite_where=sa.text("message_id <> ''"),
    )


def _make_parts() -> None:
    op.create_table(
        "email_body",
        sa.Column("email_item_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plain_body", sa.Text(), nullable=False),
        sa.Column("html_body", sa.Text(), nullable=False),
        sa.Column("cal_data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["email_item_id"],
            ["email_item.email_item_id"],
            name="fk_email_body_email_item_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("email_item_id", name="pk_email_body"),
    )
    op.create_table(
        "email_source",
        sa.Column("email_item_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mime", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["email_item_id"],
            ["email_item.email_item_id"],
            name="fk_email_source_email_item_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("email_item_id", name="pk_email_source"),
    )
    op.create_table(
        "email_attachment",
        sa.Column("email_attachment_id", sa.Integer(), nullable=False),
        sa.Column("email_item_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("cid", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["email_item_id"],
            ["email_item.email_item_id"],
            name="fk_email_attachment_email_item_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("email_attachment_id", name="pk_email_attachment"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_email_attachment_email_item_id", "email_attachment", ["email_item_id"])
