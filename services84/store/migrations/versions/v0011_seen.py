"""What people are shown of syncs: the kind of an error, and how far a running sync is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("email_account", "sync_run"):
        op.add_column(table, sa.Column("error_kind", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "sync_progress",
        sa.Column("sync_run_id", sa.Integer(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("folders_done", "folders_total", "messages_done", "messages_total")
        ),
        sa.Column("bytes_done", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sync_run_id"],
            ["sync_run.sync_run_id"],
            name="fk_sync_progress_sync_run_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sync_run_id", name="pk_sync_progress"),
    )


def downgrade() -> None:
    op.drop_table("sync_progress")
    for table in ("sync_run", "email_account"):
        op.drop_column(table, "error_kind")
