"""Where a secret is entered so that somebody may quote it, one function for each kind of them.

Each makes its secrets, enters them, and sees that the service came to the point where it matters.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from tests.agents.crm.samples import record
from tests.rest.web import AGENT
from tests.security.spilling.place import Place
from tests.support.parrots import imap_parrot, smtp_parrot
from tests.support.server import plain_session

RECORDS = "/api/crm/emailaccounts"


def commands(place: Place) -> None:
    """An installation, as its operator makes it."""
    assert place.run("init").code == 0
    place.aviary.keep("the key of the mail secrets", place.server.key_file.read_text().strip())
    added = place.run(
        *("associate", "add", "ingrid", "--admin", "--password-stdin"),
        stdin=place.secret("password") + "\n",
    )
    assert added.code == 0, added.output


def side(server: str, port: int, name: str, password: str, auth: str = "") -> dict[str, Any]:
    return {"Server": server, "Port": port, "Username": name, "Password": password} | (
        {"AuthType": auth} if auth else {}
    )


def crashes(place: Place) -> None:
    """A ticket, and failures that nobody has foreseen, amid a login and amid a save."""
    members = {"UserName": "ingrid", "Password": place.aviary.secrets["password"]}
    operation, service = "AuthenticateUsernamePassword", "SoPrincipal"
    reply = place.soap(operation, members, service=service, allowed=["ticket"])
    place.ticket = place.aviary.keep("ticket", reply.text("Credentials/Ticket") or "")
    crash = {"UserName": "ingrid", "Password": "crash" + place.secret("in a crash of the login")}
    assert not place.soap(operation, crash, service=service).succeeded
    credentials = side("h.example", 993, "someone", place.secret("in a crash of a save"))
    account = {"EMailAddress": "crash@example.com", "IncomingCredentials": credentials}
    failed = place.soap("SaveEMailAccount", {"EMailAccount": account}, ticket=place.ticket)
    assert failed.exception["ExceptionType"] == "SoException", failed.exception
    secret = {"IncomingServerPassword": place.secret("in a crash of a record")}
    answer = place.http(
        "POST",
        RECORDS,
        data=json.dumps(record(Id=..., EmailAddress="crash@example.com", **secret)),
        headers=_mine(place),
    )
    assert answer.status_code == 500


def _mine(place: Place) -> dict[str, str]:
    return {"Content-Type": "application/json", "Authorization": f"SoTicket {place.ticket}"}


def records(place: Place) -> None:
    """What is wrong with a record is told with what was given, apart from secrets."""
    make = place.secret
    wrong: tuple[dict[str, Any], ...] = (
        {"IncomingServerPassword": [make("in a list")]},
        {"IncomingServerPassword": {"x": make("in an object")}},
        {"IncomingServerPassword": make("with a zero") + "\0"},
        {"IncomingServerPassword": make("of a bad record"), "IncomingServerPort": "x"},
        {"GoogleAccessToken": make("of both kinds"), "Office365AccessToken": make("and the other")},
        {"GoogleAccessToken": make("with a line") + "\r\nX: y"},
        {"GoogleAccessToken": [make("token in a list")]},
    )
    for changes in wrong:
        body = json.dumps(record(Id=..., **changes))
        answer = place.http("POST", RECORDS, data=body, headers=_mine(place))
        assert answer.status_code == 400, answer.text
    for name in ("IncomingServerPassword", "password"):
        value = make(f"searched as {name}", plain=True)
        answer = place.http("GET", f"{RECORDS}?EmailAccount_{name}={value}", headers=_mine(place))
        assert answer.status_code == 400


def parrots(place: Place) -> None:
    """Mail servers that quote the password in what they answer."""
    make = place.secret
    with contextlib.ExitStack() as open_servers:
        servers = {
            "of PLAIN": imap_parrot(b"AUTH=PLAIN", lets_in=False),
            "of PLAIN at once": imap_parrot(b"AUTH=PLAIN SASL-IR", lets_in=False),
            "of LOGIN": imap_parrot(b"", lets_in=False),
            "of literals": imap_parrot(b"LITERAL+", lets_in=False),
            "that lets in": imap_parrot(b"AUTH=PLAIN SASL-IR", lets_in=True),
            "that lets in by LOGIN": imap_parrot(b"", lets_in=True),
            "of tokens": imap_parrot(b"AUTH=XOAUTH2 SASL-IR", lets_in=False),
        }
        submission = smtp_parrot()
        for each in (*servers.values(), submission):
            open_servers.callback(each.close)
        for number, (kind, server) in enumerate(servers.items()):
            address, password = f"parrot{number}@example.com", make(f"password for a parrot {kind}")
            auth = "XOAUTH2" if kind == "of tokens" else ""
            members = {
                "EMailAddress": address,
                "IncomingCredentials": side("127.0.0.1", server.port, "polly", password, auth),
                "OutgoingCredentials": side("127.0.0.1", submission.port, "polly", password, auth),
            }
            saved = place.soap("SaveEMailAccount", {"EMailAccount": members}, ticket=place.ticket)
            assert saved.succeeded, saved.exception
            account_id = int(saved.text("Response/EMailAccountId") or 0)
            failed = place.soap(
                "SyncEmailAccount",
                {"SyncUserAccount": {"AccountId": account_id}},
                ticket=place.ticket,
            )
            assert not failed.succeeded, kind
            place.soap("GetEMailAccount", {"EMailAccountId": account_id}, ticket=place.ticket)
            info = {"UserName": "polly", "Password": password, "UseSSL": False}
            for operation, port in (
                ("AuthenticateIncoming", server.port),
                ("AuthenticateOutgoing", submission.port),
                ("GetFolderList", server.port),
            ):
                at = {"ServerName": f"127.0.0.1:{port}"}
                place.soap(operation, {"ConnectionInfo": info | at}, ticket=place.ticket)
            assert server.heard, kind
        trace = place.run("sync", "--all", "--trace", str(place.folder / "sync.trace"))
        assert trace.code == 1


def mistakes(place: Place) -> None:
    """Secrets in addresses, and in requests that are no HTTP: none of them is repeated."""
    make = place.secret
    for path in (
        "/Remote/Services84/EMail.svc", "/Remote/Services84/EMail.svc?wsdl&x=y", f"{AGENT}/X",
        "/", "/nothing", "/api", "/api/openapi.json", "/healthz", "/readyz", "/metrics",
        RECORDS, "/api/docs", "/status",
    ):  # fmt: skip
        mark = "&" if "?" in path else "?"
        query = f"{path}{mark}password={quote(make(f'in {path}'))}"
        for method in ("GET", "POST"):
            place.http(method, query)
    wrong, right = make("wrong metrics token", plain=True), place.aviary.secrets["metrics token"]
    for token, good in ((right, True), (wrong, False)):
        told = place.http("GET", "/metrics", headers={"Authorization": f"Bearer {token}"})
        assert (told.status_code == 200) is good
    for number, form in enumerate((
        b"GET /?password=%s HTTP/9.9\r\n\r\n",
        b"GET /?password=%s\r\n\r\n",
        b"GET /?password=%s HTTP/1.1 HTTP/1.1\r\n\r\n",
        b"%s\r\n\r\n",
        b"%s / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization Basic %s\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization : Basic %s\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic %s\0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization:\r\n Basic %s\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBasic %s: Authorization\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: %s\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nExpect: %s\r\n\r\n",
        b"POST /Remote/Services84/EMail.svc HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        b"\r\n%s\r\n",
        b"GET /%s" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic %s" + b"x" * 9000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nA: %s\r\n" + b"B: c\r\n" * 100 + b"\r\n",
    )):  # fmt: skip
        place.bytes(form % make(f"in no HTTP {number}", plain=True).encode())


def pages(place: Place) -> None:
    """The form by which people sign in to the status page: of theirs, of a stranger, mistyped."""
    with plain_session() as browser:
        form = place.http("GET", "/status/sign-in", browser=browser)
        assert form.status_code == 200
        token = form.text.partition('__RequestVerificationToken" value="')[2].partition('"')[0]
        assert token
        for name, password, status in (
            ("ingrid", place.secret("wrong password of a page"), 0),
            ("ingrid", "crash" + place.secret("in a crash of a page"), 0),
            ("ingrid", place.aviary.secrets["password"], 303),
        ):
            fields = {"name": name, "password": password, "__RequestVerificationToken": token}
            told = place.http("POST", "/status/sign-in", browser=browser, data=fields,
                              allowed=["session of a page"])  # fmt: skip
            assert not status or told.status_code == status, told.text
        place.aviary.keep("session of a page", browser.cookies["services84_session"].strip('"'))
        query = f"/status?password={quote(place.secret('in an address of a page'))}"
        assert place.http("GET", query, browser=browser).status_code in (200, 303, 308)


def providers(place: Place) -> None:
    """Tokens of mail providers: taken by a command, renewed, and quoted in refusals."""
    make, tokens = place.secret, place.tokens
    beside = make("password beside a token")
    added = place.run(
        "account", "add", "token@example.com", "--associate", "ingrid", "--username", "someone",
        "--imap", "127.0.0.1:1", "--password-stdin",
        "--auth-type", "OAuth",
        stdin=beside + "\n",
    )  # fmt: skip
    assert added.code == 0, added.output
    given = place.aviary.keep("refresh token of a provider", tokens.consent("someone"))
    keep = ("account", "token", "token@example.com", "--provider", "example", "--token-stdin")
    kept = place.run(*keep, stdin=given)
    assert kept.code == 0, kept.output
    for number, token in enumerate([*tokens.users, *tokens.refreshing]):
        place.aviary.keep(f"renewed token {number}", token)
    assert place.run(*keep, stdin=make("unknown token of a provider")).code != 0
    tokens.answer = (200, b'{"access_token": "%s" ' % make("in a broken answer").encode())
    assert place.run(*keep, stdin=make("token for a broken answer", plain=True)).code != 0
    tokens.answer = None
    for form in ('{"refresh_token": "%s"', '{"refresh_token": ["%s"]}', "%s\nsecond line"):
        secret_text = make(f"given as {form}", plain=True)
        assert place.run(*keep, stdin=form.replace("%s", secret_text)).code != 0


def settings(place: Place) -> None:
    """Wrong settings: what is told of them has no secret in it."""
    make = place.secret
    broken = place.private / "broken.toml"
    broken.write_text(f'[x]\nclient_secret = "{make("in broken TOML", plain=True)}')
    broken.chmod(0o600)
    for name, form in (
        ("database_url", "postgresql://me:%s@127.0.0.1:1/x"),
        ("database_url", "mysql://me:%s@127.0.0.1/x"),
        ("database_url", "postgresql://me:%s@127.0.0.1:port/x"),
        ("database_url", "%s"),
        ("database_url", "postgresql://127.0.0.1:1/x?password=%s"),
        ("database_url", "mysql://127.0.0.1:1/x?password=%s"),
        ("broker_url", "http://me:%s@127.0.0.1/"),
        ("broker_url", "redis://me:%s@127.0.0.1:port/"),
        ("metrics_token", "%s with a blank"),
        ("oidc_issuer", "https://me:%s@id.example.com"),
        ("oidc_jwks_url", "https://me:%s@id.example.com/keys"),
        ("oidc_jwks_url", "http://id.example.com/keys?key=%s"),
    ):
        wrong = form.replace("%s", make(f"in {name} {form}", plain=True))
        more = {"oidc_issuer": "https://id.example.com", "oidc_audience": "x"}
        told = place.run("status", **(more if name.startswith("oidc") else {}) | {name: wrong})
        assert told.code != 0, (name, form)
    assert place.run("status", mail_oauth_file=str(broken)).code != 0


def upkeep(place: Place) -> None:
    """What an operator does every day, and what it leaves behind."""
    for command in (("status",), ("check",), ("application", "list")):
        assert place.run(*command).code == 0, command
    assert place.run("backup", str(place.folder / "backup.services84")).code == 0


DOORS: tuple[Callable[[Place], None], ...] = (
    crashes, parrots, records, mistakes, pages, providers, settings, upkeep,
)  # fmt: skip
