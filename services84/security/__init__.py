"""Tickets, passwords, secrets at rest, and which hosts may be called; knows no row and no wire."""
