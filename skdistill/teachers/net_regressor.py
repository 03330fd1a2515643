"""`NetRegressor`, a torch net trained on numbers as a scikit-learn regressor."""

from dataclasses import replace

from sklearn.base import RegressorMixin

from skdistill.nets.regression_losses import RegressionLoss
from skdistill.tasks.regression import Regression
from skdistill.teachers.net_estimator import BaseNetEstimator


class NetRegressor(RegressorMixin, BaseNetEstimator):
    """A torch net trained on the targets of a table, through skorch.

    The target is standardized for the net. The default torch teachers of `DistilledRegressor` are
    instances of this class. With the student's net, it is the baseline of distillation: the same
    net without teachers.

    Parameters
    ----------
    net : skorch.NeuralNet, default=None
        A `TensorNet`, or another skorch net whose module returns one output for each target. It is
        cloned and trained. None uses ``TensorNet(StudentMLP)``.
    loss : str, default="squared_error"
        As in `DistilledRegressor`.
    quantile : float, default=None
        With ``loss="quantile"``.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `DistilledRegressor`.
    device : str, default="auto"
        Device of the training. "auto" uses the GPU if there is one.
    side_by_side : bool, default=False
        Whether a cross-fitting trains the nets of all folds, and the one on all rows, side by
        side, as in `NetClassifier`.
    random_state : int, RandomState or None, default=None
        Seed of the validation rows, the initial weights, shuffling and dropout.

    Attributes
    ----------
    n_outputs_ : int
        Number of targets.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has string column names.
    net_ : skorch.NeuralNet
        The trained net, without its optimizer.
    history_ : list of dict
        One for each epoch of the first training, of plain numbers: ``epoch``, from 1;
        ``train_loss`` and ``valid_loss``, of the standardized target; ``lr``, the learning rate.

    See Also
    --------
    NetClassifier : The same for classifiers, and how the number of epochs is found.
    StudentMLP : The default module.
    DistilledRegressor : Trains such a net on soft targets and targets.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skdistill import NetRegressor, StudentMLP, TensorNet
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = NetRegressor(TensorNet(StudentMLP, max_epochs=5), random_state=0).fit(X, y)
    >>> reg.predict(X).shape
    (442,)
    """

    _task = Regression
    _criterion = RegressionLoss

    def __init__(
        self,
        net=None,
        loss="squared_error",
        *,
        quantile=None,
        categorical_features="from_dtype",
        device="auto",
        side_by_side=False,
        random_state=None,
    ):
        self.net = net
        self.loss = loss
        self.quantile = quantile
        self.categorical_features = categorical_features
        self.device = device
        self.side_by_side = side_by_side
        self.random_state = random_state

    def _own(self, data):
        y = data.task.target.unscaled(data.y)
        task = Regression.of(y, self.loss, self.quantile, (), data.sample_weight)
        return replace(data, task=task, y=task.target.scaled(y))

    def _keep(self, task, inputs, net):
        self._target, self.n_outputs_ = task.target, task.n_targets
        self.inputs_, self.net_ = inputs, net

    def predict(self, X):
        """Predict the target of each row.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, `n_outputs_`)
        """
        outputs = self._outputs(X).numpy()
        y = self._target.predictions(outputs)
        return y[:, 0] if self.n_outputs_ == 1 else y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
