"""The Containerfile and the Compose files: their linters take them, and they fit the product."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.heavy import ROOT, lack, require, require_program
from tests.unit import deploy_files as files
from tests.unit.deploy_files import COMPOSE, CONTAINERFILE, DEPLOY, END_S, INSTALL, Node

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]
NODES = list(files.nodes())


def run(command: list[str], folder: Path = ROOT) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def tool(name: str) -> str:
    found = Path(sys.executable).with_name(name)
    return str(found) if found.exists() else str(lack(f"needs {name}: {INSTALL}"))


def containerfile() -> str:
    return CONTAINERFILE.read_text("utf-8").replace("\\\n", " ")


def test_hadolint_takes_the_containerfile() -> None:
    run([tool("hadolint"), str(CONTAINERFILE)])


def test_the_compose_files_are_of_the_specification() -> None:
    paths = [str(DEPLOY / name) for name in COMPOSE]
    run([tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", *paths])


def test_the_image_has_all_that_it_is_built_of_and_no_more() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", containerfile(), re.MULTILINE)
    assert {name for names in copied for name in names.split()} == let_in
    assert all((ROOT / name).exists() for name in let_in)


def test_the_image_is_of_a_version_runs_unprivileged_and_asks_after_its_health() -> None:
    text = containerfile()
    assert re.search(r"^ARG DEBIAN=\d+\.\d+-slim$", text, re.MULTILINE)
    froms = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert froms == ["docker.io/library/debian:${DEBIAN}"] * 2
    user = re.search(r"^USER (\d+):\d+$", text, re.MULTILINE)
    assert user is not None
    assert int(user[1]) > 0
    assert f"--uid {user[1]} " in text
    for _, template in files.templates():
        assert template["spec"]["securityContext"]["runAsUser"] == int(user[1])
    asked = re.search(r"http://127\.0\.0\.1:\$\{OVERPAINT_PORT\}(/\w+)", text)
    assert asked is not None
    assert asked[1] in files.paths()
    port = files.image_environ()["OVERPAINT_PORT"]
    assert re.search(rf"^EXPOSE {port}$", text, re.MULTILINE)
    assert 'VOLUME ["/data"]' in text
    assert files.image_environ()["OVERPAINT_HOME"] == "/data"


def test_every_extra_that_is_asked_for_is_there() -> None:
    said = re.findall(r"EXTRAS[=:] ?([a-z,]+)", containerfile())
    for name in COMPOSE:
        said += re.findall(r"EXTRAS: (\S+)", (DEPLOY / name).read_text("utf-8"))
    assert {extra for one in said for extra in one.split(",")} == {"cluster", "diffusers"}
    assert {"cluster", "diffusers"} <= set(EXTRAS)


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.where)
def test_each_node_s_settings_are_there_and_taken(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not files.unknown(node.environ)
    found = files.load(node, monkeypatch)
    assert found.data_dir == Path("/data/server")
    assert found.host == "0.0.0.0"
    # Where keys are made before, none is printed into a log.
    assert found.drain_seconds + END_S <= node.grace_s
    if found.database_file is None:
        assert found.blobs_at.in_bucket
        assert "@" in found.database_url
        assert not re.search(r"://[^/@]*:[^/@]*@", found.database_url), "a password"


def test_a_setting_that_there_is_not_is_found() -> None:
    assert files.unknown({"OVERPAINT_WORKER": "1", "OVERPAINT_WORKERS": "1", "PATH": ""}) == {
        "OVERPAINT_WORKER"
    }


def test_no_password_is_in_the_files_and_none_may_be_left_out() -> None:
    for name in COMPOSE:
        for service in files.services(name).values():
            for variable, value in service.get("environment", {}).items():
                if re.search("PASSWORD|SECRET|KEY|TOKEN", variable):
                    assert re.fullmatch(r'"?(\$\{\w+:[?-][^}]*\},?)+"?', str(value)), variable
    needed = {
        name
        for name, how in files.variables((DEPLOY / "compose.cluster.yaml").read_text()).items()
        if how == "?"
    }
    example = files.environment_file(DEPLOY / "cluster.env.example")
    assert needed == set(example)
    assert not any(example.values())
    assert not any(files.environment_file(DEPLOY / "kubernetes/base/secret.env.example").values())
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    for name in ("cluster.env", "metrics.key", "kubernetes/base/secret.env"):
        assert f"/deploy/{name}" in ignored


@pytest.mark.parametrize("name", COMPOSE)
def test_what_is_mounted_is_there(name: str) -> None:
    compose = files.document(DEPLOY / name)
    known = set(compose.get("volumes", ()))
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in known
        assert set(service.get("depends_on", ())) <= set(compose["services"])
        assert set(service.get("secrets", ())) <= set(compose.get("secrets", ()))


def test_the_ports_lead_to_the_service() -> None:
    port = files.image_environ()["OVERPAINT_PORT"]
    (published,) = files.services("compose.yaml")["overpaint"]["ports"]
    assert files.interpolated(published) == f"127.0.0.1:8000:{port}"
    cluster = files.services("compose.cluster.yaml")
    (published,) = cluster["balancer"]["ports"]
    balancer = (DEPLOY / "haproxy/haproxy.cfg").read_text()
    assert f"bind :{published.rpartition(':')[2]}\n" in balancer
    apis = {f"{name}:{port}" for name in cluster if name.startswith("api-")}
    assert set(re.findall(r"^    server \S+ (\S+)", balancer, re.MULTILINE)) == apis
    asked = re.search(r"httpchk GET (\S+)", balancer)
    assert asked is not None
    assert asked[1] in files.paths()
    scraped = files.document(DEPLOY / "prometheus/prometheus.yaml")["scrape_configs"]
    assert {target for one in scraped for target in one["static_configs"][0]["targets"]} == apis
    store = cluster["pictures"]
    bucket = cluster["worker"]["environment"]["OVERPAINT_BLOBS"].split("/")[2]
    assert store["volumes"] == [f"pictures:/store/{bucket}"]
    assert store["command"][2] == "/store"


def test_haproxy_takes_its_configuration() -> None:
    program = require_program("haproxy", "haproxy")
    done = subprocess.run(
        [program, "-c", "-f", str(DEPLOY / "haproxy/haproxy.cfg")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr  # it may warn of this machine's servers of names


def test_prometheus_takes_its_configuration() -> None:
    program = require_program("promtool", "prometheus")
    folder = DEPLOY / "prometheus"
    run([program, "check", "config", "--syntax-only", "prometheus.yaml"], folder)
    config = files.document(folder / "prometheus.yaml")
    mounted = [
        one.split(":") for one in files.services("compose.cluster.yaml")["prometheus"]["volumes"]
    ]
    there = {Path(target).name for source, target, *_ in mounted if source.startswith("./")}
    assert set(config["rule_files"]) <= there
    key = config["scrape_configs"][0]["authorization"]["credentials_file"]
    (secret,) = files.services("compose.cluster.yaml")["prometheus"]["secrets"]
    assert key == f"/run/secrets/{secret}"


def test_grafana_finds_dashboard_and_data() -> None:
    require("yaml", INSTALL)
    mounted = [
        one.split(":") for one in files.services("compose.cluster.yaml")["grafana"]["volumes"]
    ]
    places = {source: target for source, target, *_ in mounted}
    (provider,) = files.document(DEPLOY / "grafana/provisioning/dashboards/overpaint.yaml")[
        "providers"
    ]
    assert provider["options"]["path"] == str(Path(places["./grafana/overpaint.json"]).parent)
    assert places["./grafana/provisioning"] == "/etc/grafana/provisioning"
    (source,) = files.document(DEPLOY / "grafana/provisioning/datasources/prometheus.yaml")[
        "datasources"
    ]
    assert source["isDefault"]
    assert source["url"].split("/")[2].split(":")[0] in files.services("compose.cluster.yaml")
    board = json.loads((DEPLOY / "grafana/overpaint.json").read_text())
    kinds = [one["query"] for one in board["templating"]["list"] if one["type"] == "datasource"]
    assert kinds == [source["type"]]
