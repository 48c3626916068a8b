#!/bin/sh
# Make a virtual environment: make_venv.sh FOLDER. Takes $PYTHON when it is set, else the newest
# of the supported interpreters that is there and really runs (a version manager's shim may not).
set -eu
folder=$1

supported() {
	"$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' >/dev/null 2>&1
}

able() { # Debian's python3 has venv and ensurepip only with the package python3-venv
	"$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
	if ! supported "$PYTHON"; then
		echo "error: PYTHON=$PYTHON does not run, or is older than Python 3.11" >&2
		exit 1
	fi
	candidates=$PYTHON
else
	candidates="python3.13 python3.12 python3.11 python3 python"
fi

lacking=
for python in $candidates; do
	supported "$python" || continue
	if able "$python"; then
		"$python" -m venv --clear "$folder"
		exit 0
	fi
	lacking=$python
done

if [ -n "$lacking" ]; then
	echo "error: $lacking lacks the modules venv and ensurepip;" \
		"on Debian and Ubuntu: apt-get install python3-venv" >&2
else
	echo "error: no Python 3.11 or newer was found; install one, or say make PYTHON=/path/to/it" >&2
fi
exit 1
