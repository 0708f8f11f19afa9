"""Alembic's environment: `Database.upgrade` hands in the connection.

For a new revision, from the project's root and with a database that is up to date:

    python -m registration.migrations "members remember their language"
"""

from alembic import context

from registration.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    user_module_prefix="models.",
    # SQLite can't alter most of a table in place; Alembic then copies it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
