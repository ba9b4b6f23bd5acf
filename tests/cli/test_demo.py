"""`services84 demo`, whole: a mail server, the service, and a client."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services84.cli.demo_mail import sample_mail
from services84.cli.demo_process import DemoProcess
from services84.errors import Services84Error
from tests.support.server import environment, plain_session

DEMO = [sys.executable, "-m", "services84.cli", "demo"]


def test_once_shows_the_cache_and_ends_with_0(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--once", "--folder", str(tmp_path / "demo")],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env=environment({}) | {"PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for folder in sample_mail():
        assert folder.name in done.stdout
    for subject in ("Welcome to services84", "Frühlingsröstung ☕ ab sofort", "Møte torsdag"):
        assert subject in done.stdout
    assert "Everything worked" in done.stdout
    assert "Traceback" not in done.stderr


def test_two_at_once_do_not_meet(tmp_path: Path) -> None:
    demos = [
        subprocess.Popen(
            [*DEMO, "--once", "--folder", str(tmp_path / str(number))],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            env=environment({}) | {"PYTHONIOENCODING": "utf-8"},
        )
        for number in range(2)
    ]
    told = [demo.communicate(timeout=180)[0] for demo in demos]
    assert [demo.returncode for demo in demos] == [0, 0], "\n".join(told)


def test_the_port_is_the_one_that_the_process_tells(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listen = f"import socket; socket.create_server(('127.0.0.1', {port}))"
        process = DemoProcess("it", [sys.executable, "-c", listen], tmp_path / "log")
        with pytest.raises(Services84Error, match="Address already in use"):
            process.port_told(rb"port (\d+)")


def test_it_serves_on_until_it_is_stopped_and_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        DEMO,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        env=environment({})
        | {"PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path)},
    )
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Serving on" in line:
                break
        told = "".join(lines)
        assert "Serving on" in told, told
        with plain_session() as session:
            for end in ("/EMail.svc?wsdl", "/status", "/api/docs"):
                address = next(word for word in told.split() if word.endswith(end))
                assert session.get(address, timeout=30).status_code == 200
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(60) == 0, told + rest
        assert "Stopped" in rest
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    done = subprocess.run(
        [*DEMO, "--once", "--folder", str(tmp_path)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env=environment({}),
        check=False,
    )
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert [f.name for f in tmp_path.iterdir()] == ["mine"]
