#!/bin/sh
# Trains the redactor's model on the sets below DATA/phi, which are not part of this project: first in three
# parts, each scored with a model that has not seen it (the figures of docs/MODEL.md), then on all of them.
set -eu
data=${1:?name the folder of the sets; \`make train DATA=folder\` does}/phi
program=target/release/mailward
model=src/phi/model/names.crf
[ -f "$data/score.py" ] || { echo "there is no $data/score.py"; exit 0; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
of() { ls "$data/$1".*.jsonl; }
# shellcheck disable=SC2046
fit() { "$program" train --seed 1 --full $(of supportmail) $(of meddocan) --names $(of presidio_v2) $(of lener_br) "$@"; }
for part in 1 2 3; do
  mkdir "$out/$part"
  fit --out "$out/model" --leave-out "$part/3" --left-to "$out/$part"
  for file in "$out/$part"/*.jsonl; do
    set=$(basename "$file")
    "$program" redact --jsonl --model "$out/model" "$file" >> "$out/$set.with"
    "$program" redact --jsonl --model none "$file" >> "$out/$set.without"
  done
done
for set in supportmail meddocan presidio_v2 lener_br; do
  gold=$(of "$set")
  types=""
  case $set in presidio_v2 | lener_br) types="--types NAME" ;; esac
  for form in without with; do
    echo "== $set $types, $form the model"
    # shellcheck disable=SC2086
    python3 "$data/score.py" "$gold" "$out/$(basename "$gold").$form" $types
  done
done
fit --out "$model"
