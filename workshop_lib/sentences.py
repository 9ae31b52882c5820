"""Errors that a learner can cause: each is one sentence, with the next step."""


class Sentence(Exception):
    """Beside a built-in error, as base of a class: IPython shows the message alone.

    The frames inside this library help nobody who works on a lesson. (The sandbox, which imports
    nothing from here, has `errors.InOneSentence`.)
    """

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]
