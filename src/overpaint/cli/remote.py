"""`overpaint status`, `wait`, `cancel` and `tasks`: tasks of a server, by its API."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from overpaint.cli import console
from overpaint.cli.numbers import number
from overpaint.cli.targets import check_targets
from overpaint.errors import InvalidOption, OperationFailed

if TYPE_CHECKING:
    from overpaint.cli.remote_client import Remote

_STATES = ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN")

BaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The server's API; default: OVERPAINT_BASE_URL, or http://127.0.0.1:8000/api/v1.",
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="The API key; better in OVERPAINT_API_KEY: lists show this."),
]
InJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The task's id, which submit printed.")]
_Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="The file for the result; of several OUT-1, OUT-2, ..."),
]


def status(
    task: _Id, *, base_url: BaseUrl = None, key: KeyOption = None, as_json: InJson = False
) -> None:
    """Print how a task stands, and the URLs of its results."""
    with connect(base_url, key) as server:
        answer = server.task(task)
    output = answer["output"]
    if as_json:
        console.print_json({**output, "request_id": answer.get("request_id")})
        return
    print(output["task_status"])
    for entry in [output, *(output.get("results") or ())]:
        if entry.get("url"):
            print(entry["url"])
        elif entry.get("code"):
            print(f"{entry['code']}: {entry.get('message', '')}")
    console.say_notes(output.get("notes") or ())


def wait(
    task: _Id,
    *,
    output: _Output = None,
    base_url: BaseUrl = None,
    key: KeyOption = None,
    as_json: InJson = False,
) -> None:
    """Wait until a task has ended, and fetch its results, or print their URLs."""
    from overpaint.cli.remote_request import format_parameter

    if output is not None:
        format_parameter(output)
        check_targets(output, n=1, inputs=())
    with connect(base_url, key) as server:
        finish(server, task, output, as_json=as_json)


def cancel(
    task: _Id, *, base_url: BaseUrl = None, key: KeyOption = None, as_json: InJson = False
) -> None:
    """Cancel a task that has not begun."""
    with connect(base_url, key) as server:
        answer = server.cancel(task)
    if as_json:
        console.print_json({"task_id": task, "request_id": answer.get("request_id")})
    else:
        print("CANCELED")


def tasks(
    *,
    state: Annotated[
        str | None, typer.Option("--status", help=f"Only these: {', '.join(_STATES[:-1])}.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Only those of this model.")] = None,
    page: Annotated[
        int, typer.Option(metavar="N", parser=number, help="Which page, the newest first.")
    ] = 1,
    page_size: Annotated[
        int, typer.Option(metavar="N", parser=number, help="How many a page.")
    ] = 10,
    base_url: BaseUrl = None,
    key: KeyOption = None,
    as_json: InJson = False,
) -> None:
    """List the key's tasks of the last 24 hours, the newest first."""
    if state is not None and state.upper() not in _STATES:
        raise InvalidOption("status", f"must be one of {', '.join(_STATES[:-1])}", repr(state))
    for name, value in (("page", page), ("page_size", page_size)):
        if type(value) is not int or value < 1:  # `number` leaves a float or text as it is
            raise InvalidOption(name, "must be a whole number from 1 on", repr(value))
    filters: dict[str, str | int] = {"page_no": page, "page_size": page_size}
    if state is not None:
        filters["status"] = state.upper()
    if model is not None:
        filters["model_name"] = model
    with connect(base_url, key) as server:
        answer = server.tasks(filters)
    if as_json:
        console.print_json(answer)
        return
    console.print_table(
        ["task", "status", "model", "created"],
        [
            [
                *(str(row.get(name) or "") for name in ("task_id", "status", "model_name")),
                _when(row),
            ]
            for row in answer["data"]
        ],
    )
    total = answer.get("total")
    if isinstance(total, int) and total > len(answer["data"]):
        console.say_on_terminal(f"page {page} of {-(-total // page_size)}, {total} tasks")


def connect(base_url: str | None, key: str | None) -> Remote:
    """The server that was named, or else that of the settings."""
    from overpaint import settings
    from overpaint.cli.remote_client import Remote

    usual_url, usual_key = settings.client()
    return Remote(base_url or usual_url, usual_key if key is None else key.strip())


def finish(server: Remote, task_id: str, output: Path | None, *, as_json: bool) -> None:
    """Wait for a task, fetch what it made, and print where that is."""
    from overpaint.cli.remote_results import await_end, coming_back, fetch, results

    started = time.perf_counter()
    again = ["overpaint", "wait", task_id, *(("-o", str(output)) if output else ())]
    come_back = shlex.join([*again, "--base-url", server.base_url])
    with coming_back(come_back):
        answer = await_end(server, task_id)
    entries = results(answer)
    with coming_back(come_back):
        files = fetch(server, entries, output) if output is not None else []
    urls = [entry["url"] for entry in entries if entry.get("url")]
    failed = [entry for entry in entries if not entry.get("url")]
    notes = answer["output"].get("notes") or []
    if as_json:
        told: dict[str, Any] = {
            "task_id": task_id,
            "task_status": answer["output"]["task_status"],
            "request_id": answer.get("request_id"),
            "files": [str(file) for file in files],
            "urls": urls,
            "seeds": [int(entry["seed"]) for entry in entries if str(entry.get("seed")).isdigit()],
            "failures": failed,
            "notes": notes,
            "seconds": round(time.perf_counter() - started, 3),
        }
        console.print_json(told)
    else:
        for where in files if output is not None else urls:
            print(where)
    console.say_notes(notes)
    if failed:
        first = f"{failed[0].get('message', '')} ({failed[0].get('code', 'no code')})"
        raise OperationFailed(f"{len(failed)} of {len(entries)} pictures failed: {first}")


def _when(row: dict[str, Any]) -> str:
    """When a task was made, in this machine's time."""
    made = row.get("gmt_create")
    if not isinstance(made, int | float):
        return ""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(made / 1000))
