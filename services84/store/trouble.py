"""The edge of the store: what SQLAlchemy and the database drivers raise becomes our own errors.

Messages carry the first line of the driver's text only. The rest (DETAIL, the statement, its
parameters) may quote rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from services84.errors import SchemaMismatch, StoreError, StoreUnavailable

ADVICE = "`services84 init` makes or upgrades it"
_TRY_AGAIN = "the service's database is not available; try again later"
_FAILED = "the service's database could not do this"

# PostgreSQL: undefined table, undefined column
_MISSING_STATES = frozenset({"42P01", "42703"})
_MISSING_TEXTS = ("no such table", "no such column", "has no column named")
# SQLite tells a defect of ours from a trouble of the machine by its text alone.
_UNAVAILABLE_TEXTS = (
    "locked",
    "busy",
    "unable to open",
    "disk is full",
    "disk i/o",
    "readonly",
    "not a database",
    "malformed",
)


@contextmanager
def store_errors() -> Iterator[None]:
    """Translate: raises StoreUnavailable, SchemaMismatch or StoreError from what came."""
    try:
        yield
    except exc.TimeoutError as error:
        raise StoreUnavailable(
            "all connections to the database are in use", friendly_text=_TRY_AGAIN
        ) from error
    except exc.DBAPIError as error:
        raise translated(error.orig or error) from error
    except sqlite3.Error as error:  # from pragmas at connect, which SQLAlchemy does not wrap
        raise translated(error) from error
    except exc.SQLAlchemyError as error:
        raise StoreError(
            f"a statement failed: {type(error).__name__}", friendly_text=_FAILED
        ) from error


def translated(error: BaseException) -> StoreError:
    """The error of ours that a driver's error means."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if _is_schema(error, text):
        return SchemaMismatch(f"the database has another schema ({text}); {ADVICE}")
    if _is_unavailable(error, text):
        return StoreUnavailable(f"the database is not available: {text}", friendly_text=_TRY_AGAIN)
    return StoreError(f"the database refused: {text}", friendly_text=_FAILED)


def _is_schema(error: BaseException, text: str) -> bool:
    if isinstance(error, sqlite3.Error):
        return any(part in text for part in _MISSING_TEXTS)
    return getattr(error, "sqlstate", None) in _MISSING_STATES


def _is_unavailable(error: BaseException, text: str) -> bool:
    if isinstance(error, sqlite3.Error):
        return any(part in text.lower() for part in _UNAVAILABLE_TEXTS)
    # PEP 249's names; both classes mean the connection or the server, not the statement.
    return any(
        base.__name__ in ("OperationalError", "InterfaceError") for base in type(error).mro()
    )
