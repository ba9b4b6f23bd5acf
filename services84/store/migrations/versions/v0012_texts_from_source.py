"""The texts of messages are read from their bytes when somebody asks for them, and stored once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("email_body")


def downgrade() -> None:
    """The texts of stored messages come back by another sync of them only."""
    op.create_table(
        "email_body",
        sa.Column("email_item_id", sa.Integer(), autoincrement=False, nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("plain_body", "html_body", "cal_data")
        ),
        sa.ForeignKeyConstraint(
            ["email_item_id"],
            ["email_item.email_item_id"],
            name="fk_email_body_email_item_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("email_item_id", name="pk_email_body"),
    )
