"""`DistilledClassifier`: heavy ensemble in, small net out."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

from sklearn.base import ClassifierMixin

from skdistill.base import BaseDistilled
from skdistill.inspection.mlflow_log import autologged
from skdistill.serving.forward import log_softmax, softmax
from skdistill.serving.heads import ClassifierHead
from skdistill.serving.on_import import when_imported
from skdistill.sklearn_private import Interval, StrOptions
from skdistill.tasks.pooling import COMBINATIONS


class DistilledClassifier(ClassifierMixin, BaseDistilled):
    """A small net that predicts like an ensemble of teachers.

    `fit` trains the teachers on folds of the rows, pools their probabilities of rows that
    they have not seen, and trains the student on these soft targets and on the labels. Only
    the student is kept: arrays of a few hundred kilobytes that predict without torch.

    Parameters
    ----------
    teachers : list of (str, classifier), classifier, or None, default=None
        As in `VotingClassifier`: ``rf__n_estimators`` reaches into the teacher named
        "rf", and "drop" leaves one out. Each gets X and y as they were given. Wrap a fitted
        classifier in `FrozenEstimator`, a black box in `CallableTeacher`. None trains a random
        forest, XGBoost and torch nets, see `default_teachers`.
    student : skorch.NeuralNet, classifier, regressor or None, default=None
        It is cloned, and trained with the distillation loss. Its module returns logits. It
        gets encoded rows, or rows of more than two axes as they are. None is a `StudentNet`.
        ``student__lr``, ``student__module__hidden_sizes`` and so on reach into it.
        An estimator of scikit-learn, such as boosted trees, is fitted to the soft targets once,
        see Notes; what only a net can do is then refused.
    effort : {"low", "default", "high"}, default="default"
        How much work `fit` does where other parameters leave it open: the default teachers, the
        number of synthetic rows, the epochs of a `StudentNet`. "low" is for a first look, in a
        third of the time; "high" for when minutes do not matter: it takes CatBoost and LightGBM
        too, where they are installed.
    weights : "auto", None, array-like of shape (n_teachers,) or dict, default="auto"
        The teachers' weights in the pool. "auto" minimizes the out-of-fold log loss, then
        sharpens the pooled mean, which is under-confident where teachers disagree. None
        weights all teachers equally. A dict gives each teacher's weight by its name.
    combination : {"mean", "geometric", "median", "vote"}, default="mean"
        How the teachers are pooled, see `pool`.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, by label; 1 for a label that a dict does not name. "balanced"
        gives all classes the same total weight. They multiply `sample_weight`, and reach what
        it reaches: the teachers that take weights, the pool, the student and its validation.
        The predicted probabilities are then those of classes in these proportions. Soft targets
        that `fit` is given as `teacher_proba` are taken as they are.
    temperature : float or "auto", default=1.0
        T in ``softmax(z / T)``, for teachers and student alike, in training only. "auto"
        tries 1, 2 and 4 after `alpha`, in short trainings.
    alpha : float or "auto", default="auto"
        The teachers' share of the loss on rows that have a label: 1 trains on the teachers
        alone, 0 on the labels alone. "auto" follows the label noise: the less of the labels'
        variance the teachers explain out of fold, the larger alpha (formula in Notes). From
        about 1,500 rows a short trial also compares the same network trained on labels only,
        and keeps that one if its validation loss is clearly lower.
    cv : int, splitter, iterable, "oob", "in_sample" or None, default=5
        Folds of the cross-fitting; None for five. "oob" fits each teacher that has out-of-bag
        predictions once, and once more on all rows: forests,
        `ExtraTreesClassifier(bootstrap=True)`, `BaggingClassifier`, also at the end of a
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
        Which columns are categories, as in `HistGradientBoostingClassifier`: by default
        a DataFrame's columns that are neither numbers nor booleans, also as objects. An
        array's columns are numbers unless named. It holds for the student and the default
        teachers.
    keep_teachers : bool, default=False
        Whether to fit the teachers on all rows too, and keep them as `teacher_`.
    memory : None, str, path-like or joblib.Memory, default=None
        A folder that keeps the predictions of each teacher on each fold, and each student.
        A search over student, `alpha`, `temperature`, `weights` or `combination` then fits
        the teachers once, and a fit that was stopped goes on where it was. Entries are found
        by the content of the rows, all parameters and the libraries' versions. They are
        pickles: share the folder only with those you trust.
    warm_start : bool, default=False
        Whether a later `fit` trains the present student on, such as on new rows of the same
        columns and classes. The teachers are fitted again, on the rows of that `fit`; the
        student keeps its scaling, categories and bins. The same columns must be categorical. A
        `fit` that fails leaves the present student as it is. Only for a `StudentNet` over
        `StudentMLP`.
    max_time : float, default=None
        Seconds for `fit`. Each teacher is tried on a few rows. Those that do not fit into the
        time beside the student are left out with a warning, the best first, but never all of
        them. The student's training ends with the epoch in which the time is over.
    max_latency : float, default=None
        Seconds for `predict_proba` of one row, such as 25e-6: of an array, or of the table itself
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
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.
    n_features_in_ : int
        ``X.shape[1]``.
    row_shape_in_ : tuple of int
        ``X.shape[1:]``, only if X has more than two axes.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only if X has string column names.
    teacher_weights_ : dict of str to float
        Each teacher's weight in the pool. Empty where `fit` was given `teacher_proba`.
    teacher_scores_ : dict of str to float
        Each teacher's out-of-fold log loss, and that of their "pool". With `X_val`, their log
        losses on these rows, averaged over the folds' teachers. With `teacher_proba`, the "pool"
        alone, on X.
    teacher_diversity_ : dict
        How the teachers differ out of fold, and which ones are redundant: what
        `diversity` measures, as ``["marginal_gain"]["rf"]`` and
        ``["disagreement"]["rf"]["xgb"]``.
    teacher_ : TeacherEnsemble
        The teachers fitted on all rows, with `named_teachers_`. Only with
        ``keep_teachers=True``.
    allows_missing_ : bool
        Whether `predict` takes missing values: if all teachers do by their tags, or if `fit`
        was given some. In a column without any at fit, a missing number counts as the
        median, and a missing category as an unseen one.
    alpha_, temperature_ : float
        As used.
    candidates_ : list of dict
        What "auto" tried: ``alpha``, ``temperature``, ``teachers`` (False for the net on
        labels alone), ``valid_loss``, ``cut_short`` (True if `max_time` ended it), ``chosen``.
    inputs_ : NetInputs
        Turns a table into the student's encoded rows: ``inputs_.transform(X)``.
    student_ : ForwardPass or EstimatorForward
        Turns encoded rows into logits: ``student_(inputs_.transform(X))``. Plain arrays, a
        torch module of your own, or an estimator of scikit-learn, ``student_.estimator``.
    n_iter_ : int
        Epochs of the student's training; 1 for an estimator of scikit-learn.
    history_ : list of dict
        One for each epoch of the student's final training, of plain numbers: ``epoch``, from 1;
        ``train_loss``, that of the distillation; ``valid_loss``, the log
        loss of the validation rows, if there were any, see ``patience`` of `StudentNet`; ``lr``,
        the learning rate of a net. Warm-started, those of the last `fit`.
    fit_times_ : dict
        Seconds of `fit`: "teachers", a dict by name, and "labelling", sums over the processes
        that worked at once; "synthetic rows", "trials" (of `candidates_`) and "student"; the
        "total" that has passed. What `memory` recalls counts as when it was computed.
    report_ : dict of str to float
        Log losses. "teachers": the pool's, out of fold or of `X_val`. "student": lowest loss on
        validation rows, of the final training or else of the short trial; None without
        validation rows.
        "gain_over_labels": how much lower the loss of the chosen candidate is than that of the
        same net on labels alone, both after short trials; absent if `candidates_` do not
        include that net.

    See Also
    --------
    TeacherEnsemble : The cross-fitted, pooled teachers alone.
    NetClassifier : The student's net on labels alone, with ``NetClassifier(StudentNet())``.
    DistillationReport : What a student gains and loses against its teachers.
    disagreements : Where the student and its teachers part.
    student_path : What students of several widths gain and cost.
    load : Read a student that `save` has written.

    Notes
    -----
    The student minimizes, for each row with soft target p, label y and logits z,

    ``alpha * T**2 * KL(p_T || softmax(z / T)) + (1 - alpha) * CE(y, softmax(z))``,

    where ``p_T`` is ``p ** (1 / T)``, normalized. Rows without a label, synthetic ones among
    them, have alpha 1.

    ``alpha="auto"`` is 1 / (1 + SNRᵖ). SNR = R² / (1 - R²) is the labels' ratio of signal to
    noise, from the share R² of the labels' variance that the pooled soft targets explain out of
    fold. p is 1 + the share of rows without a label, so without such rows alpha is 1 - R².

    An estimator of scikit-learn is fitted to ``q = alpha * p + (1 - alpha) * onehot(y)``. A
    classifier gets a copy of each row for each class, weighted by q, so it must accept
    `sample_weight`; copies below 0.001 are left out. A regressor gets the logits of q, clipped to
    0.02 over the number of classes: those of all classes, or the log-odds of two;
    `MultiOutputRegressor` fits a clone for each if it takes only one. There are no trials, no
    validation rows but `X_val`, and T is 1.

    Beside at least as many unlabeled rows as labeled ones, the net is trained for all
    epochs on all rows. Otherwise, or with ``student__patience``, it stops early by the loss of
    validation rows. By default these are 20 % of the rows up to 500, 100 rows up to 1,000, and
    10 % above.

    References
    ----------
    Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015,
    arXiv:1503.02531.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
    >>> from skdistill import DistilledClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     [("rf", RandomForestClassifier(20)), ("et", ExtraTreesClassifier(20))],
    ...     random_state=0,
    ... ).fit(X, y)
    >>> clf.predict_proba(X).shape
    (150, 3)
    >>> sorted(clf.teacher_weights_)
    ['et', 'rf']
    """

    _parameter_constraints = {
        **BaseDistilled._parameter_constraints,
        "combination": [StrOptions(set(COMBINATIONS))],
        "class_weight": [None, StrOptions({"balanced"}), Mapping],
        "temperature": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        teachers=None,
        student=None,
        *,
        effort="default",
        weights: Any = "auto",
        combination="mean",
        class_weight: Any = None,
        temperature: float | str = 1.0,
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
        self.weights = weights
        self.combination = combination
        self.class_weight = class_weight
        self.temperature = temperature
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
        from skdistill.tasks.classification import Classification

        return Classification

    @property
    def _score_name(self):
        return self._task.score_name

    @property
    def _teacher_ensemble(self):
        from skdistill.soft_targets.ensemble import TeacherEnsemble

        return TeacherEnsemble

    @property
    def _net_estimator(self):
        from skdistill.teachers.net_classifier import NetClassifier

        return NetClassifier

    @property
    def _head(self):
        return ClassifierHead(self.classes_)

    def _default_teachers(self):
        from skdistill.teachers.defaults import default_teachers

        return default_teachers(
            self.effort, categorical_features=self.categorical_features, device=self.device
        )

    @autologged
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_unlabeled=None,
        teacher_proba=None,
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
        y : array-like of shape (n_samples,)
            Labels, strings or integers.
        sample_weight : array-like of shape (n_samples,), default=None
            For the teachers that take it, the pool, the student and its early stopping.
            Only ratios matter. No teacher is fitted on a row of weight zero.
        X_unlabeled : table of shape (n_unlabeled, n_features), default=None
            More rows like those of X, without labels. The teachers label them as they do
            synthetic rows, and the student is trained on them too.
            `GridSearchCV` passes them whole to each of its fits, unless there are exactly
            as many as rows of X: then it takes them for a property of those and passes
            the part with the indices of the training rows. A `Pipeline` passes them on
            untransformed, unless it has ``transform_input=["X_unlabeled"]``.
        teacher_proba : array-like or DataFrame of shape (n_samples, n_classes), default=None
            Soft targets computed elsewhere, best by models that have not seen the row's
            label. An array's columns follow the sorted classes, a DataFrame's are named by
            them. No teacher is fitted then, so there are no synthetic rows, and `teachers`,
            `weights`, `combination` and `cv` play no part.
        groups : array-like of shape (n_samples,), default=None
            Such as patients: rows of one group never label each other, and are held out
            together. A splitter passed as `cv` must respect groups; an int means
            `StratifiedGroupKFold`. The rows that a teacher holds out for itself ignore groups.
        X_val : table of shape (n_validation, n_features), default=None
            Validation rows like those of X, on which nothing is trained, instead of rows that
            are held out. The teachers and their pool are scored by them, the candidates for
            `alpha` are compared by them, and the student stops early by them. Nothing else
            depends on them. `GridSearchCV` passes them whole to each of its fits, unless there
            are exactly as many as rows of X: then each fit is validated by the part with the
            indices of its training rows, as with `X_unlabeled`; drop one row to avoid it. A
            `Pipeline` passes them on untransformed, unless it has
            ``transform_input=["X_val"]``.
        y_val : array-like of shape (n_validation,), default=None
            Their labels.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Their weights.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a parameter, a column, the labels, the validation rows, a teacher's predictions
            or the given soft targets are invalid, if `cv` splits a group, or if no student keeps
            `max_latency` and `max_size`. The message says which. The estimator is then not fitted;
            with `warm_start` it is as it was before.
        KeyboardInterrupt
            On Ctrl-C. The estimator is then as after an error. After the first epoch of the
            student's final training, the student of the best epoch (of the last epoch without
            validation rows) is kept, with a warning.
        """
        validation = X_val, y_val, sample_weight_val
        given = None if teacher_proba is None else ("teacher_proba", teacher_proba)
        return self._fit(
            X, y, sample_weight, X_unlabeled=X_unlabeled, teacher_predictions=given,
            groups=groups, validation=validation,
        )  # fmt: skip

    def predict_proba(self, X):
        """Predict class probabilities with the student.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Or (n_samples, ...), rows in the shape of those of `fit`. A student fitted on
            sparse rows takes dense ones too, and the other way round.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), float64
            Columns follow `classes_`.
        """
        return softmax(self._outputs(X))

    def predict_log_proba(self, X):
        """Predict the logarithms of the class probabilities.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            As in `predict_proba`.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes), float64
            Columns follow `classes_`. Finite where the probability rounds to 0.
        """
        return log_softmax(self._outputs(X))

    def decision_function(self, X):
        """Return the student's logits.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            As in `predict_proba`.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes the log-odds of ``classes_[1]``.
        """
        logits = self._outputs(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X):
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            As in `predict_proba`.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels out of `classes_`.
        """
        logits = self._outputs(X)
        return self.classes_[logits.argmax(1)]


def _register_skl2onnx():
    from skdistill.serving.onnx_converter import register_classifier

    register_classifier(DistilledClassifier)


when_imported("skl2onnx", _register_skl2onnx)
