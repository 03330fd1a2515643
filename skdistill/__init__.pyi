"""The public names, for editors and type checkers: at run time each is imported when asked for."""

from skdistill.classifier import DistilledClassifier as DistilledClassifier
from skdistill.inspection.agreement_display import AgreementDisplay as AgreementDisplay
from skdistill.inspection.comparison import compare as compare
from skdistill.inspection.disagreements import disagreements as disagreements
from skdistill.inspection.displays import ReportDisplay as ReportDisplay
from skdistill.inspection.diversity_display import DiversityDisplay as DiversityDisplay
from skdistill.inspection.metrics import expected_calibration_error as expected_calibration_error
from skdistill.inspection.path_display import StudentPathDisplay as StudentPathDisplay
from skdistill.inspection.reliability_display import ReliabilityDisplay as ReliabilityDisplay
from skdistill.inspection.report import DistillationReport as DistillationReport
from skdistill.inspection.robustness import robustness as robustness
from skdistill.inspection.robustness_display import RobustnessDisplay as RobustnessDisplay
from skdistill.inspection.search_display import SearchDisplay as SearchDisplay
from skdistill.inspection.training_display import TrainingDisplay as TrainingDisplay
from skdistill.nets.losses import DistillationLoss as DistillationLoss
from skdistill.nets.losses import distillation_loss as distillation_loss
from skdistill.nets.modules import StudentMLP as StudentMLP
from skdistill.nets.tensor_net import TensorNet as TensorNet
from skdistill.ranker import DistilledRanker as DistilledRanker
from skdistill.regressor import DistilledRegressor as DistilledRegressor
from skdistill.serving.files import load as load
from skdistill.serving.onnx_converter import to_onnx as to_onnx
from skdistill.serving.onnx_runtime import OnnxStudent as OnnxStudent
from skdistill.soft_targets.ensemble import TeacherEnsemble as TeacherEnsemble
from skdistill.soft_targets.ranker_ensemble import TeacherEnsembleRanker as TeacherEnsembleRanker
from skdistill.soft_targets.regressor_ensemble import (
    TeacherEnsembleRegressor as TeacherEnsembleRegressor,
)
from skdistill.student.from_teacher import student_from_teacher as student_from_teacher
from skdistill.student.path import student_path as student_path
from skdistill.student.student_net import StudentNet as StudentNet
from skdistill.table.encoder import TableEncoder as TableEncoder
from skdistill.tasks.diversity import diversity as diversity
from skdistill.tasks.pooling import pool as pool
from skdistill.teachers.callable_teacher import CallableTeacher as CallableTeacher
from skdistill.teachers.defaults import default_teachers as default_teachers
from skdistill.teachers.net_classifier import NetClassifier as NetClassifier
from skdistill.teachers.net_ranker import NetRanker as NetRanker
from skdistill.teachers.net_regressor import NetRegressor as NetRegressor
from skdistill.teachers.table_classifier import TableClassifier as TableClassifier
from skdistill.teachers.table_ranker import TableRanker as TableRanker
from skdistill.teachers.table_regressor import TableRegressor as TableRegressor
from skdistill.transfer.between_splits import BetweenSplits as BetweenSplits
from skdistill.transfer.inquire import Inquire as Inquire
from skdistill.transfer.munge import Munge as Munge

__version__: str
