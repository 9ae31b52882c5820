"""Errors that a learner can cause: each is one sentence, with the next step."""


class LearnerError(Exception):
    """An error of the lab's own, not AWS's: its message says what to do next, and that is all."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the sentence, without the frames of boto3 and the sandbox."""
        return [f"{type(self).__name__}: {self}"]


class NotEmulated(LearnerError, NotImplementedError):
    """Something the sandbox does not emulate and therefore refuses, by name."""


class WrongArgument(LearnerError, ValueError):
    """Something was asked of the lab that it cannot do."""


class NotOnDisk(LearnerError, LookupError):
    """What was looked for does not lie on the sandbox's disk."""


class LabReplaced(LearnerError, RuntimeError):
    """A lab was used after a later one had taken its place."""


class PortTaken(LearnerError, OSError):
    """The port that was asked for cannot be opened."""


class NoPrograms(LearnerError, RuntimeError):
    """Another program was to be started where none can be: in a browser."""


class UnsupportedMoto(LearnerError, RuntimeError):
    """The installed moto is not one the sandbox works with: which it is, and what is wrong."""

    def __init__(self, version: str, what: str) -> None:
        super().__init__(
            f"The sandbox does not work with moto {version} ({what}): install the versions in "
            "requirements.lock (python3 workshop.py lab does it)."
        )
