"""Alembic's entry: runs revisions on the connection that it is given, in its transaction."""

from alembic import context

from services84.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite can, once its driver does not commit by itself
)
with context.begin_transaction():
    context.run_migrations()
