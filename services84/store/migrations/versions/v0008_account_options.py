"""What an account is to do beside being synced, and who may manage accounts.

Accounts that exist go on as before: active, TLS as their ports have it, messages removed from the
server when they are deleted here, no notifications.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def _switch(name: str, *, on: bool = False) -> sa.Column[bool]:
    default = sa.true() if on else sa.false()
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=default)


def _policy() -> sa.Column[int]:
    return sa.Column("deletion_policy", sa.SmallInteger(), nullable=False, server_default="3")


def upgrade() -> None:
    op.create_table(
        "associate_role",
        sa.Column("associate_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["associate_id"],
            ["associate.associate_id"],
            name="fk_associate_role_associate_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("associate_id", "role", name="pk_associate_role"),
    )
    op.add_column("service_auth", sa.Column("use_ssl", sa.Boolean(), nullable=True))
    for column in (
        _text("display_name"),
        _count("business_id"),
        _switch("active", on=True),
        _text("reply_to"),
        _switch("send_notification"),
        _text("notification_email"),
        _policy(),
        _text("token_provider"),
        _count("last_message_id"),
    ):
        op.add_column("email_account", column)
    for name in ("kept_count", "hidden_count"):
        op.add_column("email_folder", _count(name))
    for name in ("keep", "hidden"):
        op.add_column("email_item", _switch(name))
    op.create_table(
        "email_notice",
        sa.Column("email_item_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["email_item_id"],
            ["email_item.email_item_id"],
            name="fk_email_notice_email_item_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("email_item_id", name="pk_email_notice"),
    )
    op.execute(
        "UPDATE email_account SET last_message_id = COALESCE((SELECT MAX(i.email_item_id)"
        " FROM email_item i JOIN email_folder f ON f.email_folder_id = i.email_folder_id"
        " WHERE f.account_id = email_account.email_account_id), 0)"
    )


def downgrade() -> None:
    op.drop_table("email_notice")
    for name in ("keep", "hidden"):
        op.drop_column("email_item", name)
    for name in ("kept_count", "hidden_count"):
        op.drop_column("email_folder", name)
    for name in (
        "display_name",
        "business_id",
        "active",
        "reply_to",
        "send_notification",
        "notification_email",
        "deletion_policy",
        "token_provider",
        "last_message_id",
    ):
        op.drop_column("email_account", name)
    op.drop_column("service_auth", "use_ssl")
    op.drop_table("associate_role")
