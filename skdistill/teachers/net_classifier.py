"""`NetClassifier`, a torch net trained on labels as a scikit-learn classifier."""

import torch
from sklearn.base import ClassifierMixin

from skdistill.nets.losses import DistillationLoss
from skdistill.tasks.classification import Classification
from skdistill.teachers.net_estimator import BaseNetEstimator


class NetClassifier(ClassifierMixin, BaseNetEstimator):
    """A torch net trained on the labels of a table, through skorch.

    The default torch teachers are instances of this class. With the student's net, it is the
    baseline of distillation: the same net without teachers.

    Parameters
    ----------
    net : skorch.NeuralNet, default=None
        A `TensorNet`, or another skorch net whose module returns logits. It is cloned and
        trained. None uses ``TensorNet(StudentMLP)``.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `DistilledClassifier`.
    device : str, default="auto"
        Device of the training. "auto" uses the GPU if there is one.
    side_by_side : bool, default=False
        Whether a cross-fitting trains the nets of all folds, and the one on all rows, side by
        side: one batched product for all of them, some three times as fast. The number of epochs
        is found once, by the mean loss of the folds' test rows. It does not apply to nets with
        callbacks, another module or a patience of None, to sparse rows, or where a fold lacks a
        class.
    random_state : int, RandomState or None, default=None
        Seed of the validation rows, the initial weights, shuffling and dropout.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has string column names.
    net_ : skorch.NeuralNet
        The trained net, without its optimizer.
    history_ : list of dict
        One for each epoch of the first training, see Notes, of plain numbers: ``epoch``, from
        1; ``train_loss``; ``valid_loss``; ``lr``, the learning rate.

    See Also
    --------
    TensorNet : The net, with the parameters of its training.
    StudentMLP : The default module.
    DistilledClassifier : Trains such a net on soft targets and labels.

    Notes
    -----
    A net with early stopping is trained twice. The first training holds out a tenth to a fifth
    of the rows and finds the number of epochs. The second trains for so many epochs on all
    rows. A net with a callback that watches ``valid_loss`` is trained once.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdistill import NetClassifier, StudentMLP, TensorNet
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = NetClassifier(TensorNet(StudentMLP, max_epochs=5), random_state=0).fit(X, y)
    >>> clf.predict_proba(X).shape
    (150, 3)
    """

    encodes_labels = True
    _task = Classification
    _criterion = DistillationLoss

    def __init__(
        self,
        net=None,
        *,
        categorical_features="from_dtype",
        device="auto",
        side_by_side=False,
        random_state=None,
    ):
        self.net = net
        self.categorical_features = categorical_features
        self.device = device
        self.side_by_side = side_by_side
        self.random_state = random_state

    def _keep(self, task, inputs, net):
        self.classes_, self.inputs_, self.net_ = task.classes, inputs, net

    def predict_proba(self, X):
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns follow `classes_`.
        """
        return torch.softmax(self._outputs(X), 1).numpy()

    def predict(self, X):
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(1)]
