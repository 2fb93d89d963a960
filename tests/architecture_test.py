"""Holds every #include of our own files against the table of docs/architecture.md, "Who may include whom"."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = {".cpp", ".hpp", ".in"}
MOST_FILES = 45  # of a folder: more is a house without rooms


def folders_in(cell):
    return re.findall(r"`([^`]*/\*?)`", cell)


def table():
    """Folder -> what it may include, in the order of the table."""
    text = (ROOT / "docs/architecture.md").read_text()
    section = text.split("## Who may include whom")[1].split("\n## ")[0]
    rows = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and folders_in(cells[0]):
            rows[folders_in(cells[0])[0]] = folders_in(cells[2])
    return rows


def covers(allowed, folder):
    """Whether `allowed`, "data/" or "data/*", is or holds `folder`."""
    return folder == allowed or (allowed.endswith("*") and folder.startswith(allowed[:-1]))


def sources():
    """Folder -> files, of all rooms that the table must know."""
    found = {}
    for top in sorted({row.split("/")[0] for row in table()}):
        for file in sorted((ROOT / top).rglob("*")):
            if file.suffix in SOURCES:
                found.setdefault(f"{file.parent.relative_to(ROOT).as_posix()}/", []).append(file)
    return found


def includes(file):
    return re.findall(r'^\s*#\s*include\s*"([^"]+)"', file.read_text(), re.MULTILINE)


class WhoMayIncludeWhom(unittest.TestCase):
    def test_every_folder_with_sources_has_a_line(self):
        self.assertGreater(len(table()), 15)
        self.assertEqual(set(table()), set(sources()))

    def test_every_include_is_allowed_by_its_folders_line(self):
        rows, seen, wrong = table(), 0, []
        for folder, files in sources().items():
            for file in files:
                for include in includes(file):
                    target = include.rpartition("/")[0] + "/"
                    seen += 1
                    if target != folder and not any(covers(allowed, target) for allowed in rows[folder]):
                        wrong.append(f"{file.relative_to(ROOT)} includes {include}, but {folder} may include "
                                     + (", ".join(rows[folder]) or "its own files alone"))
        self.assertGreater(seen, 500)
        self.assertEqual([], wrong, "\n" + "\n".join(wrong))

    def test_a_line_names_only_lines_above_it(self):
        above = []
        for folder, allowed in table().items():
            for name in allowed:
                named = [row for row in table() if covers(name, row) and row != folder]
                self.assertTrue(named, f"{folder}: {name} is no line of the table")
                for row in named:
                    self.assertIn(row, above, f"{folder} may include {row}, which stands below it")
            above.append(folder)

    def test_no_folder_holds_too_many_files(self):
        for folder, files in sources().items():
            self.assertLessEqual(len(files), MOST_FILES, f"{folder} has {len(files)} files: give it rooms")


if __name__ == "__main__":
    unittest.main()
