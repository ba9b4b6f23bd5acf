"""`services84 schemas`, and the published files themselves."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from services84.cli.schemas import published
from tests.cli.conftest import Run

ROOT = Path(__file__).resolve().parents[2]


def test_stale_and_missing_files_fail_the_check(run: Run, installation: Path) -> None:
    missing = run("schemas", "out", "--check")
    assert missing.exit_code == 1
    assert "EMail.wsdl" in missing.stderr
    assert "SoPrincipal.wsdl" in missing.stderr
    assert not (installation / "out").exists()
    run("schemas", "out")
    (installation / "out" / "EMail.wsdl").write_text("<old/>")
    stale = run("schemas", "out", "--check")
    assert stale.exit_code == 1
    assert "EMail.wsdl" in stale.stderr
    assert "SoPrincipal.wsdl" not in stale.stderr


def test_the_files_are_written_and_then_up_to_date(run: Run, installation: Path) -> None:
    assert run("schemas").exit_code == 0
    assert sorted(f.name for f in (installation / "schemas").iterdir()) == [
        "EMail.wsdl",
        "SoPrincipal.wsdl",
        "openapi.json",
    ]
    assert run("schemas", "--check").exit_code == 0
    root = etree.parse(installation / "schemas" / "EMail.wsdl").getroot()
    addresses = {element.get("location") for element in root.iter("{*}address")}
    assert addresses == {"http://localhost:8084/Remote/Services84/EMail.svc"}


def test_the_published_files_are_up_to_date() -> None:
    for name, content in published().items():
        assert (ROOT / "schemas" / name).read_bytes() == content, "run: make schemas"
