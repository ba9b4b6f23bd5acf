"""What a folder's sync leaves out or puts off: older mail, doubtful UIDs, what cannot be opened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NAMES = ("window_start", "left_out", "validity_changes", "set_aside_until", "set_aside_count")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("email_folder", sa.Column("window_start", moment, nullable=True))
    op.add_column(
        "email_folder", sa.Column("left_out", sa.Text(), nullable=False, server_default="")
    )
    for name in ("validity_changes", "set_aside_count"):
        op.add_column(
            "email_folder", sa.Column(name, sa.Integer(), nullable=False, server_default="0")
        )
    op.add_column("email_folder", sa.Column("set_aside_until", moment, nullable=True))


def downgrade() -> None:
    for name in _NAMES:
        op.drop_column("email_folder", name)
