"""The widest student within a budget: what is measured, chosen and refused."""

import pytest

from skdistill import StudentNet, TensorNet
from skdistill.student import budget as module
from skdistill.student.budget import hidden_sizes_of, kinds, last_that, narrowed, parse_size
from tests.small import Linear


@pytest.mark.parametrize(
    ("size", "n_bytes"),
    [(100, 100), ("100B", 100), ("100kB", 100_000), ("1.5 MB", 1_500_000), (" .5gb", 5 * 10**8)],
)
def test_a_size_is_a_number_of_bytes_or_has_a_unit(size, n_bytes):
    assert parse_size(size) == n_bytes


@pytest.mark.parametrize("size", ["100", "kB", "-1kB", "0kB", "1 KiB", "1e3kB", "much"])
def test_other_strings_are_refused_with_an_example(size):
    with pytest.raises(ValueError, match=f"such as '100kB' or '1.5 MB', got {size!r}"):
        parse_size(size)


@pytest.mark.parametrize(
    ("sizes", "units", "expected"),
    [((256, 256), 64, (64, 64)), ((256, 128, 2), 64, (64, 32, 1)), ((), 64, ())],
)
def test_layers_are_narrowed_in_proportion(sizes, units, expected):
    assert narrowed(sizes, units) == expected


def test_embeddings_are_given_up_before_the_narrowest_width():
    net = StudentNet(module__hidden_sizes=(100,))

    embeddings = [off for off, _ in kinds(net)]
    widths = [[each["module__hidden_sizes"] for each in widths] for _, widths in kinds(net)]

    assert embeddings == [
        {},
        {"module__n_frequencies": 0},
        {"module__n_frequencies": 0, "module__bin_embedding_size": 0},
    ]
    assert [each[0] for each in widths] == [(32,), (32,), (8,)]
    assert {each[-1] for each in widths} == {(100,)}
    assert widths[2] == sorted(widths[2])


def test_a_student_narrower_than_the_narrowest_stays_as_it_is():
    net = StudentNet(module__hidden_sizes=(4,), module__n_frequencies=0)

    assert [widths for _, widths in kinds(net)] == [[{"module__hidden_sizes": (4,)}]] * 2


@pytest.mark.parametrize(
    "net", [TensorNet(Linear), StudentNet(start={"arrays": {}})], ids=["module", "start"]
)
def test_a_student_of_given_sizes_is_only_measured(net):
    assert hidden_sizes_of(net) is None
    assert kinds(net) == [({}, [{}])]


@pytest.mark.parametrize("n", [1, 2, 3, 30])
@pytest.mark.parametrize("last", [-1, 0, 1, 17, 29])
def test_bisection_finds_the_last_that_is_kept_in_few_measurements(n, last):
    measured = []

    found = last_that(lambda i: not measured.append(i) and i <= last, n)

    assert found == max(0, min(last, n - 1))
    assert len(set(measured)) <= 7


@pytest.mark.parametrize("value", [1.85e-5, 1.8e-5, 4.31, 12_300.0])
def test_a_budget_that_would_do_is_rounded_up(value):
    rounded = float(module._rounded_up(value))

    assert value <= rounded * (1 + 1e-9) <= 1.1 * value
