"""Forms that teach by doing: what is shown in them was computed by the calls a notebook gave.

Each function returns an object that shows itself twice, as `workshop_lib.questions` does: as plain
HTML (`forms`), which is what GitHub, nbconvert and a notebook opened again can show, and as a
widget (`live`, with a script per form), where a kernel runs. None knows AWS: what it calls are the
learner's own functions.
"""

from workshop_lib.interactive.hex_strip import (
    Field,
    ciphertext_fields,
    hex_strip,
    material_description_fields,
    message_fields,
)
from workshop_lib.interactive.matrix import matrix
from workshop_lib.interactive.policy_grid import policy_grid
from workshop_lib.interactive.tamper import tamper, tamper_blob
from workshop_lib.interactive.timeline import timeline

__all__ = [
    "Field",
    "ciphertext_fields",
    "hex_strip",
    "material_description_fields",
    "matrix",
    "message_fields",
    "policy_grid",
    "tamper",
    "tamper_blob",
    "timeline",
]
