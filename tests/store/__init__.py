"""Tests of the store: everything on SQLite and on PostgreSQL."""
