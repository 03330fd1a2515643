"""`DistilledRegressor`: heavy ensemble in, small net out."""

from functools import partial
from numbers import Real
from typing import Any

from sklearn.base import RegressorMixin

from skdistill.base import BaseDistilled
from skdistill.inspection.mlflow_log import autologged
from skdistill.serving.heads import RegressorHead
from skdistill.serving.on_import import when_imported
from skdistill.sklearn_private import Interval, StrOptions
from skdistill.table.target import LOSSES, Target


class DistilledRegressor(RegressorMixin, BaseDistilled):
    """A small net that predicts like an ensemble of teachers.

    `fit` trains the teachers on folds of the rows, pools their predictions of rows that
    they have not seen, and trains the student on these soft targets and on the targets. Only
    the student is kept: arrays of a few hundred kilobytes that predict without torch.

    Parameters
    ----------
    teachers : list of (str, regressor), regressor, or None, default=None
        As in `VotingRegressor`: ``rf__n_estimators`` reaches into the teacher named "rf", and
        "drop" leaves one out. Each gets X and y as they were given. Wrap a fitted regressor in
        `FrozenEstimator`, a black box in ``CallableTeacher(func, output="value")``. None trains
        a random forest, XGBoost and torch nets, see `default_teachers`.
    student : skorch.NeuralNet or None, default=None
        It is cloned, and trained with the distillation loss. Its module returns one output for
        each target. It gets encoded rows, or rows of more than two axes as they are. None is a
        `StudentNet`.
        ``student__lr``, ``student__module__hidden_sizes`` and so on reach into it.
    effort : {"low", "default", "high"}, default="default"
        How much work `fit` does where other parameters leave it open: the default teachers, the
        number of synthetic rows, the epochs of a `StudentNet`. "low" is for a first look, in a
        third of the time; "high" for when minutes do not matter: it takes CatBoost and LightGBM
        too, where they are installed.
    loss : {"squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma"}, \
            default="squared_error"
        What the student and the default teachers minimize, and the teachers are compared by.
        "huber" is squared up to one standard deviation of y, and linear above. "poisson" and
        "gamma" are deviances, for targets of at least and above 0.
    quantile : float, default=None
        The quantile that ``loss="quantile"`` predicts, between 0 and 1. Teachers that predict a
        mean are moved to it by the quantile of their errors out of fold.
    quantiles : array-like of float, default=None
        Quantiles that the student predicts besides, such as (0.05, 0.5, 0.95), see
        ``predict(X, quantiles=True)``. Only for a single target. They come from the errors of
        teachers on rows that these have not seen: a frozen or callable teacher that has seen
        them, or ``cv="in_sample"``, makes them too narrow.
    weights : "auto", None, array-like of shape (n_teachers,) or dict, default="auto"
        The teachers' weights in the pool. "auto" minimizes `loss` out of fold; for squared errors
        it is non-negative least squares, with weights that sum to one. None weights all teachers
        equally. A dict gives each teacher's weight by its name.
    combination : {"mean", "median"}, default="mean"
        The weighted mean or the weighted median of the teachers.
    alpha : float or "auto", default="auto"
        The teachers' share of the loss on rows that have a target: 1 trains on the teachers
        alone, 0 on the targets alone. "auto" follows the noise: the less of the variance of y
        the teachers explain out of fold, the larger alpha (formula in Notes). From about 1,500
        rows a short trial also compares the same network trained on targets only, and keeps that
        one if its validation loss is clearly lower.
    cv : int, splitter, iterable, "oob", "in_sample" or None, default=5
        Folds of the cross-fitting; None for five. "oob" fits each teacher that has out-of-bag
        predictions once, and once more on all rows: forests,
        `ExtraTreesRegressor(bootstrap=True)`, `BaggingRegressor`, also at the end of a
        `Pipeline`; the others are fitted on five folds. "in_sample" labels each row with
        teachers that were fitted on it, and warns.
    augmenter : "auto", "munge", None, or object with `fit` and `sample`, default="auto"
        The source of synthetic rows: with the default `effort` four for each real row, at most
        50,000. The teachers label them. "auto" is `Munge`, or None where X is sparse. An object
        is cloned. It has ``fit(X)`` and ``sample(n_samples, random_state)``, which returns rows
        like X. With `Inquire` the student chooses its rows, in rounds.
    validation_fraction : float, int, "auto" or None, default="auto"
        Share or number of the rows that are held out to compare candidates for `alpha` and to
        stop the student early. With a number, or with `X_val` of `fit`, the student always stops
        early. "auto" follows the Notes, and None holds no rows out.
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
        columns and targets. The teachers are fitted again, on the rows of that `fit`; the
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
        Bytes of the joblib file without teachers, as `compare` measures it, or a string such as
        "100kB"; a file of `save` is about as large. The student is the widest that keeps it.
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
    n_outputs_ : int
        Number of targets.
    n_features_in_ : int
        ``X.shape[1]``.
    row_shape_in_ : tuple of int
        ``X.shape[1:]``, only if X has more than two axes.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only if X has string column names.
    teacher_weights_ : dict of str to float
        Each teacher's weight in the pool. Empty where `fit` was given
        `teacher_prediction`.
    teacher_scores_ : dict of str to float
        Each teacher's out-of-fold loss, and that of their "pool": the RMSE in the unit of y for
        ``loss="squared_error"``, else the mean of `loss`; of standardized targets if there are
        several. With `X_val`, their losses on these rows, averaged over the folds' teachers. With
        `teacher_prediction`, the "pool" alone, on X.
    teacher_diversity_ : dict
        How the teachers differ out of fold, and which ones are redundant:
        ``["marginal_gain"]["rf"]`` is the loss of the pool without it minus that with it, and
        ``["error_correlation"]["rf"]["xgb"]`` and ``["disagreement"]`` are of pairs.
    teacher_ : TeacherEnsembleRegressor
        The teachers fitted on all rows, with `named_teachers_`. Only with
        ``keep_teachers=True``.
    allows_missing_ : bool
        Whether `predict` takes missing values: if all teachers do by their tags, or if `fit`
        was given some. In a column without any at fit, a missing number counts as the
        median, and a missing category as an unseen one.
    alpha_ : float
        As used.
    target_center_, target_scale_ : ndarray of shape (`n_outputs_`,)
        The student predicts ``target_center_ + target_scale_ * output``, or
        ``target_scale_ * exp(output)`` where ``link_`` is "log".
    link_ : {"identity", "log"}
        "log" for ``loss="poisson"`` and "gamma".
    quantiles_ : list of float
        `quantiles`, sorted.
    candidates_ : list of dict
        What "auto" tried: ``alpha``, ``teachers`` (False for the net on targets alone),
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
        ``train_loss``, that of the distillation; ``valid_loss``, that of validation
        rows in the unit of `teacher_scores_`, if there were any, see ``patience`` of `StudentNet`;
        ``lr``, the learning rate of a net. Warm-started, those of the last `fit`.
    fit_times_ : dict
        Seconds of `fit`: "teachers", a dict by name, and "labelling", sums over the processes
        that worked at once; "synthetic rows", "trials" (of `candidates_`) and "student"; the
        "total" that has passed. What `memory` recalls counts as when it was computed.
    report_ : dict of str to float
        Losses in the unit of `teacher_scores_`. "teachers": the pool's, out of fold or of
        `X_val`. "student": lowest loss on validation rows, of the final training or else of the
        short trial; None without validation rows. "gain_over_labels": how much lower the loss of
        the chosen candidate is than that of the same net on targets alone, both after short
        trials; absent if `candidates_` do not include that net.

    See Also
    --------
    DistilledClassifier : The same for classification.
    TeacherEnsembleRegressor : The cross-fitted, pooled teachers alone.
    NetRegressor : The student's net on targets alone, with ``NetRegressor(StudentNet())``.
    DistillationReport : What a student gains and loses against its teachers.
    disagreements : Where the student and its teachers part.
    load : Read a student that `save` has written.

    Notes
    -----
    The student minimizes, for each row with soft target p, target y and output z, all
    standardized,

    ``alpha * d(p, z) + (1 - alpha) * d(y, z)``,

    where d is `loss`; with ``loss="quantile"`` the first d is the absolute error. Rows without a
    target, synthetic ones among them, have alpha 1.

    ``alpha="auto"`` is 1 / (1 + SNRᵖ). SNR = R² / (1 - R²) is the ratio of signal to noise, from
    the share R² of the variance of y that the pooled soft targets explain out of fold. p is 1 +
    the share of rows without a target, so without such rows alpha is 1 - R².

    Each of `quantiles` is an output of its own. Its soft target is the pooled mean plus the
    quantile of the residuals out of fold, scaled by an increasing function of the teachers'
    spread; on targets it minimizes the pinball loss. Predicted quantiles are sorted, so they
    never cross [2]_. All residuals have one shape but for their scale, so skewed ones of a part
    of the rows are not seen.

    References
    ----------
    .. [1] Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015,
       arXiv:1503.02531.
    .. [2] Chernozhukov, Fernández-Val and Galichon, "Quantile and probability curves without
       crossing", 2010, arXiv:0704.3649.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
    >>> from skdistill import DistilledRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = DistilledRegressor(
    ...     [("rf", RandomForestRegressor(20)), ("et", ExtraTreesRegressor(20))],
    ...     random_state=0,
    ... ).fit(X, y)
    >>> reg.predict(X).shape
    (442,)
    >>> sorted(reg.teacher_weights_)
    ['et', 'rf']
    """

    _parameter_constraints = {
        **BaseDistilled._parameter_constraints,
        "loss": [StrOptions(set(LOSSES))],
        "quantile": [None, Interval(Real, 0, 1, closed="neither")],
        "quantiles": [None, "array-like"],
        "combination": [StrOptions({"mean", "median"})],
    }

    def __init__(
        self,
        teachers=None,
        student=None,
        *,
        effort="default",
        loss="squared_error",
        quantile=None,
        quantiles: Any = None,
        weights: Any = "auto",
        combination="mean",
        alpha: float | str = "auto",
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
        self.quantile = quantile
        self.quantiles = quantiles
        self.weights = weights
        self.combination = combination
        self.alpha = alpha
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
        from skdistill.tasks.regression import Regression

        return Regression

    @property
    def _score_name(self):
        from skdistill.tasks.regression import SCORES

        return SCORES[self.loss]

    @property
    def _teacher_ensemble(self):
        from skdistill.soft_targets.regressor_ensemble import TeacherEnsembleRegressor

        return TeacherEnsembleRegressor

    @property
    def _target(self):
        return Target(self.target_center_, self.target_scale_, self.link_)

    @property
    def _net_estimator(self):
        from skdistill.teachers.net_regressor import NetRegressor

        return partial(NetRegressor, loss=self.loss, quantile=self.quantile)

    @property
    def _head(self):
        return RegressorHead(self._target, self.quantiles_, self.n_outputs_)

    def _default_teachers(self):
        from skdistill.teachers.defaults import default_teachers

        return default_teachers(
            self.effort, task="regression", loss=self.loss, quantile=self.quantile,
            categorical_features=self.categorical_features, device=self.device,
        )  # fmt: skip

    @autologged
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_unlabeled=None,
        teacher_prediction=None,
        groups=None,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        """Train the teachers, then the student.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Numbers and, in a DataFrame, categories; missing values are welcome as far as
            the teachers take them, see `allows_missing_`. A sparse matrix is used as CSR and
            gets no synthetic rows; it is made dense as a whole only where that takes no more
            memory. Rows of several axes, such as images of shape (1, 28, 28), reach teachers
            and a module of one's own as they are; the default ones flatten them.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            For the teachers that take it, the pool, the student and its early stopping.
            Only ratios matter. No teacher is fitted on a row of weight zero.
        X_unlabeled : table of shape (n_unlabeled, n_features), default=None
            More rows like those of X, without targets. The teachers label them as they do
            synthetic rows, and the student is trained on them too.
            `GridSearchCV` passes them whole to each of its fits, unless there are exactly
            as many as rows of X: then it takes them for a property of those and passes
            the part with the indices of the training rows. A `Pipeline` passes them on
            untransformed, unless it has ``transform_input=["X_unlabeled"]``.
        teacher_prediction : array-like of shape (n_samples,) or (n_samples, n_targets), \
                default=None
            Soft targets computed elsewhere, best by models that have not seen the row's target.
            No teacher is fitted then, so there are no synthetic rows, and `teachers`, `weights`,
            `combination` and `cv` play no part.
        groups : array-like of shape (n_samples,), default=None
            Such as patients: rows of one group never label each other, and are held out
            together. A splitter passed as `cv` must respect groups; an int keeps
            groups together. The rows that a teacher holds out for itself ignore groups.
        X_val : table of shape (n_validation, n_features), default=None
            Validation rows like those of X, on which nothing is trained, instead of rows that
            are held out. The teachers and their pool are scored by them, the candidates for
            `alpha` are compared by them, and the student stops early by them. Nothing else
            depends on them. `GridSearchCV` passes them whole to each of its fits, unless there
            are exactly as many as rows of X: then each fit is validated by the part with the
            indices of its training rows, as with `X_unlabeled`; drop one row to avoid it. A
            `Pipeline` passes them on untransformed, unless it has
            ``transform_input=["X_val"]``.
        y_val : array-like of shape (n_validation,) or (n_validation, n_targets), default=None
            Their targets.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Their weights.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a parameter, a column, the targets, the validation rows, a teacher's predictions
            or the given soft targets are invalid, if `cv` splits a group, or if no student keeps
            `max_latency` and `max_size`. The message says which. The estimator is then not fitted;
            with `warm_start` it is as it was before.
        KeyboardInterrupt
            On Ctrl-C. The estimator is then as after an error. After the first epoch of the
            student's final training, the student of the best epoch (of the last epoch without
            validation rows) is kept, with a warning.
        """
        validation = X_val, y_val, sample_weight_val
        given = None
        if teacher_prediction is not None:
            given = "teacher_prediction", teacher_prediction
        return self._fit(
            X, y, sample_weight, X_unlabeled=X_unlabeled, teacher_predictions=given,
            groups=groups, validation=validation,
        )  # fmt: skip

    def predict(self, X, *, quantiles=False):
        """Predict the target of each row with the student.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Or (n_samples, ...), rows in the shape of those of `fit`. A student fitted on
            sparse rows takes dense ones too, and the other way round.
        quantiles : bool, default=False
            Whether to return `quantiles_` of the target instead.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, `n_outputs_`) or (n_samples, n_quantiles)
            Columns follow `quantiles_` and do not decrease from one to the next.

        Raises
        ------
        ValueError
            If quantiles are asked of a student that was trained without.
        """
        outputs, target = self._outputs(X), self._target
        if quantiles:
            if not self.quantiles_:
                raise ValueError(
                    "this student predicts no quantiles: set some before fit, such as "
                    "quantiles=(0.05, 0.5, 0.95)."
                )
            return target.quantiles(outputs[:, self.n_outputs_ :])
        y = target.predictions(outputs[:, : self.n_outputs_])
        return y[:, 0] if self.n_outputs_ == 1 else y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _register_skl2onnx():
    from skdistill.serving.onnx_converter import register_regressor

    register_regressor(DistilledRegressor)


when_imported("skl2onnx", _register_skl2onnx)
