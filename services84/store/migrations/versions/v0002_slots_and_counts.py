"""Slots of mail hosts, leases of services, and what kinds of errors an account has had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COUNTS = ("refused_count", "throttled_count")


def upgrade() -> None:
    for name in _COUNTS:
        op.add_column(
            "email_account", sa.Column(name, sa.Integer(), nullable=False, server_default="0")
        )
    op.create_table(
        "mail_host_slot",
        sa.Column("mail_host_slot_id", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("asked", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mail_host_slot_id", name="pk_mail_host_slot"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mail_host_slot_host", "mail_host_slot", ["host"])
    op.create_table(
        "service_lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_service_lease"),
    )


def downgrade() -> None:
    op.drop_table("service_lease")
    op.drop_table("mail_host_slot")
    for name in _COUNTS:
        op.drop_column("email_account", name)
