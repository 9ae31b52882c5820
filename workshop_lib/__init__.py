"""The workshop's lab and lenses: the handful of names a notebook imports.

pandas, ipywidgets and the sandbox are loaded when they are first used.
"""

from workshop_lib.classes import hand, join, leave
from workshop_lib.display.charts import chart
from workshop_lib.exercises import check
from workshop_lib.interactive import (
    ciphertext_fields,
    hex_strip,
    material_description_fields,
    matrix,
    message_fields,
    policy_grid,
    tamper,
    tamper_blob,
    timeline,
)
from workshop_lib.lab import Lab, start_lab
from workshop_lib.lenses.attempts import attempt
from workshop_lib.lenses.compare import compare
from workshop_lib.lenses.refusals import refused
from workshop_lib.lenses.trace import trace
from workshop_lib.lenses.why import why
from workshop_lib.overview import progress
from workshop_lib.questions import predict, quiz

__all__ = [
    "Lab",
    "attempt",
    "chart",
    "check",
    "ciphertext_fields",
    "compare",
    "hand",
    "hex_strip",
    "join",
    "leave",
    "material_description_fields",
    "matrix",
    "message_fields",
    "policy_grid",
    "predict",
    "progress",
    "quiz",
    "refused",
    "start_lab",
    "tamper",
    "tamper_blob",
    "timeline",
    "trace",
    "why",
]
