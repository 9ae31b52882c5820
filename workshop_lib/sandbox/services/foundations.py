"""What services are built on: moto's store, the callers, and what they share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any, TypeVar

from workshop_lib.sandbox.auth.callers import Callers
from workshop_lib.sandbox.call import Authorize, Call
from workshop_lib.sandbox.moto_backend.core import Moto
from workshop_lib.sandbox.moto_backend.iam import IamStore
from workshop_lib.sandbox.policy.organization import Membership
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.storage.disk import Disk

T = TypeVar("T")


class Service(ABC):
    """What the gateway asks of a service.

    ``operations`` are those that it answers: any other one of its model is refused by its name,
    before anything looks at the call.
    """

    operations: Collection[str]

    def owner(self, call: Call) -> str:
        """The account that owns what the call is about, and whose service answers it."""
        return call.account

    @abstractmethod
    def answer(self, call: Call, authorize: Authorize) -> Response:
        """The service's answer; AwsError where it refuses, or ``authorize`` does."""

    def admit(self, call: Call, authorize: Authorize) -> None:  # noqa: B027 (most wait)
        """Refuse a call whose body is still to come, where its head is enough for that.

        Raises what `answer` would.
        """

    def finish(self, call: Call, response: Response) -> None:  # noqa: B027 (most add nothing)
        """Add to an answer, a refusal too, what the service says with each: nothing, for most."""


class Foundations:
    """One account's: moto's backends, the callers, the disk, and what services share.

    ``sse_c_allowed`` makes new buckets take SSE-C, as they did before April 2026. ``beside`` are
    the foundations of the sandbox's first account, ``name`` is what people call this one.
    """

    def __init__(
        self,
        account: str,
        moto: Moto,
        callers: Callers,
        *,
        name: str = "workshop",
        sse_c_allowed: bool = False,
        beside: "Foundations | None" = None,
    ) -> None:
        self.account = account
        self.name = name
        self.moto = moto
        self.callers = callers
        self.sse_c_allowed = sse_c_allowed
        self.disk = Disk()
        self._shared: dict[Any, Any] = {}
        self._first = self if beside is None else beside
        self._accounts: dict[str, Foundations] = {} if beside is None else beside._accounts
        self._accounts[account] = self
        # Of accounts in an organization: Organizations writes it, every call carries it.
        self.memberships: dict[str, Membership] = {} if beside is None else beside.memberships

    @property
    def accounts(self) -> "Mapping[str, Foundations]":
        """The foundations of all accounts of the sandbox, the first one's first."""
        return self._accounts

    @property
    def mark(self) -> str:
        """What identifiers made in this account are seeded with; empty for the first account."""
        return self.moto.mark

    def common(self, make: "Callable[[Foundations], T]") -> T:
        """As `shared`, but of the first account's: the same for all accounts."""
        return self._first.shared(make)

    def shared(self, make: "Callable[[Foundations], T]") -> T:
        """What ``make`` makes of these foundations: made once, the same for all who ask."""
        if make not in self._shared:
            self._shared[make] = make(self)
        made: T = self._shared[make]
        return made

    @cached_property
    def iam(self) -> IamStore:
        """IAM's users, groups, roles and policies."""
        return IamStore(self.moto)

    def principal_exists(self, arn: str) -> bool:
        """Whether an ARN that a policy names can be a principal: a user or role that exists.

        Of an account that is not in the sandbox each one is taken to exist.
        """
        account = "".join(arn.split(":")[4:5])
        return self._accounts.get(account, self).iam.is_principal(arn)
