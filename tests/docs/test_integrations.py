"""The table of integrations says what the marked tests say."""

import pytest

from tests.integrations import is_installed, marked, written

A_TEST = """
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.integration("Thing", "all of it", package="no-such-thing", since="0.2")
def test_it_works(n): ...
"""


def test_a_row_of_the_table_is_a_test():
    assert set(written()) <= {row.is_of for row in marked()}


def test_a_marked_test_that_can_run_here_has_its_row():
    rows = {row.is_of for row in marked() if is_installed(row.package)}

    assert rows <= set(written()), "run python -m tests.integrations"


def test_each_row_names_the_version_that_passed():
    assert all(written().values())


def test_a_marker_becomes_a_row(tmp_path):
    (tmp_path / "tests" / "near").mkdir(parents=True)
    (tmp_path / "tests" / "near" / "test_thing.py").write_text(A_TEST)

    (row,) = marked(tmp_path)

    link = "[test_it_works](../tests/near/test_thing.py)"
    assert str(row) == f"| Thing | all of it | 0.2 |  | {link} |\n"


@pytest.mark.parametrize(("package", "installed"), [("no-such-thing", False), ("pytest", True)])
def test_it_is_known_whether_a_package_is_installed(package, installed):
    assert is_installed(package) == installed
