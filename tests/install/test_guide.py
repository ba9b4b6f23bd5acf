"""docs/production.md: every command names what there is; with GUIDE=1 all of them are run.

`make guide` boots a Debian and gives it the guide's commands, in their order. Only what a person
types is given otherwise: passwords, which commands ask for at a terminal.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from lxml import etree

from services84 import __version__
from services84.cli import main
from services84.settings import Settings
from tests.install import machine
from tests.install.guide import GUIDE, Block, blocks, debian_packages, own_commands
from tests.install.machine import Machine
from tests.support.certificates import Authority
from tests.support.server import ROOT
from tests.support.service import envelope, member_xml

PASSWORD, MAIL_PASSWORD = "correct horse 84", "mail-secret-84"
UNITS = ("services84", "services84-backup", "services84-worker", "services84-scheduler")
TYPED = {
    "add ingrid --admin": f"add ingrid --admin --password-stdin <<< '{PASSWORD}'",
    "--username ingrid@example.com": (
        f"--username ingrid@example.com --password-stdin <<< '{MAIL_PASSWORD}'"
    ),
    "<Password>the password<": f"<Password>{PASSWORD}<",
}
# Not in this environment: where Python's packages come from, the two host names, and a mail server
# that holds a message.
BEFORE = """
printf '[global]\\nno-index = true\\nfind-links = /srv/wheels\\n' > /etc/pip.conf
cp /srv/wheels/services84-*.whl /root/
echo '127.0.0.1 mail.example.com imap.example.com smtp.example.com' >> /etc/hosts
cp /srv/mail-ca.pem /usr/local/share/ca-certificates/mail-ca.crt
update-ca-certificates >/dev/null
useradd --system --home-dir /srv/mail --create-home vmail
install -d -o vmail /srv/mail/ingrid@example.com/Maildir/{new,cur,tmp}
printf 'From: a@example.com\\nSubject: Welcome\\nMessage-ID: <1@example.com>\\n\\nHello\\n' \\
    > /srv/mail/ingrid@example.com/Maildir/new/1.1.example
chown -R vmail /srv/mail
cat > /etc/dovecot/local.conf <<'END'
protocols = imap
ssl_cert = </srv/mail-certificate.pem
ssl_key = </srv/mail-key.pem
mail_location = maildir:~/Maildir
passdb {
  driver = static
  args = password=PASSWORD
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/srv/mail/%u
}
END
sed -i 's/^!include auth-system/#&/' /etc/dovecot/conf.d/10-auth.conf
systemctl restart dovecot
""".replace("PASSWORD", MAIL_PASSWORD)


def command(words: tuple[str, ...]) -> click.Command | None:
    """What `services84 WORDS` runs; the words after a command are its arguments."""
    found: click.Command = main
    for word in words:
        if not isinstance(found, click.Group):
            break
        nested = found.commands.get(word)
        if nested is None:
            return None
        found = nested
    return None if isinstance(found, click.Group) else found


def test_the_guide_names_the_version_that_is_built() -> None:
    named = set(re.findall(r"services84-([0-9.]+)-py3-none-any", GUIDE.read_text()))
    assert named == {__version__}


@pytest.mark.parametrize("block", blocks(), ids=lambda block: f"line-{block.line}")
def test_every_block_is_a_script_that_the_shell_reads(block: Block) -> None:
    done = subprocess.run(
        ["bash", "-n"], input=block.script, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_command_of_the_guide_is_there() -> None:
    commands = own_commands()
    assert len(commands) > 8
    for words in commands:
        assert command(words) is not None, words


def test_every_setting_and_file_of_the_guide_is_there() -> None:
    text = GUIDE.read_text()
    for name in re.findall(r"SERVICES84_([A-Z_0-9]+)", text):
        assert name.lower() in Settings.model_fields, name
    for name in re.findall(r"share/services84/([a-z0-9.-]+[a-z0-9])", text):
        assert list((ROOT / "docs" / "deploy").glob(f"{name}*")), name
    for name in re.findall(r"\]\(([a-z0-9./-]+\.md)", text):
        assert (GUIDE.parent / name).is_file(), name


def test_no_unit_and_no_setting_of_the_guide_disagree() -> None:
    text = GUIDE.read_text()
    units = [path.read_text() for path in (ROOT / "docs" / "deploy").glob("*.service")]
    for unit in units:
        for path in ("/etc/services84/services84.env", "/opt/services84/bin/services84"):
            assert path in unit
            assert path in text
    assert (ROOT / "docs/deploy/nginx.conf").read_text().count("server 127.0.0.1:8084;") == 1
    assert "SERVICES84_BIND=127.0.0.1:8084" in text


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base with everything that the guide asks of the network, and a certificate to trust."""
    if os.environ.get("GUIDE") != "1":
        pytest.skip("make guide runs the commands; they take minutes, and root")
    base = machine.made_base(debian_packages())
    authority = Authority(tmp_path_factory.mktemp("ca"))
    certificate, key = authority.issue("mail", ["imap.example.com", "smtp.example.com"])
    for made, name in ((authority.ca_file, "ca"), (certificate, "certificate"), (key, "key")):
        (base / "srv" / f"mail-{name}.pem").write_bytes(made.read_bytes())
    return base


@pytest.fixture(scope="module")
def wheels(debian: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    machine.run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    return machine.made_wheels(wheel, "celery")


def typed(script: str) -> str:
    for asked, given in TYPED.items():
        script = script.replace(asked, given)
    return script


def test_the_guide_leads_to_a_server_that_runs(debian: Path, wheels: Path, tmp_path: Path) -> None:
    whole = "".join(block.script for block in blocks())
    assert all(whole.count(asked) == 1 for asked in TYPED)
    with machine.booted(debian, wheels, tmp_path / "boot.log") as running:
        running.run(BEFORE)
        for block in blocks():
            print(f"--- docs/production.md, line {block.line}\n{block.script}", flush=True)
            print(running.run(typed(block.script)), flush=True)
        syncs(running)
        holds(running)


def call(running: Machine, service: str, body: bytes) -> etree._Element:
    """A SOAP call by curl, through nginx."""
    address = f"https://mail.example.com/Remote/Services84/{service}.svc"
    return etree.fromstring(
        running.run(
            f"curl -fsS --cacert /etc/ssl/services84/fullchain.pem -H 'Content-Type: text/xml' "
            f"--data-binary @- {address} <<'END'\n{body.decode()}\nEND"
        ).encode()
    )


def syncs(running: Machine) -> None:
    """A caller asks for a sync, and a worker does it."""
    login = member_xml({"UserName": "ingrid", "Password": PASSWORD})
    asked = envelope("AuthenticateUsernamePassword", login)
    ticket = call(running, "SoPrincipal", asked).findtext(".//{*}Ticket")
    members = member_xml({"SyncUserAccount": {"AccountId": 1}})
    answer = call(running, "EMail", envelope("SyncEmailAccount", members, ticket=ticket))
    said = etree.tostring(answer, encoding="unicode")
    assert answer.findtext(".//{*}Succeeded") == "true", said
    assert "completed" in said, said
    by = running.run("journalctl --no-pager --output=cat -u services84-worker")
    assert "sync" in by, by


def holds(running: Machine) -> None:
    """What the guide does not say and everybody takes for granted, after its last command."""
    status = running.run("services84 status")
    assert re.search(r"ingrid@example\.com.*\bOk\b", status), status
    for unit in UNITS:
        level = running.run(f"systemd-analyze security --no-pager {unit} | tail -n 1")
        found = re.search(r"(\d+\.\d+) OK", level)
        assert found is not None, level
        assert float(found[1]) < 2.0
    journal = running.run("journalctl --no-pager -u 'services84*'")
    assert "Traceback" not in journal, journal
    assert PASSWORD not in journal
    assert MAIL_PASSWORD not in journal
    owned = running.run("stat -c '%U %a %n' /etc/services84/keys/key /var/lib/services84")
    assert owned.splitlines() == [
        "services84 600 /etc/services84/keys/key",
        "services84 700 /var/lib/services84",
    ]
    backups = running.run("stat -c '%U %a' /var/backups/services84/*Z").splitlines()
    assert set(backups) == {"services84 600"}
    listening = running.run("grep -h ' 0A ' /proc/net/tcp | awk '{print $2}'")
    assert "0100007F:1F94" in listening  # 127.0.0.1:8084
    assert "00000000:1F94" not in listening
