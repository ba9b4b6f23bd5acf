"""Secrets of every kind are entered everywhere, rightly and wrongly; afterwards none of them is in the
database or its log, in a backup, a log line, a reply, a metric, a trace or a traceback."""

from __future__ import annotations

import json
import logging
import sqlite3
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
import requests
import structlog
from click.testing import CliRunner

from services84.cli import main
from services84.namespaces import SERVICES84
from services84.security.sessions import SESSION_COOKIE, XSRF_HEADER, xsrf_token
from tests.agents.crm.samples import record
from tests.rest.web import basic
from tests.support.canaries import Aviary, canary, files_below, forms
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import credentials, message
from tests.support.postgresql import PostgresqlServer
from tests.support.server import ServerProcess, plain_session
from tests.support.service import TYPES, envelope, member_xml
from tests.support.submission import SubmissionServer
from tests.support.token_server import CLIENT_SECRET, TokenServer, provider_file

AGENT = "/api/v1/Agents/EMail"
TOKENS = "/login/common/oauth/tokens"
FORM = "application/x-www-form-urlencoded"
MEANT_TO_HOLD = {"server.key": "the key itself", "providers.toml": "the administrator's own file"}


@dataclass
class Run:
    """A service with secrets in all its mouths, and everything that came out of it."""

    server: ServerProcess
    aviary: Aviary = field(default_factory=Aviary)
    ticket: str = ""

    # Over HTTP ----------------------------------------------------------------------------------

    def post(
        self, path: str, body: bytes | str, kind: str, *, told: tuple[str, ...] = (), **headers: str
    ) -> requests.Response:
        return self.send("POST", path, body, {"Content-Type": kind, **headers}, told)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | str = b"",
        headers: dict[str, str] | None = None,
        told: tuple[str, ...] = (),
    ) -> requests.Response:
        """A request; the answer is listened to, its head as well."""
        with plain_session() as session:
            answer = session.request(
                method,
                f"http://127.0.0.1:{self.server.port}{path}",
                data=body.encode() if isinstance(body, str) else body,
                headers={name.replace("_", "-"): said for name, said in (headers or {}).items()},
                timeout=60,
            )
        head = "\n".join(f"{name}: {said}" for name, said in answer.headers.items())
        self.aviary.listen(f"{method} {path}", head.encode() + answer.content, told=told)
        return answer

    def soap(
        self,
        operation: str,
        members: dict[str, Any],
        *,
        service: str = "EMail",
        ticket: str | None = None,
        told: tuple[str, ...] = (),
    ) -> requests.Response:
        body = envelope(operation, member_xml(members), ticket=ticket or self.ticket or None)
        path = f"/Remote/Services84/{service}.svc"
        answer = self.post(path, body, TYPES["1.1"], told=told)
        assert "is no operation" not in answer.text
        return answer

    def rest(self, operation: str, body: Any, **headers: str) -> requests.Response:
        headers = {"Authorization": f"SoTicket {self.ticket}"} | headers
        return self.post(f"{AGENT}/{operation}", json.dumps(body), "application/json", **headers)

    # By commands --------------------------------------------------------------------------------

    def command(
        self, *arguments: str, stdin: str = "", told: tuple[str, ...] = (), **settings: str
    ) -> str:
        """A command of the product; what it prints is listened to."""
        ours = {
            name: said for name, said in self.server.env.items() if name.startswith("SERVICES84_")
        }
        done = CliRunner().invoke(main, arguments, input=stdin, env=ours | settings)
        said = done.output
        if done.exc_info is not None:
            said += "".join(traceback.format_exception(*done.exc_info))
        self.aviary.listen(" ".join(("services84", *arguments[:2])), said.encode(), told=told)
        return said


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(params=["sqlite", "postgresql"])
def run(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    token_server: TokenServer,
) -> Iterator[Run]:
    aviary = Aviary()
    aviary.keep("provider", CLIENT_SECRET)
    settings: dict[str, Any] = {
        "log_level": "debug",
        "log_format": "json",
        "workers": 1,
        "mail_oauth_file": provider_file(tmp_path, token_server.url()),
        "context": "Default",
        "sync_interval": 0,
    }
    url = f"sqlite:///{tmp_path / 'server.sqlite3'}"
    postgresql: PostgresqlServer | None = None
    if request.param == "postgresql":
        postgresql = request.getfixturevalue("postgresql")
        name = postgresql.create()
        url = postgresql.url(name)
    server = ServerProcess(tmp_path, database_url=url, **settings)
    server.database_url = url
    server.prepare()
    server.start()
    made = Run(server, aviary)
    try:
        yield made
    finally:
        server.stop()
        if postgresql is not None:
            postgresql.drop(name)


# What is entered --------------------------------------------------------------------------------


def sign_in_everywhere(run: Run) -> None:
    """Names and passwords, right ones and mistyped ones; tickets and tokens for them."""
    aviary = run.aviary
    password = aviary.new("associate")
    for name, admin in (("anna", ["--admin"]), ("bert", [])):
        said = run.command("associate", "add", name, *admin, "--password-stdin", stdin=password)
        assert "Error" not in said, said
    app = run.command("application", "add", "crm", "--email-agent", told=())
    token = next(word for word in app.split() if len(word) > 30)
    aviary.keep("application", token)
    client = run.command(
        *("application", "grant", "crm", "--grant", "password", "--grant", "refresh_token")
    )
    client_id = next(word for word in client.split() if len(word) >= 20 and "-" not in word[:2])

    wrong = aviary.new("mistyped")
    for given in (wrong, password):
        members = {"UserName": "anna", "Password": given}
        answer = run.soap(
            "AuthenticateUsernamePassword", members, service="SoPrincipal", told=("ticket",)
        )
        run.rest("GetCurrentAccountId", {}, Authorization=basic("anna", given))
        form = urlencode({"grant_type": "password", "username": "anna", "password": given})
        asked = run.post(
            TOKENS, form, FORM, Authorization=basic(quote_plus(client_id), quote_plus(token))
        )
    run.ticket = aviary.keep("ticket", answer.text.partition("Ticket>")[2].partition("<")[0])
    assert asked.status_code == 200, asked.text
    access = aviary.keep("access", asked.json()["access_token"])
    refresh = aviary.keep("refresh", asked.json()["refresh_token"])
    bad_secret = aviary.new("clientsecret")
    form = urlencode({"grant_type": "refresh_token", "refresh_token": refresh})
    run.post(TOKENS, form, FORM, Authorization=basic(client_id, bad_secret))
    run.post(TOKENS, f"{form}&client_secret={quote_plus(bad_secret)}", FORM)
    for bearer in (access, access[:-3] + "xyz", aviary.new("bearer")):
        run.rest(
            "GetCurrentAccountId", {}, Authorization=f"Bearer {bearer}".encode().decode("latin-1")
        )
    run.rest("GetCurrentAccountId", {}, SO_AppToken=token)
    xsrf = aviary.keep("xsrf", xsrf_token(run.ticket))
    for sent in (xsrf, xsrf[::-1]):
        run.send(
            "POST",
            f"{AGENT}/GetCurrentAccountId",
            headers={"Cookie": f"{SESSION_COOKIE}={run.ticket}", XSRF_HEADER: sent},
        )
    run.soap("GetCurrentAccountId", {}, ticket=run.ticket)
    members = {"UserName": run.ticket, "Password": ""}
    run.soap("AuthenticateUsernamePassword", members, service="SoPrincipal", told=("ticket",))


def accounts_of_all_kinds(
    run: Run, dovecot: DovecotServer, submission: SubmissionServer, token_server: TokenServer
) -> None:
    """Mail passwords and tokens by every operation that takes them; used, refused and malformed."""
    aviary = run.aviary
    secret = aviary.new("mailbox")
    user = dovecot.add_user(f"canary-{canary('user')[5:15]}", secret)
    dovecot.deliver(user, "INBOX", message(1))
    saved = run.soap("SaveEMailAccount", account(user, secret, dovecot.port_plain, submission))
    assert "Succeeded>true" in saved.text, saved.text
    account_id = saved.text.partition("EMailAccountId>")[2].partition("<")[0]
    synced = run.soap("SyncEmailAccount", {"SyncUserAccount": {"AccountId": account_id}})
    assert "Sync.New" in synced.text
    run.soap("GetEMailAccount", {"EMailAccountId": account_id})
    run.rest("GetEMailAccount", {"EMailAccountId": int(account_id)})
    refused = aviary.new("refused")
    run.soap("SaveEMailAccount", account(user, refused, dovecot.port_plain, submission))
    unreadable = aviary.new("unreadable")
    for broken in (unreadable + "\n", unreadable + "\r\nX", "\t" + unreadable):
        run.soap("SaveEMailAccount", account(user, broken, dovecot.port_plain, submission))
        run.rest("SaveEMailAccount", {"IncomingCredentials": {"Password": broken, "Port": "x"}})
    run.rest("SaveEMailAccount", {"IncomingCredentials": {"Password": {"a": unreadable}}})
    live = aviary.new("live")
    for server in (f"127.0.0.1:{dovecot.port_plain}", "127.0.0.1:1", "no host at all"):
        info = {"ServerName": server, "UserName": user, "Password": live, "Folder": "INBOX"}
        run.soap("GetEMailEnvelopes", {"ConnectionInfo": info})
        run.soap("MarkAsRead", {"ConnectionInfo": info, "Read": True})
    for name in ("GoogleAccessToken", "Office365AccessToken"):
        token = aviary.new(name)
        fields = {name: token, "IncomingServer": "127.0.0.1", "Id": ...}
        made = crm(run, "POST", record(**fields))
        crm(run, "POST", record(**fields | {"BusinessId": "no number"}))
        crm(run, "POST", record(**fields | {name: {"no text": token}}))
    outgoing = aviary.new("outgoing")
    crm(run, "POST", record(Id=..., OutgoingServerPassword=outgoing, IncomingServerPassword=live))
    run.command(
        *("account", "add", f"{user}@example.org", "--associate", "anna", "--username", user),
        *("--imap", f"127.0.0.1:{dovecot.port_plain}", "--password-stdin"),
        stdin=aviary.new("commandline"),
    )
    refresh = aviary.keep("consent", token_server.consent(user))
    token = ("account", "token", str(made.json()["Value"]["Id"]), "--provider", "example")
    said = run.command(*token, "--token-stdin", stdin=refresh)
    assert "signs in by access tokens" in said, said


def account(user: str, secret: str, port: int, submission: SubmissionServer) -> dict[str, Any]:
    return {
        "EMailAccount": {
            "EMailAddress": f"{user}@example.com",
            "IncomingCredentials": credentials(user, secret, port),
            "OutgoingCredentials": credentials(user, secret, submission.port_plain),
        }
    }


def crm(run: Run, method: str, body: Any) -> requests.Response:
    return run.send(
        method,
        "/api/crm/emailaccounts",
        json.dumps(body),
        {"Content-Type": "application/json", "Authorization": f"SoTicket {run.ticket}"},
    )


def wrong_places(run: Run) -> None:
    """Secrets where nobody should put them, and where people do."""
    lost = run.aviary.new("lost")
    plain = quote_plus(lost)
    for path in (
        f"/Remote/Services84/EMail.svc?password={plain}",
        f"{AGENT}/GetEMailAccount?eMailAccountId={plain}&Password={plain}",
        f"{TOKENS}?client_secret={plain}",
    ):
        # What was asked for may be quoted to whoever asked; it is not logged.
        for method in ("GET", "POST"):
            run.send(method, path, told=("lost",))
    ascii_only = forms(lost)
    header = next(shape for shape in ascii_only if shape.isalnum()).decode()
    for name in ("Authorization", "Cookie", "X-Remote-User", "SOAPAction", "X-Request-Id"):
        run.send("POST", f"{AGENT}/GetCurrentAccountId", headers={name: f"Secret {header}"})
    broken = run.aviary.new("broken")
    for kind, body in (
        ("text/xml", f"<Password>{broken}</Passwort>"),
        ("text/xml", f"<e><Password>&{header};{broken}"),
        ("application/json", f'{{"Password": "{broken}'),
        ("application/json", f'{{"Password" {broken}}}'),
        (FORM, f"Password={broken}&x[=%"),
    ):
        for path in ("/Remote/Services84/EMail.svc", f"{AGENT}/SaveEMailAccount"):
            run.post(path, body, kind, Authorization=f"SoTicket {run.ticket}")
    misplaced = f'<s:Envelope xmlns:s="{SERVICES84}"><Password>{header}</Password></s:Envelope>'
    run.post("/Remote/Services84/EMail.svc", misplaced, "text/xml")


def settings_with_secrets(run: Run) -> None:
    """Settings that are wrong, with a password in them."""
    secret = next(s for s in forms(run.aviary.new("setting")) if s.isalnum()).decode()
    for name, value in {
        "SERVICES84_DATABASE_URL": f"postgresql://u:{secret}@127.0.0.1:1/x",
        "SERVICES84_KEY_FILE": f"/nowhere/{secret}",
        "SERVICES84_BROKER_URL": f"redis://:{secret}@127.0.0.1:1/0",
        "SERVICES84_WORKERS": secret,
    }.items():
        told = ("setting",) if name in ("SERVICES84_KEY_FILE", "SERVICES84_WORKERS") else ()
        run.command("status", told=told, **{name: value})
    for url in (f"postgres:{secret}@x", f"mysql://u:{secret}@h/x", f"sqlite://u:{secret}@h/x"):
        run.command("status", SERVICES84_DATABASE_URL=url)


def defects(run: Run) -> None:
    """A database that breaks amid the work: there are tracebacks, and they hold no values."""
    shattered = run.aviary.new("shattered")
    members = {
        "EMailAccount": {
            "EMailAddress": "shattered@example.com",
            "IncomingCredentials": credentials("u", shattered, 143),
        }
    }
    path = run.server.folder / "server.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE email_account RENAME TO broken_account")
    connection.close()
    answer = run.soap("SaveEMailAccount", members)
    assert "Succeeded>true" not in answer.text
    run.rest("SaveEMailAccount", {"IncomingCredentials": {"Password": shattered}})
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE broken_account RENAME TO email_account")
    connection.close()


# What is left -----------------------------------------------------------------------------------


def test_a_canary_is_heard_in_whatever_clothes_it_wears(tmp_path: Path) -> None:
    aviary = Aviary()
    secret = aviary.new("planted")
    for shape in forms(secret):
        aviary.heard.clear()
        aviary.listen("here", b"before " + shape + b" behind")
        assert aviary.heard == [("here", "planted")]
    aviary.heard.clear()
    (tmp_path / "file").write_bytes(b"\0" * 100 + secret.encode("utf-16-le"))
    aviary.listen_to_file(tmp_path / "file")
    aviary.listen("there", secret.encode(), told=("planted",))
    aviary.listen("elsewhere", b"planted")
    assert aviary.heard == [(str(tmp_path / "file"), "planted")]


def test_no_secret_is_left_anywhere(
    run: Run,
    request: pytest.FixtureRequest,
    dovecot: DovecotServer,
    submission: SubmissionServer,
    token_server: TokenServer,
) -> None:
    sign_in_everywhere(run)
    accounts_of_all_kinds(run, dovecot, submission, token_server)
    wrong_places(run)
    settings_with_secrets(run)
    if run.server.database_url.startswith("sqlite"):
        defects(run)
    folder = run.server.folder
    run.command("sync", "--all", "--trace", str(folder / "trace"))
    run.command("backup", str(folder / "backup"))
    run.command("check")
    run.command("status")
    run.command("keys", "verify")
    run.send("GET", "/metrics")
    run.send("GET", "/readyz")
    if not run.server.database_url.startswith("sqlite"):
        postgresql: PostgresqlServer = request.getfixturevalue("postgresql")
        postgresql.execute("CHECKPOINT")
        run.aviary.listen("PostgreSQL's log", postgresql.log().encode())
        for path in files_below(postgresql.folder):
            run.aviary.listen_to_file(path)

    kept = list(files_below(folder, without=MEANT_TO_HOLD))
    for path in kept:
        run.aviary.listen_to_file(path)

    assert {"server.log", "trace", "backup"} <= {path.name for path in kept}
    assert (folder / "server.log").stat().st_size > 5000
    assert run.aviary.heard == []
