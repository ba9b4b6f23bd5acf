"""Access tokens for applications, and the means to renew those of mail accounts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = ("mail_token", "refresh_token", "access_token", "oauth_grant", "oauth_client")


def upgrade() -> None:
    _clients()
    _grants()
    _tokens()
    _mail_tokens()


def downgrade() -> None:
    for name in _TABLES:
        op.drop_table(name)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _key(table: str, column: str, target: str, ondelete: str = "CASCADE") -> Any:
    return sa.ForeignKeyConstraint(
        [column], [target], name=f"fk_{table}_{column}", ondelete=ondelete
    )


def _clients() -> None:
    op.create_table(
        "oauth_client",
        _number("application_id"),
        _text("client_id"),
        _text("grants"),
        sa.Column("acts_as", sa.Integer(), nullable=True),
        _moment("registered"),
        _key("oauth_client", "application_id", "application.application_id"),
        _key("oauth_client", "acts_as", "associate.associate_id", "SET NULL"),
        sa.PrimaryKeyConstraint("application_id", name="pk_oauth_client"),
        sa.UniqueConstraint("client_id", name="uq_oauth_client_client_id"),
    )


def _grants() -> None:
    op.create_table(
        "oauth_grant",
        _number("oauth_grant_id"),
        _number("application_id"),
        _number("associate_id"),
        _moment("created"),
        _moment("expires"),
        _key("oauth_grant", "application_id", "application.application_id"),
        _key("oauth_grant", "associate_id", "associate.associate_id"),
        sa.PrimaryKeyConstraint("oauth_grant_id", name="pk_oauth_grant"),
        sqlite_autoincrement=True,
    )
    for column in ("application_id", "associate_id", "expires"):
        op.create_index(f"ix_oauth_grant_{column}", "oauth_grant", [column])


def _tokens() -> None:
    for name, more in (
        ("access_token", []),
        ("refresh_token", [_moment("rotated", nullable=True)]),
    ):
        op.create_table(
            name,
            _text("token_hash"),
            _number("oauth_grant_id"),
            _moment("expires"),
            *more,
            _key(name, "oauth_grant_id", "oauth_grant.oauth_grant_id"),
            sa.PrimaryKeyConstraint("token_hash", name=f"pk_{name}"),
        )
        for column in ("oauth_grant_id", "expires"):
            op.create_index(f"ix_{name}_{column}", name, [column])


def _mail_tokens() -> None:
    op.create_table(
        "mail_token",
        _number("email_account_id"),
        _text("provider"),
        _text("refresh_token"),
        _moment("expires", nullable=True),
        _moment("renewed"),
        _number("generation"),
        _text("problem"),
        _moment("registered"),
        _key("mail_token", "email_account_id", "email_account.email_account_id"),
        sa.PrimaryKeyConstraint("email_account_id", name="pk_mail_token"),
    )
