"""Distill an accurate, heavy ensemble into one small, fast, calibrated net."""

from importlib import import_module

__version__ = "0.1.0.dev0"

# Torch is imported only when a name needs it: a model that predicts does not.
_HOMES = {
    "AgreementDisplay": "skdistill.inspection.agreement_display",
    "BetweenSplits": "skdistill.transfer.between_splits",
    "CallableTeacher": "skdistill.teachers.callable_teacher",
    "DistilledClassifier": "skdistill.classifier",
    "DistilledRanker": "skdistill.ranker",
    "DistilledRegressor": "skdistill.regressor",
    "DistillationLoss": "skdistill.nets.losses",
    "DistillationReport": "skdistill.inspection.report",
    "DiversityDisplay": "skdistill.inspection.diversity_display",
    "Inquire": "skdistill.transfer.inquire",
    "Munge": "skdistill.transfer.munge",
    "NetClassifier": "skdistill.teachers.net_classifier",
    "NetRanker": "skdistill.teachers.net_ranker",
    "NetRegressor": "skdistill.teachers.net_regressor",
    "OnnxStudent": "skdistill.serving.onnx_runtime",
    "ReliabilityDisplay": "skdistill.inspection.reliability_display",
    "ReportDisplay": "skdistill.inspection.displays",
    "RobustnessDisplay": "skdistill.inspection.robustness_display",
    "SearchDisplay": "skdistill.inspection.search_display",
    "StudentMLP": "skdistill.nets.modules",
    "StudentNet": "skdistill.student.student_net",
    "StudentPathDisplay": "skdistill.inspection.path_display",
    "TableClassifier": "skdistill.teachers.table_classifier",
    "TableRanker": "skdistill.teachers.table_ranker",
    "TableRegressor": "skdistill.teachers.table_regressor",
    "TableEncoder": "skdistill.table.encoder",
    "TeacherEnsemble": "skdistill.soft_targets.ensemble",
    "TeacherEnsembleRanker": "skdistill.soft_targets.ranker_ensemble",
    "TeacherEnsembleRegressor": "skdistill.soft_targets.regressor_ensemble",
    "TensorNet": "skdistill.nets.tensor_net",
    "TrainingDisplay": "skdistill.inspection.training_display",
    "compare": "skdistill.inspection.comparison",
    "default_teachers": "skdistill.teachers.defaults",
    "disagreements": "skdistill.inspection.disagreements",
    "distillation_loss": "skdistill.nets.losses",
    "diversity": "skdistill.tasks.diversity",
    "expected_calibration_error": "skdistill.inspection.metrics",
    "load": "skdistill.serving.files",
    "pool": "skdistill.tasks.pooling",
    "robustness": "skdistill.inspection.robustness",
    "student_from_teacher": "skdistill.student.from_teacher",
    "student_path": "skdistill.student.path",
    "to_onnx": "skdistill.serving.onnx_converter",
}
__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'skdistill' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__():
    return [*__all__, "__version__"]
