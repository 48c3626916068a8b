"""The files of deploy/, read for tests: what runs in a container, with which settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.heavy import ROOT, require

from overpaint import settings
from overpaint.dispatch.slots import read_slots
from overpaint.server.app import ROUTERS
from overpaint.settings import Settings
from overpaint.settings_table import PREFIX, SETTINGS

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
CONTAINERFILE = DEPLOY / "Containerfile"
COMPOSE = ("compose.yaml", "compose.gpu.yaml", "compose.cluster.yaml")
INSTALL = "make heavy"
#: Beside the drain, what a node has to have until it is killed; docs/guide/cluster.md says so.
END_S = 20
#: What somebody fills in: values that the settings take.
FILLED = {"PUBLIC_URL": "https://overpaint.example.com", "MODELS": "photo=diffusers:some/model"}
_VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")


@dataclass(frozen=True)
class Node:
    """One container of ours."""

    where: str
    environ: Mapping[str, str]
    grace_s: float  # from being told to end to being killed


@cache
def documents(path: Path) -> list[Any]:
    """Those of a YAML file."""
    return [one for one in require("yaml", INSTALL).safe_load_all(path.read_text("utf-8")) if one]


def document(path: Path) -> Any:
    (only,) = documents(path)
    return only


def manifests() -> list[tuple[str, Any]]:
    """Every object of the Kubernetes files that a cluster is given, with its file."""
    found = []
    for path in sorted(KUBERNETES.rglob("*.yaml")):
        if path.name not in ("kustomization.yaml", "names.yaml") and path.parts[-2:] != _PATCH:
            found += [(str(path.relative_to(DEPLOY)), one) for one in documents(path)]
    return found


_PATCH = ("ray", "api.yaml")  # a part of a Deployment, which is none by itself


def patch() -> Any:
    """What deploy/kubernetes/ray changes of the Deployment of the API."""
    return document(KUBERNETES.joinpath(*_PATCH))


def templates() -> list[tuple[str, Any]]:
    """Every pod's template, with what it is of."""
    found = []
    for _, one in manifests():
        name, spec = f"{one['kind']} {one['metadata']['name']}", one.get("spec", {})
        if one["kind"] == "Deployment":
            found.append((name, spec["template"]))
        if one["kind"] == "RayCluster":
            found.append((f"{name}, head", spec["headGroupSpec"]["template"]))
            for group in spec["workerGroupSpecs"]:
                found.append((f"{name}, {group['groupName']}", group["template"]))
    return found


def image_environ() -> dict[str, str]:
    """What the image sets."""
    text = CONTAINERFILE.read_text("utf-8").replace("\\\n", " ")
    said = " ".join(re.findall(r"^ENV (.*)$", text, re.MULTILINE))
    return dict(pair.split("=", 1) for pair in said.split())


def interpolated(text: str) -> str:
    """What Compose makes of a value where all that has to be filled in is."""

    def fill(found: re.Match[str]) -> str:
        name, how, rest = found.groups()
        return rest if how == "-" else FILLED.get(name, "filled-in")

    return _VARIABLE.sub(fill, text)


def variables(text: str) -> dict[str, str]:
    """Of a Compose file: variable -> "?" where it has to be said, "-" where it has a default."""
    return {name: how for name, how, _ in _VARIABLE.findall(text)}


def environment_file(path: Path) -> dict[str, str]:
    """The lines NAME=VALUE of a file."""
    lines = (line.partition("=") for line in path.read_text("utf-8").splitlines())
    return {name: value for name, equals, value in lines if equals and not name.startswith("#")}


def services(name: str) -> dict[str, Any]:
    return dict(document(DEPLOY / name)["services"])


def nodes() -> Iterator[Node]:
    """Every container that runs `overpaint serve`, or a slot."""
    for file in COMPOSE:
        base = services("compose.yaml") if file == "compose.gpu.yaml" else {}
        for name, service in services(file).items():
            if not service.get("image", "").startswith("overpaint"):
                continue
            whole = {**base.get(name, {}), **service}
            said = {
                variable: interpolated(str(value))
                for one in (base.get(name, {}), service)
                for variable, value in one.get("environment", {}).items()
            }
            grace = float(whole["stop_grace_period"].removesuffix("s"))
            yield Node(f"{file}: {name}", image_environ() | said, grace)
    shared = environment_file(KUBERNETES / "base/settings.env")
    shared |= dict.fromkeys(environment_file(KUBERNETES / "base/secret.env.example"), "filled-in")
    grace = 0.0
    for name, template in templates():
        (container,) = template["spec"]["containers"]
        if "command" in container:
            continue
        grace = float(template["spec"]["terminationGracePeriodSeconds"])
        own = image_environ() | shared | _own(container)
        yield Node(name, own, grace)
        if name == "Deployment overpaint-api":
            (changed,) = patch()["spec"]["template"]["spec"]["containers"]
            yield Node(f"{name}, with Ray", own | _own(changed), grace)


def _own(container: Any) -> dict[str, str]:
    return {one["name"]: one.get("value", "pod-name-0") for one in container.get("env", ())}


def load(node: Node, patched: pytest.MonkeyPatch) -> Settings:
    """The settings that a node of these variables has; raises where one is not taken."""
    for name, value in node.environ.items():
        if name != "PATH":
            patched.setenv(name, value)
    found = settings.load()
    read_slots(found.slots, found.models)
    return found


def unknown(environ: Mapping[str, str]) -> set[str]:
    """Variables with our prefix that are no setting."""
    known = {one.name for one in SETTINGS}
    return {name for name in environ if name.startswith(PREFIX)} - known


def paths() -> set[str]:
    """The paths that a process of ours answers."""
    return {getattr(route, "path", "") for router in ROUTERS for route in router.routes}
