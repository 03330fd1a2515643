"""`DistilledRanker`: heavy ensemble of rankers in, small net out."""

from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from skdistill.base import BaseDistilled
from skdistill.inspection.mlflow_log import autologged
from skdistill.serving.heads import RegressorHead
from skdistill.sklearn_private import Interval, StrOptions
from skdistill.table.target import Target
from skdistill.tasks.ranking_scores import RankerMixin

LOSSES = ("pairwise", "listwise", "listmle", "lambdarank")


class DistilledRanker(RankerMixin, BaseDistilled):
    """A small net that ranks like an ensemble of teachers.

    `fit` trains the teachers on folds of the queries, pools their scores of rows that they have
    not seen, and trains the student on the order of these scores and on the relevance. Only the
    student is kept: arrays of a few hundred kilobytes that predict without torch.

    Parameters
    ----------
    teachers : list of (str, estimator), estimator, or None, default=None
        Rankers, whose ``fit`` has ``qid`` or ``group``, such as `XGBRanker` and `LGBMRanker`; they
        get the rows of a query together. Regressors and classifiers of numbers score each row by
        itself, the latter by the expected relevance. ``rf__n_estimators`` reaches into the teacher
        named "rf", and "drop" leaves one out. Wrap a fitted one in `FrozenEstimator`, a black box
        in ``CallableTeacher(func, output="value")``. None trains XGBoost, a random forest and
        torch nets, see `default_teachers`.
    student : TensorNet or None, default=None
        It is cloned, and trained with the distillation loss, in batches of whole queries. Its
        module returns one output. It gets encoded rows, or rows of more than two axes as they
        are. None is a `StudentNet`.
        ``student__lr``, ``student__module__hidden_sizes`` and so on reach into it.
    effort : {"low", "default", "high"}, default="default"
        How much work `fit` does where other parameters leave it open: the default teachers, the
        number of synthetic rows, the epochs of a `StudentNet`. "low" is for a first look, in a
        third of the time; "high" for when minutes do not matter: it takes LightGBM too,
        where it is installed.
    loss : {"pairwise", "listwise", "listmle", "lambdarank"}, default="pairwise"
        The loss on the relevance. "pairwise" is the logistic loss of pairs (RankNet), "listwise"
        the cross-entropy of the softmax within a query to the shares of relevance (ListNet),
        "listmle" the likelihood of the order by relevance, and "lambdarank" that of pairs,
        weighted by the NDCG that a swap changes.
    weights : "auto", None, array-like of shape (n_teachers,) or dict, default="auto"
        The teachers' weights in the pool. "auto" minimizes the pool's listwise
        loss out of fold. None weights all teachers equally. A dict gives each teacher's weight by
        its name.
    combination : {"mean", "median"}, default="mean"
        The weighted mean or the weighted median of the teachers' scores, which are made
        comparable by a slope for each, see Notes.
    alpha : float or "auto", default="auto"
        The teachers' share of the loss of queries: 1 trains on the teachers alone, 0 on the
        relevance alone. "auto" follows the noise: the less the teachers explain out of fold, the
        larger alpha (formula in Notes). From about 1,500 rows a short trial also compares the
        same network trained on relevance only, and keeps that one if its validation loss is
        clearly lower.
    temperature : float or "auto", default=1.0
        Softens the softmax within queries of teachers and student. "auto" compares 1, 2 and 4 in
        short trials, if there are enough validation rows.
    cv : int, splitter, iterable, "in_sample" or None, default=5
        Folds of the cross-fitting; None for five. A query is never divided: a splitter must
        respect groups, such as `GroupKFold`. "in_sample" labels each row with teachers that were
        fitted on it, and warns.
    augmenter : "auto", "munge", None, or object with `fit` and `sample`, default="auto"
        The source of synthetic rows: with the default `effort` four for each real row, at most
        50,000. The teachers score them, and the student is drawn to each of these scores, not to
        an order. "auto" is `Munge`, or None where X is sparse. An object is cloned. It has
        ``fit(X)`` and ``sample(n_samples, random_state)``, which returns rows like X. `Inquire`
        is refused.
    validation_fraction : float, int, "auto" or None, default="auto"
        Share or number of the rows, in whole queries, that are held out to compare candidates for
        `alpha` and to stop the student early. With a number, or with `X_val` of `fit`, the
        student always stops early. "auto" follows the Notes of `DistilledClassifier`, and None
        holds no rows out.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        Which columns are categories, as in `HistGradientBoostingRegressor`: by default
        a DataFrame's columns that are neither numbers nor booleans, also as objects. An
        array's columns are numbers unless named. It holds for the student and the default
        teachers.
    keep_teachers : bool, default=False
        Whether to fit the teachers on all rows too, and keep them as `teacher_`.
    memory : None, str, path-like or joblib.Memory, default=None
        A folder that keeps the predictions of each teacher on each fold, and each student.
        A search over student, `alpha`, `weights` or `combination` then fits the teachers
        once, and a fit that was stopped goes on where it was. Entries are found
        by the content of the rows, all parameters and the libraries' versions. They are
        pickles: share the folder only with those you trust.
    warm_start : bool, default=False
        Whether a later `fit` trains the present student on, such as on new rows of the same
        columns. The teachers are fitted again, on the rows of that `fit`; the
        student keeps its scaling, categories and bins. Only for a `StudentNet` over
        `StudentMLP`.
    max_time : float, default=None
        Seconds for `fit`. Each teacher is tried on a few rows. Those that do not fit into the
        time beside the student are left out with a warning, the best first, but never all of
        them. The student's training ends with the epoch in which the time is over.
    max_latency : float, default=None
        Seconds for `predict` of one row, such as 25e-6: of an array, or of the table itself
        if it has categories. The student is the widest that keeps it on this machine, up to its
        ``hidden_sizes``; below 32 units it rather has no embeddings of numbers. It is
        measured before it is trained, so a busier or another machine may choose another width.
    max_size : int or str, default=None
        Bytes of the joblib file without teachers, or a string such as "100kB". The student is
        the widest that keeps it.
    n_jobs : int, default=None
        Teachers × folds, and candidates for `alpha`, fitted at once, by the backend of
        `joblib.parallel_config`, which also says what None means: 1, or all workers of Dask.
        Within a search that has its own `n_jobs`, they are fitted in turn.
    device : str, default="auto"
        Where nets are trained. "auto" is the GPU where there is one.
    random_state : int, RandomState or None, default=None
        Seeds the folds, the teachers that have no seed of their own, and the student. With
        `memory`, None means 0, and a generator disables `memory`.
    verbose : int, default=0
        1 shows teachers × folds and the student's epochs, with the time left: one line on a
        terminal, a few lines elsewhere. 2 adds skorch's table of epochs.

    Attributes
    ----------
    n_features_in_ : int
        ``X.shape[1]``.
    row_shape_in_ : tuple of int
        ``X.shape[1:]``, only if X has more than two axes.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only if X has string column names.
    teacher_weights_ : dict of str to float
        Each teacher's weight in the pool. Empty where `fit` was given
        `teacher_scores`.
    teacher_scores_ : dict of str to float
        Each teacher's out-of-fold listwise loss at its best slope, and that of their "pool". With
        `X_val`, their losses on these rows, averaged over the folds' teachers. With
        `teacher_scores`, the "pool" alone, on X.
    teacher_diversity_ : dict
        How the teachers differ out of fold, and which ones are redundant:
        ``["marginal_gain"]["rf"]`` is the loss of the pool without it minus that with it, and
        ``["error_correlation"]["rf"]["xgb"]`` and ``["disagreement"]`` are of pairs.
    teacher_ : TeacherEnsembleRanker
        The teachers fitted on all rows, with `named_teachers_`. Only with
        ``keep_teachers=True``.
    allows_missing_ : bool
        Whether `predict` takes missing values: if all teachers do by their tags, or if `fit`
        was given some. In a column without any at fit, a missing number counts as the
        median, and a missing category as an unseen one.
    alpha_, temperature_ : float
        As used.
    candidates_ : list of dict
        What "auto" tried: ``alpha``, ``teachers`` (False for the net on relevance alone),
        ``valid_loss``, ``cut_short`` (True if `max_time` ended it), ``chosen``.
    inputs_ : NetInputs
        Turns a table into the student's encoded rows: ``inputs_.transform(X)``.
    student_ : ForwardPass
        Turns encoded rows into outputs: ``student_(inputs_.transform(X))``. Plain arrays, or a
        torch module of your own.
    n_iter_ : int
        Epochs of the student's training.
    history_ : list of dict
        One for each epoch of the student's final training, of plain numbers: ``epoch``, from 1;
        ``train_loss``, that of the distillation; ``valid_loss``, the
        listwise loss of validation rows, if there were any, see ``patience`` of `StudentNet`;
        ``lr``, the learning rate of a net. Warm-started, those of the last `fit`.
    fit_times_ : dict
        Seconds of `fit`: "teachers", a dict by name, and "labelling", sums over the processes
        that worked at once; "synthetic rows", "trials" (of `candidates_`) and "student"; the
        "total" that has passed. What `memory` recalls counts as when it was computed.
    report_ : dict of str to float
        Listwise losses. "teachers": the pool's, out of fold or of
        `X_val`. "student": lowest loss on validation rows, of the final training or else of the
        short trial; None without validation rows. "gain_over_labels": how much lower the loss of
        the chosen candidate is than that of the same net on relevance alone, both after short
        trials; absent if `candidates_` do not include that net.

    See Also
    --------
    DistilledClassifier : The same for classification.
    TeacherEnsembleRanker : The cross-fitted, pooled teachers alone.
    NetRanker : The student's net on relevance alone, with ``NetRanker(StudentNet())``.
    DistillationReport : What a student gains and loses against its teachers.

    Notes
    -----
    The student minimizes, for each query with pooled scores s and outputs z,

    ``alpha * T² * KL(softmax(s / T), softmax(z / T)) + (1 - alpha) * loss(relevance, z)``.

    A query whose rows are equally relevant has no loss on relevance. A row without a query, such
    as a synthetic one, has half the squared distance of its output to its pooled score.

    Teachers' scores have scales of their own. Each is multiplied by the slope that minimizes the
    listwise loss out of fold [2]_, which is a temperature within queries. Order and loss within a
    query do not change with a constant, so no queries are needed to pool or to predict.

    ``alpha="auto"`` is 1 / (1 + SNRᵖ). SNR = R² / (1 - R²), where R is the correlation of pooled
    scores and relevance within queries, out of fold. p is 1 + the share of rows without
    relevance.

    References
    ----------
    .. [1] Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015,
       arXiv:1503.02531.
    .. [2] Cao et al., "Learning to rank: from pairwise approach to listwise approach", ICML 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from skdistill import DistilledRanker
    >>> from xgboost import XGBRanker
    >>> rng = np.random.RandomState(0)
    >>> X, qid = rng.normal(size=(400, 4)), np.arange(400) // 8
    >>> relevance = np.digitize(X[:, 0] + rng.normal(size=400), [0, 1])
    >>> ranker = DistilledRanker(
    ...     [("xgb", XGBRanker(n_estimators=20)), ("rf", RandomForestRegressor(20))],
    ...     random_state=0,
    ... ).fit(X, relevance, qid=qid)
    >>> ranker.predict(X).shape
    (400,)
    >>> ranker.score(X, relevance, qid=qid) > 0.8
    True
    """

    _parameter_constraints = {
        **BaseDistilled._parameter_constraints,
        "loss": [StrOptions(set(LOSSES))],
        "combination": [StrOptions({"mean", "median"})],
        "temperature": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "cv": ["cv_object", StrOptions({"in_sample"})],
    }

    def __init__(
        self,
        teachers=None,
        student=None,
        *,
        effort="default",
        loss="pairwise",
        weights: Any = "auto",
        combination="mean",
        alpha: float | str = "auto",
        temperature: float | str = 1.0,
        cv: Any = 5,
        augmenter: Any = "auto",
        validation_fraction: float | str | None = "auto",
        categorical_features: Any = "from_dtype",
        keep_teachers=False,
        memory=None,
        warm_start=False,
        max_time=None,
        max_latency=None,
        max_size: Any = None,
        n_jobs=None,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.teachers = teachers
        self.student = student
        self.effort = effort
        self.loss = loss
        self.weights = weights
        self.combination = combination
        self.alpha = alpha
        self.temperature = temperature
        self.cv = cv
        self.augmenter = augmenter
        self.validation_fraction = validation_fraction
        self.categorical_features = categorical_features
        self.keep_teachers = keep_teachers
        self.memory = memory
        self.warm_start = warm_start
        self.max_time = max_time
        self.max_latency = max_latency
        self.max_size = max_size
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @property
    def _task(self):
        from skdistill.tasks.ranking import Ranking

        return Ranking

    @property
    def _teacher_ensemble(self):
        from skdistill.soft_targets.ranker_ensemble import TeacherEnsembleRanker

        return TeacherEnsembleRanker

    @property
    def _score_name(self):
        from skdistill.tasks.ranking import Ranking

        return Ranking.score_name

    @property
    def _net_estimator(self):
        from skdistill.teachers.net_ranker import NetRanker

        return partial(NetRanker, loss=self.loss)

    @property
    def _head(self):
        # The score is the output as it is.
        return RegressorHead(Target(np.zeros(1), np.ones(1), "identity"), [], 1)

    def _default_teachers(self):
        from skdistill.teachers.defaults import default_teachers

        return default_teachers(
            self.effort, task="ranking",
            categorical_features=self.categorical_features, device=self.device,
        )  # fmt: skip

    @autologged
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        qid=None,
        X_unlabeled=None,
        teacher_scores=None,
        groups=None,
        X_val=None,
        y_val=None,
        qid_val=None,
        sample_weight_val=None,
    ):
        """Train the teachers, then the student.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            As in `DistilledClassifier.fit`.
        y : array-like of shape (n_samples,)
            Relevance: numbers of at least 0, such as grades. It is the gain of NDCG.
        sample_weight : array-like of shape (n_samples,), default=None
            For the teachers that take it, the pool, the student and its early stopping. XGBoost
            gets the mean of each query. Only ratios matter; a row of weight zero does not take
            part in its query.
        qid : array-like of shape (n_samples,)
            The query that each row belongs to, in any order. All rows of a query are in one fold
            and are held out together. `GridSearchCV` passes it on with
            ``set_fit_request(qid=True)``, to `score` with ``set_score_request(qid=True)``.
        X_unlabeled : table of shape (n_unlabeled, n_features), default=None
            More rows like those of X, without relevance and queries. The teachers score them as
            they do synthetic rows, and the student is trained on them too.
        teacher_scores : array-like of shape (n_samples,), default=None
            Scores computed elsewhere, of any scale, best by models that have not seen the row's
            relevance. No teacher is fitted then, so there are no synthetic rows, and `teachers`,
            `weights`, `combination` and `cv` play no part.
        groups : array-like of shape (n_samples,), default=None
            Groups of queries, such as users, that are in one fold and are held out together. None:
            each query is a group.
        X_val : table of shape (n_validation, n_features), default=None
            Validation rows like those of X, on which nothing is trained, as in
            `DistilledClassifier.fit`.
        y_val, qid_val : array-like of shape (n_validation,), default=None
            Their relevance and their queries.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Their weights.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a parameter, a column, the relevance, the queries, the validation rows, a teacher's
            scores or the given ones are invalid, if `cv` splits a query, or if no student keeps
            `max_latency` and `max_size`. The message says which. The estimator is then not fitted;
            with `warm_start` it is as it was before.
        KeyboardInterrupt
            On Ctrl-C, as in `DistilledClassifier.fit`.
        """
        from skdistill.tasks.ranked_fitting import groups_of, with_queries

        judged = with_queries(y, qid)
        if y_val is None and qid_val is not None:
            raise ValueError("got qid_val only: pass X_val, y_val and qid_val together.")
        judged_val = y_val
        if y_val is not None:
            judged_val = with_queries(y_val, qid_val, of="y_val", queries="qid_val")
            judged_val[:, 1] = -1 - judged_val[:, 1]  # other queries than those of X
        given = None if teacher_scores is None else ("teacher_scores", teacher_scores)
        return self._fit(
            X, judged, sample_weight, X_unlabeled=X_unlabeled, teacher_predictions=given,
            groups=groups_of(qid, groups), validation=(X_val, judged_val, sample_weight_val),
        )  # fmt: skip

    def _make_student_net(self, data, effort, present):
        from skdistill.nets.checks import check_whole_queries

        if self.student is not None:
            check_whole_queries(self.student, "student")
        return super()._make_student_net(data, effort, present)

    def predict(self, X):
        """Score each row with the student: of a query, the more relevant rows score higher.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Or (n_samples, ...), rows in the shape of those of `fit`. A student fitted on
            sparse rows takes dense ones too, and the other way round.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Comparable within a query only.
        """
        return self._outputs(X)[:, 0]
