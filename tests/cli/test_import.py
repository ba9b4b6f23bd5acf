"""`services84 import contacts`: all of a file or nothing of it, and broken lines by their names."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest

from services84.application import Application
from services84.store.crm_values import Person, Phone, PhoneKind
from tests.cli.conftest import Run

CSV = (
    "First Name,Last Name,E-mail Address,E-mail 2 Address,Company,Department,Job Title,"
    "Mobile Phone,Birthday,Shoe size\r\n"
    'Anna,Berg,anna@example.com,"b@example.com; B <c@example.com>",Acme,Sales,"Boss, big",'
    "+47 1,1980-02-29,40\r\n"
    "\r\n"
    ",,,,Only Company,,,,,\r\n"
    "Bob,,bob@example.com\r\n"
)
VCARDS = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:urn:1\r\nN:Berg;Anna;Maria;Ms;\r\nFN:Anna Berg\r\n"
    "ORG:Acme\\; Sons;Sales\r\nTITLE:Bo\r\n ss\r\nitem1.EMAIL;TYPE=INTERNET:old@example.com\r\n"
    "EMAIL;TYPE=INTERNET,PREF:anna@example.com\r\nTEL;TYPE=CELL:+47 1\r\n"
    "TEL;TYPE=WORK,FAX:9\r\nNOTE:one\\ntwo\\, three\r\nBDAY:19800229\r\n"
    "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ\r\n SkZJRg==\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=\r\n"
    "=F6rg\r\nEMAIL;INTERNET:joerg@example.com\r\nTEL;HOME;VOICE:3\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:org\r\nFN:Acme\\; Sons\r\nEMAIL:post@example.com\r\n"
    "END:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:group\r\nFN:Friends\r\nMEMBER:urn:1\r\nEND:VCARD\r\n"
)


def write(folder: Path, name: str, content: str | bytes) -> str:
    raw = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(raw)
    return str(folder / name)


def persons(application: Application, *addresses: str) -> list[Person]:
    book = application.services.contacts
    found = {each.person_id for each in book.by_addresses(addresses)}
    return book.persons(found)


BROKEN = [
    ("a.csv", "Name,Email\nAnna,no address\n", "a.csv:2: Email: 'no address' is no address"),
    ("a.csv", "Name,Email\n\n\nAnna,a@b..c\n", "a.csv:4: Email: 'a@b..c' is no address"),
    ("a.csv", "Name,Birthday\nAnna,02/03/1980\n", "a.csv:2: Birthday: '02/03/1980' is no date"),
    ("a.csv", "Name,Birthday\nAnna,1980-02-30\n", "a.csv:2: Birthday: '1980-02-30' is no date"),
    ("a.csv", 'Name,Email\n"Anna\nBerg,a@example.com\n', "a.csv:2: 'the row' is broken"),
    ("a.csv", "Name,Email\nAnna,a@x.no,3\n", "a.csv:2: '3' stands beyond the 2 columns"),
    ("a.csv", f"Name\n{'x' * 256}\n", "a.csv:2: Name: "),
    ("a.csv", "Name\nA\x01b\n", "a.csv:2: Name: 'A\\x01b' has a control character"),
    ("a.csv", "Name,Title\nAnna,x\n,y\n", "a.csv:3: entry: '' holds neither"),
    ("a.csv", "Shoe size,Colour\n40,red\n", "a.csv:1: 'Shoe size Colour' are no headings"),
    ("a.csv", "", "a.csv:1: '' are no headings"),
    ("a.csv", b"Name\nAnna \x81\n", "a.csv:2: '0x81' is no Windows-1252"),
    (
        "a.csv",
        "Name,Email,Title\nAnna,a@x.no,Boss\nAnna,A@X.no,Clerk\n",
        "a.csv:3: entry: 'Anna' is the person of line 2 as well",
    ),
    (
        "a.csv",
        "Company,OrgNr\nAcme,1\nAcme,2\n",
        "a.csv:3: orgnr: '2' is 1 in another line",
    ),
    ("a.vcf", "BEGIN:VCARD\nFN:x\n", "a.vcf:1: 'BEGIN:VCARD' has no END:VCARD"),
    ("a.vcf", "BEGIN:VCARD\nFN:x\nnonsense\nEND:VCARD\n", "a.vcf:3: 'nonsense' is no property"),
    ("a.vcf", "FN:x\n", "a.vcf:1: 'FN' stands outside of a card"),
    ("a.vcf", "BEGIN:VCARD\nFN:x\nEMAIL:x\nEND:VCARD\n", "a.vcf:3: EMAIL: 'x' is no address"),
    ("a.vcf", "BEGIN:VCARD\nNOTE:x\nEND:VCARD\n", "a.vcf:1: entry: '' holds neither"),
    ("a.txt", "Name\nAnna\n", "FILE: 'a.txt' ends in none of .csv, .vcf"),
]


@pytest.mark.parametrize(("name", "content", "told"), BROKEN)
def test_a_broken_line_is_named_and_nothing_is_imported(
    installed: Run,
    application: Application,
    installation: Path,
    name: str,
    content: str | bytes,
    told: str,
) -> None:
    result = installed("import", "contacts", write(installation, name, content))
    assert result.exit_code == 2
    assert told in result.stderr
    assert application.services.contacts.by_name("Anna") == []


def test_all_broken_lines_are_told_up_to_a_number(installed: Run, installation: Path) -> None:
    rows = "".join(f"Anna {n},wrong {n}\n" for n in range(25))
    result = installed("import", "contacts", write(installation, "a.csv", f"Name,Email\n{rows}"))
    assert result.exit_code == 2
    assert "a.csv:2:" in result.stderr
    assert "a.csv:21:" in result.stderr
    assert "and 5 more" in result.stderr
    assert "nothing was brought in" in result.stderr


def test_a_missing_file_and_a_missing_installation_are_told(run: Run, installation: Path) -> None:
    assert run("import", "contacts", "nowhere.csv").exit_code == 2
    result = run("import", "contacts", write(installation, "a.csv", "Name\nAnna\n"))
    assert result.exit_code == 2
    assert "services84 init" in result.stderr


def test_a_table_fills_the_book(
    installed: Run, application: Application, installation: Path
) -> None:
    result = installed("import", "contacts", write(installation, "people.csv", CSV))
    assert result.exit_code == 0, result.stderr
    assert "persons: 2 added, 0 changed, 0 unchanged" in result.stdout
    assert "companies: 2 added" in result.stdout
    assert "not made use of: Shoe size" in result.stderr
    anna, bob = persons(application, "c@example.com", "bob@example.com")
    assert anna.addresses == ("anna@example.com", "b@example.com", "c@example.com")
    assert (anna.full_name, anna.title, anna.birth_date) == (
        "Anna Berg",
        "Boss, big",
        date(1980, 2, 29),
    )
    assert anna.phones == (Phone(PhoneKind.MOBILE, "+47 1"),)
    assert anna.contact is not None
    assert (anna.contact.name, anna.contact.department) == ("Acme", "Sales")
    assert (bob.full_name, bob.contact) == ("Bob", None)


@pytest.mark.parametrize(("file", "content"), [("a.csv", CSV), ("a.vcf", VCARDS)])
def test_the_same_file_again_changes_nothing(
    installed: Run, installation: Path, file: str, content: str
) -> None:
    path = write(installation, file, content)
    assert installed("import", "contacts", path).exit_code == 0
    again = installed("import", "contacts", path)
    assert again.stdout.count(" 0 added, 0 changed, 2 unchanged") == 2


def test_a_file_with_ids_changes_the_persons_it_brought(
    installed: Run, application: Application, installation: Path
) -> None:
    first = write(
        installation, "a.csv", "Id,Name,Email\n7,Anna,a@example.com\n8,Bob,b@example.com\n"
    )
    installed("import", "contacts", first)
    (anna,) = persons(application, "a@example.com")
    second = write(installation, "b.csv", "Id,Name,Email\n7,Anna Fjord,af@example.com\n")
    assert (
        "persons: 0 added, 1 changed, 0 unchanged" in installed("import", "contacts", second).stdout
    )
    (changed,) = persons(application, "af@example.com")
    assert (changed.person_id, changed.full_name) == (anna.person_id, "Anna Fjord")
    assert persons(application, "a@example.com") == []
    assert len(persons(application, "b@example.com")) == 1


def test_the_same_id_of_another_system_is_another_person(
    installed: Run, application: Application, installation: Path
) -> None:
    first = write(installation, "a.csv", "Id,Name,Email\n7,Anna,a@example.com\n")
    second = write(installation, "b.csv", "Id,Name,Email\n7,Bob,b@example.com\n")
    installed("import", "contacts", first, "--source", "old")
    installed("import", "contacts", second, "--source", "new")
    found = persons(application, "a@example.com", "b@example.com")
    assert [each.full_name for each in found] == ["Anna", "Bob"]


def test_cards_of_every_version_fill_the_book(
    installed: Run, application: Application, installation: Path
) -> None:
    result = installed("import", "contacts", write(installation, "people.VCF", VCARDS))
    assert result.exit_code == 0, result.stderr
    anna, joerg = persons(application, "old@example.com", "joerg@example.com")
    assert anna.addresses == ("anna@example.com", "old@example.com")
    assert (anna.mrmrs, anna.middle_name, anna.title) == ("Ms", "Maria", "Boss")
    assert anna.description == "one\ntwo, three"
    assert anna.birth_date == date(1980, 2, 29)
    assert set(anna.phones) == {Phone(PhoneKind.MOBILE, "+47 1"), Phone(PhoneKind.FAX, "9")}
    assert (joerg.full_name, joerg.phones) == ("Jörg Müller", (Phone(PhoneKind.PRIVATE, "3"),))
    book = application.services.contacts
    (company,) = book.by_addresses(["post@example.com"])
    assert (company.person_id, company.contact_name) == (0, "Acme; Sons")
    assert book.by_name("Friends") == []


ENCODINGS = [
    ("utf-8-sig", ",", "UTF-8"),
    ("utf-8", ";", "UTF-8"),
    ("cp1252", ";", "Windows-1252"),
    ("utf-16", "\t", "UTF-16"),
]


@pytest.mark.parametrize(("encoding", "delimiter", "told"), ENCODINGS)
@pytest.mark.parametrize("excel", [False, True])
def test_tables_are_read_in_the_encodings_that_programs_write(
    installed: Run,
    application: Application,
    installation: Path,
    encoding: str,
    delimiter: str,
    told: str,
    excel: bool,
) -> None:
    rows = delimiter.join(["Name", "E-Mail"]) + "\r\n" + delimiter.join(["Jörg €", "j@example.com"])
    text = f"sep={delimiter}\r\n{rows}" if excel and delimiter != "\t" else rows
    path = write(installation, "a.csv", text.encode(encoding))
    result = installed("import", "contacts", path)
    assert f"read as {told}" in result.stdout
    assert persons(application, "j@example.com")[0].full_name == "Jörg €"


def test_many_rows_are_imported_in_bulk(
    installed: Run, application: Application, installation: Path
) -> None:
    rows = "".join(f"Person {n},p{n}@example.com,Company {n % 500}\n" for n in range(20_000))
    path = write(installation, "many.csv", f"Name,Email,Company\n{rows}")
    begun = time.monotonic()
    result = installed("import", "contacts", path)
    assert "persons: 20000 added" in result.stdout
    assert "companies: 500 added" in result.stdout
    assert time.monotonic() - begun < 60  # one by one it would take many minutes
    begun = time.monotonic()
    assert persons(application, "P19999@example.com")[0].full_name == "Person 19999"
    assert time.monotonic() - begun < 1
