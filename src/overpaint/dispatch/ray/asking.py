"""Asks a Ray cluster what it has, and prints it as JSON.

`python -m overpaint.dispatch.ray.asking ADDRESS`
"""

from __future__ import annotations

import json
import sys

from overpaint.dispatch.ray.__main__ import listens

_TOLD = ("CPU", "GPU")


def main(address: str) -> int:
    """Print one line; 1 where nobody listens there."""
    if not listens(address):
        return 1
    import ray

    ray.init(address=address, log_to_driver=False, configure_logging=False)
    alive = [node for node in ray.nodes() if node["Alive"]]
    there = ray.cluster_resources()
    resources = {kind: there[kind] for kind in _TOLD if kind in there}
    print(json.dumps({"nodes": len(alive), "resources": resources}))
    ray.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
