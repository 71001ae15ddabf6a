#!/bin/sh
# Scores the release build on public evaluation sets that lie beside the project, not in it:
# DATA/mail (evalset.py, expected.jsonl) and DATA/phi (score.py, *.jsonl). Says so when they are absent.
set -eu
data=${1:?name the folder of the sets; \`make eval DATA=folder\` does}
program=target/release/mailward
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
if [ -f "$data/mail/evalset.py" ]; then
  echo "== mail: classes, bounces, visible text, MIME, sanitising"
  python3 "$data/mail/evalset.py" "$data/mail" --cmd "$program inspect --json --format {format} {file}"
else
  echo "== mail: left out, there is no $data/mail/evalset.py"
fi
if [ -f "$data/phi/score.py" ]; then
  for set in supportmail meddocan presidio_v2 lener_br; do
    gold=$(ls "$data/phi/$set".*.jsonl 2>/dev/null | head -1)
    [ -n "$gold" ] || { echo "== phi: left out, there is no $set"; continue; }
    types=""
    case $set in presidio_v2 | lener_br) types="--types NAME" ;; esac
    echo "== phi: $set $types"
    "$program" redact --jsonl "$gold" > "$out/$set.jsonl"
    # shellcheck disable=SC2086
    python3 "$data/phi/score.py" "$gold" "$out/$set.jsonl" $types
  done
else
  echo "== phi: left out, there is no $data/phi/score.py"
fi
