"""A class that the learner joins: what they answered is sent there, and what it votes comes back.

Joining is the learner's act, `join`; a kernel that starts later goes on with it (`resume`), until
`leave`. What is sent are the events of `workshop_lib/progress`, in the parts that `courier.PARTS`
names, and nothing else: no code, no data.

`session` is this kernel's part in a class, `entrance` asks the class to be let in, `membership`
remembers it beside the learner's lessons, `courier` knows what is to be sent, `link` sends it from
threads of its own over a `transport`, so that no cell waits, and `cards` is what the learner sees.
A kernel in a browser has neither threads nor sockets: `in_browser` has what it takes instead.
"""

from workshop_lib.classes.entrance import ClassError
from workshop_lib.classes.session import hand, join, leave, resume, through

__all__ = ["ClassError", "hand", "join", "leave", "resume", "through"]
