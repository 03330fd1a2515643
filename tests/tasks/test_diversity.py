import json

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss

from skdistill import DistilledClassifier, TeacherEnsemble, diversity, load
from skdistill.tasks.pooling import pool, pool_weights
from tests.small import mixed_table, numeric_rows, quick_classifier, two_trees

PAIRWISE = ("disagreement", "q_statistic", "double_fault", "error_correlation")


def teacher(right, sure=0.8):
    """Probabilities of a teacher that names class 0 where it is right, else class 1."""
    p = np.where(np.array(right, dtype=bool), sure, 1 - sure)
    return np.column_stack([p, 1 - p])


def of_pair(one, other, **params):
    """The measures of a pair on rows that are all of class 0."""
    found = diversity(
        [teacher(one), teacher(other)], np.zeros(len(one), int), ["one", "other"], **params
    ).to_dict()
    return {measure: found[measure]["one"]["other"] for measure in PAIRWISE}


def random_teachers(n_teachers=3, n_samples=40, n_classes=3):
    rng = np.random.default_rng(0)
    y = rng.integers(n_classes, size=n_samples)
    logits = rng.normal(size=(n_teachers, n_samples, n_classes)) + 1.5 * np.eye(n_classes)[y]
    return np.exp(logits) / np.exp(logits).sum(2, keepdims=True), y


def test_the_measures_of_a_pair_are_those_computed_by_hand():
    # Both right on 4 rows, only the one on 3, only the other on 1, neither on 2.
    one = [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]
    other = [1, 1, 1, 1, 0, 0, 0, 1, 0, 0]

    assert of_pair(one, other) == pytest.approx(
        {
            "disagreement": 4 / 10,
            "q_statistic": (4 * 2 - 3 * 1) / (4 * 2 + 3 * 1),
            "double_fault": 2 / 10,
            "error_correlation": (4 * 2 - 3 * 1) / np.sqrt(7 * 3 * 5 * 5),
        }
    )


def test_the_error_correlation_is_that_of_numpy():
    P, y = random_teachers()

    found = diversity(P, y)

    assert_allclose(found.error_correlation, np.corrcoef(P.argmax(2) == y))


def test_identical_teachers_err_together():
    same = [1, 1, 1, 0]

    assert of_pair(same, same) == pytest.approx(
        {"disagreement": 0, "q_statistic": 1, "double_fault": 1 / 4, "error_correlation": 1}
    )


def test_errors_that_exclude_each_other_have_a_q_of_minus_one():
    assert of_pair([1, 1, 0], [1, 0, 1])["q_statistic"] == -1


@pytest.mark.parametrize("constant", [[1, 1, 1], [0, 0, 0]])
def test_a_teacher_that_is_always_right_or_always_wrong_tells_nothing_of_the_other(constant):
    for other in ([1, 0, 1], constant):
        found = of_pair(constant, other)

        assert found["q_statistic"] == found["error_correlation"] == 0


def test_a_row_of_weight_two_counts_as_two_rows():
    P, y = random_teachers()
    weight = np.where(np.arange(len(y)) < 10, 2, 1)
    twice = np.repeat(np.arange(len(y)), weight)

    weighted = diversity(P, y, weights=None, sample_weight=weight)
    repeated = diversity(P[:, twice], y[twice], weights=None)

    for measure in ("log_loss", "marginal_gain", *PAIRWISE):
        assert_allclose(getattr(weighted, measure), getattr(repeated, measure))


def test_each_teachers_own_log_loss_is_told():
    P, y = random_teachers()

    assert_allclose(diversity(P, y).log_loss, [log_loss(y, p) for p in P])


@pytest.mark.parametrize("combination", ["mean", "geometric"])
@pytest.mark.parametrize("weights", ["auto", None, [0.5, 0.2, 0.3]])
def test_a_marginal_gain_is_what_the_pool_loses_without_the_teacher(weights, combination):
    P, y = random_teachers()

    def loss(teachers):
        theirs = np.take(weights, teachers) if isinstance(weights, list) else weights
        w = pool_weights(theirs, P[teachers], y, combination=combination)
        return log_loss(y, pool(P[teachers], w, combination))

    found = diversity(P, y, weights=weights, combination=combination)

    by_hand = [loss(others) - loss([0, 1, 2]) for others in ([1, 2], [0, 2], [0, 1])]
    assert_allclose(found.marginal_gain, by_hand)


def test_an_idle_teacher_gains_next_to_nothing_and_a_harmful_one_less():
    P, y = random_teachers(n_teachers=2, n_samples=300)
    noise = np.random.default_rng(1).dirichlet(np.ones(3), size=len(y))
    pool_of_three = np.stack([*P, noise])

    gains = diversity(pool_of_three, y).marginal_gain
    with_equal_weights = diversity(pool_of_three, y, weights=None).marginal_gain

    assert gains[:2].min() > 0.05
    assert abs(gains[2]) < 0.01
    assert with_equal_weights[2] < -0.05


def test_two_identical_teachers_can_do_without_one_of_them():
    P, y = random_teachers(n_teachers=1)

    found = diversity(np.repeat(P, 2, axis=0), y)

    assert_allclose(found.marginal_gain, 0, atol=1e-12)


def test_a_single_teachers_gain_is_that_over_the_shares_of_the_classes():
    right = [1, 1, 1, 1]
    y = np.array([0, 0, 0, 1])

    found = diversity([teacher(right)], y)

    own = -(3 * np.log(0.8) + np.log(0.2)) / 4
    of_shares = -(3 * np.log(3 / 4) + np.log(1 / 4)) / 4
    assert_allclose(found.marginal_gain, of_shares - own)
    assert "disagreement" not in str(found)


def test_the_others_share_equally_if_only_the_teacher_left_out_had_weight():
    P, y = random_teachers()

    gain = diversity(P, y, weights=[1, 0, 0]).marginal_gain[0]

    assert gain == pytest.approx(log_loss(y, P[1:].mean(0)) - log_loss(y, P[0]))


def test_it_prints_every_teacher_and_every_pair():
    P, y = random_teachers()

    lines = str(diversity(P, y, ["rf", "xgb", "mlp"])).splitlines()

    assert [line.split("  ")[0] for line in lines if line.strip()][1:4] == ["rf", "xgb", "mlp"]
    pairs = [line[:8].strip() for line in lines[-3:]]
    assert pairs == ["rf, xgb", "rf, mlp", "xgb, mlp"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"soft_targets": np.ones((4, 2)) / 2}, r"soft_targets has shape \(4, 2\) and y \(4,\)"),
        ({"y": np.zeros(3, int)}, r"y \(3,\), expected"),
        ({"y": np.array([0, 1, 2, 0])}, r"class indices from 0 to 1.*got \[0, 1, 2\]"),
        ({"y": np.array(["a", "b", "a", "b"])}, r"class indices.*got \['a', 'b'\]"),
        ({"names": ["rf"]}, r"must be 2 distinct names.*got \['rf'\]"),
        ({"names": ["rf", "rf"]}, "must be 2 distinct names"),
        ({"weights": [1, 2, 3]}, "weights has shape"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    fits = {"soft_targets": np.full((2, 4, 2), 0.5), "y": np.array([0, 1, 0, 1])}

    with pytest.raises(ValueError, match=message):
        diversity(**fits | changes)


def test_an_ensemble_tells_it_of_its_out_of_fold_probabilities():
    X, y = numeric_rows()

    fitted = TeacherEnsemble(two_trees(), cv=3, random_state=0).fit(X, y)

    own = {name: fitted.scores_[name] for name in ("deep", "stump")}
    assert fitted.diversity_["log_loss"] == pytest.approx(own)
    assert 0 < fitted.diversity_["disagreement"]["deep"]["stump"] < 1


def test_a_classifier_keeps_it_as_plain_data_in_every_kind_of_file(tmp_path):
    X, y = mixed_table()
    clf = quick_classifier().fit(X, y)

    clf.save(tmp_path / "student.safetensors")
    loaded = load(tmp_path / "student.safetensors")

    assert isinstance(loaded, DistilledClassifier)
    assert loaded.teacher_diversity_ == clf.teacher_diversity_
    assert json.loads(json.dumps(clf.teacher_diversity_)) == clf.teacher_diversity_


def test_weights_can_be_given_by_name():
    by_name = diversity([SURE, UNSURE], [0, 0, 1], ["sure", "unsure"], {"unsure": 1, "sure": 3})
    by_place = diversity([SURE, UNSURE], [0, 0, 1], ["sure", "unsure"], [3, 1])

    np.testing.assert_array_equal(by_name.marginal_gain, by_place.marginal_gain)


SURE = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9]])
UNSURE = np.array([[0.6, 0.4], [0.4, 0.6], [0.4, 0.6]])
