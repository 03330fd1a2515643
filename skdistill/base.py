"""What every distilled estimator shares: `fit`, as the five steps of the picture."""

from contextlib import suppress
from functools import partial, wraps
from typing import Any

from scipy.sparse import issparse
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skdistill.effort import effort_named
from skdistill.inspection.mlflow_log import autologged
from skdistill.jobs.seeds import draw_seed
from skdistill.serving.exports import ExportMixin
from skdistill.serving.forward import ROWS_WORTH_A_GPU, batched_outputs
from skdistill.serving.pickling import PicklingMixin
from skdistill.sklearn_private import parallel_block, serial_block
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

    A subclass defines the parameters, returns its task from `_task`, and turns the student's
    outputs into predictions.
    """

    student: Any
    effort: str
    device: str
    warm_start: bool

    @property
    def _task(self):
        """The task, a subclass of `Task`. Imported lazily."""
        raise NotImplementedError

    @autologged
    @_keeps_present_student
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
        # Imported here: predicting must load neither torch nor sklearn.model_selection.
        from skdistill.jobs.clock import Clock
        from skdistill.jobs.memory import open_memory
        from skdistill.jobs.seeds import repeatable_rng
        from skdistill.student.warm_start import PresentStudent
        from skdistill.transfer.augmenters import count_synthetic, draw_synthetic
        from skdistill.transfer.transfer_set import TransferSet

        present = PresentStudent.of(self)
        self._forget()
        self._validate_params()
        clock, effort = Clock(self.max_time), effort_named(self.effort)
        validation = X_val, y_val, sample_weight_val
        data = TrainingData.check(
            self, self._task, X, y, sample_weight,
            X_unlabeled=X_unlabeled, groups=groups, validation=validation,
        )  # fmt: skip
        data.warn_of_rare_categories()
        teacher = self._make_teacher(data, teacher_proba)
        memory = open_memory(self.memory, self.random_state)
        rng = repeatable_rng(self.random_state, memory)
        student = self._make_student(data, effort, present)
        student.keep_budget(data, teacher)

        # 1. Rows: some validate the student; synthetic ones are drawn from the others.
        augmenter = self.augmenter if teacher.can_label else None
        n_synthetic = count_synthetic(augmenter, data.X, effort.synthetic_rows)
        data.held_out = student.choose_validation_rows(data, rng, n_synthetic)
        synthetic = draw_synthetic(augmenter, data, n_synthetic, draw_seed(rng), memory, clock)
        data.unlabeled = synthetic + data.unlabeled
        early_stopping = student.needs_early_stopping(data)
        clock.expects = partial(student.expected_seconds, data, early_stopping)

        # 2. Teachers: each row is labeled by teachers that have not seen it, then pooled.
        teacher.random_state = draw_seed(rng)
        refit = self.keep_teachers or not early_stopping
        soft_targets = teacher.fit_soft_targets(
            data, refit=refit, keep=self.keep_teachers, memory=memory, clock=clock
        )

        # 3. Transfer set: the student's encoded rows and their soft targets.
        inputs = student.fit_inputs(data, soft_targets.labeled, rng, teacher)
        transfer_set = TransferSet.build(inputs, data, soft_targets)

        # 4. Student: choose alpha and temperature where they are "auto", then train.
        seed = draw_seed(rng)
        training = student.train(
            transfer_set, early_stopping=early_stopping, seed=seed, memory=memory, clock=clock
        )

        # 5. Plain arrays are kept.
        return self._keep(data, teacher, inputs, training, clock)

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
        self.temperature_, self.alpha_ = training.recipe.temperature, training.recipe.alpha
        self.candidates_, self.history_ = training.candidates, training.history
        if self.keep_teachers:
            self.teacher_ = teacher
        self.fit_times_ = clock.to_dict()
        report_times(self.fit_times_, self.verbose)
        self.inputs_, self.student_ = inputs, training.student
        return self

    def _make_teacher(self, data, teacher_proba):
        """Return what gives soft targets: unfitted teachers, or those computed elsewhere."""
        from skdistill.soft_targets.ensemble import TeacherEnsemble
        from skdistill.soft_targets.precomputed import (
            PrecomputedTeacher,
            check_no_teacher_needed,
        )

        if teacher_proba is not None:
            check_no_teacher_needed(self, data)
            return PrecomputedTeacher(teacher_proba, data)
        return TeacherEnsemble(
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
        from skdistill.nets.training import resolve_device
        from skdistill.student.checks import check_student, check_validation
        from skdistill.student.student_net import StudentNet

        net = clone_net(StudentNet() if self.student is None else self.student)
        verbose = max(0, int(self.verbose) - 1)
        net.set_params(device=resolve_device(self.device), verbose=verbose)
        if present is not None:
            present.start(net, data)
        check_validation(net, data, self.validation_fraction)
        check_student(net, data, effort)
        return net

    def _default_teachers(self):
        from skdistill.teachers.defaults import default_teachers

        return default_teachers(
            self.effort, categorical_features=self.categorical_features, device=self.device
        )

    def set_params(self, **params):
        """Set parameters, those of a teacher as ``name__parameter``.

        Naming one of the default teachers, or a parameter of the default student, makes
        it explicit.
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
        """Log losses of teachers and student on rows they were not trained on.

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
