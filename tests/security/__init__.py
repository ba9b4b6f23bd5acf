"""Tests of tickets, passwords, the vault and the outbound policy."""
