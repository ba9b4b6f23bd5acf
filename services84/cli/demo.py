"""`services84 demo`: the whole service in a folder of its own, driven as a legacy client would."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services84.application import Application
from services84.cli.demo_client import LegacyClient
from services84.cli.demo_mail import sample_mail
from services84.cli.demo_mailbox import HOST, fill, start_mail_server
from services84.cli.demo_process import DemoProcess, is_free
from services84.cli.init import set_up
from services84.cli.opening import log_quietly
from services84.cli.output import moment, tables
from services84.errors import Services84Error
from services84.security.passwords import hash_password
from services84.settings import PREFIX, Settings, read_settings
from services84.store.database import Database
from services84.store.principals import PrincipalStore

ASSOCIATE = "demo"
ADDRESS = "demo@example.com"
USUAL_PORT = 8084
NEWEST = 8


@dataclass(frozen=True)
class Demo:
    """What the steps of the demo share."""

    settings: Settings
    password: str
    mail_password: str


@click.command()
@click.option("--once", is_flag=True, help="End after showing it, instead of serving on.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep everything in this new folder; else in a temporary one.",
)
def demo(once: bool, folder: Path | None) -> None:
    """Show the service at work: a mail server with sample mail, the service, and a client.

    Touches no other installation. Ends with 1 when anything did not work.
    """
    # As Ctrl-C, so that what was started is stopped and the folder goes.
    signal.signal(signal.SIGTERM, _interrupt)
    console = tables()
    with contextlib.ExitStack() as stack:
        where = _own_folder(folder, stack)
        try:
            service = _show(_prepared(where), where, console, stack)
            if once:
                console.print("\n[green]Everything worked.[/]")
                return
            _keep_serving(service, console)
        except KeyboardInterrupt:
            console.print("\nStopped.")


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _own_folder(folder: Path | None, stack: contextlib.ExitStack) -> Path:
    if folder is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="services84-demo-")))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise click.BadParameter(f"{folder} is not empty", param_hint="--folder")
    return folder.resolve()


def _prepared(where: Path) -> Demo:
    """Key, database and an associate, as `init` and `associate add` make them."""
    # Settings for another installation shall neither be used here nor get in the way.
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        del os.environ[name]
    settings = read_settings(
        database_url=f"sqlite:///{where / 'services84.sqlite3'}",
        key_file=where / "services84.key",
        bind=f"{HOST}:0",
        workers=1,
        threads=16,
    )
    log_quietly(settings)
    set_up(settings)
    password = secrets.token_urlsafe(9)
    database = Database(settings.database_url, pool_size=2)
    try:
        PrincipalStore(database).add_associate(
            ASSOCIATE, hash_password(password), full_name="Ingrid Solheim", is_admin=True
        )
    finally:
        database.close()
    return Demo(settings, password, secrets.token_urlsafe(9))


def _show(demo: Demo, where: Path, console: Console, stack: contextlib.ExitStack) -> DemoProcess:
    """Start both servers, drive the service, and print what came of it."""
    with _step(console, "A mail server with sample mail"):
        mail_server, port = start_mail_server(where, ASSOCIATE, demo.mail_password)
        stack.callback(mail_server.stop)
        count = fill(port, ASSOCIATE, demo.mail_password, sample_mail())
    with _step(console, "The service"):
        service, base = _start_service(demo, where, stack)
    with _step(console, "A client from the served WSDL: a ticket from SoPrincipal.svc"):
        client = LegacyClient(base)
        client.sign_in(ASSOCIATE, demo.password)
    with _step(console, "SaveEMailAccount"):
        account_id = client.save_account(ADDRESS, HOST, port, ASSOCIATE, demo.mail_password)
    with _step(console, "SyncEmailAccount"):
        told = client.sync(account_id)
    with _step(console, "GetEMailAccount"):
        address = client.account(account_id).EMailAddress
        _compare(told, address, count)
    _print_cache(demo.settings, account_id, console)
    _print_addresses(demo, base, port, console)
    return service


@contextlib.contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        console.print(f"[red]✗[/] {what}")
        raise
    console.print(f"[green]✓[/] {what}")


def _start_service(demo: Demo, where: Path, stack: contextlib.ExitStack) -> tuple[DemoProcess, str]:
    """Start the service at its usual port, or at any that is free; gives its address as well."""
    settings = demo.settings.model_dump(include=_OWN_SETTINGS)
    binds = [f"{HOST}:{port}" for port in (USUAL_PORT,) if is_free(HOST, port)]
    for bind in [*binds, f"{HOST}:0"]:
        own = {f"{PREFIX}{name.upper()}": str(v) for name, v in {**settings, "bind": bind}.items()}
        command = [sys.executable, "-m", "services84.cli", "serve"]
        service = DemoProcess("the service", command, where / "service.log", own)
        stack.callback(service.stop)
        try:
            port = service.port_told(_LISTENS)
        except Services84Error:
            if bind not in binds:
                raise
            continue  # somebody else was quicker at that port
        base = f"http://{HOST}:{port}/Remote/Services84"
        service.wait_until(partial(_answers, f"{base}/EMail.svc"))
        return service, base
    raise AssertionError("the last one starts or raises")


_LISTENS = rb"Listening at: http://[0-9.]+:(\d+)"
_OWN_SETTINGS = {"database_url", "key_file", "bind", "workers", "threads"}


def _answers(url: str) -> bool:
    try:
        # Loopback: never through a proxy of the environment.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=10) as reply:
            return bool(reply.status == 200)
    except urllib.error.HTTPError as error:
        raise Services84Error(f"the service answers {error.code} at {url}") from error
    except OSError:
        return False


def _compare(told: dict[str, str], address: str, count: int) -> None:
    """See that the service says what is true; a demo that only looks well shows nothing."""
    if address != ADDRESS:
        raise Services84Error(f"the saved account came back with the address {address!r}")
    if told.get("Sync.State") not in ("completed", "shared") or told.get("Sync.New") != str(count):
        raise Services84Error(f"{count} messages lie on the mail server, the sync tells: {told}")


def _print_cache(settings: Settings, account_id: int, console: Console) -> None:
    application = Application(settings)
    try:
        folders = application.services.folders.list(account_id)
        newest = application.services.items.newest(account_id, NEWEST)
    finally:
        application.close()
    table = Table(title="Folders in the cache", title_justify="left", box=None, pad_edge=False)
    table.add_column("Folder")
    table.add_column("Messages", justify="right")
    table.add_column("Unread", justify="right")
    for folder in folders:
        table.add_row(Text(folder.name), str(folder.total), str(folder.unread))
    console.print("", table)
    table = Table(title="Newest messages", title_justify="left", box=None, pad_edge=False)
    for heading in ("Sent", "Folder", "From", "Subject"):
        table.add_column(heading, no_wrap=True)
    for name, item in newest:
        table.add_row(moment(item.sent_at), Text(name), Text(item.sender), Text(item.subject))
    console.print("", table)


def _print_addresses(demo: Demo, base: str, mail_port: int, console: Console) -> None:
    table = Table(
        title="Addresses", title_justify="left", box=None, pad_edge=False, show_header=False
    )
    table.add_row("E-mail service", f"{base}/EMail.svc")
    table.add_row("Tickets", f"{base}/SoPrincipal.svc")
    table.add_row("WSDL", f"{base}/EMail.svc?wsdl")
    root = base.removesuffix("/Remote/Services84")
    table.add_row("Status page", f"{root}/status")
    table.add_row("Web API", f"{root}/api/docs")
    table.add_row("Associate", Text(f"{ASSOCIATE}, password {demo.password}"))
    table.add_row(
        "IMAP server", Text(f"{HOST}:{mail_port}, user {ASSOCIATE}, password {demo.mail_password}")
    )
    console.print("", table)


def _keep_serving(service: DemoProcess, console: Console) -> None:
    console.print("\nServing on; Ctrl-C stops everything and removes what the demo made.")
    code = service.wait()
    raise Services84Error(f"the service ended with {code}: {service.log_end()}")
