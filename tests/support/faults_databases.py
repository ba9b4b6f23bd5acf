"""Databases of either kind to begin histories with: fresh ones, and copies of full ones."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Protocol

from tests.support.postgresql import PostgresqlServer


class Copies(Protocol):
    """Makes copies of databases; nobody may use the one that is copied."""

    def fresh(self) -> str:
        """The URL of a new database with the schema."""
        ...

    def copy(self, url: str) -> str:
        """The URL of a copy."""
        ...

    def drop(self, url: str) -> None:
        """Remove a database."""
        ...


class SqliteCopies:
    """Files in a folder."""

    def __init__(self, folder: Path, template: Path) -> None:
        self._folder = folder
        self._template = template
        self._made = 0

    def fresh(self) -> str:
        return self.copy(f"sqlite:///{self._template}")

    def copy(self, url: str) -> str:
        self._made += 1
        target = self._folder / f"copy{self._made}.sqlite3"
        source = sqlite3.connect(url.removeprefix("sqlite:///"))
        with contextlib.closing(source), contextlib.closing(sqlite3.connect(target)) as made:
            source.backup(made)
        return f"sqlite:///{target}"

    def drop(self, url: str) -> None:
        path = Path(url.removeprefix("sqlite:///"))
        for file in path.parent.glob(path.name + "*"):
            file.unlink()


class PostgresqlCopies:
    """Databases of one cluster, copied as templates."""

    def __init__(self, server: PostgresqlServer) -> None:
        self._server = server

    def fresh(self) -> str:
        return self._server.url(self._server.create())

    def copy(self, url: str) -> str:
        return self._server.url(self._server.create(template=self._name(url)))

    def drop(self, url: str) -> None:
        self._server.drop(self._name(url))

    @staticmethod
    def _name(url: str) -> str:
        """NAME of postgresql://user@/NAME?host=/folder."""
        return url.partition("@/")[2].partition("?")[0]
