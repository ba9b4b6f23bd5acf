"""`services84 import`: filling the address book from files of other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from services84.cli.contact_csv import read_csv
from services84.cli.contact_fields import MOST_PROBLEMS, Book
from services84.cli.contact_vcard import read_vcards
from services84.cli.failures import WRONG_USE
from services84.cli.opening import opened_database
from services84.cli.output import complain, say
from services84.errors import InvalidValue
from services84.store.book_import import import_book
from services84.store.crm_values import ImportCounts

_MARKS = {
    b"\xef\xbb\xbf": ("utf-8", "UTF-8"),
    b"\xff\xfe": ("utf-16-le", "UTF-16"),
    b"\xfe\xff": ("utf-16-be", "UTF-16"),
}


@click.group("import")
def import_() -> None:
    """Bring in what other programs know."""


@import_.command("contacts")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--source",
    default="",
    metavar="NAME",
    help="Whose ids the file has, where files of several systems are brought in.",
)
def import_contacts(file: Path, source: str) -> None:
    """Bring the persons and companies of FILE (.csv or .vcf) into the address book.

    All of them or, when a line is broken, none. A file can be brought in again: what is the same
    stays, what has changed is changed; what the file does not name is left alone.
    """
    text, encoding = decoded(file.read_bytes(), file.name)
    book = read_book(text, file, source)
    if book.problems:
        _complain_of(book.problems)
        raise SystemExit(WRONG_USE)
    with opened_database() as database:
        persons, companies = import_book(
            database, list(book.persons.values()), list(book.companies.values())
        )
    say(f"{file.name}, read as {encoding}")
    say(f"persons: {_told(persons)}")
    say(f"companies: {_told(companies)}")


def read_book(text: str, file: Path, source: str = "") -> Book:
    """What a file holds, by the kind that its name ends in, with the ids of `source`.

    Raises InvalidValue for a file of which nothing can be made.
    """
    readers: dict[str, Callable[[str, Book], None]] = {".csv": _add_csv, ".vcf": _add_vcards}
    kind = file.suffix.lower()
    if kind not in readers:
        raise InvalidValue("FILE", file.name, f"ends in none of {', '.join(readers)}")
    book = Book(file.name, source or kind)
    readers[kind](text, book)
    return book


def _add_csv(text: str, book: Book) -> None:
    entries, unused = read_csv(text, book.name)
    for entry in entries:
        book.add(entry)
    if unused:
        complain(f"{book.name}: columns that are not made use of: {', '.join(unused)}")


def _add_vcards(text: str, book: Book) -> None:
    for entry in read_vcards(text, book.name):
        book.add(entry)


def decoded(raw: bytes, name: str) -> tuple[str, str]:
    """A file's text, and the encoding it was read in: what its byte order mark says, else UTF-8,
    else Windows-1252, which Excel writes. Raises InvalidValue for what is neither."""
    for mark, (codec, encoding) in _MARKS.items():
        if raw.startswith(mark):
            return _strictly(raw[len(mark) :], codec, encoding, name), encoding
    try:
        return raw.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        return _strictly(raw, "cp1252", "Windows-1252", name), "Windows-1252"


def _strictly(raw: bytes, codec: str, encoding: str, name: str) -> str:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError as error:
        line = raw[: error.start].decode(codec, "replace").count("\n") + 1
        found = raw[error.start : error.start + 1].hex()
        raise InvalidValue(f"{name}:{line}", f"0x{found}", f"is no {encoding}") from error


def _complain_of(problems: list[InvalidValue]) -> None:
    for problem in problems[:MOST_PROBLEMS]:
        complain(problem.message)
    if len(problems) > MOST_PROBLEMS:
        complain(f"and {len(problems) - MOST_PROBLEMS} more")
    complain("nothing was brought in")


def _told(counts: ImportCounts) -> str:
    return f"{counts.added} added, {counts.changed} changed, {counts.unchanged} unchanged"
