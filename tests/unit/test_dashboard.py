"""The dashboard, the alerts and the guide's table name the metrics that there really are."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from scripts.build_dashboard import TARGET, text
from tests.heavy import ROOT, require, require_program
from tests.unit.service_fixture import order, paint, service_in

from overpaint.dispatch.figures import OF_ENGINE, Figures
from overpaint.dispatch.slots import KEEPERS, wanted_figures
from overpaint.server.app import create_app
from overpaint.tasks.task import PLANS, Failure

ALERTS = ROOT / "deploy/prometheus/alerts.yaml"
GUIDE = ROOT / "docs/guide/operations.md"
#: Prometheus adds these itself.
ADDED = {"job", "instance"}
INSTALL = "make heavy"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[str, set[str]]]:
    """Of a service at work: sample -> its family, and its labels."""
    folder = tmp_path_factory.mktemp("service")
    with service_in(folder) as (service, _):
        key, _ = service.keys.create("k", PLANS["unlimited"])
        for _ in range(2):
            service.submit(key, order())
        paint(service)
        task = service.tasks.claim("w", lease_ms=1000)
        assert task is not None
        failure = Failure(kind="EngineFailed", message="no")
        figures = Figures()
        figures.claimed(task).ended(failure)
        service.tasks.finish(task, [], failure=failure)
        more = figures.read() | dict.fromkeys(OF_ENGINE, 1)
        service.tasks.beat("w", pid=1, task_id=None, figures=more)
        wanted = wanted_figures({"ordinary": 1})
        service.tasks.beat("k", pid=2, task_id=None, pool=KEEPERS, figures=wanted)
        here = ("127.0.0.1", 50_000)
        with TestClient(
            create_app(service), base_url="http://127.0.0.1:8000", client=here
        ) as client:
            client.get("/healthz")
            client.get("/metrics")
            answer = client.get("/metrics").text
    found: dict[str, tuple[str, set[str]]] = {}
    for family in text_string_to_metric_families(answer):
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                _, labels = found.get(sample.name, ("", set()))
                found[sample.name] = (family.name, labels | set(sample.labels))
    assert found
    return found


def expressions() -> list[tuple[str, str]]:
    """Each of the dashboard's and the alerts', with what it is called."""
    found = []
    for panel in json.loads(TARGET.read_text())["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"].replace("$__rate_interval", "5m")
            found.append((panel["title"], expression))
    yaml = require("yaml", INSTALL)
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        found += [(rule["alert"], rule["expr"]) for rule in group["rules"]]
    return found


def walk(node: Any, above: frozenset[str] = frozenset()) -> Iterator[tuple[str, set[str]]]:
    """Each metric of an expression, with the labels that are asked of it."""
    kind = type(node).__name__
    if kind == "AggregateExpr":
        by = node.modifier.labels if node.modifier is not None else []
        yield from walk(node.expr, above | frozenset(by))
    elif kind == "VectorSelector":
        yield node.name, {matcher.name for matcher in node.matchers.matchers} | set(above)
    elif kind == "Call":
        for argument in node.args:
            yield from walk(argument, above)
    elif kind == "BinaryExpr":
        yield from walk(node.lhs, above)
        yield from walk(node.rhs, above)
    elif kind == "MatrixSelector":
        yield from walk(node.vector_selector, above)
    elif kind in ("ParenExpr", "UnaryExpr", "SubqueryExpr"):
        yield from walk(node.expr, above)
    else:
        assert kind in ("NumberLiteral", "StringLiteral"), kind


def test_every_expression_names_metrics_and_labels_that_there_are(
    told: Mapping[str, tuple[str, set[str]]],
) -> None:
    promql = require("promql_parser", INSTALL)
    named = set()
    for title, expression in expressions():
        metrics = list(walk(promql.parse(expression)))
        assert metrics, title
        for metric, labels in metrics:
            assert metric in told, f"{title}: {metric}"
            assert labels - ADDED <= told[metric][1], f"{title}: {metric} has no {labels}"
            named.add(told[metric][0])
    assert len(named) > 20


def test_what_is_not_there_is_found(told: Mapping[str, tuple[str, set[str]]]) -> None:
    promql = require("promql_parser", INSTALL)
    tree = promql.parse('sum by (colour) (rate(no_such{a="b"}[5m])) / max(overpaint_up)')
    assert list(walk(tree)) == [("no_such", {"colour", "a"}), ("overpaint_up", set())]
    assert "no_such" not in told


def test_the_dashboard_is_what_its_script_writes() -> None:
    assert TARGET.read_text(encoding="utf-8") == text()


def test_the_dashboard_is_one_of_grafana_s_schema() -> None:
    """What Grafana's own models do not know would be dropped on the way through them."""
    models = require("grafana_foundation_sdk.models.dashboard", INSTALL)
    coding = require("grafana_foundation_sdk.cog.encoder", INSTALL)
    said = json.loads(TARGET.read_text())
    through = json.dumps(models.Dashboard.from_json(said), cls=coding.JSONEncoder)
    _holds(json.loads(through), said, "dashboard")


def _holds(whole: Any, part: Any, where: str) -> None:
    """Everything of `part` is in `whole`, which may have defaults besides."""
    if isinstance(part, dict):
        assert part.keys() <= whole.keys(), where
        for name, value in part.items():
            _holds(whole[name], value, f"{where}.{name}")
    elif isinstance(part, list):
        assert len(whole) == len(part), where
        for place, value in enumerate(part):
            _holds(whole[place], value, f"{where}[{place}]")
    else:
        assert whole == part, where


def test_no_two_panels_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(TARGET.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_alerts_say_what_is_wrong() -> None:
    yaml = require("yaml", INSTALL)
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
            assert rule["labels"]["severity"] in ("critical", "warning")
            assert rule["annotations"]["summary"].endswith(".")


def test_alerts_pass_promtool() -> None:
    tool = require_program("promtool", "prometheus")
    done = subprocess.run([tool, "check", "rules", ALERTS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", ["operations.md", "operations.zh-CN.md"])
def test_the_guide_s_table_has_every_metric_with_its_labels(
    page: str, told: Mapping[str, tuple[str, set[str]]]
) -> None:
    guide = (GUIDE.parent / page).read_text("utf-8")
    rows = re.findall(r"^\| `(overpaint_\w+)` \| ([^|]*)\|", guide, re.MULTILINE)
    listed = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    there: dict[str, set[str]] = {}
    for sample, (family, labels) in told.items():
        name = sample if sample.endswith("_total") else family
        there[name] = there.get(name, set()) | (labels - {"le"})
    assert listed == there
    assert len(rows) == len(listed)


def test_the_files_lie_where_the_guide_says() -> None:
    for path in re.findall(r"\]\((\.\./\.\./deploy/[^)]+)\)", GUIDE.read_text()):
        assert (GUIDE.parent / path).resolve().is_file(), path
    assert Path(TARGET).is_file()
