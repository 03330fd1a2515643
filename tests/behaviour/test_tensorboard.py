"""TensorBoard gets the epochs of students and torch teachers, through skorch's callback."""

import pickle
from pathlib import Path
from tempfile import mkdtemp

import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from skorch.callbacks import TensorBoard

from skdistill import NetClassifier, StudentMLP, TensorNet
from tests.small import numeric_rows, quick_classifier, quick_student

X, Y = numeric_rows(120)
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")  # those of tensorboard


class Runs(TensorBoard):
    """A run for each training, in a folder: as docs/tensorboard.md has it."""

    def __init__(self, folder, writer=None, **kwargs):
        super().__init__(writer, **kwargs)
        self.folder = folder

    def on_train_begin(self, net, **kwargs):
        self.writer = summary_writer(mkdtemp(dir=self.folder))

    def on_train_end(self, net, **kwargs):
        self.writer.close()
        self.writer = None


def summary_writer(folder):
    reason = "needs the extra [tensorboard]"
    pytest.importorskip("tensorboard", reason=reason)
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder)


def curve(folder, tag):
    """What TensorBoard would draw of a run."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder)).Reload().Scalars(tag)
    return [event.value for event in events]


def runs(folder):
    return sorted(Path(folder).iterdir())


@pytest.mark.integration("TensorBoard", "curves of the student", package="tensorboard")
def test_it_shows_the_history_of_the_student(tmp_path):
    clf = quick_classifier(student=quick_student(callbacks=[("tb", Runs(tmp_path))]))

    clf.fit(X, Y)

    (run,) = runs(tmp_path)
    for tag, key in [("Loss/train_loss", "train_loss"), ("lr", "lr")]:
        assert_allclose(curve(run, tag), [epoch[key] for epoch in clf.history_], rtol=1e-6)


@pytest.mark.integration("TensorBoard", "curves of torch teachers", package="tensorboard")
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_each_training_of_a_torch_teacher_is_a_run(tmp_path, n_jobs):
    net = TensorNet(StudentMLP, max_epochs=3, callbacks=[("tb", Runs(str(tmp_path)))])

    quick_classifier([("net", NetClassifier(net))], n_jobs=n_jobs).fit(X, Y)

    assert len(runs(tmp_path)) == 2 * 2  # two folds, each trained again for its number of epochs
    assert all(curve(run, "Loss/train_loss") for run in runs(tmp_path))


def test_a_student_with_it_can_be_cloned_and_pickled(tmp_path):
    summary_writer(str(tmp_path / "other")).close()
    clf = quick_classifier(student=quick_student(callbacks=[("tb", Runs(str(tmp_path)))]))

    back = pickle.loads(pickle.dumps(clone(clf).fit(X, Y)))

    assert_allclose(back.predict_proba(X), clf.fit(X, Y).predict_proba(X))
    assert back.student.callbacks[0][1].folder == str(tmp_path)


def test_an_open_writer_is_used_as_it_is_and_told(tmp_path):
    writer = summary_writer(str(tmp_path))
    clf = quick_classifier(student=quick_student(callbacks=[("tb", TensorBoard(writer))]))

    with pytest.warns(UserWarning, match=r"\['TensorBoard'\] of student cannot be cloned"):
        clf.fit(X, Y)

    assert len(curve(tmp_path, "Loss/train_loss")) == clf.n_iter_
