"""The schema's versions: runs the package's own Alembic migrations on a given connection."""

from __future__ import annotations

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from services84.store import crm_tables  # noqa: F401 - its tables are part of the metadata


def _config() -> Config:
    config = Config()
    # Named as a resource of the package, so that an installed wheel has them too.
    config.set_main_option("script_location", "services84.store:migrations")
    return config


def upgrade(connection: Connection) -> None:
    """Run what is missing, inside the connection's transaction."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def revision_of(connection: Connection) -> str | None:
    """The revision that the database is at; None when it has no schema of ours."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def head() -> str:
    """The newest revision of this version."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    if newest is None:
        raise LookupError("the package has no migrations")
    return newest


@cache
def known_revisions() -> frozenset[str]:
    """Every revision that this version knows the way from."""
    scripts = ScriptDirectory.from_config(_config())
    return frozenset(script.revision for script in scripts.walk_revisions())
