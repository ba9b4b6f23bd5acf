"""Reading address books that programs have written as tables (RFC 4180, and Excel's ways). Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from services84.cli.contact_fields import LISTS, PHONES, Entry, Said
from services84.errors import InvalidValue

_DELIMITERS = ";,\t|"
_NAMES = {
    "id": "id externalid uid personid contactid",
    "fullname": "name fullname displayname navn",
    "firstname": "firstname givenname forename vorname fornavn",
    "middlename": "middlename additionalname",
    "lastname": "lastname familyname surname nachname etternavn",
    "mrmrs": "mrmrs nameprefix prefix anrede",
    "title": "title jobtitle organizationtitle organization1title position",
    "number": "number personnumber",
    "description": "description notes note comment",
    "birthday": "birthday birthdate dateofbirth bday geburtstag",
    "company": "company companyname organization organizationname organization1name firma org",
    "department": "department organizationdepartment organization1department abteilung",
    "orgnr": "orgnr organizationnumber vatnumber companynumber",
    "companyemail": "companyemail companymail",
    "office": "phone telephone businessphone workphone officephone directphone",
    "mobile": "mobile mobilephone cellphone cell mobil",
    "private": "homephone privatephone",
    "fax": "fax businessfax faxnumber workfax",
    "other": "otherphone pager",
}
_FIELD_OF = {column: name for name, columns in _NAMES.items() for column in columns.split()}
# "E-mail 2 Address" of Outlook, "E-mail 1 - Value" of Google, "Email", "Mail".
_EMAIL = re.compile(r"e?mail\d*(?:address\d*|value|adresse)?")
# "Business Phone 2" of Outlook; Google's "Phone 1 - Value" does not say of which kind it is.
_PHONE = re.compile(r"(\D+phone|phone)\d*(?:value)?")


def read_csv(text: str, file: str) -> tuple[list[Entry], list[str]]:
    """The entries of a table with a line of headings, and the headings that mean nothing here.

    Raises InvalidValue, naming the line, for what is no table or has no column to make use of.
    """
    rows = _rows(text, file)
    number, headings = next(rows, (1, []))
    columns = [_field_of(heading) for heading in headings]
    if "Job Title" in headings:  # Outlook's; its Title is what others call a prefix
        columns = ["mrmrs" if h == "Title" else c for h, c in zip(headings, columns, strict=True)]
    if not {"fullname", "firstname", "lastname", "company", "email"} & set(columns):
        problem = "are no headings with a name, a company or an e-mail address among them"
        raise InvalidValue(f"{file}:{number}", " ".join(headings), problem)
    entries = [_entry(file, line, row, headings, columns) for line, row in rows]
    unused = [h for h, c in zip(headings, columns, strict=True) if not c and h.strip()]
    return entries, unused


def _rows(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, with the number of the line on which each begins."""
    delimiter, skipped = _delimiter(text)
    stream = io.StringIO(text, newline="")
    for _ in range(skipped):
        stream.readline()
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    line = skipped + 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InvalidValue(f"{file}:{line}", "the row", f"is broken: {error}") from error
        if any(cell.strip() for cell in row):
            yield line, row
        line = skipped + reader.line_num + 1


def _delimiter(text: str) -> tuple[str, int]:
    """What separates cells, and how many lines say nothing else (Excel's `sep=;`)."""
    first = text.partition("\n")[0].strip()
    if first[:4].lower() == "sep=" and len(first) == 5:
        return first[4], 1
    heads = re.sub(r'"[^"]*"', "", text[:10_000].lstrip("\r\n").partition("\n")[0])
    return max(_DELIMITERS, key=heads.count), 0


def _field_of(heading: str) -> str:
    """The field of a column; empty for one that means nothing here."""
    plain = "".join(c for c in heading.casefold() if c.isalnum())
    if _EMAIL.fullmatch(plain):
        return "email"
    phone = _PHONE.fullmatch(plain)
    return _FIELD_OF.get(plain) or (_FIELD_OF.get(phone[1], "") if phone else "")


def _entry(file: str, line: int, row: list[str], headings: list[str], columns: list[str]) -> Entry:
    extra = [cell for cell in row[len(columns) :] if cell.strip()]
    if extra:
        problem = f"stands beyond the {len(columns)} columns that there are headings for"
        raise InvalidValue(f"{file}:{line}", extra[0], problem)
    fields: dict[str, list[Said]] = {}
    for heading, name, cell in zip(headings, columns, row, strict=False):
        if name and cell.strip() and (name in LISTS or name not in fields):
            pieces = cell.split(":::") if name in PHONES else [cell]
            fields.setdefault(name, []).extend(Said(one, heading, line) for one in pieces)
    return Entry(line, fields)
