"""Alembic's home in this package. Add a migration as CONTRIBUTING says."""
