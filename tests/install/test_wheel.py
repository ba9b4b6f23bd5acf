"""The wheel and the source distribution: what is in them, and that a clean environment runs them.

Everything is built in a copy of the tree, and the installed service runs where the checkout is on
no path. Python's package index has to be reachable, or pip's cache to hold what is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest
from lxml import etree

from services84 import __version__
from tests.support.dovecot import DovecotServer
from tests.support.server import PASSWORD, ROOT, ServerProcess, environment, plain_session

DATA = f"services84-{__version__}.data/data/"
INFO = f"services84-{__version__}.dist-info/"
LONGEST = 300


@dataclass(frozen=True)
class Built:
    """The source distribution, the wheel that was built from it, and the tree's own wheel."""

    source: Path
    wheel: Path
    from_tree: Path


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def clean_environment() -> dict[str, str]:
    """Without a path to the checkout, and without the environment that the tests run in."""
    dropped = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {name: value for name, value in environment({}).items() if name not in dropped}


def tracked(folder: str = ".") -> list[str]:
    """The files of the tree below a folder, as git would commit them."""
    if not (ROOT / ".git").exists():
        pytest.skip("the tree is no git checkout: what belongs to it is not known")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder]
    said = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted({name for name in said.split("\0") if name and (ROOT / name).exists()})


def needs_index(done: subprocess.CompletedProcess[str]) -> None:
    """Fail where something went wrong; skip where there is only no index."""
    said = done.stdout + done.stderr
    required = os.environ.get("CI") or os.environ.get("SERVICES84_TEST_REQUIRE") == "1"
    if done.returncode and "No matching distribution" in said and not required:
        pytest.skip("Python's package index is not reachable")
    assert done.returncode == 0, said


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    for name in tracked():
        if not name.startswith("tests/"):
            copy = folder / "tree" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy)
    # The second builds in the tree, the first elsewhere, out of the archive that it made.
    (folder / "again").mkdir()
    shutil.copytree(folder / "tree", folder / "again" / "tree")
    python = (sys.executable, "-m", "build", "--outdir")
    with ThreadPoolExecutor(2) as pool:
        both = pool.submit(run, *python, folder / "dist", folder / "tree", cwd=folder)
        again = pool.submit(
            run, *python, folder / "direct", "--wheel", folder / "again" / "tree", cwd=folder
        )
    for done in (both.result(), again.result()):
        needs_index(done)
    (source,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    (from_tree,) = (folder / "direct").glob("*.whl")
    return Built(source, wheel, from_tree)


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def metadata(built: Built) -> Message:
    return message_from_string(contents(built.wheel)[f"{INFO}METADATA"].decode())


def test_the_wheel_holds_the_whole_program_and_nothing_else(built: Built) -> None:
    found = contents(built.wheel)
    program = {name for name in found if name.startswith("services84/")}
    assert program == set(tracked("services84"))
    assert all(found[name] == (ROOT / name).read_bytes() for name in program)
    rest = set(found) - program
    assert all(name.startswith((DATA, INFO)) for name in rest), rest


def test_the_wheel_brings_the_files_that_an_administrator_copies(built: Built) -> None:
    found = contents(built.wheel)
    deploy = tracked("docs/deploy")
    assert len(deploy) >= 4
    for name in deploy:
        copy = f"{DATA}share/services84/{Path(name).name}"
        assert found.get(copy) == (ROOT / name).read_bytes()


def test_the_source_distribution_gives_the_wheel_of_the_tree(built: Built) -> None:
    assert contents(built.wheel) == contents(built.from_tree)


def test_the_source_distribution_holds_the_guides_and_no_tests(built: Built) -> None:
    with tarfile.open(built.source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"LICENSE", "README.md", "CHANGES.md", "wsgi.py", "gunicorn.conf.py"}
    assert wanted <= names
    assert set(tracked("docs")) | set(tracked("schemas")) <= names
    assert not [name for name in names if name.startswith("tests/")]


def test_an_index_would_take_both(built: Built) -> None:
    files = (str(built.source), str(built.wheel))
    done = run(sys.executable, "-m", "twine", "check", "--strict", *files, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_metadata_says_what_it_is(metadata: Message) -> None:
    assert (metadata["Name"], metadata["Version"]) == ("services84", __version__)
    assert metadata["License"] == "MIT"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
    classifiers = metadata.get_all("Classifier") or []
    for minor in (11, 12, 13):
        assert f"Programming Language :: Python :: 3.{minor}" in classifiers
    assert set(metadata.get_all("Provides-Extra") or []) >= {"postgresql", "celery", "fast", "demo"}


def test_what_only_some_need_is_an_extra(metadata: Message) -> None:
    plain, extra = set(), set()
    for line in metadata.get_all("Requires-Dist") or []:
        (extra if "extra ==" in line else plain).add(line.partition(";")[0].strip())
    assert {"spyne", "lxml", "imaplib2", "gunicorn", "SQLAlchemy>=2"} <= plain
    assert {"psycopg[binary]", "celery[redis]", "isal", "pytest", "twine"} <= extra - plain


class Installed(ServerProcess):
    """The service of an environment of its own, in a folder that has no checkout around it."""

    def __init__(self, folder: Path, program: Path) -> None:
        super().__init__(folder, (str(program), "serve"), workers=1)
        del self.env["PYTHONPATH"]
        self.program, self.working_folder = program, folder

    def command(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [str(self.program), *arguments],
            cwd=self.folder,
            env=self.env,
            input=given,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("installed")
    own = folder / "venv"
    venv.create(own, system_site_packages=False, with_pip=False)
    # The pip that the tests run with fills it: one less to be installed.
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--python")
    needs_index(run(*pip, own, "install", "--quiet", "--no-compile", built.wheel, cwd=folder))
    server = Installed(folder, own / "bin" / "services84")
    said = server.command("init")
    assert "made, schema" in said
    server.command("associate", "add", "anna", "--password-stdin", given=PASSWORD)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def test_the_installed_program_is_not_the_checkout(installed: Installed) -> None:
    python = installed.program.parent / "python"
    asked = "import services84, sys; print(services84.__file__); print(*sys.path)"
    done = run(python, "-c", asked, cwd=installed.folder)
    assert done.stdout.startswith(str(installed.folder / "venv"))
    assert str(ROOT) not in done.stdout
    shared = installed.folder / "venv" / "share" / "services84"
    assert (shared / "services84.service").is_file()


@pytest.mark.parametrize("service", ["EMail", "SoPrincipal"])
def test_it_gives_the_published_wsdl(installed: Installed, service: str) -> None:
    with plain_session() as session:
        answer = session.get(f"{installed.base}/{service}.svc?wsdl", timeout=60)
    published = etree.parse(ROOT / "schemas" / f"{service}.wsdl")
    names = "//*[local-name()='portType']/*/@name"
    assert etree.fromstring(answer.content).xpath(names) == published.xpath(names)


def test_it_answers_soap_calls(installed: Installed, dovecot: DovecotServer) -> None:
    refused = installed.call("GetEMailAccount", {"EMailAccountId": 1})
    assert refused.succeeded is False
    ticket = installed.sign_in("anna")
    assert ticket.startswith("7T:")
    dovecot.add_user("installed")
    auth = {
        "Server": dovecot.host,
        "Port": dovecot.port_plain,
        "AuthType": "Password",
        "Username": "installed",
        "Password": "secret",
    }
    account = {
        "EMailAddress": "anna@example.com",
        "IncomingCredentials": auth,
        "OutgoingCredentials": auth | {"Port": 465},
    }
    saved = installed.call("SaveEMailAccount", {"EMailAccount": account}, ticket=ticket)
    assert saved.succeeded, saved.exception
    account_id = int(saved.text("Response/EMailAccountId") or 0)
    got = installed.call("GetEMailAccount", {"EMailAccountId": account_id}, ticket=ticket)
    assert got.text("Response/EMailAddress") == "anna@example.com"
    info = {
        "ServerName": dovecot.host,
        "Port": dovecot.port_plain,
        "Protocol": "IMAP",
        "UserName": "installed",
    }
    for password, answer in (("secret", "true"), ("wrong", "false")):
        asked = {"ConnectionInfoExtended": info | {"Password": password}}
        tried = installed.call("Authenticate", asked, ticket=ticket)
        assert tried.text("Response") == answer, tried.exception


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/healthz", b"ok"),
        ("/readyz", b""),
        ("/metrics", b"services84_info"),
        ("/api", b"NetServerVersion"),
        ("/api/docs", b"<html"),
        ("/status", b"<form"),
        ("/status/static/status.css", b"{"),
        ("/status/static/status.js", b"use strict"),
    ],
)
def test_every_page_has_what_it_is_made_of(installed: Installed, path: str, found: bytes) -> None:
    root = installed.base.partition("/Remote")[0]
    with plain_session() as session:
        answer = session.get(f"{root}{path}", timeout=60)
    assert answer.status_code == 200, answer.text
    assert found in answer.content


def test_it_speaks_the_callers_language(installed: Installed) -> None:
    root = installed.base.partition("/Remote")[0]
    with plain_session() as session:
        answer = session.post(
            f"{root}/api/v1/Agents/EMail/CreateDefaultEMailAccount",
            headers={"Accept-Language": "de", "Authorization": "SOTicket 7T:unknown"},
            timeout=60,
        )
    assert answer.status_code == 401
    assert "das Ticket ist nicht bekannt" in answer.json()["ErrorMessage"]
