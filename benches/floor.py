#!/usr/bin/env python3
"""Compares what the scorers printed with the bounds in docs/FIGURES.md.

    floor.py docs/FIGURES.md FOLDER

FOLDER holds mail.txt (evalset.py) and phi-SET.txt (score.py). The bounds are the rows
`| name | >= 95.2 |` and `| name | <= 3.3 |`. A figure that is missing fails like one that sank:
what was not measured was not kept.
"""
import pathlib
import re
import sys

document, folder = sys.argv[1], pathlib.Path(sys.argv[2])
seen = {}
for file in sorted(folder.glob("*.txt")):
    for line in file.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if file.stem == "mail" and len(words) == 6 and words[5].endswith("%"):
            passed, failed, silent = map(int, words[2:5])
            seen[f"mail.{words[0]}.{words[1]}"] = 100.0 * passed / max(1, passed + failed + silent)
        elif file.stem.startswith("phi-") and len(words) == 8 and words[0] in ("NAME", "TOTAL"):
            name = f"phi.{file.stem[4:]}.{words[0]}"
            seen[f"{name}.leak"] = float(words[5])
            if words[3] != "-":
                seen[f"{name}.precision"] = float(words[3])
        elif found := re.search(r"docs with a leak +([\d.]+)%", line):
            seen[f"phi.{file.stem[4:]}.mails_with_leak"] = float(found.group(1))

bounds = re.findall(r"(?m)^\| `?([\w.:]+)`? \| (>=|<=) ([\d.]+) \|", pathlib.Path(document).read_text(encoding="utf-8"))
sunk = 0
for name, sign, bound in bounds:
    value, bound = seen.get(name), float(bound)
    # Half of the last digit that is written down.
    kept = value is not None and (value >= bound - 0.05 if sign == ">=" else value <= bound + 0.05)
    if not kept:
        sunk += 1
        print(f"SUNK {name}: {'not measured' if value is None else f'{value:.1f}'}, recorded {sign} {bound}")
print(f"eval: {len(bounds)} figures, {sunk} below what {document} records")
sys.exit(1 if sunk or not bounds else 0)
