"""Writes deploy/grafana/overpaint.json, the dashboard for the service's metrics.

    python scripts/build_dashboard.py

Two kinds of figures are in it. What the database tells, every API process tells alike, so the
maximum over them is taken before anything is added up; what a process counts of itself is summed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "deploy/grafana/overpaint.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
RATE = "[$__rate_interval]"
OF_WORKERS = '{node=~"$node", pool=~"$pool"}'
OF_POOL = '{pool=~"$pool"}'
ROW_H, PANEL_H, WHOLE_W = 1, 8, 24


@dataclass(frozen=True)
class Panel:
    """A panel; `queries` are pairs of an expression and its legend."""

    title: str
    about: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    stacked: bool = False
    stat: bool = False
    most: float | None = None


def told_alike(by: str, metric: str, matchers: str = "") -> str:
    """The rate of a counter of the database's."""
    return f"max by ({by}) (rate({metric}{matchers}{RATE}))"


def of_workers(by: str, metric: str) -> str:
    """The rate of a counter of the workers', added up over them."""
    inner = ", ".join(dict.fromkeys((*filter(None, by.split(", ")), "worker")))
    summed = f"max by ({inner}) (rate({metric}{OF_WORKERS}{RATE}))"
    return f"sum by ({by}) ({summed})" if by else f"sum({summed})"


def quantile(share: float, buckets: str) -> str:
    """A quantile of a histogram's buckets."""
    return f"histogram_quantile({share}, {buckets})"


def durations(metric: str) -> list[tuple[str, str]]:
    """Median and 95th percentile of a histogram of the workers'."""
    buckets = of_workers("le, pool", f"{metric}_bucket")
    return [(quantile(share, buckets), f"{name} {{{{pool}}}}") for share, name in SHARES]


SHARES = ((0.5, "p50"), (0.95, "p95"))
HTTP, STORE = "overpaint_http_request_seconds_bucket", "overpaint_store_seconds_bucket"
GPU, ENDED = "overpaint_worker_gpu", "overpaint_tasks_ended_total"
BUSY = "overpaint_painting_seconds_total"

ROWS: dict[str, Sequence[Panel]] = {
    "At a glance": (
        Panel(
            "Pending",
            "Tasks that wait.",
            [('max(overpaint_tasks{state="pending"})', "")],
            stat=True,
        ),
        Panel(
            "Running",
            "Tasks that are painted.",
            [('max(overpaint_tasks{state="running"})', "")],
            stat=True,
        ),
        Panel(
            "Oldest waiting",
            "How long the oldest pending task has waited.",
            [("max(overpaint_queue_age_seconds)", "")],
            unit="s",
            stat=True,
        ),
        Panel(
            "Workers ready",
            "Processes that may take tasks.",
            [('sum(max by (node, pool) (overpaint_node_workers{state="ready"}))', "")],
            stat=True,
        ),
        Panel(
            "API processes",
            "That answer Prometheus, and whose database answers.",
            [("sum(overpaint_up)", "")],
            stat=True,
        ),
        Panel(
            "Versions",
            "More than one while an upgrade rolls.",
            [("count by (version) (overpaint_info)", "{{version}}")],
            stat=True,
        ),
    ),
    "Tasks": (
        Panel(
            "Tasks by state",
            "What is stored; ended tasks are forgotten after the retention time.",
            [("max by (state) (overpaint_tasks)", "{{state}}")],
        ),
        Panel(
            "Pictures a second, by engine",
            "That were painted.",
            [
                (
                    told_alike("engine", "overpaint_pictures_total", '{outcome="succeeded"}'),
                    "{{engine}}",
                )
            ],
            unit="cps",
            stacked=True,
        ),
        Panel(
            "Tasks that ended a second, by outcome",
            "",
            [(f"sum by (outcome) ({told_alike('engine, outcome', ENDED)})", "{{outcome}}")],
            unit="cps",
            stacked=True,
        ),
        Panel(
            "Failures a second, by kind",
            "Of tasks that failed in a worker's hands.",
            [(of_workers("kind", "overpaint_worker_failures_total"), "{{kind}}")],
            unit="cps",
            stacked=True,
        ),
    ),
    "Waiting": (
        Panel(
            "Queue age, by pool",
            "How long the oldest pending task of a pool has waited.",
            [(f"max by (pool) (overpaint_pool_queue_age_seconds{OF_POOL})", "{{pool}}")],
            unit="s",
        ),
        Panel(
            "Queue, by pool",
            "Tasks that wait and that are painted.",
            [
                (
                    f"max by (pool, state) (overpaint_pool_tasks{OF_POOL})",
                    "{{pool}} {{state}}",
                )
            ],
        ),
        Panel(
            "From submission to the first claim",
            "",
            durations("overpaint_task_wait_seconds"),
            unit="s",
        ),
        Panel(
            "From submission to the end",
            "",
            durations("overpaint_task_total_seconds"),
            unit="s",
        ),
    ),
    "Workers": (
        Panel(
            "Workers, by node, pool and state",
            "Processes seen lately.",
            [
                (
                    f"max by (node, pool, state) (overpaint_node_workers{OF_WORKERS})",
                    "{{node}} {{pool}} {{state}}",
                )
            ],
            stacked=True,
        ),
        Panel(
            "Claims and tries a second",
            "Repeats less retries are what came back from workers that died, or by lapsed leases.",
            [
                (of_workers("", f"overpaint_worker_{name}_total"), name.replace("_", " "))
                for name in ("claims", "repeats", "retries", "lost", "given_back", "troubles")
            ],
            unit="cps",
        ),
        Panel(
            "Pictures a batch, by pool",
            "The mean; of engines that paint several tasks at once.",
            [
                (
                    f"{of_workers('pool', 'overpaint_worker_batch_pictures_total')} / "
                    f"{of_workers('pool', 'overpaint_worker_batches_total')}",
                    "{{pool}}",
                )
            ],
        ),
        Panel(
            "Time at work, by engine",
            "Seconds of painting a second: how many workers are busy.",
            [(f"sum by (engine) ({told_alike('engine, outcome', BUSY)})", "{{engine}}")],
            stacked=True,
        ),
        Panel(
            "GPU memory that is taken",
            "By worker; by whichever process.",
            [
                (
                    f"max by (node, worker) ({GPU}_memory_used_bytes{OF_WORKERS}) / "
                    f"max by (node, worker) ({GPU}_memory_bytes{OF_WORKERS})",
                    "{{node}} {{worker}}",
                )
            ],
            unit="percentunit",
            most=1,
        ),
        Panel(
            "GPU use",
            "By worker; told where nvidia-ml-py is installed.",
            [(f"max by (node, worker) ({GPU}_use{OF_WORKERS})", "{{node}} {{worker}}")],
            unit="percentunit",
            most=1,
        ),
    ),
    "HTTP": (
        Panel(
            "Requests a second, by route",
            "",
            [
                (
                    f"sum by (method, route) (rate(overpaint_http_requests_total{RATE}))",
                    "{{method}} {{route}}",
                )
            ],
            unit="reqps",
            stacked=True,
        ),
        Panel(
            "Answers of 4xx and 5xx a second",
            "499: the client left.",
            [
                (
                    "sum by (status) "
                    f'(rate(overpaint_http_requests_total{{status=~"[45].."}}{RATE}))',
                    "{{status}}",
                )
            ],
            unit="reqps",
            stacked=True,
        ),
        Panel(
            "Time to answer, p95, by route",
            "OpenAI's route answers when the picture is painted, streams when they end.",
            [
                (
                    quantile(0.95, f"sum by (le, method, route) (rate({HTTP}{RATE}))"),
                    "{{method}} {{route}}",
                )
            ],
            unit="s",
        ),
    ),
    "Stores, as API processes see them": (
        Panel(
            "Database and pictures, p50",
            "",
            [
                (
                    quantile(0.5, f"sum by (le, store, operation) (rate({STORE}{RATE}))"),
                    "{{store}} {{operation}}",
                )
            ],
            unit="s",
        ),
        Panel(
            "Database and pictures, p95",
            "",
            [
                (
                    quantile(0.95, f"sum by (le, store, operation) (rate({STORE}{RATE}))"),
                    "{{store}} {{operation}}",
                )
            ],
            unit="s",
        ),
        Panel(
            "Failures of the stores a second",
            "",
            [(f"sum by (store) (rate(overpaint_store_errors_total{RATE}))", "{{store}}")],
            unit="cps",
        ),
    ),
}


def dashboard() -> dict[str, Any]:
    """The whole, as Grafana imports it."""
    return {
        "uid": "overpaint",
        "title": "Overpaint",
        "description": "Tasks, queues, workers, GPUs, HTTP and stores of an Overpaint service.",
        "tags": ["overpaint"],
        "timezone": "browser",
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "30s",
        "schemaVersion": 39,
        "panels": list(_panels()),
        "templating": {"list": _variables()},
        "annotations": {"list": []},
        "links": [],
    }


def _variables() -> list[dict[str, Any]]:
    source = {"name": "datasource", "label": "Data source", "type": "datasource"}
    return [
        source | {"query": "prometheus"},
        *(_choice(name, name.capitalize()) for name in ("node", "pool")),
    ]


def _choice(name: str, label: str) -> dict[str, Any]:
    query = f"label_values(overpaint_node_workers, {name})"
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": "All", "value": "$__all"},
    }


def _panels() -> Iterator[dict[str, Any]]:
    y, number = 0, 0
    for title, panels in ROWS.items():
        number += 1
        place = {"h": ROW_H, "w": WHOLE_W, "x": 0, "y": y}
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": place,
            "panels": [],
        }
        y += ROW_H
        stats = panels[0].stat
        height = PANEL_H // 2 if stats else PANEL_H
        width = WHOLE_W // len(panels) if stats or len(panels) == 3 else WHOLE_W // 2
        x = 0
        for panel in panels:
            if x + width > WHOLE_W:
                x, y = 0, y + height
            number += 1
            yield _panel(panel, number, {"h": height, "w": width, "x": x, "y": y})
            x += width
        y += height


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    custom = {
        "drawStyle": "line",
        "fillOpacity": 20 if panel.stacked else 5,
        "lineWidth": 1,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
    }
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.most is not None:
        defaults["max"] = panel.most
    if panel.stat:
        kind: dict[str, Any] = {
            "type": "stat",
            "options": {
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                "colorMode": "none",
                "graphMode": "area",
                "textMode": "value_and_name" if panel.queries[0][1] else "value",
            },
        }
    else:
        defaults["custom"] = custom
        kind = {
            "type": "timeseries",
            "options": {
                "legend": {
                    "displayMode": "table",
                    "placement": "bottom",
                    "showLegend": True,
                    "calcs": ["lastNotNull", "max"],
                },
                "tooltip": {"mode": "multi", "sort": "desc"},
            },
        }
    return kind | {
        "id": number,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": SOURCE,
                "expr": expression,
                "legendFormat": legend or "__auto",
                "range": True,
            }
            for place, (expression, legend) in enumerate(panel.queries)
        ],
    }


def text() -> str:
    """What is in the file."""
    return json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    print(TARGET)
