"""X of more than two axes: images, with teachers and a student of one's own."""

import io

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch import NeuralNet, NeuralNetClassifier
from skorch.callbacks import Callback, LRScheduler
from torch import nn

import skdistill
from skdistill import (
    DistillationLoss,
    DistilledRegressor,
    NetClassifier,
    NetRegressor,
    StudentMLP,
    StudentNet,
    TensorNet,
)
from skdistill.transfer.munge import Munge
from tests.small import Linear, Spy, numeric_rows, quick_classifier, quick_student

PIXELS, DIGITS = load_digits(return_X_y=True)
IMAGES = PIXELS[:600].reshape(-1, 1, 8, 8).astype(np.float32) / 16
LABELS = DIGITS[:600]


class SmallConv(nn.Module):
    """Images of 8 × 8 pixels in, logits out."""

    def __init__(self, n_classes=10, width=8):
        super().__init__()
        self.look = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.out = nn.Linear(width * 16, n_classes)

    def forward(self, X):
        return self.out(self.look(X).flatten(1))


class Softmaxed(SmallConv):
    def forward(self, X):
        return torch.softmax(super().forward(X), 1)


class Flattening(nn.Module):
    """A module that asks how many values a row has."""

    def __init__(self, n_features, n_classes):
        super().__init__()
        self.out = nn.Linear(n_features, n_classes)

    def forward(self, X):
        return self.out(X.flatten(1))


class Recorder(Callback):
    """Writes down the learning rate of each epoch."""

    rates: list = []

    def on_epoch_end(self, net, **kwargs):
        Recorder.rates.append(net.optimizer_.param_groups[0]["lr"])


def flatten(X):
    return X.reshape(len(X), -1)


def on_pixels(classifier):
    return make_pipeline(FunctionTransformer(flatten), classifier)


def forest():
    return [("forest", on_pixels(RandomForestClassifier(20, random_state=0)))]


def conv_student(**params):
    return TensorNet(SmallConv, **({"max_epochs": 20, "lr": 0.01} | params))


def fit_conv(student=None, teachers=None, **params):
    student = conv_student() if student is None else student
    clf = quick_classifier(teachers or forest(), student, **params)
    return clf.fit(IMAGES[:450], LABELS[:450])


@pytest.fixture(scope="module")
def fitted():
    return fit_conv()


def test_a_convolutional_student_learns_from_a_conv_teacher_and_a_forest_on_pixels():
    conv = NeuralNetClassifier(
        SmallConv, criterion=nn.CrossEntropyLoss, lr=0.2, max_epochs=5, train_split=None, verbose=0
    )
    clf = fit_conv(teachers=[("conv", conv), *forest()])

    assert clf.teacher_scores_["conv"] < np.log(10)
    assert clf.score(IMAGES[450:], LABELS[450:]) > 0.8


def test_numbers_of_images_are_distilled_from_a_conv_net_and_a_forest():
    ink = IMAGES.mean((1, 2, 3)) * 100
    teachers = [
        ("conv", NetRegressor(conv_student(), random_state=0)),
        ("forest", on_pixels(RandomForestRegressor(20, random_state=0))),
    ]
    reg = DistilledRegressor(teachers, conv_student(), augmenter=None, cv=2, random_state=0)
    reg.fit(IMAGES[:450], ink[:450])

    assert set(reg.teacher_scores_) == {"conv", "forest", "pool"}
    assert reg.score(IMAGES[450:], ink[450:]) > 0.8


def test_a_plain_skorch_net_with_its_loader_is_a_student():
    net = NeuralNet(
        SmallConv, DistillationLoss, optimizer=torch.optim.Adam, lr=0.01, max_epochs=8,
        batch_size=32, iterator_train__shuffle=True, verbose=0,
    )  # fmt: skip
    clf = fit_conv(net)

    assert "valid_loss" in clf.history_[0]
    assert clf.score(IMAGES[450:], LABELS[450:]) > 0.8


@pytest.mark.parametrize("kind", [TensorNet, NeuralNet])
def test_callbacks_and_schedule_of_ones_own_run(kind):
    halving = LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5)
    Recorder.rates = []
    net = kind(
        SmallConv, DistillationLoss, lr=0.08, max_epochs=3, verbose=0,
        callbacks=[("recorder", Recorder()), ("halving", halving)],
    )  # fmt: skip
    fit_conv(net)

    assert_allclose(Recorder.rates, [0.08, 0.04, 0.02])


@pytest.fixture(scope="module")
def conv_taught_by_conv():
    teacher = NetClassifier(conv_student(max_epochs=1))
    return fit_conv(conv_student(max_epochs=1), [("net", teacher)], keep_teachers=True)


@pytest.mark.parametrize("view", [np.s_[::-1], np.s_[:, :, ::-1], np.s_[:, :, :, ::-1], np.s_[::2]])
def test_images_that_are_views_are_predicted_as_copies_are(conv_taught_by_conv, view):
    images = IMAGES[450:][view]
    for model in (conv_taught_by_conv, conv_taught_by_conv.teacher_):
        assert_array_equal(model.predict_proba(images), model.predict_proba(images.copy()))


def test_images_that_cannot_be_written_are_predicted(conv_taught_by_conv):
    frozen = IMAGES[450:].copy()
    frozen.flags.writeable = False

    expected = conv_taught_by_conv.predict_proba(IMAGES[450:])
    assert_array_equal(conv_taught_by_conv.predict_proba(frozen), expected)


def test_without_a_schedule_of_ones_own_the_rate_is_annealed():
    Recorder.rates = []
    fit_conv(conv_student(max_epochs=3, callbacks=[("recorder", Recorder())]))

    assert Recorder.rates == sorted(Recorder.rates, reverse=True) != [0.01] * 3


def test_a_module_gets_float32_of_its_own_shape_unscaled():
    seen = []

    class Watching(SmallConv):
        def forward(self, X):
            seen.append((X.dtype, tuple(X.shape[1:]), float(X.max())))
            return super().forward(X)

    X = 100 * IMAGES.astype(np.float64)
    quick_classifier(forest(), TensorNet(Watching, max_epochs=1)).fit(X, LABELS).predict(X)

    assert {(kind, shape) for kind, shape, _ in seen} == {(torch.float32, (1, 8, 8))}
    assert max(largest for _, _, largest in seen) == 100


def test_a_conv_student_survives_joblib_and_predicts_on_the_cpu(fitted):
    joblib.dump(fitted, file := io.BytesIO())
    file.seek(0)
    copy = joblib.load(file)

    assert_array_equal(copy.predict_proba(IMAGES), fitted.predict_proba(IMAGES))
    assert {p.device.type for p in copy.student_.module.parameters()} == {"cpu"}


@pytest.mark.parametrize(
    "view", [lambda X: X[::-1], lambda X: X[..., ::-1], lambda X: X.swapaxes(2, 3)],
    ids=["rows", "pixels", "transposed"],
)  # fmt: skip
def test_a_view_of_images_is_predicted_as_its_copy_is(fitted, view):
    images = view(IMAGES[450:470])
    copy = np.ascontiguousarray(images)

    assert_array_equal(fitted.predict_proba(images), fitted.predict_proba(copy))


def test_read_only_images_are_predicted_without_a_warning(fitted):
    images = IMAGES[450:].copy()
    images.setflags(write=False)

    assert_array_equal(fitted.predict_proba(images), fitted.predict_proba(IMAGES[450:]))


def test_a_net_classifier_is_fitted_on_a_view_as_on_its_copy():
    net = NetClassifier(conv_student(max_epochs=2), random_state=0)
    of_view = net.fit(IMAGES[::-1], LABELS[::-1]).predict_proba(IMAGES)

    of_copy = net.fit(IMAGES[::-1].copy(), LABELS[::-1]).predict_proba(IMAGES)

    assert_array_equal(of_view, of_copy)


def test_a_conv_student_is_no_file_of_arrays(fitted, tmp_path):
    with pytest.raises(ValueError, match="got a SmallConv: use joblib instead"):
        fitted.save(tmp_path / "student.safetensors")


def test_the_default_student_and_nets_flatten_rows(tmp_path):
    teachers = [("net", NetClassifier(TensorNet(StudentMLP, max_epochs=5))), *forest()]
    clf = fit_conv(quick_student(max_epochs=40), teachers)
    clf.save(tmp_path / "student.safetensors")
    copy = skdistill.load(tmp_path / "student.safetensors")

    assert clf.score(IMAGES[450:], LABELS[450:]) > 0.7
    assert_array_equal(copy.predict_proba(IMAGES), clf.predict_proba(IMAGES))
    with pytest.raises(ValueError, match=r"rows of shape \(64,\)"):
        copy.predict(flatten(IMAGES))


def test_a_module_that_asks_for_features_is_told_how_many_values_a_row_has():
    clf = fit_conv(TensorNet(Flattening, max_epochs=5))

    assert clf.student_.module.out.in_features == 64


def test_munge_mixes_images_as_it_mixes_their_pixels():
    rows = Munge().fit(IMAGES).sample(50, random_state=0)

    assert rows.shape == (50, 1, 8, 8)
    assert rows.dtype == np.float32
    assert_array_equal(flatten(rows), Munge().fit(flatten(IMAGES)).sample(50, random_state=0))


def test_synthetic_images_are_trained_on():
    clf = fit_conv(conv_student(max_epochs=5), augmenter="munge")

    assert clf.predict_proba(IMAGES).shape == (600, 10)


@pytest.mark.parametrize(
    "rows",
    [IMAGES[:, :, :7], flatten(IMAGES), IMAGES[:, 0], IMAGES.reshape(-1, 8, 1, 8), [[0.0]]],
    ids=["cropped", "flat", "an axis less", "another order", "a list"],
)
def test_rows_of_another_shape_are_refused(fitted, rows):
    wanted = r"fitted on rows of shape \(1, 8, 8\): pass X of shape \(n_samples, 1, 8, 8\)"

    with pytest.raises(ValueError, match=wanted):
        fitted.predict(rows)


def test_a_table_of_one_column_is_no_image_of_one_channel(fitted):
    with pytest.raises(ValueError, match=r"X has rows of shape \(1,\)"):
        fitted.predict(np.zeros((3, 1)))


def test_images_are_refused_by_a_student_of_tables():
    clf = quick_classifier().fit(*numeric_rows())

    with pytest.raises(ValueError, match=r"fitted on rows of shape \(5,\)"):
        clf.predict(np.zeros((3, 5, 2)))


def test_an_estimator_that_saw_images_can_be_fitted_on_a_table():
    net = NetClassifier(TensorNet(StudentMLP, max_epochs=1)).fit(IMAGES, LABELS)
    X, y = numeric_rows()

    assert net.fit(X, y).predict(X).shape == (60,)


def test_a_missing_pixel_is_refused():
    X = IMAGES.copy()
    X[3, 0, 0, 0] = np.nan

    with pytest.raises(ValueError, match="Input X contains NaN"):
        quick_classifier(forest()).fit(X, LABELS)


@pytest.mark.parametrize("make", [lambda net: quick_classifier(Spy(), net), NetClassifier])
def test_a_module_of_the_wrong_width_is_refused_before_training(make, spy):
    seven = TensorNet(SmallConv(7), max_epochs=1)

    with pytest.raises(
        ValueError, match=r"SmallConv returned shape \(8, 7\) for 8 rows, expected \(8, 10\)"
    ):
        make(seven).fit(IMAGES, LABELS)
    assert not spy.fitted_on


@pytest.mark.parametrize("make", [lambda net: quick_classifier(Spy(), net), NetClassifier])
def test_a_module_that_returns_probabilities_is_refused_before_training(make, spy):
    with pytest.raises(ValueError, match="Softmaxed returns probabilities, expected logits: drop"):
        make(TensorNet(Softmaxed)).fit(IMAGES, LABELS)
    assert not spy.fitted_on


def test_a_module_that_fails_says_on_which_rows(spy):
    with pytest.raises(ValueError, match=r"Linear failed on rows of shape \(1, 8, 8\).*mat1"):
        quick_classifier(spy, TensorNet(Linear)).fit(IMAGES, LABELS)
    assert not spy.fitted_on


def test_a_module_on_a_table_is_tried_too(spy):
    X, y = numeric_rows()

    with pytest.raises(ValueError, match=r"Linear returned shape \(8, 2\)"):
        quick_classifier(spy, TensorNet(Linear(5, 2))).fit(X, y)
    assert not spy.fitted_on


def test_trying_a_module_leaves_torchs_seed_and_the_students_alone():
    state = torch.get_rng_state()
    first, second = (fit_conv(conv_student(max_epochs=2)) for _ in range(2))

    assert torch.equal(state, torch.get_rng_state())
    assert_array_equal(first.predict_proba(IMAGES), second.predict_proba(IMAGES))


def test_a_subclass_of_the_default_student_is_tried_and_kept_plain():
    class Deeper(StudentMLP):
        pass

    clf = fit_conv(StudentNet(Deeper, max_epochs=2))

    assert_allclose(clf.predict_proba(IMAGES).sum(1), 1)


def test_a_subclass_with_a_forward_pass_of_its_own_predicts_with_that():
    class Negated(StudentMLP):
        def forward(self, X):
            return -super().forward(X)

    clf = fit_conv(StudentNet(Negated, max_epochs=10))

    assert isinstance(clf.student_.module, Negated)
    assert clf.score(IMAGES, LABELS) > 0.8
