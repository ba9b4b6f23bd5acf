"""From what a file says of a person or a company to what the address book takes. Pure.

A file's own form is read elsewhere (`contact_csv`, `contact_vcard`); here is what its fields mean,
and what is wrong with them: errors name file, line and field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from services84.errors import InvalidValue
from services84.mime.addresses import address_list, checked_address
from services84.store.book_import import company_key, person_key
from services84.store.crm_values import CompanyDraft, PersonDraft, PhoneKind

LONGEST = 255  # characters, as in the vendor's columns
LONGEST_DESCRIPTION = 100_000
MOST_PROBLEMS = 20  # that are told of one file

PHONES = {kind.value: kind for kind in PhoneKind}
LISTS = frozenset({"email", "companyemail", *PHONES})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DATES = (
    re.compile(r"(?P<year>\d{4})-?(?P<month>\d\d)-?(?P<day>\d\d)(?:T.*)?"),
    re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})"),
)
_NO_DATE = re.compile(r"0+[/.-]0+[/.-]0+|--.*")  # Outlook's for none; vCard's without a year


@dataclass(frozen=True)
class Said:
    """One value with where it stands, and what the file calls its field."""

    value: str
    label: str
    line: int


@dataclass(frozen=True)
class Entry:
    """A person or a company as a file has it. Fields: id, fullname, firstname, middlename,
    lastname, mrmrs, title, number, description, birthday, company, department, orgnr, and as
    often as one likes those of `LISTS`."""

    line: int
    fields: Mapping[str, list[Said]]
    is_company: bool = False


@dataclass
class Book:
    """What a file brings, with the problems that were met; nothing of it is imported then.

    `source` tells the ids of different origins apart, which may well be the same numbers.
    """

    name: str
    source: str
    persons: dict[str, PersonDraft] = field(default_factory=dict)
    companies: dict[str, CompanyDraft] = field(default_factory=dict)
    problems: list[InvalidValue] = field(default_factory=list)
    _lines: dict[str, int] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Take an entry in, or what is wrong with it."""
        try:
            self._add(_Reader(self.name, self.source, entry))
        except InvalidValue as problem:
            self.problems.append(problem)

    def _add(self, reader: _Reader) -> None:
        company = reader.company()
        if company is not None:
            self._add_company(company, reader)
        person = reader.person(company)
        if person is None:
            return
        key = person_key(person)
        known = self.persons.setdefault(key, person)
        line = self._lines.setdefault(key, reader.entry.line)
        if known != person:
            problem = f"is the person of line {line} as well, and is told differently there"
            raise reader.wrong("entry", person.full_name, problem)

    def _add_company(self, company: CompanyDraft, reader: _Reader) -> None:
        if not company.orgnr and not company.addresses and reader.is_about_a_person:
            return  # only named
        key = company_key(company)
        known = self.companies.get(key, company)
        if known.orgnr and company.orgnr and known.orgnr != company.orgnr:
            raise reader.wrong("orgnr", company.orgnr, f"is {known.orgnr} in another line")
        addresses = tuple(dict.fromkeys([*known.addresses, *company.addresses]))
        orgnr = known.orgnr or company.orgnr
        self.companies[key] = replace(known, orgnr=orgnr, addresses=addresses)


class _Reader:
    """Reads the fields of one entry."""

    def __init__(self, file: str, source: str, entry: Entry) -> None:
        self._file = file
        self._source = source
        self.entry = entry

    @property
    def is_about_a_person(self) -> bool:
        """Whether there is a person in it, or only a company."""
        names = ("fullname", "firstname", "middlename", "lastname")
        if self.entry.is_company:
            return False
        has_name = any(self.text(name) for name in names)
        return has_name or not self.text("company")

    def company(self) -> CompanyDraft | None:
        """The company that is named, with its own addresses."""
        name = self.text("company") or (self.text("fullname") if self.entry.is_company else "")
        if not name:
            return None
        own = self.addresses("companyemail")
        if not self.is_about_a_person:
            own = [*self.addresses("email"), *own]
        return CompanyDraft(name, self.text("department"), self.text("orgnr"), tuple(own))

    def person(self, company: CompanyDraft | None) -> PersonDraft | None:
        """The person, if there is one. Raises InvalidValue when there is nothing at all."""
        if not self.is_about_a_person:
            return None
        first, middle, last = (self.text(n) for n in ("firstname", "middlename", "lastname"))
        addresses = self.addresses("email")
        name = self.text("fullname") or " ".join(filter(None, (first, middle, last)))
        if not name and not addresses:
            raise self.wrong("entry", "", "holds neither a name nor a company nor a mail address")
        return PersonDraft(
            full_name=name or addresses[0],
            firstname=first,
            middle_name=middle,
            lastname=last,
            mrmrs=self.text("mrmrs"),
            title=self.text("title"),
            person_number=self.text("number"),
            description=self.description(),
            birth_date=self.birthday(),
            addresses=tuple(addresses),
            phones=tuple(self.phones()),
            company=company and CompanyDraft(company.name, company.department),
            identity=self.text("id") and f"{self._source}:{self.text('id')}",
        )

    def text(self, name: str) -> str:
        """The one value of a field, on one line; empty where there is none."""
        return next((self._checked(each) for each in self._said(name)), "")

    def phones(self) -> Iterable[tuple[PhoneKind, str]]:
        """All telephone numbers."""
        for name, kind in PHONES.items():
            yield from ((kind, self._checked(each)) for each in self._said(name))

    def addresses(self, name: str) -> list[str]:
        """All mail addresses of a field; one value may hold several."""
        found: list[str] = []
        for said in self._said(name):
            # Google's separator.
            for mailbox in address_list(said.value.replace(":::", ",").replace("\n", ",")):
                where = self._where(said)
                if not mailbox.address:
                    raise InvalidValue(where, mailbox.name, "is no address: there is no @ in it")
                checked_address(mailbox.address, where)
                found.append(mailbox.address)
        return list(dict.fromkeys(found))

    def description(self) -> str:
        """The notes, which may have lines."""
        said = next(iter(self._said("description")), None)
        return "" if said is None else self._checked(said, LONGEST_DESCRIPTION, lines=True)

    def birthday(self) -> date | None:
        """The day of birth; one without a year is none."""
        said = next(iter(self._said("birthday")), None)
        text = said.value.strip() if said else ""
        if said is None or not text or _NO_DATE.fullmatch(text):
            return None
        for form in _DATES:
            found = form.fullmatch(text)
            if found:
                try:
                    return date(int(found["year"]), int(found["month"]), int(found["day"]))
                except ValueError:
                    break
        raise InvalidValue(self._where(said), text, "is no date such as 1980-02-29")

    def wrong(self, label: str, value: str, problem: str) -> InvalidValue:
        """What is wrong with the entry as a whole."""
        return InvalidValue(f"{self._file}:{self.entry.line}: {label}", value, problem)

    def _said(self, name: str) -> list[Said]:
        return [each for each in self.entry.fields.get(name, ()) if each.value.strip()]

    def _where(self, said: Said) -> str:
        return f"{self._file}:{said.line}: {said.label}"

    def _checked(self, said: Said, longest: int = LONGEST, *, lines: bool = False) -> str:
        text = said.value.strip() if lines else " ".join(said.value.split())
        if _CONTROL.search(text):
            raise InvalidValue(self._where(said), text, "has a control character")
        if len(text) > longest:
            raise InvalidValue(self._where(said), text, f"has more than {longest} characters")
        return text
