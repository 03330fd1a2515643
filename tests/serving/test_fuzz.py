"""A hostile file is refused, or gives a student that answers."""

import pytest

from tests.fuzz import fuzz


# A student that lost the names of its columns warns of a table with names.
@pytest.mark.filterwarnings("ignore:X has feature names:UserWarning")
def test_each_of_many_hostile_files_is_refused_or_answers(tmp_path):
    counts = fuzz(2000, 0, tmp_path)

    assert counts["refused"] > 500
    assert counts["answers"] > 100
