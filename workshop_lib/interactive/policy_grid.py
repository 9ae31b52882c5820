"""`policy_grid(...)`: calls against policies, predicted by the learner and then made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from workshop_lib.display.style import Chip, marked_up
from workshop_lib.errors import WrongArgument
from workshop_lib.interactive.forms import Form, View, folded
from workshop_lib.lenses.refusals import describe

if TYPE_CHECKING:
    from workshop_lib.display.frame import Table

_STATES = ("", "allowed", "refused")


class PolicyGrid(Form):
    """Cells to predict; `view` holds no outcome before the calls are made on the learner's word."""

    script = "policy_grid"

    def __init__(
        self,
        calls: Mapping[str, Callable[[], Any]],
        policies: Mapping[str, Any],
        attach: Callable[[Any], Any],
        detach: Callable[[], Any],
        corner: str,
    ) -> None:
        self._calls, self._policies = dict(calls), dict(policies)
        self._attach, self._detach = attach, detach
        self._corner = corner
        self._outcomes = self._run()

    @property
    def table(self) -> Table:
        """Return what became of each call under each policy."""
        from workshop_lib.display.tables import table

        rows = [
            {
                self._corner: call,
                **{name: _chip(cell) for name, cell in zip(self._policies, cells, strict=True)},
            }
            for call, cells in zip(self._calls, self._outcomes, strict=True)
        ]
        return table(rows, columns=[self._corner, *self._policies])

    def static_html(self) -> str:
        """The question, and the computed grid folded below."""
        names = ", ".join(self._policies)
        question = f"<p><strong>{marked_up(self._corner)}</strong>: which are refused under {names}"
        return f"{question}?</p>" + folded("Answer", self.table._repr_html_())

    def view(self) -> View:
        """The grid, with nothing predicted yet."""
        return {
            "corner": self._corner,
            "rows": list(self._calls),
            "columns": list(self._policies),
            "outcomes": [],
            "said": "",
        }

    def answer(self, asked: Mapping[str, Any]) -> View:
        """Make all calls, and count which cells were predicted rightly."""
        self._outcomes = self._run()
        predicted = asked.get("predicted", [])
        right, said = 0, 0
        for row, cells in zip(predicted, self._outcomes, strict=False):
            for state, (outcome, _) in zip(row, cells, strict=False):
                said += state in _STATES[1:]
                right += state == outcome
        total = len(self._calls) * len(self._policies)
        text = f"{right} of {total} right."
        if said < total:
            text += f" You left {total - said} open."
        outcomes = [[list(cell) for cell in cells] for cells in self._outcomes]
        return {**self.view(), "outcomes": outcomes, "said": text}

    def _run(self) -> list[list[tuple[str, str]]]:
        """What becomes of each call, as (allowed or refused, AWS's code), by rows."""
        columns = []
        for policy in self._policies.values():
            if policy is not None:
                self._attach(policy)
            try:
                columns.append([_outcome(call) for call in self._calls.values()])
            finally:
                if policy is not None:
                    self._detach()
        return [list(row) for row in zip(*columns, strict=True)]


def policy_grid(
    calls: Mapping[str, Callable[[], Any]],
    policies: Mapping[str, Any],
    *,
    attach: Callable[[Any], Any],
    detach: Callable[[], Any],
    corner: str = "upload asks for",
) -> PolicyGrid:
    """Let the learner predict which call is refused under which policy; then make every call.

        policy_grid(
            {"nothing": lambda: s3.put_object(Bucket=bucket, Key="a", Body=b"x"), …},
            {"no policy": None, "must be AES256": must_be_aes256, …},
            attach=lambda policy: s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy)),
            detach=lambda: s3.delete_bucket_policy(Bucket=bucket),
        )

    Args:
        calls: the rows: a name, and what makes the call.
        policies: the columns: a name, and what `attach` gets; None where nothing is attached.
        attach: puts a policy in force, before a column's calls are made.
        detach: takes it away again, after them.
        corner: what stands above the names of the calls.

    Returns:
        The form; its ``table`` has the computed grid. A call counts as refused when boto3 raises
        an error of AWS's.

    Raises:
        ValueError: there is no call or no policy. What else a call or `attach` raises passes.
    """
    if not calls or not policies:
        raise WrongArgument("A grid needs at least one call and one policy.")
    return PolicyGrid(calls, policies, attach, detach, corner)


def _outcome(call: Callable[[], Any]) -> tuple[str, str]:
    try:
        call()
    except ClientError as error:
        return "refused", describe(error).code
    return "allowed", ""


def _chip(cell: tuple[str, str]) -> Chip:
    state, _ = cell
    return Chip(state, f"{'✓' if state == 'allowed' else '✕'} {state}")
