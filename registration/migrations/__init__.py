"""Migrations of the registration database, and Alembic's settings for them.

`Database.upgrade` (`nasro-chat db upgrade`) is all that an installation needs. Alembic's own commands,
on the database that NASRO_REGISTRATION_URL names, are for writing and inspecting revisions:

    alembic -c registration/migrations/alembic.ini current
    alembic -c registration/migrations/alembic.ini history --verbose
    alembic -c registration/migrations/alembic.ini upgrade head --sql      # for a DBA to read
    alembic -c registration/migrations/alembic.ini downgrade -1

A new revision comes from what the models say and an up-to-date database doesn't have:

    alembic -c registration/migrations/alembic.ini revision --autogenerate --rev-id 0002 \\
        -m "members remember their language"

It is named by its effect, and the version before must still run while the new tables are there: what is
renamed or dropped goes in two releases. tests/services/test_migrations.py compares the two databases,
migrated from nothing, with the models.
"""
