"""The dashboard and the alert rules of docs/ speak of measurements that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services84.store.slots import SlotStore
from tests.support.service import Service, running_service

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "docs/grafana/services84.json").read_text())
RULES = ROOT / "docs/alerts.yml"
OF_PROMETHEUS = {"job", "instance", "le"}
# A name with its matchers, if it has some.
_SERIES = re.compile(r"\b(services84_\w+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
_GROUPED = re.compile(r"\bby \(([^)]*)\)")


def expressions() -> list[str]:
    rules = re.findall(r"expr: (\|\n(?:          .*\n)+|.*)", RULES.read_text())
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]] + rules


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The names of /metrics after something has happened, each with its labels."""
    with running_service(tmp_path_factory.mktemp("metrics")) as service:
        service.call("GetSystemInfo", service="SoPrincipal")
        metrics = service.application.metrics
        metrics.sync_finished(outcome="ok", seconds=1.0)
        metrics.mail_changed(new=1, changed=1, removed=1, stored=1000)
        services = service.services
        with services.slots.held("imap.example.com", 1.0):
            text = _scraped(service)
        assert SlotStore(services.database).hosts(services.clock()) is not None
    names: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


def _scraped(service: Service) -> str:
    status, _, body = service.request("/metrics")
    assert status.startswith("200")
    return body.decode()


@pytest.mark.parametrize("expression", expressions())
def test_every_measurement_and_label_exists(expression: str, served: dict[str, set[str]]) -> None:
    found = _SERIES.findall(expression)
    assert found or "up{" in expression
    labels: set[str] = set()
    for name, matchers in found:
        assert name in served, name
        assert set(_LABEL.findall(matchers)) <= served[name] | OF_PROMETHEUS, expression
        labels |= served[name]
    for group in _GROUPED.findall(expression):
        assert {label.strip() for label in group.split(",")} <= labels | OF_PROMETHEUS, expression


def test_the_dashboard_shows_every_kind_of_measurement(served: dict[str, set[str]]) -> None:
    text = " ".join(expressions())
    shown = {name for name, _ in _SERIES.findall(text)}
    histograms = ("_bucket", "_sum", "_count", "_created")
    missing = {
        name
        for name in served
        if name.startswith("services84_") and not name.endswith(histograms) and name not in shown
    }
    assert missing == {"services84_info"}  # which is asked for the names of jobs


def test_the_dashboard_can_be_imported() -> None:
    """What Grafana needs of one: see its reference of the JSON model."""
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert DASHBOARD["uid"]
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert "services84_info" in variables["job"]["definition"]
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        assert panel["datasource"]["uid"] == "${datasource}"
        taken |= _place(panel, taken)


def _place(panel: dict[str, Any], taken: set[tuple[int, int]]) -> set[tuple[int, int]]:
    at = panel["gridPos"]
    cells = {
        (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    }
    assert not cells & taken, panel["title"]
    assert at["x"] + at["w"] <= 24
    return cells


def test_prometheus_takes_the_rules() -> None:
    program = shutil.which("promtool") or str(ROOT / "var/prometheus/promtool")
    if not Path(program).exists():
        pytest.skip("promtool is not here; .ci/packages downloads it")
    done = subprocess.run(
        [program, "check", "rules", str(RULES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_every_alert_is_explained() -> None:
    page = (ROOT / "docs/monitoring.md").read_text()
    for name in re.findall(r"alert: (\w+)", RULES.read_text()):
        assert f"`{name}`" in page, name
