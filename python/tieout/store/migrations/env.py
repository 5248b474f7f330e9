"""Runs the migrations on the connection that tieout.store.migrate hands in, inside its transaction."""

from alembic import context

from tieout.store.tables import BOOK

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=BOOK, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
