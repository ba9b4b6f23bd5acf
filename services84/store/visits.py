"""When callers last asked for news of a folder: up to which message they know it.

IMAP's \\Recent cannot tell: any client that opens the folder takes it away (RFC 3501 section
2.3.2). Knows nothing of what is in the cache; a mailbox that is no account is remembered alike.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from services84.store.database import Database
from services84.store.sql import insert_into
from services84.store.tables import folder_visit as visit

VISITS_ARE_KEPT = timedelta(days=365)


@dataclass(frozen=True)
class Visited:
    """How far a folder was known: every message that came later has a UID of `uid_next` or more,
    as long as UIDVALIDITY stays (RFC 3501 section 2.3.1.1)."""

    uid_validity: int
    uid_next: int


class FolderVisits:
    """The last visits of associates to folders. All methods raise StoreError.

    `place` names server, user and folder, in this order, by whatever tells them apart.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self, associate_id: int, place: tuple[str, ...]) -> Visited | None:
        """How far the associate knew the folder when it last visited it."""
        query = select(visit.c.uid_validity, visit.c.uid_next).where(
            visit.c.associate_id == associate_id, visit.c.place == _key(place)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Visited(row.uid_validity, row.uid_next)

    def remember(
        self, associate_id: int, place: tuple[str, ...], known: Visited, now: datetime
    ) -> None:
        """Note a visit. Those of a year ago are forgotten on the way."""
        seen = {"uid_validity": known.uid_validity, "uid_next": known.uid_next, "visited": now}
        with self._database.transaction() as connection:
            connection.execute(
                insert_into(connection, visit)
                .values(associate_id=associate_id, place=_key(place), **seen)
                .on_conflict_do_update(index_elements=["associate_id", "place"], set_=seen)
            )
            connection.execute(
                delete(visit).where(
                    visit.c.associate_id == associate_id,
                    visit.c.visited < now - VISITS_ARE_KEPT,
                )
            )


def _key(place: tuple[str, ...]) -> str:
    """Of one length, since names are of any; a PostgreSQL index takes no long values."""
    text = "\x00".join(place)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
