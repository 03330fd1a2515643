"""`TeachersMixin`: named teachers, their parameters and their seeds.

`DistilledClassifier` needs this file to unpickle and to predict. So it imports no forests,
splitters or nets.
"""

from typing import Any
from zlib import crc32

import numpy as np
from sklearn.base import MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter

from skdistill.jobs.seeds import seeded_clone
from skdistill.sklearn_private import BaseComposition, DocumentationLink, parallel_block


class TeachersMixin(DocumentationLink, MetaEstimatorMixin, BaseComposition):
    """Mixin of `TeacherEnsemble` and the distilled estimators, for teachers with names."""

    teachers: Any
    categorical_features: Any
    _task: Any

    def get_params(self, deep=True):
        """Get the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of each teacher, as ``name__parameter``.

        Returns
        -------
        params : dict
        """
        if hasattr(self.teachers, "fit"):  # a single teacher; a forest is iterable, too
            return super().get_params(deep=deep)
        return self._get_params("teachers", deep=deep)

    def set_params(self, **params):
        """Set parameters, those of a teacher as ``name__parameter``.

        Setting a parameter of a default teacher makes the default teachers explicit: they no
        longer follow later changes of `categorical_features`, `device` and `effort`.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self : estimator
        """
        own = {key: params.pop(key) for key in list(params) if key in self.get_params(deep=False)}
        self._set_params("teachers", **own)
        if self.teachers is None and params:
            defaults = self._default_teachers()  # with the parameters just set
            names = {name for name, _ in defaults}
            if any(key.partition("__")[0] in names for key in params):
                self.teachers = defaults
        elif isinstance(self.teachers, tuple) and params:
            self.teachers = list(self.teachers)  # items of a tuple cannot be replaced
        self._set_params("teachers", **params)
        return self

    def _forget(self):
        """Delete fitted attributes, so that a failed fit leaves none."""
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)

    def _default_teachers(self):
        from skdistill.teachers.defaults import default_teachers

        return default_teachers(categorical_features=self.categorical_features)

    def _listed_teachers(self):
        """Return the teachers as a list of (name, teacher), after a check of their names."""
        teachers = self.teachers
        if teachers is None:
            teachers = self._default_teachers()
        elif hasattr(teachers, "fit"):
            teachers = [(type(teachers).__name__.lower(), teachers)]
        if not (isinstance(teachers, (list, tuple)) and all(_is_named(item) for item in teachers)):
            kind = self._task.kind
            raise ValueError(
                f"teachers must be a {kind} or a list of (name, {kind}), as in "
                f"Voting{kind.capitalize()}, got {teachers!r}."
            )
        names = [name for name, _ in teachers]
        self._validate_names(names)
        if "pool" in names:
            raise ValueError(
                "a teacher is called 'pool', which is the name of the pooled teachers in the "
                "scores: give it another name."
            )
        return list(teachers)

    def _seeded_teachers(self, task, rng):
        """Check and clone the teachers that were not dropped, and seed the clones.

        Returns
        -------
        teachers : list of (str, classifier)
        """
        teachers = [each for each in self._listed_teachers() if not _is_dropped(each[1])]
        if not teachers:
            raise ValueError("no teacher is left: pass at least one that is not 'drop'.")
        for name, teacher in teachers:
            if not _is_estimator(teacher):
                raise ValueError(
                    f"Teacher {name!r} must be a {task.kind} instance or 'drop', got {teacher!r}."
                )
            task.check_teacher(name, teacher)
        seed = rng.randint(np.iinfo(np.int32).max)
        # By name, so that adding a teacher does not change the seeds of the others.
        return [
            (name, _clone(name, teacher, np.random.RandomState([seed, crc32(name.encode())])))
            for name, teacher in teachers
        ]

    def get_metadata_routing(self):
        """Get the metadata routing of this object.

        `fit` requests its own metadata; it passes `sample_weight` to each teacher that accepts
        it, whatever the teacher requests.

        Returns
        -------
        routing : MetadataRouter
        """
        return MetadataRouter(owner=self).add_self_request(self)

    def _sk_visual_block_(self):
        """Return the teachers side by side, for the HTML diagram."""
        if self.teachers is None and self.__sklearn_is_fitted__():
            # The teachers' libraries may not be installed where a student is deployed.
            names = tuple(self._teacher_names())
            return parallel_block(names, names, dash_wrapped=False)
        names, teachers = zip(*self._listed_teachers())
        return parallel_block(teachers, names, dash_wrapped=False)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan, tags.input_tags.sparse = self._teachers_take()
        tags.input_tags.three_d_array = True
        return tags

    def _teachers_take(self):
        """Tell whether all teachers take missing values, and whether they take sparse rows."""
        named = self.teachers if isinstance(self.teachers, (list, tuple)) else [("", self.teachers)]
        # Called before `fit`, which checks them: skip what is no estimator.
        teachers = [item[1] for item in named if _is_named(item) and _is_estimator(item[1])]
        input_tags = [get_tags(each).input_tags for each in teachers]
        takes_missing = all(each.allow_nan for each in input_tags)
        return takes_missing, all(each.sparse for each in input_tags)


def _is_named(item):
    return isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str)


def _is_dropped(teacher):
    return isinstance(teacher, str) and teacher == "drop"


def _is_estimator(teacher):
    return hasattr(teacher, "fit") and not isinstance(teacher, type)


def _clone(name, teacher, rng):
    try:
        return seeded_clone(teacher, rng)
    except RuntimeError as error:
        raise ValueError(
            f"Teacher {name!r} cannot be cloned: {error}. If the parameter is a list, such as "
            "CatBoost's cat_features, pass it as a tuple."
        ) from error
