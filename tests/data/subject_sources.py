"""What Python's own modules make of patterns and tables.

    subject_sources.py patterns DIR   a tree of files, and patterns.json: [[pattern, [[file, {placeholder: value}]]]]
    subject_sources.py csv DIR        N.csv as csv.writer writes it, and csv.json: the rows of each
"""
import csv
import itertools
import json
import pathlib
import random
import re
import sys

PATTERNS = ["{subject}/a*_b?.nii",
            "s{subject}_*.nii.gz",
            "{session}/x{subject}?.nii*",
            "{subject}/{subject}_*.nii.gz",
            "*/{session}-*/?{subject}_t.nii.gz",
            "./b*/{subject}_*_{run}b.nii"]


def expression(pattern):
    """The pattern as a regular expression: what is short is taken first, and a name that comes again is the same."""
    seen, parts = set(), []
    for component in pattern.removeprefix("./").split("/"):
        text = r"(?!\.)"  # no hidden file
        for piece in re.findall(r"\{\w+\}|\*|\?|[^{}*?]+", component):
            if piece == "*":
                text += "[^/]*?"
            elif piece == "?":
                text += "[^/]"
            elif piece[0] == "{":
                name = piece[1:-1]
                text += f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+?)"
                seen.add(name)
            else:
                text += re.escape(piece)
        parts.append(text)
    return re.compile("/".join(parts))


def patterns(folder):
    numbers = random.Random(5)

    def name(letters):
        return "".join(numbers.choice(letters) for _ in range(numbers.randint(1, 5)))

    files, names = set(), ["a", "b", "ab", "a-b", *(name("ab-.") for _ in range(8))]
    for _ in range(2500):
        ending = numbers.choice([".nii", ".nii.gz"])
        folders = [numbers.choice(names) for _ in range(numbers.randint(0, 2))]
        start, end = numbers.choice(["", "a", "s", "x"]), numbers.choice(["", "_t", "_b", "_bb"])
        files.add("/".join([*folders, start + name("ab_.") + end + ending]))
    for file in sorted(files):
        if all(part.strip(".") for part in file.split("/")):  # neither . nor ..
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).touch()
    there = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    found = []
    for pattern in PATTERNS:
        matches = [(file, expression(pattern).fullmatch(file)) for file in there]
        found.append([pattern, [[file, match.groupdict()] for file, match in matches if match]])
    (folder / "patterns.json").write_text(json.dumps(found))


def tables(folder):
    numbers = random.Random(6)
    expected = []
    for number, (delimiter, end) in enumerate(itertools.product([",", ";", "\t"], ["\r\n", "\n"])):
        rows = [["subject", "image", "odd, \"name\"\n; too"]]
        for _ in range(200):
            letters = "ab \",;\t\n\u00e9" + end[:-1]  # csv.writer quotes a CR only where it is of the line's end
            rows.append(["".join(numbers.choice(letters) for _ in range(numbers.randint(0, 6)))
                         for _ in range(3)])
        with open(folder / f"{number}.csv", "w", newline="", encoding="utf-8-sig" if number % 2 else "utf-8") as out:
            csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL if number % 3 == 2 else csv.QUOTE_MINIMAL).writerows(rows)
        expected.append(rows)
    (folder / "csv.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    {"patterns": patterns, "csv": tables}[sys.argv[1]](pathlib.Path(sys.argv[2]))
