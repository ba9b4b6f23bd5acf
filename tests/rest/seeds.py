"""The vendor's documents that the web API is held to, and a service to send their samples to."""

from __future__ import annotations

import http.client
import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, update

from services84.agents.access_tokens import GRANTS
from services84.security.access_tokens import new_client_id
from services84.security.passwords import hash_password
from services84.security.tickets import hash_ticket
from services84.security.vault import Vault
from services84.store.accounts import AccountStore
from services84.store.clients import ClientStore
from services84.store.database import Database
from services84.store.principals import PrincipalStore
from services84.store.sql import folded
from services84.store.tables import associate, email_account
from services84.store.values import AccountDraft
from tests.rest.web import Answer
from tests.support.server import PASSWORD, ServerProcess, plain_session

CALLER, CALLERS_PASSWORD = "tje0", "Tje0"  # dGplMDpUamUw
BASIC = "Basic dGplMDpUamUw"
DOCUMENTS = ("000", "001", "003", "004")
WHOLE = re.compile(
    r"^POST (\S+)\n((?:[\w-]+: [^\n]*\n)+)\n(.*?)\n(?:```|Sample response)", re.M | re.S
)
ANSWERED = re.compile(
    r"^HTTP/1\.1 (\d+) [^\n]*\n((?:[\w-]+: [^\n]*\n)+)\n(.*?)\n(?:```|©)", re.M | re.S
)


@dataclass(frozen=True)
class Sample:
    """A request and its answer as a document prints them."""

    path: str
    headers: list[tuple[str, str]]
    body: bytes
    status: int
    answer_headers: dict[str, str]
    answer: Any


def read_documents(shared_folder: Path) -> dict[str, str]:
    """The documents by their numbers."""
    found = {}
    for number in DOCUMENTS:
        (path,) = (shared_folder / "seeds").glob(f"{number}_*")
        found[number] = path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    return found


def sample_of(text: str) -> Sample:
    """The request that a document prints in whole, and its answer."""
    asked, said = WHOLE.search(text), ANSWERED.search(text)
    assert asked is not None
    assert said is not None
    headers = [line.partition(": ")[::2] for line in asked[2].splitlines()]
    told = dict(line.split(": ", 1) for line in said[2].splitlines())
    body = asked[3].strip("\n").encode()
    return Sample(asked[1], headers, body, int(said[1]), told, json.loads(said[3]))


class Installation:
    """A service under gunicorn in which records have the ids that are wanted."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.database = Database(server.database_url, pool_size=2)
        self.accounts = AccountStore(self.database, Vault.load(server.key_file))

    def associate(self, name: str, password: str, *, admin: bool = False) -> int:
        principals = PrincipalStore(self.database)
        known = principals.associate_by_name(name)
        if known is not None:
            return known.associate_id
        digest = hash_password(password)
        return principals.add_associate(name, digest, is_admin=admin).associate_id

    def associate_of_id(self, associate_id: int) -> None:
        now = self.database.clock()
        name = f"associate {associate_id}"
        with self.database.transaction() as connection:
            connection.execute(
                insert(associate).values(
                    associate_id=associate_id, name=name, name_key=folded(name), full_name="",
                    is_admin=False, password_hash=hash_password(PASSWORD), registered=now,
                    updated=now,
                )
            )  # fmt: skip

    def account_of_id(self, account_id: int, draft: AccountDraft) -> None:
        saved = self.accounts.save(draft).account_id
        with self.database.transaction() as connection:
            connection.execute(
                update(email_account)
                .where(email_account.c.email_account_id == saved)
                .values(email_account_id=account_id)
            )

    def send(self, sample: Sample, path: str | None = None) -> Answer:
        """Exactly what is printed; what HTTP needs besides is the host and the length."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        try:
            connection.putrequest("POST", path or sample.path, skip_accept_encoding=True)
            for name, value in (*sample.headers, ("Content-Length", str(len(sample.body)))):
                connection.putheader(name, value)
            connection.endheaders(sample.body)
            got = connection.getresponse()
            headers = {name.lower(): value for name, value in got.getheaders()}
            return Answer(got.status, headers, got.read())
        finally:
            connection.close()

    def bearer(self) -> str:
        """An access token of the caller's, as an application is given it."""
        secret = secrets.token_urlsafe(32)
        principals, clients = PrincipalStore(self.database), ClientStore(self.database)
        name = f"application {secret[:12]}"
        added = principals.add_application(name, hash_ticket(secret), email_agent=True)
        caller = self.associate(CALLER, CALLERS_PASSWORD, admin=True)
        client = clients.register(added.application_id, new_client_id(), GRANTS, caller)
        form = {
            "grant_type": "client_credentials",
            "client_id": client.client_id,
            "client_secret": secret,
        }
        with plain_session() as session:
            address = f"http://127.0.0.1:{self.server.port}/login/common/oauth/tokens"
            told = session.post(address, data=form, timeout=60).json()
        return f"Bearer {told['access_token']}"
