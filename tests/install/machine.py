"""A Debian of its own, booted in a folder by systemd-nspawn: real systemd, no way out of it.

Its network is a loopback that nobody else sees. What is to be installed in it has been brought
before, Debian's packages into apt's archive and Python's into a folder of wheels, so that
`apt-get install` and `pip install` need no network. Needs root, debootstrap and systemd-container.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.server import ROOT

KEPT = ROOT / "var" / "guide"
SUITES = {(3, 11): "bookworm", (3, 13): "trixie"}
# What every Debian server has and the least of Debians has not, and a mail server that the guide's account is on.
BESIDE = ("systemd", "systemd-sysv", "dbus", "netbase", "ca-certificates", "dovecot-imapd")
# What redis needs where Python is older than 3.11.3, as Debian 12's is; pip asks only for the wheels
# of the Python that it runs in.
OLDER = ("async-timeout",)
BOOTED = 60.0
LONGEST = 240.0


class NotHere(Exception):
    """Why there can be no such machine here."""


def suite() -> str:
    """The Debian whose Python is the one that runs the tests: wheels are for one version."""
    found = SUITES.get(sys.version_info[:2])
    if found is None:
        raise NotHere(f"no Debian has Python {sys.version_info[0]}.{sys.version_info[1]}")
    for program in ("debootstrap", "systemd-nspawn", "nsenter"):
        if shutil.which(program) is None:
            raise NotHere(f"{program} is not installed (Debian: debootstrap systemd-container)")
    return found


def run(*command: str | Path, **given: object) -> str:
    """What a command printed; one that fails, or does not end, fails the test with that."""
    with tempfile.TemporaryFile("w+") as said:
        try:
            code = subprocess.run(  # type: ignore[call-overload]
                [str(part) for part in command],
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=LONGEST,
                check=False,
                **given,
            ).returncode
        except subprocess.TimeoutExpired:
            code = f"none in {LONGEST:g} s"
        said.seek(0)
        printed = said.read()
    assert code == 0, f"{command}: exit code {code}\n{printed[-3000:]}"
    return printed


def made_base(packages: list[str]) -> Path:
    """A Debian with `BESIDE` installed and `packages` in apt's archive; made once and kept."""
    base = KEPT / f"{suite()}"
    wanted = " ".join(sorted(packages))
    done = base / "root" / "packages"
    if done.is_file() and done.read_text() == wanted:
        return base
    shutil.rmtree(base, ignore_errors=True)
    base.parent.mkdir(parents=True, exist_ok=True)
    targets = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)").splitlines()
    mirror = [line.split()[0] for line in targets if line.split()[1:] == [suite()]][:1]
    include = "--include=" + ",".join(BESIDE)
    run("debootstrap", "--variant=minbase", include, suite(), base, *mirror)
    chroot = ("chroot", base, "env", "DEBIAN_FRONTEND=noninteractive")
    fetch = ("apt-get", "install", "-y", "--no-install-recommends", "--download-only")
    run(*chroot, "apt-get", "update")
    run(*chroot, *fetch, *packages)
    done.write_text(wanted)
    return base


def made_wheels(wheel: Path, extras: str) -> Path:
    """A folder with the wheel and all that it needs, as wheels."""
    folder = KEPT / "wheels"
    for old in folder.glob("services84-*.whl"):
        old.unlink()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet")
    run(*pip, "--find-links", folder, "--wheel-dir", folder, f"{wheel}[{extras}]", *OLDER)
    return folder


class Machine:
    """One that has been booted; `run` gives what a script in it printed."""

    def __init__(self, leader: int) -> None:
        self._leader = leader

    def run(self, script: str) -> str:
        """Run a script as root; the first command that fails ends it and the test."""
        spaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
        enter = ("nsenter", f"--target={self._leader}", *spaces, "--", "env", "--chdir=/", "-i")
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        own = (path, "HOME=/root", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive")
        return run(*enter, *own, "bash", "-euo", "pipefail", "-c", script, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def booted(base: Path, wheels: Path, log: Path) -> Iterator[Machine]:
    """A machine on top of `base`, which stays as it is; all that is written in it is forgotten."""
    command = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--private-network"]
    command += [f"--directory={base}", "--volatile=overlay", f"--bind-ro={wheels}:/srv/wheels"]
    if not Path("/run/systemd/system").exists():
        command.append("--keep-unit")  # the machine that we are on has no systemd to ask for one
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        yield _up(process, log)
    finally:
        process.terminate()
        try:
            process.wait(BOOTED)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _up(process: subprocess.Popen[bytes], log: Path) -> Machine:
    deadline = time.monotonic() + BOOTED
    said = "it said nothing"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            machine = Machine(int(children.split()[0]))
            said = machine.run("systemctl is-system-running || true").strip()
            if said in ("running", "degraded"):
                return machine
        except (AssertionError, OSError, IndexError) as error:
            said = str(error)
        time.sleep(0.2)
    raise AssertionError(f"the machine did not boot ({said}): {log.read_text()[-3000:]}")
