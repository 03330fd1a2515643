"""skdistill's student and its rivals, one function each.

Each function takes a `Task` and yields its fitted models one by one. `bench_rivals.py`
measures each before the next one is fitted. `n_classes` of a task is None if the target is a
number; the rivals in `FOR_NUMBERS` take such tasks.
"""

import io
import logging
import os
import tempfile
import warnings
from collections import namedtuple
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

STUDENT = "skdistill"  # name of our student in the JSON

# `device` is that of skdistill's nets, RealMLP and TabM.
Task = namedtuple("Task", "X y X_test y_test n_classes seed time_limit device", defaults=["cpu"])
# `predict` returns probabilities, or numbers; seconds: (CPU, wall)
Fitted = namedtuple("Fitted", "name predict kilobytes seconds")


def timed(function, *args, **kwargs):
    """Return the result, and the seconds of CPU (children included) and of the wall clock."""
    before = os.times()
    result = function(*args, **kwargs)
    after = os.times()
    return result, np.array([sum(after[:4]) - sum(before[:4]), after[4] - before[4]])


def joblib_kilobytes(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    return file.tell() / 1000


def folder_kilobytes(folder):
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1000


def skdistill_student(task):
    """Yield the default student; its seconds include the refit of the teachers."""
    from skdistill import DistilledClassifier, DistilledRegressor

    estimator = one_for(task, DistilledClassifier, DistilledRegressor)
    student = estimator(keep_teachers=True, device=task.device, random_state=task.seed)
    _, seconds = timed(student.fit, task.X, task.y)
    teacher = student.teacher_
    del student.teacher_  # a default student keeps no teachers, so its size is without them
    yield Fitted(STUDENT, answers(student), joblib_kilobytes(student), seconds)
    yield Fitted("skdistill's teachers", answers(teacher), joblib_kilobytes(teacher), seconds)


def one_for(task, for_classes, for_numbers):
    """Return what suits the task."""
    return for_numbers if task.n_classes is None else for_classes


def answers(model):
    """Return the method that is measured."""
    return getattr(model, "predict_proba", None) or model.predict


def autogluon(task):
    """Yield AutoGluon's ensemble of the same kinds of teachers, and its students.

    Fitting and distilling get half of the time limit each, as if only one student were
    needed. Each student starts from a copy of the predictor, since a second `distill` may
    use the first student as the teacher. The models are kept in memory, as AutoGluon's
    documentation recommends for speed. The size is that of the models' folders in a copy
    for deployment. AutoGluon has no seed, so that seeds differ only in their rows.
    """
    from autogluon.tabular import TabularPredictor

    half = task.time_limit / 2
    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor(
            label="_label",
            problem_type={None: "regression", 2: "binary"}.get(task.n_classes, "multiclass"),
            eval_metric=one_for(task, "log_loss", "root_mean_squared_error"),
            path=f"{folder}/ensemble",
            verbosity=0,
        )
        _, seconds = timed(
            predictor.fit,
            task.X.assign(_label=task.y),
            time_limit=half,
            hyperparameters={"RF": {}, "XGB": {}, "NN_TORCH": {}},
        )
        yield autogluon_model("AutoGluon ensemble", predictor, predictor.model_best, seconds)
        for student in ["NN_TORCH", "GBM", "CAT"]:
            copy = predictor.clone(f"{folder}/{student}", return_clone=True)
            names, more = timed(
                copy.distill,
                time_limit=half,
                hyperparameters={student: {}},
                augment_args={"size_factor": 5, "max_size": 100_000},  # the default is mutated
                verbosity=0,
            )
            names = [name for name in names if "WeightedEnsemble" not in name]
            name = names[0] if names else None
            yield autogluon_model(f"AutoGluon {student}", copy, name, seconds + more)


def autogluon_model(label, predictor, name, seconds):
    """Return one model of a predictor, with the size of its deployed files."""
    if name is None:
        return Fitted(label, None, None, seconds)
    deployed = predictor.clone_for_deployment(f"{predictor.path}-deployed", model=name)
    predictor.persist([name])

    def predict(X):
        if predictor.problem_type == "regression":
            return predictor.predict(X, model=name).to_numpy()
        proba = predictor.predict_proba(X, model=name)
        return proba.reindex(columns=sorted(proba.columns)).to_numpy()

    return Fitted(label, predict, folder_kilobytes(Path(deployed) / "models"), seconds)


def tabtune(task):
    """Yield students of TabTune's `TabDistiller`, with a forest and XGBoost as teachers.

    TabTune's own teachers are foundation models that download their weights when they are
    fitted. It also accepts any object with `predict_proba`, but does not cross-fit it, so
    this one returns out-of-fold probabilities. TabTune drops columns that are not numeric,
    so it gets the one-hot encoded table.
    """
    from tabtune.distillation import TabDistiller

    logging.disable(logging.WARNING)  # TabTune logs every step; this process runs nothing else

    def label():
        table = dense_table()
        X = table.fit_transform(task.X)
        return table, X, mean_proba(tree_teachers(task.seed), X, task.y, task.seed)

    (table, X, soft_targets), labeling = timed(label)
    teacher = SimpleNamespace(tuning_strategy="fitted", predict_proba=lambda X: soft_targets)

    for student in ["mlp", "lgbm"]:
        distiller = TabDistiller(teachers=[teacher], student=student, random_state=task.seed)
        _, seconds = timed(distiller.fit, pd.DataFrame(X), task.y)
        yield Fitted(
            f"TabTune {student}",
            lambda X, net=distiller: net.predict_proba(pd.DataFrame(table.transform(X))),
            joblib_kilobytes([table, distiller.student_]),
            labeling + seconds,
        )


def hinton(task):
    """Yield the loop of most tutorials: in-sample targets, T = 3, alpha = .9, 2 × 256 units."""
    net, seconds = timed(HintonNet(task.seed).fit, task.X, task.y)
    yield Fitted("plain Hinton loop", net.predict_proba, joblib_kilobytes(net), seconds)


class HintonNet:
    """Net on soft targets, with early stopping by the log loss of a tenth of the rows."""

    def __init__(self, seed, *, temperature=3.0, alpha=0.9, max_epochs=200, patience=15):
        self.seed, self.temperature, self.alpha = seed, temperature, alpha
        self.max_epochs, self.patience = max_epochs, patience

    def fit(self, X, y):
        """Train the net on the teachers' in-sample predictions."""
        import torch
        from torch.nn import functional as F

        self.table_ = dense_table()
        X = self.table_.fit_transform(X)
        soft_targets = mean_proba(tree_teachers(self.seed), X, y)
        tempered = np.clip(soft_targets, 1e-7, 1) ** (1 / self.temperature)
        tempered /= tempered.sum(axis=1, keepdims=True)

        torch.manual_seed(self.seed)
        train, valid = train_test_split(
            np.arange(len(y)), test_size=0.1, random_state=self.seed, stratify=y
        )
        X, P = torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(tempered).float()
        y = torch.as_tensor(y)
        self.net_ = torch.nn.Sequential(
            torch.nn.Linear(X.shape[1], 256),
            torch.nn.ReLU(),
            torch.nn.Linear(256, 256),
            torch.nn.ReLU(),
            torch.nn.Linear(256, P.shape[1]),
        )
        optimizer = torch.optim.Adam(self.net_.parameters(), lr=1e-3)
        best, best_epoch = np.inf, 0
        for epoch in range(self.max_epochs):
            for rows in torch.as_tensor(train)[torch.randperm(len(train))].split(256):
                z = self.net_(X[rows])
                soft = F.log_softmax(z / self.temperature, 1)
                kl = F.kl_div(soft, P[rows], reduction="batchmean") * self.temperature**2
                loss = self.alpha * kl + (1 - self.alpha) * F.cross_entropy(z, y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                score = F.cross_entropy(self.net_(X[valid]), y[valid]).item()
            if score < best:
                best, best_epoch = score, epoch
                weights = {key: value.clone() for key, value in self.net_.state_dict().items()}
            elif epoch - best_epoch >= self.patience:
                break
        self.net_.load_state_dict(weights)
        return self

    def predict_proba(self, X):
        """Predict class probabilities."""
        import torch

        with torch.no_grad():
            z = self.net_(torch.as_tensor(self.table_.transform(X), dtype=torch.float32))
            return torch.softmax(z.double(), 1).numpy()


def sklearn_mlp(task):
    """Yield scikit-learn's `MLPClassifier` with early stopping."""
    net = MLPClassifier((128, 128), early_stopping=True, max_iter=300, random_state=task.seed)
    model, seconds = timed(make_pipeline(dense_table(), net).fit, task.X, task.y)
    yield Fitted("sklearn MLP", model.predict_proba, joblib_kilobytes(model), seconds)


def hist_gradient_boosting(task):
    """Yield the model, with columns of more than 255 categories as numbers, as it must be."""
    model = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=1000, early_stopping=True, random_state=task.seed
    )
    categories = task.X.select_dtypes("category")
    wide = [name for name in categories if len(categories[name].cat.categories) > 255]
    if wide:
        ranks = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        columns = make_column_transformer(
            (ranks, wide), remainder="passthrough", verbose_feature_names_out=False
        )
        model = make_pipeline(columns.set_output(transform="pandas"), model)
    _, seconds = timed(model.fit, task.X, task.y)
    yield Fitted("HistGradientBoosting", model.predict_proba, joblib_kilobytes(model), seconds)


def xgboost(task):
    """Yield XGBoost with early stopping on a tenth of the rows."""
    from xgboost import XGBClassifier, XGBRegressor

    model = one_for(task, XGBClassifier, XGBRegressor)(
        n_estimators=1000,
        learning_rate=0.05,
        early_stopping_rounds=30,
        enable_categorical=True,
        random_state=task.seed,
    )
    strata = one_for(task, task.y, None)
    X, X_valid, y, y_valid = train_test_split(
        task.X, task.y, test_size=0.1, random_state=task.seed, stratify=strata
    )
    _, seconds = timed(model.fit, X, y, eval_set=[(X_valid, y_valid)], verbose=False)
    yield Fitted("XGBoost", answers(model), joblib_kilobytes(model), seconds)


def catboost(task):
    """Yield CatBoost at its defaults."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    model = make_pipeline(
        FunctionTransformer(categories_as_strings),
        one_for(task, CatBoostClassifier, CatBoostRegressor)(
            cat_features=list(task.X.select_dtypes("category")),
            random_seed=task.seed,
            thread_count=threads(),
            verbose=0,
            allow_writing_files=False,
        ),
    )
    _, seconds = timed(model.fit, task.X, task.y)
    yield Fitted("CatBoost", answers(model), joblib_kilobytes(model), seconds)


def categories_as_strings(X):
    """Replace categories by strings; CatBoost accepts no missing value among them."""
    categories = X.select_dtypes("category").astype(object)
    return X.assign(**categories.where(categories.notna(), "missing").astype(str))


def lightgbm(task):
    """Yield LightGBM at its defaults."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    model = one_for(task, LGBMClassifier, LGBMRegressor)(
        random_state=task.seed, n_jobs=threads(), verbose=-1
    )
    _, seconds = timed(model.fit, task.X, task.y)
    yield Fitted("LightGBM", answers(model), joblib_kilobytes(model), seconds)


def realmlp(task):
    """Yield RealMLP-TD, for the log loss: the default, for accuracy, smooths the labels."""
    from pytabkit import RealMLP_TD_Classifier

    yield from pytabkit_net("RealMLP-TD", RealMLP_TD_Classifier, task, use_ls=False)


def tabm(task):
    """Yield TabM-D, for the log loss: the default stops by accuracy.

    pytabkit 1.7.3 takes the validation rows' probabilities for logits, and so trains for too
    long. It gets their logarithms.
    """
    from pytabkit import TabM_D_Classifier
    from pytabkit.models.alg_interfaces import tabm_interface

    original = tabm_interface.Metrics

    class MetricsOfProba(original):
        @staticmethod
        def apply(proba, *args, **kwargs):
            return original.apply(proba.clamp(min=1e-9).log(), *args, **kwargs)

    with patch.object(tabm_interface, "Metrics", MetricsOfProba):
        yield from pytabkit_net("TabM-D", TabM_D_Classifier, task)


def tabm_as_it_is(task):
    """Yield TabM-D with pytabkit's mistake, see `tabm`."""
    from pytabkit import TabM_D_Classifier

    yield from pytabkit_net("TabM-D as pytabkit stops it", TabM_D_Classifier, task)


def pytabkit_net(label, classifier, task, **parameters):
    """Yield a net of pytabkit; it accepts no missing numbers, so these become the mean."""
    logging.disable(logging.INFO)  # Lightning describes the machine at each prediction
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    net = classifier(
        device=task.device,
        random_state=task.seed,
        n_threads=threads(),
        val_metric_name="cross_entropy",
        **parameters,
    )
    columns = make_column_transformer(
        (SimpleImputer(), make_column_selector(dtype_include="number")),
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    model = make_pipeline(columns.set_output(transform="pandas"), net)
    _, seconds = timed(model.fit, task.X, task.y)
    yield Fitted(label, model.predict_proba, joblib_kilobytes(model), seconds)


def threads():
    """Return OMP_NUM_THREADS, for libraries that do not read it, or None."""
    return int(os.environ.get("OMP_NUM_THREADS", 0)) or None


def dense_table():
    """Return an encoder to scaled and one-hot columns, for nets that need a matrix."""
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=5, sparse_output=False
    )
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_column_transformer(
        (one_hot, make_column_selector(dtype_include="category")), remainder=numbers
    )


def tree_teachers(seed):
    """Return a forest and XGBoost, unfitted."""
    from xgboost import XGBClassifier

    return [
        RandomForestClassifier(300, n_jobs=-1, random_state=seed),
        XGBClassifier(n_estimators=300, learning_rate=0.1, random_state=seed),
    ]


def mean_proba(teachers, X, y, folds_seed=None):
    """Return the mean prediction for the training rows; it is out of fold if a seed is given."""
    if folds_seed is None:
        return np.mean([teacher.fit(X, y).predict_proba(X) for teacher in teachers], axis=0)
    folds = StratifiedKFold(5, shuffle=True, random_state=folds_seed)
    predictions = [cross_val_predict(t, X, y, cv=folds, method="predict_proba") for t in teachers]
    return np.mean(predictions, axis=0)


# The function of each rival, and the modules to import before the clock starts.
RIVALS = {
    "skdistill": (skdistill_student, ["skdistill", "torch", "xgboost", "skorch"]),
    "sklearn_mlp": (sklearn_mlp, []),
    "hist_gradient_boosting": (hist_gradient_boosting, []),
    "xgboost": (xgboost, ["xgboost"]),
    "lightgbm": (lightgbm, ["lightgbm"]),
    "catboost": (catboost, ["catboost"]),
    "realmlp": (realmlp, ["pytabkit", "torch"]),
    "tabm": (tabm, ["pytabkit", "torch"]),
    "tabm_as_it_is": (tabm_as_it_is, ["pytabkit", "torch"]),
    "hinton": (hinton, ["torch", "xgboost"]),
    "tabtune": (tabtune, ["tabtune.distillation", "torch", "lightgbm", "xgboost"]),
    "autogluon": (
        autogluon,
        ["autogluon.tabular", "torch", "lightgbm", "xgboost", "catboost"],
    ),
}
FOR_NUMBERS = {"skdistill", "xgboost", "lightgbm", "catboost", "autogluon"}


def installed(rival):
    """Return whether the modules of a rival are installed."""
    roots = {name.partition(".")[0] for name in RIVALS[rival][1]}
    return all(find_spec(root) for root in roots)
