#!/usr/bin/env bash
# Runs every command of the guide's pages with pictures and puts what they show in its place.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf out/lesson  # batch would take what is there for done
mkdir -p out
awk '/^```sh$/ {on = 1; next} /^```$/ {on = 0} on' docs/guide/{use-cases,steering}.md | bash -euo pipefail
cp out/{art,advertising,film,gift,recolor,sketch,palette,strength}.jpg out/lesson/lesson-*.jpg docs/guide/pictures/
