"""`DistilledClassifier`: heavy ensemble in, small net out."""

import os
from numbers import Integral, Real

from joblib import Memory
from sklearn.base import ClassifierMixin

from skdistill.base import BaseDistilled
from skdistill.serving.forward import log_softmax, softmax
from skdistill.sklearn_private import HasMethods, Interval, StrOptions
from skdistill.tasks.pooling import COMBINATIONS


class DistilledClassifier(ClassifierMixin, BaseDistilled):
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
        1 shows teachers × folds and the student's epochs, with the time left: one line on a
        terminal, a few lines elsewhere. 2 adds skorch's table of epochs.

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
        "weights": [None, StrOptions({"auto"}), "array-like", dict],
        "combination": [StrOptions(set(COMBINATIONS))],
        "temperature": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "alpha": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "cv": ["cv_object", StrOptions({"oob", "in_sample"})],
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

    @property
    def _task(self):
        from skdistill.tasks.classification import Classification

        return Classification

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
        return softmax(self._outputs(X))

    def predict_log_proba(self, X):
        """Logarithm of `predict_proba`, ndarray of shape (n_samples, n_classes)."""
        return log_softmax(self._outputs(X))

    def decision_function(self, X):
        """The student's logits.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes the log-odds of ``classes_[1]``.
        """
        logits = self._outputs(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X):
        """The most probable class of each row, ndarray of shape (n_samples,)."""
        logits = self._outputs(X)
        return self.classes_[logits.argmax(1)]
