#!/bin/sh
# Scores a build on public evaluation sets that lie beside the project, not in it: DATA/mail
# (evalset.py, expected.jsonl) and DATA/phi (score.py, *.jsonl). Prints the tables, and fails where a
# figure is below the one that docs/FIGURES.md records. Without DATA it says what it needs.
set -eu
data=${1:-}
program=${2:-target/release/mailward}
if [ ! -f "$data/mail/evalset.py" ] || [ ! -f "$data/phi/score.py" ]; then
  echo "eval: not run: it needs DATA=folder with mail/evalset.py and phi/score.py and their sets; \`$data\` has none"
  exit 0
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
echo "== mail: classes, bounces, visible text, MIME, sanitising"
python3 "$data/mail/evalset.py" "$data/mail" \
  --cmd "$program inspect --json --format {format} {file}" --timeout 60 > "$out/mail.txt"
cat "$out/mail.txt"
for set in supportmail meddocan presidio_v2 lener_br; do
  gold=$(ls "$data/phi/$set".*.jsonl 2>/dev/null | head -1)
  [ -n "$gold" ] || { echo "== phi: left out, there is no $set"; continue; }
  types=""
  case $set in presidio_v2 | lener_br) types="--types NAME" ;; esac
  echo "== phi: $set $types"
  "$program" redact --jsonl "$gold" > "$out/$set.jsonl"
  # shellcheck disable=SC2086
  python3 "$data/phi/score.py" "$gold" "$out/$set.jsonl" $types > "$out/phi-$set.txt"
  cat "$out/phi-$set.txt"
done
echo "== against docs/FIGURES.md"
python3 benches/floor.py docs/FIGURES.md "$out"
