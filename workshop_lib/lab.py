"""The lab: where a lesson's AWS calls are answered, and the names it uses there.

They are answered by a backend, the sandbox in this kernel. `Lab` knows of it only what stands in
`Backend`.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import boto3

from workshop_lib.classes import resume, through
from workshop_lib.cleanup import Resource, delete, in_order_of_deletion
from workshop_lib.errors import WrongArgument
from workshop_lib.lenses.decisions import Reason, explained_by
from workshop_lib.lenses.on_behalf import hear_from
from workshop_lib.lenses.uncaught import adopt_errors

if TYPE_CHECKING:
    from workshop_lib.display.frame import Table

REGION = "us-east-1"
_PREFIX = "workshop"


class Backend(Protocol):
    """Where the lab's AWS is. Once a later one took its place, it raises LabReplaced."""

    @property
    def disk(self) -> Any:
        """What storage holds."""

    @property
    def witnesses(self) -> list[Any]:
        """Those who are told of each call that a service makes for another."""

    def describe(self) -> str:
        """One line: where AWS is, which region, what it costs."""

    def created(self) -> Iterable[Resource]:
        """What was made here and may still exist, oldest first."""

    def forget(self, resource: Any) -> None:
        """Drop a resource from what `created` tells."""

    def session(self, account: str | None = None) -> boto3.Session:
        """A new session of the lab's administrator, or of another account's, by its id."""

    def account(self, name: str) -> boto3.Session:
        """A new session of another account's administrator; the same name is the same account."""

    def settle(self) -> None:
        """Let changes that are under way come to their end."""

    def watch(self, watched: bool) -> None:
        """Remember why calls are allowed as well, not only why refused, or no longer."""

    def explain(self, request_id: str, operation: str | None) -> Sequence[Reason] | None:
        """Why each permission that a call needed was there or not; None if not remembered."""

    def later(self, by: timedelta) -> None:
        """Move the clock on."""

    def serve(self, port: int) -> tuple[str, list[str]]:
        """Answer over HTTP as well: the address, and the lines that tell of it."""

    def admit(self, host: str, port: int) -> Callable[[], None]:
        """Let this process connect to one host and port of no AWS; returns what ends that."""


class Lab:
    """A running lab. Make one with `start_lab`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._ordinals: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Lab: {self._backend.describe()}>"

    def name(self, label: str) -> str:
        """A new resource name for ``label``: workshop-orders-1, workshop-orders-2, …

        Valid as a table name, a bucket name and, behind ``alias/``, a KMS alias. Raises ValueError
        unless ``label`` is 1 to 40 lower-case letters, digits and single hyphens.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
        """
        _require_label(label)
        self._ordinals[label] += 1
        return f"{_PREFIX}-{label}-{self._ordinals[label]}"

    def later(self, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the sandbox's clock on; nothing waits, and every timestamp of AWS follows.

        Clients of your own (boto3's caches, the encryption client's) keep real time. So do other
        programs, and they sign by it: therefore the date of a signature in the headers is held
        against no clock here, where AWS refuses one that is more than five minutes off, S3 15. A
        presigned URL ends by the sandbox's clock.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html#why-requests-are-signed
        https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTAuthentication.html
        Raises ValueError for a step back, or for one of more than 1,000 years.
        """
        try:
            by = timedelta(minutes=minutes, hours=hours, days=days)
        except (TypeError, ValueError, OverflowError):
            raise WrongArgument("Say how much later in numbers: lab.later(days=30).") from None
        self._backend.later(by)

    def session(self) -> boto3.Session:
        """A new boto3 session of the lab's administrator, in the lab's Region.

        For whoever changed the default session or the environment. Raises RuntimeError, saying
        what to do, when a later start_lab() took this lab's place.
        """
        return self._backend.session()

    def account(self, name: str) -> boto3.Session:
        """A new boto3 session of the administrator of another AWS account, in the lab's Region.

        The account is made on first use; the same name is always the same account. What it holds
        is its own, as on AWS: its users and roles, keys, tables, buckets (their names are unique
        across accounts) and its CloudTrail; the lab's clean-up covers it. Across accounts both
        sides must allow: the caller's policies and the policy of the resource.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
        Raises ValueError unless ``name`` is 1 to 40 lower-case letters, digits and single hyphens,
        RuntimeError when a later start_lab() took this lab's place.
        """
        _require_label(name)
        return self._backend.account(name)

    def regions(self) -> set[str]:
        """The Regions in which something was made that may still exist."""
        return {resource.region for resource in self._backend.created()}

    @property
    def empty(self) -> bool:
        """Whether nothing was made here that may still exist, as after a start."""
        return not list(self._backend.created())

    @property
    def disk(self) -> Any:
        """What the sandbox's storage holds: a model of AWS's published design."""
        return self._backend.disk

    def serve(self, port: int = 0) -> str:
        """Open this lab's AWS to other programs, over HTTP on loopback; returns its address.

        ``port`` 0 takes a free one. Prints the lines that a shell needs; programs started from
        this kernel have them already. A second call returns the same address. Raises OSError,
        saying what to do, when the port is taken. In a browser no other program reaches it, but
        this kernel's own requests do.
        """
        address, lines = self._backend.serve(port)
        print("\n".join(lines))
        return address

    def cleanup(self) -> "Table":
        """Delete everything that was made in the lab; tells what in a table.

        KMS keys cannot be deleted at once: they are scheduled, with AWS's shortest waiting period
        of 7 days. May run twice; what is already gone counts as gone.
        https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
        """
        from workshop_lib.display.tables import table

        # Not the default session: a lesson may have made that a role's.
        sessions: dict[str, boto3.Session] = {}
        self._backend.settle()
        rows = []
        for resource in in_order_of_deletion(self._backend.created()):
            account = resource.account
            if account not in sessions:
                sessions[account] = self._backend.session(account)
            outcome = delete(sessions[account], resource)
            rows.append(
                {"kind": resource.kind, "name": resource.name, "what happened": outcome.words}
            )
            if outcome.gone:
                self._backend.forget(resource)
        return table(rows, columns=["kind", "name", "what happened"], caption="Cleaned up")


def _require_label(label: str) -> None:
    if not re.fullmatch(r"(?=.{1,40}$)[a-z0-9]+(-[a-z0-9]+)*", str(label)):
        raise WrongArgument(
            f"{label!r} cannot be part of a name: use 1 to 40 lower-case letters, digits and "
            "single hyphens."
        )


def start_lab() -> Lab:
    """Start a fresh lab: AWS in this kernel, free, with nothing in it.

    Every AWS call of this process is answered by the sandbox from now on, whichever client makes
    it, and none reaches a network. Your own credentials and profile are set aside. Calling it
    again starts afresh: what the lab before held is gone. Prints one line. From now on this kernel
    shows every DataFrame in the course's house style, and a refusal that ends a cell as a card.
    Whoever is in a class stays in it, and a card says so.
    """
    from workshop_lib.display.tables import adopt_frames
    from workshop_lib.sandbox.backend import SandboxBackend

    adopt_frames()
    adopt_errors()
    _silence_unread_streams()
    lab = Lab(SandboxBackend(REGION))
    explained_by(lab._backend)
    hear_from(lab._backend.witnesses)
    print(lab._backend.describe())
    through(lab._backend.admit)
    resume()
    return lab


def _silence_unread_streams() -> None:
    """Keep a protest of the AWS Encryption SDK off the page, as every Python before 3.14 does.

    What the SDK refused to decrypt it has not read to the end, and closing it says so; for an
    object that is thrown away, Python 3.14 prints that, under whatever cell runs then. The refusal
    itself is raised as always, and all else that Python reports so stays.
    """
    report = sys.unraisablehook
    if getattr(report, "__module__", None) == __name__:
        return

    def unless_unread_stream(unraisable: Any) -> None:
        kind = unraisable.exc_type
        name = f"{kind.__module__}.{kind.__qualname__}"
        if name != "aws_encryption_sdk.exceptions.SerializationError":
            report(unraisable)

    sys.unraisablehook = unless_unread_stream
