"""The files for Kubernetes are of its schemas, and fit the product; none is run here."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from tests.heavy import ROOT, require
from tests.unit import deploy_files as files
from tests.unit.deploy_files import DEPLOY, INSTALL, KUBERNETES

from overpaint.settings_table import SETTINGS

MANIFESTS = files.manifests()
TEMPLATES = files.templates()
BASE = files.document(KUBERNETES / "base/kustomization.yaml")
RAY = files.document(KUBERNETES / "ray/kustomization.yaml")
TEXT = {"type": "string", "minLength": 1}
NUMBER = {"type": "integer", "minimum": 0}


def shape(*, required: bool = True, **properties: Any) -> dict[str, Any]:
    """A JSON schema of an object that has these properties and no others."""
    needed = {"required": list(properties)} if required else {}
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **needed,
    }


#: What is used of KubeRay's RayCluster, v1, as its definition names it; templates are looked at by
#: themselves.
START = {"type": "object", "additionalProperties": TEXT}
SECRET = shape(valueFrom=shape(secretKeyRef=shape(name=TEXT, key=TEXT)))
RAY_CLUSTER = shape(
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayCluster"},
    metadata=shape(name=TEXT),
    spec=shape(
        rayVersion=TEXT,
        gcsFaultToleranceOptions=shape(redisAddress=TEXT, redisPassword=SECRET),
        headGroupSpec=shape(rayStartParams=START, template={"type": "object"}),
        workerGroupSpecs={
            "type": "array",
            "items": shape(
                groupName={"type": "string", "pattern": "^[a-z][a-z0-9-]*$"},
                replicas=NUMBER,
                minReplicas=NUMBER,
                maxReplicas=NUMBER,
                rayStartParams=START,
                template={"type": "object"},
            ),
        },
    ),
)


def validate(one: Any) -> None:
    """Raises where it is not of Kubernetes' own schema, or has what is not in there."""
    kubernetes = require("kubernetes_validate", INSTALL)
    kubernetes.validate(one, kubernetes.latest_version(), strict=True)


def as_deployment(template: Any) -> dict[str, Any]:
    """A pod's template as what there is a schema for."""
    labels = template["metadata"]["labels"]
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": spec}


@pytest.mark.parametrize(
    "one",
    [one for _, one in MANIFESTS if one["kind"] != "RayCluster"],
    ids=lambda one: f"{one['kind']} {one['metadata']['name']}",
)
def test_objects_are_of_kubernetes_schemas(one: Any) -> None:
    validate(one)


@pytest.mark.parametrize(("name", "template"), TEMPLATES, ids=[name for name, _ in TEMPLATES])
def test_pods_are_of_kubernetes_schemas_and_restricted(name: str, template: Any) -> None:
    validate(as_deployment(template))
    spec = template["spec"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["enableServiceLinks"] is False  # a Service `overpaint` would set OVERPAINT_PORT
    for container in spec["containers"]:
        _restricted(container)


def _restricted(container: Any) -> None:
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]
    assert {"/tmp"} <= {mount["mountPath"] for mount in container["volumeMounts"]}


def test_what_is_no_field_is_found() -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"container": []}}
    kubernetes = require("kubernetes_validate", INSTALL)
    with pytest.raises(kubernetes.ValidationError):
        validate(as_deployment(template))
    jsonschema = require("jsonschema", INSTALL)
    (cluster,) = (one for _, one in MANIFESTS if one["kind"] == "RayCluster")
    with pytest.raises(jsonschema.ValidationError, match="headGroup"):
        jsonschema.validate({**cluster, "spec": {**cluster["spec"], "headGroup": {}}}, RAY_CLUSTER)


def test_the_ray_cluster_is_of_its_schema_and_of_our_version_of_ray() -> None:
    jsonschema = require("jsonschema", INSTALL)
    (cluster,) = (one for _, one in MANIFESTS if one["kind"] == "RayCluster")
    jsonschema.validate(cluster, RAY_CLUSTER)
    spec = cluster["spec"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (wanted,) = (one for one in project["optional-dependencies"]["cluster"] if "ray[" in one)
    assert spec["rayVersion"].startswith(wanted.partition(">=")[2])
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    for group in spec["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
        (container,) = group["template"]["spec"]["containers"]
        gpus = container["resources"]["limits"].get("nvidia.com/gpu", 0)
        assert bool(gpus) == (container["image"] == "overpaint-gpu")


def test_the_patch_for_ray_fits_what_it_changes() -> None:
    patch = files.patch()
    which = (patch["kind"], patch["metadata"]["name"])
    (api,) = (one for _, one in MANIFESTS if (one["kind"], one["metadata"]["name"]) == which)
    changes, spec = patch["spec"]["template"]["spec"], api["spec"]["template"]["spec"]
    (changed,), (container,) = changes["containers"], spec["containers"]
    assert changed["name"] == container["name"]
    volumes = {one["name"] for one in (*changes["volumes"], *spec["volumes"])}
    (ray,) = changes["initContainers"]
    _restricted(ray)
    merged = {**spec, **changes, "containers": [{**container, **changed}]}
    merged["volumes"] = [*spec["volumes"], *changes["volumes"]]
    validate(as_deployment({**api["spec"]["template"], "spec": merged}))
    (cluster,) = (one for _, one in MANIFESTS if one["kind"] == "RayCluster")
    address = next(one["value"] for one in changed["env"] if one["name"] == "RAY_ADDRESS")
    assert address == f"{cluster['metadata']['name']}-head-svc:6379"
    assert f"--address={address}" in ray["command"]
    # They find each other by processes, and talk by files and shared memory.
    assert changes["shareProcessNamespace"]
    shared = {mount["name"] for mount in ray["volumeMounts"]}
    mounts = [*container["volumeMounts"], *changed["volumeMounts"]]
    assert shared == {"tmp", "shm"} <= volumes
    assert shared <= {mount["name"] for mount in mounts}
    label = patch["spec"]["template"]["metadata"]["labels"]
    for name, template in TEMPLATES:
        if name.startswith("RayCluster"):
            assert label.items() <= template["metadata"]["labels"].items()


def test_every_name_that_is_referred_to_is_there() -> None:
    generated = {
        one["name"] for kind in ("configMap", "secret") for one in BASE[f"{kind}Generator"]
    }
    for name, template in TEMPLATES:
        volumes = {one["name"] for one in template["spec"]["volumes"]}
        for container in template["spec"]["containers"]:
            for source in container["envFrom"]:
                assert next(iter(source.values()))["name"] in generated, name
            assert {one["name"] for one in container["volumeMounts"]} <= volumes
            assert container["image"] in {one["name"] for one in RAY["images"]}
    services = {one["metadata"]["name"]: one for _, one in MANIFESTS if one["kind"] == "Service"}
    labels = {name: template["metadata"]["labels"] for name, template in TEMPLATES}
    for service in services.values():
        selected = service["spec"]["selector"].items()
        assert [name for name, has in labels.items() if selected <= has.items()] == [
            "Deployment overpaint-api"
        ]
        assert service["metadata"]["name"].upper().replace("-", "_") + "_PORT" not in {
            one.name for one in SETTINGS
        }
    (ingress,) = (one for _, one in MANIFESTS if one["kind"] == "Ingress")
    backends = re.findall(r"'service': \{'name': '([^']+)'", str(ingress["spec"]))
    assert backends == list(services)


def test_each_file_is_applied_or_an_example() -> None:
    for folder, kustomization in (("base", BASE), ("ray", RAY)):
        named = {one for one in kustomization["resources"] if one.endswith(".yaml")}
        named |= {one["path"] for one in kustomization.get("patches", ()) if "path" in one}
        named |= set(kustomization.get("configurations", ()))
        there = {path.name for path in (KUBERNETES / folder).glob("*.yaml")}
        assert there == named | {"kustomization.yaml"}
    rest = {path.name for path in KUBERNETES.glob("*.yaml")}
    assert rest == {"ingress.example.yaml"}
    assert (DEPLOY / "kubernetes/base/settings.env").is_file()


def test_probes_and_ports_are_those_of_the_service() -> None:
    port = int(files.image_environ()["OVERPAINT_PORT"])
    probed = 0
    for name, template in TEMPLATES:
        for container in template["spec"]["containers"]:
            ports = {one["name"]: one["containerPort"] for one in container.get("ports", ())}
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                if kind in container:
                    probe = container[kind]["httpGet"]
                    assert probe["path"] in files.paths()
                    assert ports[probe["port"]] == port, name
                    probed += 1
    assert probed == 6
    (api,) = (one for name, one in TEMPLATES if name == "Deployment overpaint-api")
    assert api["spec"]["containers"][0]["readinessProbe"]["httpGet"]["path"] == "/readyz"
    (service,) = (one for _, one in MANIFESTS if one["kind"] == "Service")
    assert service["spec"]["ports"][0]["targetPort"] in {
        one["name"] for one in api["spec"]["containers"][0]["ports"]
    }
