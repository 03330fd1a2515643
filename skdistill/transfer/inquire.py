"""`Inquire`, an augmenter that lets the student ask its teachers in rounds."""

from numbers import Integral

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone

from skdistill.sklearn_private import DocumentationLink, HasMethods, Interval, StrOptions
from skdistill.transfer.munge import Munge

DISAGREEMENT, UNCERTAINTY = "disagreement", "uncertainty"


class Inquire(DocumentationLink, BaseEstimator):
    """Augmenter that lets the student ask its teachers about rows of its choice, in rounds.

    In the first round the teachers label synthetic rows as they come. Before each later round a
    short training of the student on all rows so far shows where it is wrong or unsure, and the
    teachers label new synthetic rows from there. The final student is trained on the rows of all
    rounds: as many as any other augmenter draws.

    Parameters
    ----------
    augmenter : None, "munge", or object with `fit` and `sample`, default=None
        Draws the synthetic rows among which the student chooses; it is cloned. None is `Munge`.
    rounds : int, default=3
        Number of rounds, at least 2. Each gets the same share of the rows.
    by : {"disagreement", "uncertainty"}, default="disagreement"
        What attracts the student. "disagreement": where it is likely to differ from the pooled
        teachers, see Notes. "uncertainty": where the entropy of its probabilities is high, for
        classifiers alone.
    n_candidates : int, default=4
        Number of synthetic rows that are drawn for each one that is chosen.

    See Also
    --------
    Munge : Mixes real rows with their nearest neighbors.
    BetweenSplits : Moves numbers across the split points of a forest.
    DistilledClassifier : Takes an augmenter.

    Notes
    -----
    Rows are chosen by chance, without replacement, with probabilities in proportion to their
    score: the largest alone would be outliers that resemble each other.

    By "uncertainty" the score is the entropy of the student's probabilities. By "disagreement" it
    is what a small forest expects of the row: the divergence of student and pool, which is known
    of the rows that are labeled already, given the columns and the student's outputs. The
    teachers therefore label no row that the student is not trained on. The divergence is that of
    the student's loss, such as Kullback and Leibler's. The time that all this takes is that of
    the "synthetic rows" in `fit_times_`.

    The teachers of all folds are kept until the last round, and in the folder of `memory`; a fit
    that finds them there draws the later rounds, and lets them be labeled, again. Teachers must
    be able to label new rows, so `teacher_proba` of `fit` is refused, and so is a
    `DistilledRanker`, whose scores have no meaning outside of their query.

    To train on the rows that a learner visits, labeled by the expert, is the idea of DAgger. To
    choose rows to be labeled is active learning. "uncertainty" is uncertainty sampling;
    "disagreement" resembles query by committee, in which the rows are those on which the members
    of a committee disagree, here student and pool.

    References
    ----------
    Ross, Gordon and Bagnell, "A reduction of imitation learning and structured prediction to
    no-regret online learning", AISTATS 2011.

    Seung, Opper and Sompolinsky, "Query by committee", COLT 1992.

    Lewis and Gale, "A sequential algorithm for training text classifiers", SIGIR 1994.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, Inquire, StudentNet
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(10),
    ...     StudentNet(max_epochs=6, module__hidden_sizes=(16,)),
    ...     augmenter=Inquire(rounds=2),
    ...     random_state=0,
    ... ).fit(X, y)
    >>> clf.predict_proba(X).shape
    (150, 3)
    """

    _parameter_constraints = {
        "augmenter": [None, StrOptions({"munge"}), HasMethods(["fit", "sample"])],
        "rounds": [Interval(Integral, 2, None, closed="left")],
        "by": [StrOptions({DISAGREEMENT, UNCERTAINTY})],
        "n_candidates": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, augmenter=None, *, rounds=3, by=DISAGREEMENT, n_candidates=4):
        self.augmenter = augmenter
        self.rounds = rounds
        self.by = by
        self.n_candidates = n_candidates

    def check(self, task, X):
        """Check the parameters, and that the task can tell where a student is wrong or unsure.

        Parameters
        ----------
        task : Task
        X : table of shape (n_samples, n_features)

        Raises
        ------
        ValueError
            If it cannot, if a parameter is invalid, or if X is sparse.
        """
        self._validate_params()
        problem = task.why_not_ask(by_uncertainty=self.by == UNCERTAINTY)
        if problem:
            raise ValueError(f"augmenter=Inquire(by={self.by!r}) {problem}")
        if issparse(X):
            raise ValueError(
                "augmenter=Inquire() needs dense rows, but X is sparse: use augmenter=None, or "
                "pass a dense X."
            )

    def fit(self, X):
        """Fit a clone of the inner augmenter.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (n_samples, n_features)

        Returns
        -------
        self : Inquire
        """
        inner = Munge() if self.augmenter in (None, "munge") else self.augmenter
        self.augmenter_ = clone(inner, safe=False)
        self.augmenter_.fit(X)
        return self

    def sample(self, n_samples, random_state=None):
        """Draw synthetic rows as the inner augmenter does: nobody is asked.

        Parameters
        ----------
        n_samples : int
        random_state : int, RandomState or None, default=None

        Returns
        -------
        X : DataFrame or ndarray of shape (n_samples, n_features)
        """
        return self.augmenter_.sample(n_samples, random_state)


def rows_of_rounds(augmenter, n_samples):
    """Return the number of synthetic rows of each round; a single round but for `Inquire`."""
    if not isinstance(augmenter, Inquire):
        return [n_samples]
    later = n_samples // augmenter.rounds
    return [n_samples - later * (augmenter.rounds - 1), *[later] * (augmenter.rounds - 1)]


def draw_by_score(score, n_samples, rng):
    """Draw rows without replacement, with probabilities in proportion to their score.

    Parameters
    ----------
    score : ndarray of shape (n_candidates,)
        Not negative.
    n_samples : int
    rng : RandomState

    Returns
    -------
    rows : ndarray of int of shape (n_samples,)
        Sorted.

    References
    ----------
    Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006.
    """
    score = np.maximum(np.nan_to_num(score), 0)
    score = score / (score.max() or 1.0) + 1e-9  # rows of score zero come last
    keys = np.log(rng.random_sample(len(score))) / score
    return np.sort(np.argsort(-keys, kind="stable")[:n_samples])
