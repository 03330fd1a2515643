"""The table of docs/integrations.md: one row for each test that is marked as an integration.

python -m tests.integrations    # run them; write the rows of those that pass

A row says what passed, and with which version. A test that is skipped here keeps its row, so that
the libraries need not all fit into one environment; one that fails loses it.
"""

import ast
import sys
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "integrations.md"
BEGIN, END = "<!-- integrations: python -m tests.integrations -->\n", "<!-- /integrations -->"
HEADER = "| with | works | since | passed with | test |\n|---|---|---|---|---|\n"


@dataclass(frozen=True)
class Integration:
    """One row of the table: the arguments of the marker, and the test that it marks."""

    library: str
    works: str
    package: str | None = None  # what pip installs; None if it is no package of Python
    since: str = "0.1"
    test: str = ""  # path::name
    passed_with: str = ""

    def __str__(self):
        path, _, name = self.test.partition("::")
        link = f"[{name}](../{path})"
        return f"| {self.library} | {self.works} | {self.since} | {self.passed_with} | {link} |\n"

    @property
    def is_of(self):
        """What tells a row from others: all but the version."""
        return str(replace(self, passed_with=""))


def is_installed(package):
    """Tell whether a package of Python is installed; None is none, and always there."""
    try:
        return package is None or bool(version(package))
    except PackageNotFoundError:
        return False


def marked(root=ROOT):
    """Return the integrations that the tests' markers name, without the versions."""
    found = []
    for path in sorted(root.glob("tests/**/test_*.py")):
        tree = ast.parse(path.read_text())
        for function in ast.walk(tree):
            for marker in getattr(function, "decorator_list", []):
                if isinstance(marker, ast.Call) and ast.unparse(marker.func) == (
                    "pytest.mark.integration"
                ):
                    arguments = map(ast.literal_eval, marker.args)
                    named = {each.arg: ast.literal_eval(each.value) for each in marker.keywords}
                    test = f"{path.relative_to(root).as_posix()}::{function.name}"
                    found.append(Integration(*arguments, **named, test=test))
    return sorted(found, key=lambda row: (row.library.lower(), row.works, row.test))


def written():
    """Return the versions that the document's rows name, by the rows without them."""
    table = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]
    versions = {}
    for line in table.splitlines()[2:]:
        cells = line.split("|")
        versions["|".join([*cells[:4], "  ", *cells[5:]]) + "\n"] = cells[4].strip()
    return versions


class Outcomes:
    """A plugin of pytest: how each test function ended, the worst of its parameters."""

    def __init__(self):
        self.of_test = {}

    def pytest_runtest_logreport(self, report):
        """Note failed before skipped before passed."""
        test = report.nodeid.partition("[")[0]
        seen = {self.of_test.get(test, "passed"), report.outcome}
        self.of_test[test] = next(o for o in ("failed", "skipped", "passed") if o in seen)


def main():
    """Run the marked tests, and write the table."""
    outcomes, former, rows = Outcomes(), written(), []
    arguments = ["-m", "integration", "-n", "0", "-ra", "--rootdir", str(ROOT), str(ROOT / "tests")]
    status = pytest.main(arguments, plugins=[outcomes])
    for row in marked():
        outcome = outcomes.of_test.get(row.test)
        if outcome == "passed":
            rows.append(replace(row, passed_with=version(row.package) if row.package else "–"))
        elif outcome == "skipped" and row.is_of in former:
            rows.append(replace(row, passed_with=former[row.is_of]))
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(f"{before}{BEGIN}{HEADER}{''.join(map(str, rows))}{END}{after}")
    return status


if __name__ == "__main__":
    sys.exit(main())
