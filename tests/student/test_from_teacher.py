"""A student cut from a torch teacher: which layers and units, and where it begins."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from torch import nn

from skdistill import NetClassifier, StudentMLP, StudentNet, TensorNet, load, student_from_teacher
from skdistill.jobs.fingerprint import fingerprint
from skdistill.serving.forward import ForwardPass
from tests.small import ENOUGH_ROWS, Linear, mixed_table, numeric_rows, quick_classifier

SMALL = {"module__hidden_sizes": (12, 10, 8), "max_epochs": 3}


def fitted_net(X, y, **params):
    return NetClassifier(TensorNet(StudentMLP, **SMALL | params), random_state=0).fit(X, y)


@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_a_student_drops_as_many_bins_as_its_teacher(rate):
    X, y = numeric_rows()

    student = student_from_teacher(fitted_net(X, y, module__bin_dropout=rate))

    assert student.get_params()["module__bin_dropout"] == rate


def stack(*, norm=False, softmax=True):
    """Three hidden layers on five columns, for three classes."""
    layers = []
    for n_in, n_out in ((5, 12), (12, 10), (10, 8)):
        layers += [nn.Linear(n_in, n_out), *[nn.BatchNorm1d(n_out)] * norm, nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(0.1), nn.Linear(8, 3), *[nn.Softmax(1)] * softmax)


class Trunk(nn.Module):
    """A module that does nothing but apply a stack."""

    def __init__(self):
        super().__init__()
        self.trunk = stack()

    def forward(self, X):
        return self.trunk(X)


class Doubled(Trunk):
    def forward(self, X):
        return self.trunk(2 * X)


def fitted_skorch(module, X, y):
    torch.manual_seed(0)
    net = NeuralNetClassifier(module, max_epochs=3, lr=0.1, verbose=0)
    return net.fit(X.astype(np.float32), y)


def frozen(student):
    """The student so that its training changes nothing: what it predicts is where it begins."""
    return clone(student).set_params(lr=0.0, max_epochs=1)


def proba_at_start(student, X, y, **params):
    params = {"categorical_features": "from_dtype"} | params
    return quick_classifier(student=frozen(student), **params).fit(X, y).predict_proba(X)


def test_a_student_that_keeps_all_begins_as_its_teacher():
    X, y = numeric_rows()
    teacher = fitted_net(X, y)

    student = student_from_teacher(teacher, keep=(0, 1, 2))

    # Half precision: what is shipped is rounded.
    assert_allclose(proba_at_start(student, X, y), teacher.predict_proba(X), atol=2e-3)


def test_it_sees_categories_bins_scales_and_missing_values_as_its_teacher_did():
    X, y = mixed_table(1_200)
    teacher = fitted_net(X, y)
    other_rows = X.iloc[:300].assign(age=X["age"][:300] / 2)  # other medians, other splits

    student = student_from_teacher(teacher, keep=(0, 1, 2))
    clf = quick_classifier(student=frozen(student)).fit(other_rows, y[:300])

    assert teacher.inputs_.layout.n_bins
    assert_allclose(clf.predict_proba(X), teacher.predict_proba(X), atol=2e-3)


@pytest.mark.parametrize(
    ("keep", "width", "sizes"),
    [
        (None, None, (12, 8)),
        (None, 4, (4, 4)),
        ((0, 1, -1), None, (12, 10, 8)),
        ((1, 2), (7, 3), (7, 3)),
        (-1, None, (8,)),
    ],
)
def test_keep_and_width_decide_its_sizes(keep, width, sizes):
    student = student_from_teacher(fitted_net(*numeric_rows()), keep=keep, width=width)

    assert student.module__hidden_sizes == sizes
    assert isinstance(student, StudentNet)


def test_a_teacher_of_one_hidden_layer_can_only_be_narrowed():
    teacher = fitted_net(*numeric_rows(), module__hidden_sizes=(12,))

    assert student_from_teacher(teacher, width=6).module__hidden_sizes == (6,)


def test_a_dropped_layer_is_taken_for_half_of_what_comes_in_and_multiplied_into_the_next():
    teacher = fitted_net(*numeric_rows())
    _, second, third = teacher.net_.module_.hidden

    arrays = student_from_teacher(teacher).start["arrays"]

    with torch.inference_mode():
        h = torch.randn(4, 12)
        by_hand = third(second(h) / 2)
    given = h.numpy() @ arrays["hidden.1.weight"].T + arrays["hidden.1.bias"]
    assert_allclose(given, by_hand, atol=1e-4)


@pytest.mark.parametrize(
    ("activation", "slope"),
    [
        (nn.Identity(), 1),
        (nn.ReLU(), 0.5),
        (nn.LeakyReLU(0.2), 0.6),
        (nn.Tanh(), 0.606),  # the mean of tanh'(z)
        (nn.Sequential(nn.ReLU(), nn.Dropout(0.5)).eval(), 0.5),
    ],
)
def test_a_dropped_activation_is_taken_for_the_line_nearest_to_it(activation, slope):
    first, second, out = nn.Linear(5, 4), nn.Linear(4, 6), nn.Linear(6, 3)

    student = student_from_teacher(nn.Sequential(first, nn.ReLU(), second, activation, out), keep=0)

    last = student.module__layers[-1]
    with torch.inference_mode():
        h = torch.randn(7, 4)
        assert_allclose(last(h), out(slope * second(h)), atol=2e-3)


def test_narrowing_keeps_the_units_of_the_largest_product_of_norms_in_their_order():
    teacher = fitted_net(*numeric_rows(), module__hidden_sizes=(6,))
    hidden, out = teacher.net_.module_.hidden[0], teacher.net_.module_.out
    matters = [0.1, 3, 0.2, 5, 4, 0.3]
    with torch.no_grad():
        hidden.weight.copy_(nn.functional.normalize(hidden.weight))
        out.weight.copy_(nn.functional.normalize(out.weight, dim=0) * torch.tensor(matters))

    arrays = student_from_teacher(teacher, width=3).start["arrays"]

    stay = [1, 3, 4]
    assert_array_equal(arrays["hidden.0.weight"], hidden.weight.detach()[stay])
    assert_array_equal(arrays["hidden.0.bias"], hidden.bias.detach()[stay])
    assert_array_equal(arrays["out.weight"], out.weight.detach()[:, stay])


def test_a_narrowed_student_without_its_idle_units_begins_as_its_teacher():
    X, y = numeric_rows()
    teacher = fitted_net(X, y)
    with torch.no_grad():
        for following in (*teacher.net_.module_.hidden[1:], teacher.net_.module_.out):
            following.weight[:, 5:] = 0

    student = student_from_teacher(teacher, keep=(0, 1, 2), width=5)

    assert_allclose(proba_at_start(student, X, y), teacher.predict_proba(X), atol=2e-3)


def test_the_teacher_stays_as_it_was():
    X, y = numeric_rows()
    teacher = fitted_net(X, y)
    before = teacher.predict_proba(X)

    quick_classifier(student=student_from_teacher(teacher)).fit(X, y)

    assert_array_equal(teacher.predict_proba(X), before)


def test_every_training_begins_with_the_teachers_weights():
    X, y = numeric_rows()
    student = student_from_teacher(fitted_net(X, y)).set_params(max_epochs=3)
    clf = quick_classifier(student=student)

    one = clf.fit(X, y).predict_proba(X)

    assert_array_equal(clf.fit(X, y).predict_proba(X), one)
    assert_array_equal(clone(clf).fit(X, y).predict_proba(X), one)


@pytest.mark.parametrize("of_skorch", [False, True])
def test_trials_of_alpha_begin_with_the_teachers_weights(of_skorch):
    X, y = numeric_rows(ENOUGH_ROWS)
    teacher = fitted_skorch(stack(), X, y) if of_skorch else fitted_net(X, y)
    student = frozen(student_from_teacher(teacher, keep=(0, 1, 2)))

    clf = quick_classifier(student=student, alpha="auto").fit(X, y)

    losses = [each["valid_loss"] for each in clf.candidates_]
    assert len(losses) == 2
    assert_allclose(losses, losses[0], rtol=1e-5)


def test_its_finished_student_is_plain_arrays_that_can_be_saved(tmp_path):
    X, y = mixed_table()
    student = student_from_teacher(fitted_net(X, y), width=6).set_params(max_epochs=2)
    clf = quick_classifier(student=student).fit(X, y)

    clf.save(tmp_path / "student.safetensors")

    assert isinstance(clf.student_, ForwardPass)
    assert_array_equal(
        load(tmp_path / "student.safetensors").predict_proba(X), clf.predict_proba(X)
    )


def test_a_search_over_its_settings_in_a_pipeline_works():
    X, y = numeric_rows()
    X_scaled = StandardScaler().fit_transform(X)
    student = student_from_teacher(fitted_net(X_scaled, y)).set_params(max_epochs=2)
    steps = make_pipeline(StandardScaler(), quick_classifier(student=student))
    grid = {"distilledclassifier__student__module__dropout": [0.0, 0.2]}

    search = GridSearchCV(steps, grid, cv=2, error_score="raise").fit(X, y)

    assert search.predict_proba(X).shape == (60, 3)


@pytest.mark.parametrize("of_skorch", [False, True])
@pytest.mark.parametrize("by", [pickle, joblib])
def test_a_copy_by_clone_or_file_has_the_same_start_and_fingerprint(of_skorch, by, tmp_path):
    X, y = numeric_rows()
    teacher = fitted_skorch(stack(norm=True), X, y) if of_skorch else fitted_net(X, y)
    student = student_from_teacher(teacher)

    with open(tmp_path / "student", "wb") as file:
        by.dump(student, file)
    with open(tmp_path / "student", "rb") as file:
        read = by.load(file)

    for copied in (read, clone(student), clone(read)):
        assert fingerprint(copied) == fingerprint(student)
        expected = proba_at_start(student, X, y)
        assert_array_equal(proba_at_start(copied, X, y), expected)


@pytest.mark.parametrize("of_skorch", [False, True])
def test_another_start_has_another_fingerprint(of_skorch):
    X, y = numeric_rows()
    one, other = (
        fitted_skorch(stack(), X, labels) if of_skorch else fitted_net(X, labels)
        for labels in (y, y[::-1].copy())
    )

    assert fingerprint(student_from_teacher(one)) != fingerprint(student_from_teacher(other))


@pytest.mark.parametrize("module", [stack, Trunk])
def test_a_student_that_keeps_all_of_a_skorch_net_begins_as_it(module):
    X, y = numeric_rows()
    X = 5 + 100 * X  # scales that the module alone knows
    teacher = fitted_skorch(module, X, y)

    student = student_from_teacher(teacher, keep=(0, 1, 2))

    assert type(student) is NeuralNetClassifier
    assert not hasattr(student, "module_")
    expected = teacher.predict_proba(X.astype(np.float32))
    assert_allclose(proba_at_start(student, X, y), expected, atol=1e-5)
    frame = pd.DataFrame(X).rename(columns=str)
    assert_allclose(proba_at_start(student, frame, y), expected, atol=1e-5)


def test_a_bare_sequential_is_taken_too():
    X, y = numeric_rows()
    module = stack(softmax=False).eval()

    student = student_from_teacher(module, keep=(0, 1, 2))

    with torch.inference_mode():
        expected = module(torch.tensor(X, dtype=torch.float32)).softmax(1)
    assert_allclose(proba_at_start(student, X, y), expected, atol=1e-5)


def test_a_skorch_student_is_trained_from_where_it_begins_and_keeps_its_settings():
    X, y = numeric_rows()
    teacher = fitted_skorch(stack(), X, y).set_params(max_epochs=2, criterion__reduction="sum")

    student = student_from_teacher(teacher, width=(6, 4))
    clf = quick_classifier(student=student).fit(X, y)

    assert (student.lr, student.max_epochs) == (0.1, 2)
    assert [m.out_features for m in clf.student_.module.layers if hasattr(m, "out_features")] == [
        6, 4, 3
    ]  # fmt: skip
    assert not np.allclose(clf.predict_proba(X), proba_at_start(student, X, y))


def test_batch_norm_is_narrowed_with_its_layer_and_goes_with_a_dropped_one():
    X, y = numeric_rows()
    teacher = fitted_skorch(stack(norm=True), X, y)
    rows = torch.tensor(X, dtype=torch.float32)
    modules = teacher.module_.eval()

    layers = student_from_teacher(teacher, keep=(0, 2), width=(5, 8)).module__layers

    linear, norm = layers[0], layers[1]
    assert [type(each).__name__ for each in layers[:5]] == [
        "Linear", "BatchNorm1d", "ReLU", "Linear", "BatchNorm1d"
    ]  # fmt: skip
    with torch.inference_mode():
        whole = modules[:3](rows)
        narrowed = nn.Sequential(linear, norm, nn.ReLU()).eval()(rows)
        columns = [int((whole - unit[:, None]).abs().sum(0).argmin()) for unit in narrowed.T]
        assert columns == sorted(set(columns))
        assert_allclose(narrowed, whole[:, columns], atol=1e-6)
    full = student_from_teacher(teacher, keep=(0, 2)).module__layers.eval()
    with torch.inference_mode():
        whole, norm_of_dropped = modules[:3](rows), modules[4]
        by_hand = modules[6](norm_of_dropped(modules[3](whole)) / 2)
        assert_allclose(full[3](whole), by_hand, atol=1e-5)


@pytest.mark.parametrize("of_skorch", [False, True])
def test_a_table_of_other_columns_or_classes_is_refused_before_any_teacher_is_fitted(of_skorch):
    X, y = numeric_rows()
    teacher = fitted_skorch(stack(), X, y) if of_skorch else fitted_net(X, y)
    # A teacher that cannot be fitted: it would fail first.
    clf = quick_classifier([("net", NetClassifier(None))], student_from_teacher(teacher))

    with pytest.raises(ValueError, match="teacher of 5 columns, but there are 4 columns here"):
        clf.fit(X[:, 1:], y)
    with pytest.raises(ValueError, match="teacher of 3 classes, but there are 2 classes here"):
        clf.fit(X, y == 1)


def test_a_skorch_student_refuses_categories_and_missing_values():
    X, y = numeric_rows()
    clf = quick_classifier(student=student_from_teacher(fitted_skorch(stack(), X, y)))
    gaps = X.copy()
    gaps[7, 2] = np.nan
    named = pd.DataFrame(X).rename(columns=str).assign(**{"1": "Oslo"})

    with pytest.raises(ValueError, match="X has missing values"):
        clf.fit(gaps, y)
    with pytest.raises(ValueError, match="X has categories, first in column 1"):
        clf.fit(named, y)
    with pytest.raises(ValueError, match="X has missing values"):
        clf.set_params(student__max_epochs=1).fit(X, y).predict_proba(gaps)


def test_sizes_that_do_not_fit_the_start_are_refused():
    X, y = numeric_rows()
    student = student_from_teacher(fitted_net(X, y)).set_params(module__hidden_sizes=(3, 3))

    with pytest.raises(ValueError, match=r"hidden.0.bias, .* have other shapes"):
        quick_classifier(student=student).fit(X, y)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keep": ()}, "keep must name some .* 0 to 2"),
        ({"keep": (0, 3)}, r"got \(0, 3\)"),
        ({"keep": (2, 0)}, r"got \(2, 0\)"),
        ({"keep": (0, 0)}, r"got \(0, 0\)"),
        ({"keep": 0.5}, "got 0.5"),
        ({"width": 0}, "width must be an int, or 2 of them"),
        ({"width": 9}, r"\[12, 8\], got 9"),
        ({"width": (4, 4, 4)}, r"got \(4, 4, 4\)"),
        ({"width": 4.5}, "got 4.5"),
    ],
)
def test_layers_and_widths_that_the_teacher_has_not_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        student_from_teacher(fitted_net(*numeric_rows()), **changes)


class TwoLayers(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(5, 4), nn.Linear(4, 3)

    def forward(self, X):
        return self.second(self.first(X).relu()).softmax(1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda X, y: NetClassifier(), "an unfitted NetClassifier: expected"),
        (lambda X, y: NeuralNetClassifier(stack), "an unfitted NeuralNetClassifier: expected"),
        (lambda X, y: StandardScaler().fit(X), "a StandardScaler: expected"),
        (lambda X, y: fitted_skorch(TwoLayers, X, y), "a TwoLayers module: expected"),
        (lambda X, y: fitted_skorch(Doubled, X, y), "a Doubled module: expected"),
        (
            lambda X, y: nn.Sequential(nn.Linear(5, 3)),
            r"the layers \['Linear'\]: it needs at least one hidden layer",
        ),
        (lambda X, y: nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4)), "a stack with LayerNorm"),
        (lambda X, y: nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3), nn.ReLU()), "'ReLU'"),
    ],
)
def test_a_teacher_that_is_no_plain_stack_is_refused_with_what_is_taken(make, message):
    with pytest.raises(TypeError, match=f"cannot cut a student from .*{message}"):
        student_from_teacher(make(*numeric_rows()))


def test_a_net_classifier_over_another_module_is_refused():
    X, y = numeric_rows()
    teacher = NetClassifier(TensorNet(Linear, max_epochs=1), random_state=0).fit(X, y)

    with pytest.raises(TypeError, match="a NetClassifier over Linear"):
        student_from_teacher(teacher)


def test_a_subclass_with_a_forward_pass_of_its_own_is_no_student_to_be():
    class Negated(StudentMLP):
        def forward(self, X):
            return -super().forward(X)

    X, y = numeric_rows()
    teacher = NetClassifier(TensorNet(Negated, max_epochs=1), random_state=0).fit(X, y)

    with pytest.raises(TypeError, match="a NetClassifier over Negated"):
        student_from_teacher(teacher)


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Linear(5, 6, bias=False), nn.ReLU()),
        (nn.Linear(5, 6), nn.BatchNorm1d(6, affine=False), nn.ReLU()),
        (nn.Linear(5, 6), nn.BatchNorm1d(6, affine=False), nn.BatchNorm1d(6), nn.ReLU()),
    ],
    ids=["no bias", "norm without weights", "two norms"],
)
def test_a_dropped_layer_without_some_of_its_weights_is_multiplied_into_the_next(layers):
    torch.manual_seed(0)
    last = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
    teacher = nn.Sequential(*layers, *last)
    teacher(3 * torch.randn(50, 5) + 1)  # statistics of the batch norms
    rows = torch.randn(20, 5)

    student = student_from_teacher(teacher, keep=(1,)).module__layers.eval()

    linear_half = nn.Sequential(*layers[:-1]).eval()
    with torch.inference_mode():
        assert_allclose(student(rows), last(linear_half(rows) / 2), atol=1e-5)


def test_a_module_of_rows_that_are_no_table_is_refused():
    class OfImages(Trunk):
        def forward(self, X):
            return super().forward(X.flatten(2).mean(2))

    with pytest.raises(TypeError, match="cannot cut a student from a OfImages module"):
        student_from_teacher(
            NeuralNetClassifier(OfImages, max_epochs=1, verbose=0).initialize(),
        )
