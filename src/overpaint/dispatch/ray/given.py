"""What slots are told by who has them started: settings, and never a secret.

Ray keeps what a deployment is given in the memory of its head, and where that is made to last, on a
disk. So passwords and keys do not go that way: a machine of the cluster has its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from overpaint.settings import Settings
from overpaint.settings_table import PREFIX
from overpaint.tasks.database import read_url

#: Settings that workers go by. What may differ from node to node is not among them: two keepers
#: that lead in turn would have the slots started anew each time.
_SETTINGS = (
    "models",
    "diffusers",
    "policy",
    "lease_seconds",
    "task_seconds",
    "log_format",
    "log_level",
)
#: Of others' variables: where things are, and no credentials.
_VARIABLES = (
    "AWS_DISABLE_BULK_DELETE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_EXPORTER",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
)
_LOGIN = re.compile(r"(?<=//)[^/@]*@")


def given_to_slots(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that slots get; those that a machine of the cluster has itself go first.

    Args:
        settings: of the service.
        environ: the variables of who starts the slots.
    """
    said = settings.environment()
    given = {PREFIX + name.upper(): said[PREFIX + name.upper()] for name in _SETTINGS}
    given[f"{PREFIX}DATABASE_URL"] = _without_password(settings.database_url)
    given[f"{PREFIX}BLOBS"] = settings.blobs_at.where
    given |= {name: _LOGIN.sub("", environ[name]) for name in _VARIABLES if environ.get(name)}
    return {name: text for name, text in given.items() if text}


def _without_password(url: str) -> str:
    parsed = read_url(url)
    if parsed.get_backend_name() == "sqlite":
        return url
    bare = parsed._replace(password=None).difference_update_query(["password"])
    return bare.render_as_string(hide_password=False)
