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
    # What must hold, tighter than asked for: the model has seen these texts.
    case $set in
      supportmail) must="--max-leak 0.005 --min-precision 0.97 --min-keep 0.995" ;;
      meddocan) must="--max-leak 0.03" ;;
      presidio_v2) must="--types NAME --max-leak 0.14" ;;
      lener_br) must="--types NAME --max-leak 0.05" ;;
    esac
    echo "== phi: $set $must"
    "$program" redact --jsonl "$gold" > "$out/$set.jsonl"
    # shellcheck disable=SC2086
    python3 "$data/phi/score.py" "$gold" "$out/$set.jsonl" $must
    [ "$set" != meddocan ] || python3 "$data/phi/score.py" "$gold" "$out/$set.jsonl" --types NAME --max-leak 0.008
  done
else
  echo "== phi: left out, there is no $data/phi/score.py"
fi
