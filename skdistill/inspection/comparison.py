"""`compare`: the report of models of any kind."""

from collections.abc import Mapping

from skdistill.inspection.measuring import measure
from skdistill.inspection.report import DistillationReport


def compare(models, X, y, *, reference=None, qid=None, n_repeats=30):
    """Measure fitted classifiers, regressors or rankers on rows that none of them has seen.

    Printing the report shows a table. Its ``plot()`` draws log loss or RMSE against time and size.

    Parameters
    ----------
    models : dict of str to estimator
        Classifiers fitted on the same classes, in whatever order, with `predict_proba`; or
        regressors of the same targets; or, with `qid`, rankers and regressors.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows that no model was fitted on.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Labels of the rows; a column of them is flattened with a warning, as by `fit`. Of
        regressors, the targets; of rankers, the relevance.
    reference : str, default=None
        Name of the model that agreement is measured with; None is the first.
    qid : array-like of shape (n_samples,), default=None
        The query that each row belongs to, in any order: models rank the rows of a query.
    n_repeats : int, default=30
        Number of timed predictions of one row; the report has their median.

    Returns
    -------
    report : DistillationReport
        ``report[name]`` has `kilobytes` and `microseconds`; of a classifier `accuracy`,
        `log_loss`, `roc_auc`, `calibration_error`, `brier_score`, `agreement` and
        `kl_divergence`; of a regressor `rmse`, `mae`, `r2`, `agreement`, and `coverage` and
        `nominal_coverage`. ``report.to_dicts()`` and ``report.to_frame()`` have all of them.

    Raises
    ------
    ValueError
        If `models` is empty or has classifiers and regressors, or rankers without `qid`, if
        classifiers were fitted on different classes, if y has labels that are none of these, or of
        regressors no finite numbers, or if `reference` is none of the models.

    See Also
    --------
    DistillationReport.from_estimator : The report of a student, which finds its teachers.
    expected_calibration_error : The measure of calibration.

    Notes
    -----
    The size is that of the uncompressed joblib file; it is None for a model that cannot be pickled,
    such as one that calls a lambda. That of a student is without its teachers:
    those that ``keep_teachers=True`` has kept, and those that it was given, which
    ``set_params(teachers=None)`` takes out of the file. The time is that of ``predict_proba`` for
    one row, of regressors that of ``predict``, which is the latency of a service.

    `roc_auc` is the mean area under the ROC curves of each class against the others, over the
    classes that y has; it is None if y has one class only. `kl_divergence` is the mean of
    KL(reference ‖ model), in nats.

    The agreement of classifiers is the share of rows that get the class of the reference. That of
    regressors is R² of the predictions, with those of the reference as the target: 1 if they are
    the same, and None, as `r2`, where that is the same number in all rows. `coverage` is the share
    of targets between the lowest and the highest of `quantiles_`, and `nominal_coverage` what it
    should be; both are None, and their column is absent, where a regressor predicts no quantiles.
    Measures of several targets are means over the targets.

    Of rankers there are `ndcg`, the mean NDCG@10 of the queries, and as `agreement` the mean
    Kendall's tau within queries.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import compare
    >>> X, y = load_wine(return_X_y=True)
    >>> models = {
    ...     "tree": DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[::2], y[::2]),
    ...     "naive Bayes": GaussianNB().fit(X[::2], y[::2]),
    ... }
    >>> report = compare(models, X[1::2], y[1::2])
    >>> report["naive Bayes"].log_loss < report["tree"].log_loss
    True
    >>> print(report)
    model        log loss  accuracy  calib. error  agreement  size, kB  one row, us
    -------------------------------------------------------------------------------
    tree         ...
    naive Bayes  ...
    """
    if not isinstance(models, Mapping) or not models:
        raise ValueError(
            "there is no model to compare: models must be a dict {name: fitted model}, got "
            f"{models!r:.80}."
        )
    if reference not in (None, *models):
        raise ValueError(
            f"reference {reference!r} is none of the models: {list(models)}. Name one of these."
        )
    reference = next(iter(models)) if reference is None else reference
    rows, predictions = measure(models, X, y, reference=reference, qid=qid, n_repeats=n_repeats)
    return DistillationReport(rows, reference=reference, predictions=predictions)
