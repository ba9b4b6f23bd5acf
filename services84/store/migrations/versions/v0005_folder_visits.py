"""Up to which message associates know a folder, for those who ask whether there is more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "folder_visit",
        sa.Column("associate_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("uid_next", sa.BigInteger(), nullable=False),
        sa.Column("visited", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["associate_id"],
            ["associate.associate_id"],
            name="fk_folder_visit_associate_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("associate_id", "place", name="pk_folder_visit"),
    )


def downgrade() -> None:
    op.drop_table("folder_visit")
