"""What is asked of Ray: to have so many slots of each pool, and what it has.

Everything that calls Ray is here and in `slot.py`. A call raises what Ray raises; where the head of
the cluster is away for long, Ray ends the calling process without a word.
"""

from __future__ import annotations

import hashlib
import logging
import signal
from collections.abc import Mapping
from typing import Any

import ray
from ray import serve
from ray.serve.schema import ApplicationStatus

from overpaint._version import __version__
from overpaint.dispatch.ray.keeper import There, Wish
from overpaint.dispatch.ray.slot import DRAIN_S, Slot

_NAMESPACE = "overpaint"
_DEPLOYMENT = "slot"
_RUNNING = "RUNNING"  # the state of a replica
_ENDING = "STOPPING"  # of one that is on its way out
_MOST = 2000  # characters of why something does not start


class Serving:
    """Ray Serve, as far as slots of one service go.

    Args:
        prefix: what the names of its applications begin with, unlike those of other services.
        given: the settings as environment variables, for the slots.
    """

    def __init__(self, prefix: str, given: Mapping[str, str]) -> None:
        self._prefix, self._given = prefix, dict(given)

    def connect(self, address: str) -> None:
        """Reach the cluster."""
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        ray.init(
            address=address,
            namespace=_NAMESPACE,
            log_to_driver=False,
            configure_logging=False,
            logging_level=logging.WARNING,
        )
        logging.getLogger("ray.serve").setLevel(logging.WARNING)  # it tells of each call
        serve.start(proxy_location="Disabled")
        for number, handler in before.items():  # Ray has put its own there
            signal.signal(number, handler)

    def resources(self) -> dict[str, float]:
        """What all machines of the cluster have together, as `Wish.cost` and more."""
        return dict(ray.cluster_resources())

    def there(self) -> dict[str, There]:
        """What there is, by the applications' names."""
        found = {}
        for name, application in serve.status().applications.items():
            if name.startswith(self._prefix):
                slots = application.deployments.get(_DEPLOYMENT)
                states = slots.replica_states if slots is not None else {}
                failed = application.status is ApplicationStatus.DEPLOY_FAILED
                said = (slots.message if slots is not None else "") or application.message
                found[name] = There(
                    count=sum(number for state, number in states.items() if state != _ENDING),
                    running=sum(number for state, number in states.items() if state == _RUNNING),
                    given_up=(said or "no reason is given")[:_MOST] if failed else "",
                )
        return found

    def name(self, pool: str, label: str) -> str:
        """What the application of a pool is called."""
        plain = "".join(one if one.isascii() and one.isalnum() else "-" for one in label)[:40]
        return f"{self._prefix}{plain}-{digest(pool)[:6]}"

    def have(self, wishes: Mapping[str, Wish]) -> None:
        """Have the slots of these applications be there; Ray starts and ends them by and by."""
        serve.run_many(
            [
                serve.RunTarget(target=self._application(wish), name=name, route_prefix=None)
                for name, wish in wishes.items()
            ],
            wait_for_ingress_deployment_creation=False,
            wait_for_applications_running=False,
        )

    def remove(self, name: str) -> None:
        """Have all slots of an application end."""
        serve.delete(name, _blocking=False)

    def _application(self, wish: Wish) -> serve.Application:
        options: dict[str, Any] = {
            "num_cpus": wish.cost["CPU"],
            "num_gpus": wish.cost["GPU"],
        }
        if wish.cost["memory"]:
            options["memory"] = int(wish.cost["memory"])
        if wish.accelerator:
            options["accelerator_type"] = wish.accelerator
        # Without a version of ours each change of a number would start all slots anew.
        version = digest(repr((sorted(self._given.items()), wish.pool, options, __version__)))
        deployment = serve.deployment(
            name=_DEPLOYMENT,
            num_replicas=wish.count,
            ray_actor_options=options,
            graceful_shutdown_timeout_s=DRAIN_S + 5,
            health_check_period_s=5,
            health_check_timeout_s=15,
        )(Slot)
        return deployment.options(version=version, _internal=True).bind(self._given, wish.pool)


def digest(text: str) -> str:
    """What tells a text from others, hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
