#!/usr/bin/env bash
# links_test.sh ROOT - every relative link in a tracked page leads to a file, and each page opens with
# a heading.
set -euo pipefail

cd "$1"
bad=0
while IFS= read -r page; do
    [[ $(head -c 2 "$page") == '# ' ]] || { echo "$page: opens with no heading" && bad=1; }
    while IFS= read -r link; do
        [[ -e $(dirname "$page")/${link%%#*} ]] || { echo "$page: there is no $link" && bad=1; }
    done < <(grep -oP '\]\(\K[^)#:]+(?=[)#])' "$page" || true)
done < <(find . -path ./build -prune -o -name '*.md' -print)
exit "$bad"
