#!/usr/bin/env bash
# Runs every command of docs/guide/use-cases.md and puts the pictures it shows in their place.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p out
awk '/^```sh$/ {on = 1; next} /^```$/ {on = 0} on' docs/guide/use-cases.md | bash -euo pipefail
cp out/{art,advertising,film,gift}.jpg out/lesson/lesson-*.jpg docs/guide/pictures/
