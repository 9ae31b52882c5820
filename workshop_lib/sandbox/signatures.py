"""Signatures of requests that come over HTTP."""

from workshop_lib.sandbox.identities import Caller
from workshop_lib.sandbox.messages import Request


def verify(request: Request, caller: Caller) -> None:
    """Raise AWS's refusal unless ``caller``'s secret made the request's signature."""
