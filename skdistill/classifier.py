"""`DistilledClassifier`: heavy ensemble in, small net out."""

import os
import time
from numbers import Integral, Real

from joblib import Memory
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skdistill.serving.exports import Exports
from skdistill.serving.forward import (
    ROWS_WORTH_A_GPU,
    batched_logits,
    log_softmax,
    softmax,
)
from skdistill.soft_targets.composition import HasTeachers
from skdistill.table.validation import check_table, check_training_rows, is_clean_matrix
from skdistill.tasks.pooling import COMBINATIONS


class DistilledClassifier(Exports, HasTeachers):
    """Train an ensemble of teachers, and one small net that answers like them.

    `fit` trains the teachers on folds of the rows, pools what they say of the rows
    they have not seen, and trains the student on that and on the labels. What is left
    is the student: arrays of a few hundred kilobytes that predict without torch.

    Parameters
    ----------
    teachers : list of (str, classifier), classifier, or None, default=None
        As in `VotingClassifier`: ``rf__n_estimators`` reaches into the teacher named
        "rf", and "drop" leaves one out. Each gets X as it was given. `FrozenEstimator` for
        one that is fitted already, `CallableTeacher` for a black box. None: a random
        forest, XGBoost and three torch nets, see `default_teachers`.
    student : skorch.NeuralNet or None, default=None
        Cloned, and trained with the distillation loss; its module returns logits, and
        gets rows as `NetInputs` encodes them or, of more than two axes, as they are.
        None: `StudentNet`. ``student__lr``, ``student__module__hidden_sizes`` and so on
        reach into it.
    weights : "auto", None, or array-like of shape (n_teachers,), default="auto"
        The teachers' weights in the pool. "auto": those with the lowest out-of-fold
        log loss, to which the mean, less sure than it may be, is then sharpened; None: equal.
    combination : {"mean", "geometric", "median", "vote"}, default="mean"
        How they are pooled, see `skdistill.pool`.
    temperature : float or "auto", default=1.0
        T in ``softmax(z / T)``, for teachers and student alike, in training only. "auto":
        1, 2 or 4, tried as "auto" of `alpha` is, after it.
    alpha : float or "auto", default="auto"
        The teacher's share of the loss ``alpha T² KL(teacher ‖ student) + (1 - alpha)
        CE(y, student)`` on rows that have a label: 1 is the teacher alone, 0 the labels
        alone. "auto": the noisier the labels are, by how much of their variance the teachers
        explain out of fold, the more: 1 / (1 + SNRᵖ), SNR = R² / (1 - R²), p = 1 + the share
        of synthetic and other unlabelled rows, so 1 - R² without; or the net on labels alone,
        if that has the clearly lower held-out log loss after a quarter of the epochs. Not
        tried on tables of less than some 1,500 rows, which can spare none for that.
    cv : int, splitter, iterable, "oob" or None, default=5
        Folds of the cross-fitting. "oob" fits the teachers that have out-of-bag answers
        once, and once more on all rows: forests, `ExtraTreesClassifier(bootstrap=True)`,
        `BaggingClassifier`, also at the end of a `Pipeline`; the others are fitted on 5 folds.
        None labels each row with teachers that were fitted on it, and warns.
    augmenter : "auto", "munge", None, or object with `fit` and `sample`, default="auto"
        Where synthetic rows come from, six for each real row up to 50,000; the teachers
        label them. "auto" is `Munge`, or None where X is sparse. An object is cloned and
        must have ``fit(X)`` and ``sample(n, random_state)``, which returns rows like X.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        Which columns are categories, as in `HistGradientBoostingClassifier`: by default
        a DataFrame's columns that are neither numbers nor booleans. An array's columns
        are numbers unless told. Holds for the student and the default teachers.
    keep_teachers : bool, default=False
        Fit the teachers on all rows too and keep them as `teacher_`.
    memory : None, str, path-like or joblib.Memory, default=None
        A folder where what each teacher says after each fold is kept, and each student:
        a search over student, `alpha`, `temperature`, `weights` or `combination` fits
        the teachers once, and a fit that was stopped goes on where it was. What is kept
        is found again by the content of the rows, all parameters and the libraries'
        versions. It is pickled: share the folder with those you trust.
    max_time : float, default=None
        Seconds for `fit`. The teachers are fitted in any case; the student's epoch in
        which the time is over is its last.
    n_jobs : int, default=None
        Teachers × folds, and candidates for `alpha`, fitted at once. Within a search
        that has its own `n_jobs`, in turn.
    device : str, default="auto"
        Where nets are trained. "auto": the GPU where there is one.
    random_state : int, RandomState or None, default=None
        Seeds folds, the teachers that have no seed of their own, and the student. With
        `memory`, None is taken for 0, and a generator keeps it from being used.
    verbose : int, default=0
        1 shows teachers × folds and the student's epochs, with the time left: as bars if
        tqdm is installed, else as lines. 2 adds skorch's table of epochs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
        ``X.shape[1]``.
    row_shape_in_ : tuple of int
        ``X.shape[1:]``, only if X has more than two axes.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has string column names.
    teacher_weights_ : dict of str to float
        Each teacher's weight in the pool; empty where `fit` was given `teacher_proba`.
    teacher_scores_ : dict of str to float
        Each teacher's out-of-fold log loss, and that of their "pool".
    teacher_diversity_ : dict
        How the teachers differ out of fold, and which of them is idle: what
        `skdistill.diversity` measures, as ``["marginal_gain"]["rf"]`` and
        ``["disagreement"]["rf"]["xgb"]``.
    alpha_, temperature_ : float
        As used.
    candidates_ : list of dict
        What "auto" tried: ``alpha``, ``temperature``, ``teachers`` (False for the net on
        labels alone), ``valid_loss``, ``cut_short`` (True if `max_time` ended it), ``chosen``.
    student_ : ForwardPass
        Encoded rows in, logits out: plain arrays.
    history_ : list of dict
        The student's ``train_loss`` by epoch, and its ``valid_loss``, the log loss of held-out
        labels, where it is trained with some held out: see ``patience`` of `StudentNet`.
    report_ : dict of str to float
        Log losses: of the pooled "teachers" out of fold; of the "student" on held-out rows, if
        only after the short training by which it was chosen, and None if none were held out;
        and, where `candidates_` tell, how much lower the chosen one's is than that of the
        net on labels alone, after equally short trainings: "gain_over_labels".
    teacher_ : TeacherEnsemble
        Fitted on all rows; only with ``keep_teachers=True``.

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
    """

    _parameter_constraints = {
        "teachers": [None, list, tuple, HasMethods(["fit", "get_params"])],
        "student": [None, HasMethods(["fit", "get_params"])],
        "weights": [None, StrOptions({"auto"}), "array-like"],
        "combination": [StrOptions(set(COMBINATIONS))],
        "temperature": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "alpha": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "cv": ["cv_object", StrOptions({"oob"})],
        "augmenter": [None, StrOptions({"auto", "munge"}), HasMethods(["fit", "sample"])],
        "categorical_features": [None, StrOptions({"from_dtype"}), "array-like"],
        "keep_teachers": ["boolean"],
        "memory": [None, str, os.PathLike, Memory],
        "max_time": [None, Interval(Real, 0, None, closed="neither")],
        "n_jobs": [None, Integral],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        teachers=None,
        student=None,
        *,
        weights="auto",
        combination="mean",
        temperature=1.0,
        alpha="auto",
        cv=5,
        augmenter="auto",
        categorical_features="from_dtype",
        keep_teachers=False,
        memory=None,
        max_time=None,
        n_jobs=None,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.teachers = teachers
        self.student = student
        self.weights = weights
        self.combination = combination
        self.temperature = temperature
        self.alpha = alpha
        self.cv = cv
        self.augmenter = augmenter
        self.categorical_features = categorical_features
        self.keep_teachers = keep_teachers
        self.memory = memory
        self.max_time = max_time
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y, sample_weight=None, *, X_unlabeled=None, teacher_proba=None, groups=None):
        """Train the teachers, then the student.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Numbers and, in a DataFrame, categories; missing values are welcome as far as
            the teachers take them. A sparse matrix is used as CSR and never made dense as
            a whole. Rows of several axes, such as images of shape (1, 28, 28), reach
            teachers and a module of one's own as they are; the default ones flatten them.
        y : array-like of shape (n_samples,)
            Labels, strings or integers.
        sample_weight : array-like of shape (n_samples,), default=None
            For the teachers that take it, the pool, the student and its early stopping.
            Only ratios matter. No teacher learns from a row of weight zero.
        X_unlabeled : table of shape (n_unlabeled, n_features), default=None
            More rows like those of X, without labels. The teachers label them as they do
            synthetic rows, and the student learns from them too.
            `GridSearchCV` passes them whole to each of its fits, unless there are exactly
            as many as rows of X: then it takes them for a property of those and passes
            the part with the indices of the training rows. A `Pipeline` passes them on
            untransformed, unless told with ``transform_input=["X_unlabeled"]``.
        teacher_proba : array-like or DataFrame of shape (n_samples, n_classes), default=None
            Soft targets computed elsewhere, best by models that have not seen the row's
            label. An array's columns follow the sorted classes, a DataFrame's are named by
            them. No teacher is fitted then, so there are no synthetic rows, and `teachers`,
            `weights`, `combination` and `cv` play no part.
        groups : array-like of shape (n_samples,), default=None
            Such as patients: rows of one group never label each other, and are held out
            together. For a `cv` that heeds groups; an int then stands for
            `StratifiedGroupKFold`. A teacher that holds out rows for itself does not know them.

        Returns
        -------
        self : DistilledClassifier

        Raises
        ------
        ValueError
            If a parameter, a column, the labels, a teacher's answers or the targets in
            their place make no sense, or `cv` tears groups apart; the message says which.
            The estimator is then not fitted.
        KeyboardInterrupt
            On Ctrl-C, and the estimator is not fitted. Once the student is in training
            for good, it is kept as it is by then instead, or as of its best epoch if rows
            were held out, with a warning.
        """
        from skdistill.jobs.memory import open_memory, repeatable_rng
        from skdistill.nets.interface import size_module
        from skdistill.nets.training import MAX_SEED
        from skdistill.soft_targets.precomputed import check_given
        from skdistill.student.checks import check_student, fitted_inputs
        from skdistill.student.recipe import learns_from_all, rows_that_judge
        from skdistill.student.training import teach
        from skdistill.table.splits import hold_out, learnt_from
        from skdistill.transfer.augmenters import n_synthetic, synthetic_rows
        from skdistill.transfer.transfer_set import TransferSet

        self._forget()
        self._validate_params()
        deadline = None if self.max_time is None else time.monotonic() + self.max_time
        X, y, classes, sample_weight = check_training_rows(self, X, y, sample_weight)
        given = check_given(self, X, classes, X_unlabeled, teacher_proba, groups)
        memory = open_memory(self.memory, self.random_state)
        rng = repeatable_rng(self.random_state, memory)
        net = self._new_student()
        check_student(net, X, y, len(classes), self.categorical_features)

        n_unlabeled = n_synthetic(given.augmenter, X) + given.n_unlabeled
        mostly_unlabeled = n_unlabeled >= len(y)
        held_out = hold_out(y, rng, groups=given.groups, sample_weight=sample_weight)
        held_out = rows_that_judge(held_out, net, mostly_unlabeled)
        known = _safe_indexing(X, learnt_from(held_out, sample_weight))
        recipe = given.augmenter, known, self.categorical_features, rng.randint(MAX_SEED)
        tables = synthetic_rows(*recipe, memory=memory), given.X_unlabeled
        unlabeled = [table for table in tables if table is not None]

        seed = rng.randint(MAX_SEED)
        teacher = given.teacher or self._new_teacher(seed)
        refit = self.keep_teachers or learns_from_all(net, mostly_unlabeled)
        soft_targets, *of_unlabeled = teacher.fit_soft_targets(
            X, y, classes, sample_weight, groups=given.groups, held_out=held_out,
            unlabeled=unlabeled, refit=refit, keep=self.keep_teachers, memory=memory,
        )  # fmt: skip
        inputs = fitted_inputs(net, self.categorical_features, X, soft_targets, rng)
        rows = TransferSet(inputs.transform(X), soft_targets, y, sample_weight, held_out)
        rows = rows.with_unlabeled([inputs.transform(table) for table in unlabeled], *of_unlabeled)

        size_module(net, inputs.layout, len(classes), len(y))
        taught = teach(
            net, rows, alpha=self.alpha, temperature=self.temperature, seed=rng.randint(MAX_SEED),
            memory=memory, n_jobs=self.n_jobs, deadline=deadline, verbose=self.verbose,
        )  # fmt: skip

        self.classes_ = classes
        self.teacher_weights_, self.teacher_scores_ = teacher.weights_, teacher.scores_
        self.teacher_diversity_ = teacher.diversity_
        self.temperature_, self.alpha_ = taught.recipe.temperature, taught.recipe.alpha
        self.candidates_, self.history_ = taught.candidates, taught.history
        if self.keep_teachers:
            self.teacher_ = teacher
        self.inputs_, self.student_ = inputs, taught.student
        return self

    def predict_proba(self, X):
        """The student's class probabilities.

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
        return softmax(self._logits(X))

    def predict_log_proba(self, X):
        """Logarithm of `predict_proba`, ndarray of shape (n_samples, n_classes)."""
        return log_softmax(self._logits(X))

    def decision_function(self, X):
        """The student's logits.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes the log-odds of ``classes_[1]``.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X):
        """The most probable class of each row, ndarray of shape (n_samples,)."""
        logits = self._logits(X)
        return self.classes_[logits.argmax(1)]

    def _logits(self, X):
        """Logits of any table, float64: probabilities are to sum to one closely."""
        checked = self.__sklearn_is_fitted__() and is_clean_matrix(self, X)
        if not checked:
            check_is_fitted(self)
            X = check_table(self, X, reset=False)
        student = self.student_
        on_gpu = self.device.startswith("cuda") and not issparse(X)
        if on_gpu and len(X) >= ROWS_WORTH_A_GPU:
            from skdistill.serving.on_device import on_device

            student = on_device(student, self.device)
        return batched_logits(self.inputs_, student, X, checked=checked)

    def _new_student(self):
        from skorch import NeuralNet

        from skdistill.nets.training import resolve_device
        from skdistill.student.student_net import StudentNet

        net = StudentNet() if self.student is None else clone(self.student)
        if not isinstance(net, NeuralNet):
            raise ValueError(
                f"student must be a skorch.NeuralNet, such as StudentNet(), got {net!r}."
            )
        verbose = max(0, int(self.verbose) - 1)
        return net.set_params(device=resolve_device(self.device), verbose=verbose)

    def _new_teacher(self, seed):
        from skdistill.soft_targets.ensemble import TeacherEnsemble

        return TeacherEnsemble(
            self._listed_teachers(),
            self.weights,
            combination=self.combination,
            cv=self.cv,
            categorical_features=self.categorical_features,
            n_jobs=self.n_jobs,
            random_state=seed,
            verbose=self.verbose,
        )

    def _default_teachers(self):
        from skdistill.teachers.defaults import default_teachers

        return default_teachers(categorical_features=self.categorical_features, device=self.device)

    def set_params(self, **params):
        """Set parameters, those of a teacher as ``name__parameter``.

        Naming one of the default teachers, or a parameter of the default student, makes
        it explicit.
        """
        self.student = params.pop("student", self.student)
        if self.student is None and any(key.startswith("student__") for key in params):
            from skdistill.student.student_net import StudentNet

            self.student = StudentNet()
        return super().set_params(**params)

    def _forget(self):
        """A fit that fails leaves nothing of an earlier one."""
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)

    @property
    def report_(self):
        """Log losses on rows that were not learnt from, and what the teachers brought."""
        check_is_fitted(self)
        held_out = [epoch["valid_loss"] for epoch in self.history_ if "valid_loss" in epoch]
        of_labels = [each["valid_loss"] for each in self.candidates_ if not each["teachers"]]
        own = next((each["valid_loss"] for each in self.candidates_ if each["chosen"]), None)
        report = {"teachers": self.teacher_scores_["pool"], "student": min(held_out, default=own)}
        if of_labels:
            report["gain_over_labels"] = of_labels[0] - own
        return report

    def __sklearn_is_fitted__(self):
        return hasattr(self, "student_")
