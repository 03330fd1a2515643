"""What every distilled estimator shares: `fit`, as the five steps of the picture."""

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial, wraps
from numbers import Integral, Real
from typing import Any

import numpy as np
from joblib import Memory
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skdistill.effort import EFFORTS, effort_named
from skdistill.jobs.seeds import draw_seed
from skdistill.serving.exports import ExportMixin
from skdistill.serving.forward import ROWS_WORTH_A_GPU, batched_outputs
from skdistill.serving.pickling import PicklingMixin
from skdistill.sklearn_private import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    parallel_block,
    serial_block,
)
from skdistill.soft_targets.composition import TeachersMixin
from skdistill.table.training_data import TrainingData
from skdistill.table.validation import check_table, has_missing, is_clean_matrix


def _keeps_present_student(fit):
    """Decorate `fit`, so that one that fails with `warm_start` leaves what was fitted before."""

    @wraps(fit)
    def fit_or_restore(estimator, *args, **kwargs):
        present = {name: each for name, each in vars(estimator).items() if name.endswith("_")}
        try:
            return fit(estimator, *args, **kwargs)
        except BaseException:
            if estimator.warm_start:
                estimator._forget()
                vars(estimator).update(present)
            raise

    return fit_or_restore


class BaseDistilled(ExportMixin, PicklingMixin, TeachersMixin):
    """An estimator that trains teachers, and one small net that predicts like them.

    A subclass defines the parameters and `fit`, returns its task from `_task`, and turns the
    student's outputs into predictions.
    """

    student: Any
    effort: str
    device: str
    warm_start: bool
    _parameter_constraints: dict = {
        "teachers": [None, list, tuple, HasMethods(["fit", "get_params"])],
        "student": [None, HasMethods(["fit", "get_params"])],
        "effort": [StrOptions(set(EFFORTS))],
        "weights": [None, StrOptions({"auto"}), "array-like", Mapping],
        "alpha": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "cv": ["cv_object", StrOptions({"oob", "in_sample"})],
        "augmenter": [None, StrOptions({"auto", "munge"}), HasMethods(["fit", "sample"])],
        "validation_fraction": [
            None,
            StrOptions({"auto"}),
            Interval(RealNotInt, 0, 1, closed="neither"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "categorical_features": [None, StrOptions({"from_dtype"}), "array-like"],
        "keep_teachers": ["boolean"],
        "memory": [None, str, os.PathLike, Memory],
        "warm_start": ["boolean"],
        "max_time": [None, Interval(Real, 0, None, closed="neither")],
        "max_latency": [None, Interval(Real, 0, None, closed="neither")],
        "max_size": [None, Interval(Integral, 1, None, closed="left"), str],
        "n_jobs": [None, Integral],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @property
    def _task(self):
        """The task, a subclass of `Task`. Imported lazily."""
        raise NotImplementedError

    @property
    def _score_name(self):
        """What `report_` and `teacher_scores_` measure, such as "log loss"."""
        raise NotImplementedError

    @property
    def _teacher_ensemble(self):
        """The class of the teachers' ensemble. Imported lazily."""
        raise NotImplementedError

    @property
    def _net_estimator(self):
        """What makes an estimator of a net on targets alone, such as `NetClassifier`."""
        raise NotImplementedError

    @property
    def _head(self):
        """What becomes of the student's outputs in files and exports, see `serving.heads`."""
        raise NotImplementedError

    @_keeps_present_student
    def _fit(self, X, y, sample_weight, *, X_unlabeled, teacher_predictions, groups, validation):
        """Train the teachers, then the student; the arguments are those of `fit`.

        Parameters
        ----------
        teacher_predictions : (str, array-like) or None
            Name and value of the argument that holds soft targets computed elsewhere.
        validation : tuple of (X_val, y_val, sample_weight_val)
        """
        # Imported here: predicting must load neither torch nor sklearn.model_selection.
        from skdistill.jobs.clock import Clock
        from skdistill.jobs.memory import open_memory
        from skdistill.jobs.seeds import repeatable_rng
        from skdistill.student.inquiry import ask_in_rounds
        from skdistill.student.warm_start import PresentStudent
        from skdistill.transfer.augmenters import count_synthetic, draw_synthetic
        from skdistill.transfer.inquire import Inquire, rows_of_rounds
        from skdistill.transfer.transfer_set import TransferSet

        present = PresentStudent.of(self)
        self._forget()
        self._validate_params()
        clock, effort = Clock(self.max_time), effort_named(self.effort)
        data = self._check(
            X, y, sample_weight, X_unlabeled=X_unlabeled, groups=groups, validation=validation
        )
        asks = isinstance(self.augmenter, Inquire)
        student = self._make_student(data, effort, present)
        teacher = self._make_teacher(data, teacher_predictions)
        memory = open_memory(self.memory, self.random_state)
        rng = repeatable_rng(self.random_state, memory)
        student.keep_budget(data, teacher)

        # 1. Rows: some validate the student; synthetic ones are drawn from the others.
        augmenter = self.augmenter if teacher.can_label else None
        n_synthetic = count_synthetic(augmenter, data.X, effort.synthetic_rows)
        rounds = rows_of_rounds(augmenter, n_synthetic)
        data.held_out = student.choose_validation_rows(data, rng, n_synthetic)
        synthetic = draw_synthetic(augmenter, data, rounds[0], draw_seed(rng), memory, clock)
        data.n_to_ask = sum(rounds[1:])
        data.unlabeled = synthetic + data.unlabeled
        early_stopping = student.needs_early_stopping(data)
        clock.expects = partial(student.expected_seconds, data, early_stopping)

        # 2. Teachers: each row is labeled by teachers that have not seen it, then pooled.
        teacher.random_state = draw_seed(rng)
        refit = self.keep_teachers or not early_stopping
        soft_targets = teacher.fit_soft_targets(
            data, refit=refit, keep=self.keep_teachers, keep_folds=asks, memory=memory, clock=clock
        )

        # 3. Transfer set: the student's encoded rows and their soft targets.
        inputs = student.fit_inputs(data, soft_targets.labeled, rng, teacher)
        if asks:
            known = student, teacher, augmenter, data, inputs, soft_targets
            ask_in_rounds(*known, rounds, np.random.RandomState(draw_seed(rng)), clock)
        transfer_set = TransferSet.build(inputs, data, soft_targets)

        # 4. Student: choose alpha and temperature where they are "auto", then train.
        seed = draw_seed(rng)
        training = student.train(
            transfer_set, early_stopping=early_stopping, seed=seed, memory=memory, clock=clock
        )

        # 5. Plain arrays are kept.
        return self._keep(data, teacher, inputs, training, clock)

    def _check(self, X, y, sample_weight, **tables):
        """Check the arguments of `fit`, and return its rows."""
        from skdistill.jobs.processes import check_alike
        from skdistill.transfer.inquire import Inquire

        check_alike(self)
        data = TrainingData.check(self, self._task, X, y, sample_weight, **tables)
        data.task.check_learnable(data.y, data.sample_weight)
        if isinstance(self.augmenter, Inquire):
            self.augmenter.check(data.task, data.X)
        data.warn_of_rare_categories()
        return data

    def _keep(self, data, teacher, inputs, training, clock):
        """Set the fitted attributes."""
        from skdistill.jobs.clock import report_times

        for name, value in data.task.attributes.items():
            setattr(self, name, value)
        self.teacher_weights_, self.teacher_scores_ = teacher.weights_, teacher.scores_
        self.teacher_diversity_ = teacher.diversity_
        # Where teachers refuse a missing value, it would be one that nothing was trained on.
        takes_missing = get_tags(self).input_tags.allow_nan or not teacher.can_label
        self.allows_missing_ = takes_missing or any(map(has_missing, (data.X, *data.unlabeled)))
        for name, value in training.recipe.loss_parameters.items():
            setattr(self, f"{name}_", value)
        self.candidates_, self.history_ = training.candidates, training.history
        if self.keep_teachers:
            self.teacher_ = teacher
        self.fit_times_ = clock.to_dict()
        report_times(self.fit_times_, self.verbose)
        self.inputs_, self.student_ = inputs, training.student
        return self

    def _make_teacher(self, data, predictions):
        """Return what gives soft targets: unfitted teachers, or those computed elsewhere."""
        from skdistill.soft_targets.precomputed import (
            PrecomputedTeacher,
            check_no_teacher_needed,
        )

        if predictions is not None:
            argument, predictions = predictions
            check_no_teacher_needed(self, data, argument)
            return PrecomputedTeacher(predictions, data)
        return self._teacher_ensemble(
            self._listed_teachers(),
            self.weights,
            combination=self.combination,
            cv=self.cv,
            categorical_features=self.categorical_features,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )

    def _make_student(self, data, effort, present=None):
        """Return the student, a net or an estimator of scikit-learn, checked against the table."""
        from skorch import NeuralNet

        from skdistill.student.estimator_student import EstimatorStudent
        from skdistill.student.net_student import NetStudent

        if self.student is None or isinstance(self.student, NeuralNet):
            return NetStudent(self, self._make_student_net(data, effort, present), effort)
        return EstimatorStudent(self, data)

    def _make_student_net(self, data, effort, present):
        """Return the unfitted net, checked against the table."""
        from skdistill.nets.cloning import clone_net
        from skdistill.nets.training import place
        from skdistill.student.checks import check_student, check_validation
        from skdistill.student.student_net import StudentNet, choose_width

        net = clone_net(StudentNet() if self.student is None else self.student)
        verbose = max(0, int(self.verbose) - 1)
        place(net.set_params(verbose=verbose), self.device)
        if present is not None:
            present.start(net, data)
        choose_width(net, data.task, data.X)
        check_validation(net, data, self.validation_fraction)
        check_student(net, data, effort)
        return net

    def _on_labels(self):
        """Return the student's net or estimator, unfitted and as wide, for targets alone."""
        from skorch import NeuralNet

        from skdistill.nets.cloning import clone_net
        from skdistill.nets.interface import settle
        from skdistill.student.budget import as_wide_as
        from skdistill.student.student_net import StudentNet

        if self.student is None or isinstance(self.student, NeuralNet):
            net = clone_net(StudentNet() if self.student is None else self.student)
            net = as_wide_as(self.student_, settle(net, effort=effort_named(self.effort)))
            how = {"device": self.device, "random_state": self.random_state}
            return self._net_estimator(net, categorical_features=self.categorical_features, **how)
        return self._table_estimator(clone(self.student), self.categorical_features)

    def _table_estimator(self, student, categorical_features):
        """Return a student of scikit-learn behind a `TableEncoder`."""
        from skdistill.teachers.table_classifier import TableClassifier
        from skdistill.teachers.table_regressor import TableRegressor

        kind = get_tags(student).estimator_type
        if kind != self._task.kind:
            raise ValueError(
                f"the student is a {type(student).__name__}, a {kind} of soft targets, which has "
                f"no counterpart on labels: pass a fitted {self._task.kind} in models."
            )
        wrap = TableClassifier if kind == "classifier" else TableRegressor
        return wrap(student, categorical_features=categorical_features)

    def set_params(self, **params):
        """Set parameters, those of a teacher as ``name__parameter``.

        Naming one of the default teachers, or a parameter of the default student, makes
        it explicit.

        Parameters
        ----------
        **params
            Parameters by their names.

        Returns
        -------
        self : estimator
        """
        if "student" in params:
            self.student = params.pop("student")
        if any(key.startswith("student__") for key in params) and self.student is None:
            from skdistill.student.student_net import StudentNet

            self.student = StudentNet()
        return super().set_params(**params)

    def _outputs(self, X):
        """Return the student's outputs, such as logits, of any table, float64.

        In double precision, so that probabilities sum to one closely.
        """
        checked = self.__sklearn_is_fitted__() and is_clean_matrix(self, X)
        if not checked:
            check_is_fitted(self)
            X = check_table(self, X, reset=False)
        student = self.student_
        on_gpu = self.device.startswith("cuda") and not issparse(X)
        if on_gpu and len(X) >= ROWS_WORTH_A_GPU:
            with suppress(ImportError):  # a machine that only predicts needs no torch
                from skdistill.serving.on_device import on_device

                student = on_device(student, self.device)
        return batched_outputs(self.inputs_, student, X, checked=checked)

    def _teacher_names(self):
        return self.teacher_weights_

    def _teachers_take(self):
        if self._is_closed("teachers") and self.__sklearn_is_fitted__():
            return self.allows_missing_, True  # a pipeline asks, where no teacher is installed
        return super()._teachers_take()

    def _sk_visual_block_(self):
        student = "StudentNet" if self.student is None else self.student
        teachers = super()._sk_visual_block_()
        final = parallel_block([student], ["student"], dash_wrapped=False)
        return serial_block([teachers, final])

    @property
    def n_iter_(self):
        """Epochs of the student's training."""
        check_is_fitted(self)
        return len(self.history_)

    @property
    def report_(self):
        """Losses of teachers and student on rows they were not trained on.

        And the gain over labels, if the same net on labels alone was a candidate.
        """
        check_is_fitted(self)
        validated = [epoch["valid_loss"] for epoch in self.history_ if "valid_loss" in epoch]
        of_labels = [each["valid_loss"] for each in self.candidates_ if not each["teachers"]]
        own = next((each["valid_loss"] for each in self.candidates_ if each["chosen"]), None)
        report = {"teachers": self.teacher_scores_["pool"], "student": min(validated, default=own)}
        if of_labels:
            report["gain_over_labels"] = of_labels[0] - own
        return report

    def __sklearn_is_fitted__(self):
        return hasattr(self, "student_")
