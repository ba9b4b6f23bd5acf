"""After all tests of a process: what they have left behind, and what they have printed, holds none
of the passwords that fixtures use everywhere.

The tests with canaries look for every kind of secret in one run of the service; this looks for a few
in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.canaries import Aviary

# Fixtures' passwords of associates and of mailboxes; no other text has them.
EVERYWHERE = {"associate": "correct horse 84", "mailbox": "mail-secret-84"}
OURS = (".sqlite3", ".sqlite3-wal", ".sqlite3-journal", "server.log", ".trace")


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """At the end, read the databases, logs and traces of all tests."""
    yield
    aviary = _aviary()
    for path in tmp_path_factory.getbasetemp().rglob("*"):
        if path.name.endswith(OURS) and path.is_file():
            aviary.listen_to_file(path)
    assert aviary.heard == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Fail a test that has printed or logged one of them."""
    report: pytest.TestReport = yield  # type: ignore[misc, assignment]
    if report.when == "teardown" and report.passed:
        aviary = _aviary()
        for title, content in report.sections:
            aviary.listen(title, content.encode("utf-8", "replace"))
        if aviary.heard:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} has printed secrets: {aviary.heard}"
    return report  # type: ignore[return-value]


def _aviary() -> Aviary:
    aviary = Aviary()
    for what, secret in EVERYWHERE.items():
        aviary.keep(what, secret)
    return aviary
