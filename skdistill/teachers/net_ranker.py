"""`NetRanker`, a torch net trained on the order of rows within queries."""

from skdistill.nets.checks import check_whole_queries
from skdistill.nets.ranking_losses import RankingLoss
from skdistill.tasks.ranked_fitting import with_queries
from skdistill.tasks.ranking import Ranking
from skdistill.tasks.ranking_scores import RankerMixin
from skdistill.teachers.net_estimator import BaseNetEstimator


class NetRanker(RankerMixin, BaseNetEstimator):
    """A torch net trained on the order of rows within queries, through skorch.

    The default torch teachers of `DistilledRanker` are instances of this class. With the
    student's net, it is the baseline of distillation: the same net without teachers.

    Parameters
    ----------
    net : TensorNet, default=None
        Its module returns one output. It is cloned and trained, in batches of whole queries.
        None uses ``TensorNet(StudentMLP)``.
    loss : {"pairwise", "listwise", "listmle", "lambdarank"}, default="pairwise"
        As in `DistilledRanker`.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `DistilledRanker`.
    device : str, default="auto"
        Device of the training. "auto" uses the GPU if there is one.
    random_state : int, RandomState or None, default=None
        Seed of the validation rows, the initial weights, shuffling and dropout.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has string column names.
    net_ : TensorNet
        The trained net, without its optimizer.
    history_ : list of dict
        One for each epoch of the first training, of plain numbers: ``epoch``, from 1;
        ``train_loss``; ``valid_loss``, the listwise loss; ``lr``, the learning rate.

    See Also
    --------
    NetClassifier : The same for classifiers, and how the number of epochs is found.
    StudentMLP : The default module.
    DistilledRanker : Trains such a net on soft targets and relevance.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill import NetRanker, StudentMLP, TensorNet
    >>> X = np.random.RandomState(0).normal(size=(120, 3))
    >>> relevance, qid = (X[:, 0] > 0).astype(int), np.arange(120) // 6
    >>> ranker = NetRanker(TensorNet(StudentMLP, max_epochs=5), random_state=0)
    >>> ranker.fit(X, relevance, qid=qid).predict(X).shape
    (120,)
    """

    _task = Ranking
    _criterion = RankingLoss
    side_by_side = False  # its batches are whole queries, which no stack of nets shares

    def __init__(
        self,
        net=None,
        loss="pairwise",
        *,
        categorical_features="from_dtype",
        device="auto",
        random_state=None,
    ):
        self.net = net
        self.loss = loss
        self.categorical_features = categorical_features
        self.device = device
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None, *, qid=None):
        """Find the number of epochs on the queries held out, then train on all rows.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Or (n_samples, ...), which a module without a layout gets unchanged.
        y : array-like of shape (n_samples,)
            Relevance, not negative.
        sample_weight : array-like of shape (n_samples,), default=None
            Only ratios matter.
        qid : array-like of shape (n_samples,)
            The query of each row, in any order.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If the data is invalid, the module returns other outputs, the device is unavailable, or
            training diverges.
        """
        return self._fit(X, with_queries(y, qid), sample_weight, groups=qid)

    def _checked_net(self):
        if self.net is not None:
            check_whole_queries(self.net, "net")
        return super()._checked_net()

    def _keep(self, task, inputs, net):
        self.inputs_, self.net_ = inputs, net

    def predict(self, X):
        """Return the score of each row, higher for what is more relevant.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,)
        """
        return self._outputs(X).numpy()[:, 0]
