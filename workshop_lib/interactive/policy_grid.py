"""`policy_grid(...)`: calls against policies, predicted by the learner and then made.

A policy that is a document of IAM's is shown beside its name, in the document's own words.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from workshop_lib.display.style import Chip, marked_up
from workshop_lib.errors import WrongArgument
from workshop_lib.interactive.forms import Form, View, folded
from workshop_lib.interactive.session import Kept
from workshop_lib.lenses.refusals import describe

if TYPE_CHECKING:
    from workshop_lib.display.frame import Table

_LETTERS = {"": "-", "allowed": "a", "refused": "r"}  # a cell, as it is kept
_RUN = " run"


class PolicyGrid(Form):
    """Cells to predict; `view` holds no outcome before the calls are made on the learner's word.

    What was predicted, and whether the calls were made since, outlives a run of the cell and the
    kernel.
    """

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
        legend = {name: _meaning(policy) for name, policy in policies.items()}
        self._legend = [[name, meaning] for name, meaning in legend.items() if meaning]
        self._kept = Kept(self.script, corner, "calls", *calls, "policies", *policies)
        self._predicted, self._revealed = self._read((self._kept.states() or [""])[-1])
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
        """The question, what the policies say, and the computed grid folded below."""
        names = ", ".join(self._policies)
        question = f"<p><strong>{marked_up(self._corner)}</strong>: which are refused under {names}"
        legend = "".join(
            f"<li><strong>{marked_up(name)}</strong>: {marked_up(meaning)}</li>"
            for name, meaning in self._legend
        )
        answer = folded("Answer", self.table._repr_html_())
        return f"{question}?</p>" + (f"<ul>{legend}</ul>" if legend else "") + answer

    def view(self) -> View:
        """The grid with what was predicted; with the outcomes if they were asked for since."""
        return {
            "corner": self._corner,
            "rows": list(self._calls),
            "columns": list(self._policies),
            "legend": self._legend,
            "predicted": [[*states] for states in self._predicted],
            "outcomes": [[[*c] for c in row] for row in self._outcomes] if self._revealed else [],
            "said": self._score() if self._revealed else "",
        }

    def answer(self, asked: Mapping[str, Any]) -> View:
        """Keep what is predicted; if the learner says so ("run"), make all calls and count."""
        before = self._written()
        self._predicted = self._fitted(asked.get("predicted", []))
        self._revealed = bool(asked.get("run"))
        if self._written() != before:
            self._kept.note(self._written())
        if self._revealed:
            self._outcomes = self._run()
        return self.view()

    def _fitted(self, states: Iterable[Iterable[Any]]) -> list[list[str]]:
        """What is said of each cell, "" for nothing; what comes of a browser or a file is odd."""
        said: dict[tuple[int, int], str] = {
            (row, column): state
            for row, cells in enumerate(states)
            for column, state in enumerate(cells)
            if isinstance(state, str) and state in _LETTERS
        }
        return [
            [said.get((row, column), "") for column, _ in enumerate(self._policies)]
            for row, _ in enumerate(self._calls)
        ]

    def _written(self) -> str:
        """The predictions as they are kept: a letter for each cell, "/" between two rows."""
        rows = ("".join(_LETTERS[state] for state in states) for states in self._predicted)
        return "/".join(rows) + (_RUN if self._revealed else "")

    def _read(self, written: str) -> tuple[list[list[str]], bool]:
        """What `_written` wrote: the predictions, and whether the calls were made since."""
        states = {letter: state for state, letter in _LETTERS.items()}
        rows = written.removesuffix(_RUN).split("/")
        predicted = self._fitted([states.get(letter, "") for letter in row] for row in rows)
        return predicted, written.endswith(_RUN)

    def _score(self) -> str:
        pairs = [
            (state, outcome)
            for states, cells in zip(self._predicted, self._outcomes, strict=True)
            for state, (outcome, _) in zip(states, cells, strict=True)
        ]
        left = sum(not state for state, _ in pairs)
        text = f"{sum(state == outcome for state, outcome in pairs)} of {len(pairs)} right."
        return f"{text} You left {left} open." if left else text

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


def _meaning(policy: Any) -> str:
    """What a policy document or a statement of one says: effect, conditions; "" for all else."""
    if not isinstance(policy, Mapping):
        return ""
    statements = policy.get("Statement", [policy] if "Effect" in policy else [])
    if isinstance(statements, Mapping):
        statements = [statements]
    return "; ".join(map(_statement, statements))


def _statement(statement: Mapping[str, Any]) -> str:
    conditions = [
        f"{operator} {key} = {' or '.join([wanted] if isinstance(wanted, str) else wanted)}"
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    ]
    effect = str(statement.get("Effect", ""))
    return f"{effect} if {' and '.join(conditions)}" if conditions else effect


def _outcome(call: Callable[[], Any]) -> tuple[str, str]:
    try:
        call()
    except ClientError as error:
        return "refused", describe(error).code
    return "allowed", ""


def _chip(cell: tuple[str, str]) -> Chip:
    state, _ = cell
    return Chip(state, f"{'✓' if state == 'allowed' else '✕'} {state}")
