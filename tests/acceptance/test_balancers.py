"""The guide's snippets for balancers are ones that the balancers take."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.heavy import require_program

GUIDE = Path(__file__).parents[2] / "docs/guide/cluster.md"


def snippet(kind: str) -> str:
    (found,) = re.findall(rf"```{kind}\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    return str(found)


def test_haproxy_takes_its_snippet(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    config.write_text(snippet("haproxy"))
    checked = [require_program("haproxy", "haproxy"), "-c", "-f", str(config)]
    done = subprocess.run(checked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr


def test_nginx_takes_its_snippet(tmp_path: Path) -> None:
    config = tmp_path / "nginx.conf"
    around = f"pid {tmp_path}/pid;\nerror_log {tmp_path}/log;\nevents {{}}\n"
    config.write_text(f"{around}http {{\naccess_log off;\n{snippet('nginx')}}}\n")
    nginx = require_program("nginx", "nginx-light")
    checked = [nginx, "-t", "-c", str(config), "-p", str(tmp_path)]
    done = subprocess.run(checked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
