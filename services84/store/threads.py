"""What stored messages say of the conversation that they belong to. Reads only."""

from __future__ import annotations

from sqlalchemy import select

from services84.store.database import Database
from services84.store.tables import email_account, email_folder, email_item


def references_of(database: Database, associate_id: int, message_id: str) -> str:
    """The References of a message in an associate's accounts, its In-Reply-To where it has none;
    empty for a message that is not stored. `message_id` is in angle brackets. Raises StoreError.
    """
    query = (
        select(email_item.c.references, email_item.c.in_reply_to)
        .join_from(email_item, email_folder)
        .join(email_account, email_account.c.email_account_id == email_folder.c.account_id)
        # The index leaves out empty texts, and is used where the query does so too.
        .where(email_item.c.message_id == message_id, email_item.c.message_id != "")
        .where(email_account.c.associate_id == associate_id, ~email_item.c.hidden)
        .order_by(email_item.c.email_item_id.desc())
        .limit(1)
    )
    with database.reading() as connection:
        row = connection.execute(query).one_or_none()
    return "" if row is None else row[0] or row[1]
