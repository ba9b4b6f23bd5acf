"""`services84 associate add` and `services84 application add`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services84.application import Application
from services84.security.passwords import verify_password
from services84.security.tickets import hash_ticket, new_ticket
from tests.cli.conftest import Run

PASSWORD = "correct horse 84 å "


@pytest.mark.parametrize(
    ("stdin", "problem"),
    [
        ("", "empty"),
        ("\n", "empty"),
        ("short\n", "fewer than 8"),
        ("long enough\nand another line\n", "more than one line"),
    ],
)
def test_a_bad_password_adds_nobody(
    installed: Run, application: Application, stdin: str, problem: str
) -> None:
    result = installed("associate", "add", "anna", "--password-stdin", stdin=stdin)
    assert result.exit_code == 2
    assert problem in result.stderr
    assert application.services.principals.associates() == []


@pytest.mark.parametrize("name", ["", "   "])
def test_a_name_is_required(installed: Run, name: str) -> None:
    result = installed("associate", "add", name, "--password-stdin", stdin=PASSWORD)
    assert result.exit_code == 2
    assert "name" in result.stderr


def test_a_name_is_taken_once_whatever_its_case(installed: Run) -> None:
    installed("associate", "add", "anna", "--password-stdin", stdin=PASSWORD)
    result = installed("associate", "add", "Anna", "--password-stdin", stdin=PASSWORD)
    assert result.exit_code == 2
    assert "Anna" in result.stderr


def test_an_associate_can_sign_in_with_the_password_as_it_was_given(
    installed: Run, application: Application
) -> None:
    stdin = f"{PASSWORD}\n"
    result = installed("associate", "add", "anna", "--password-stdin", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    principals = application.services.principals
    added = principals.associate_by_name("ANNA")
    assert added is not None
    assert not added.is_admin
    assert f"id {added.associate_id}" in result.stdout
    assert PASSWORD not in result.output
    assert verify_password(principals.password_hash_of(added.associate_id), PASSWORD)
    assert not verify_password(principals.password_hash_of(added.associate_id), PASSWORD.strip())


def test_the_prompt_asks_twice(installed: Run, application: Application) -> None:
    answers = "correct horse\nwrong horse\ncorrect horse\ncorrect horse\n"
    result = installed("associate", "add", "root", "--admin", stdin=answers)
    assert result.exit_code == 0, result.stderr
    assert "administrator root added" in result.stdout
    added = application.services.principals.associate_by_name("root")
    assert added is not None
    assert added.is_admin


@pytest.mark.parametrize("granted", [True, False])
def test_an_applications_token_is_printed_once_and_only_its_hash_is_stored(
    installed: Run, application: Application, granted: bool
) -> None:
    option = ["--email-agent"] if granted else []
    result = installed("application", "add", "crm", *option)
    assert result.exit_code == 0, result.stderr
    token = result.stdout.split()[-1]
    assert len(token) >= 40
    found = application.services.principals.application_by_token_hash(hash_ticket(token))
    assert found is not None
    assert (found.name, found.email_agent) == ("crm", granted)


def ticket_works(application: Application, text: str) -> bool:
    principals, now = application.services.principals, application.services.clock()
    return principals.use_ticket(hash_ticket(text), now, 3600) is not None


@pytest.fixture
def ticket(installed: Run, application: Application) -> str:
    """A ticket of anna's."""
    installed("associate", "add", "anna", "--password-stdin", stdin=PASSWORD)
    anna = application.services.principals.associate_by_name("anna")
    assert anna is not None
    text, digest = new_ticket()
    expires = application.services.clock() + timedelta(hours=1)
    application.services.principals.add_ticket(digest, anna.associate_id, expires)
    return text


def test_another_password_ends_the_tickets_of_the_old_one(
    installed: Run, application: Application, ticket: str
) -> None:
    refused = installed("associate", "password", "anna", "--password-stdin", stdin="short\n")
    assert refused.exit_code == 2
    assert ticket_works(application, ticket)
    result = installed("associate", "password", "anna", "--password-stdin", stdin="another one 84")
    assert result.exit_code == 0
    assert not ticket_works(application, ticket)
    anna = application.services.principals.associate_by_name("Anna")
    assert anna is not None
    stored = application.services.principals.password_hash_of(anna.associate_id)
    assert verify_password(stored, "another one 84")


def test_revoked_tickets_work_no_more(
    installed: Run, application: Application, ticket: str
) -> None:
    assert installed("associate", "revoke", "nobody").exit_code == 1
    result = installed("associate", "revoke", "ANNA")
    assert (result.exit_code, result.stdout.strip()) == (0, "1 tickets of anna ended")
    assert not ticket_works(application, ticket)


def test_roles_are_granted_and_taken_away(installed: Run, application: Application) -> None:
    anna = application.services.principals.add_associate("anna", "hash")
    roles = application.services.principals.roles_of
    result = installed("associate", "grant-role", "ANNA", "emailaccount-edit")
    assert result.exit_code == 0, result.stderr
    assert "anna has EmailAccount-Edit now" in result.stdout
    assert roles(anna.associate_id) == {"EmailAccount-Edit"}
    again = installed("associate", "grant-role", "anna", "EmailAccount-Edit")
    assert "had EmailAccount-Edit already" in again.stdout
    taken = installed("associate", "revoke-role", "anna", "EmailAccount-Edit")
    assert taken.exit_code == 0
    assert roles(anna.associate_id) == frozenset()


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("anna", "EmailAccount-Owner"), 2, "EmailAccount-Read, EmailAccount-Create"),
        (("nobody", "EmailAccount-Read"), 1, "no associate nobody"),
    ],
)
def test_roles_and_associates_have_to_exist(
    installed: Run, application: Application, arguments: tuple[str, str], code: int, problem: str
) -> None:
    application.services.principals.add_associate("anna", "hash")
    result = installed("associate", "grant-role", *arguments)
    assert result.exit_code == code
    assert problem in result.stderr


def test_the_language_of_notices_is_set_by_its_code(installed: Run) -> None:
    installed("associate", "add", "anna", "--password-stdin", stdin="correct horse\n")
    said = installed("associate", "language", "ANNA", "nb-NO")
    assert (said.exit_code, said.stdout) == (0, "anna is written to in no\n")
    said = installed("associate", "language", "anna", "default")
    assert said.stdout == "anna is written to in the language of the installation\n"
    wrong = installed("associate", "language", "anna", "fr")
    assert wrong.exit_code == 2
    assert "'fr' is none of en, no, sv, da, de, nl, default" in wrong.stderr
    assert installed("associate", "language", "nobody", "sv").exit_code == 1
