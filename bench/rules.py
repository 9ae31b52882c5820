"""What the sandbox's rules cost a call: processor time, one door's answers taken from four places.

boto3 alone: the door answers with a response that was kept. Without asking: the gate neither asks
who may nor records. The sandbox: as it is. Bare moto: moto's own dispatch behind the same door.
The rounds alternate, and other programs' load hardly counts in processor time.

    python bench/rules.py [rounds]
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from calls import operations
from moto.core.models import botocore_stubber

from workshop_lib import start_lab
from workshop_lib.sandbox import gateway
from workshop_lib.sandbox.services.cloudtrail.events import Trail
from workshop_lib.sandbox.services.kms import on_behalf
from workshop_lib.sandbox.transport.botocore_transport import BotocoreTransport, _Raw

CALLS = 200
PLACES = ("boto3 alone", "without asking", "the sandbox", "bare moto")
Send = Callable[[AWSPreparedRequest], AWSResponse]


def answered_by_moto(prepared: AWSPreparedRequest) -> AWSResponse:
    """moto's answer, without a rule of ours."""
    status, headers, body = botocore_stubber.process_request(prepared)  # type: ignore[misc]
    body = body.encode() if isinstance(body, str) else body
    return AWSResponse(prepared.url, int(status), headers, _Raw(body))


def kept(send: Send) -> Send:
    """Answers like ``send``, which is asked the first time only."""
    answers: list[tuple[int, Any, bytes]] = []

    def again(prepared: AWSPreparedRequest) -> AWSResponse:
        if not answers:
            answer = send(prepared)
            answers.append((answer.status_code, answer.headers, answer.raw.getvalue()))
        status, headers, body = answers[0]
        return AWSResponse(prepared.url, status, headers, _Raw(body))

    return again


@contextmanager
def unasking() -> Iterator[None]:
    """A gateway that takes everything for permitted and records nothing."""
    with ExitStack() as patches:
        for module in (gateway, on_behalf):
            patches.enter_context(patch.object(module, "authorize", lambda call, checks: None))
        for name in ("record", "record_management"):
            patches.enter_context(patch.object(Trail, name, lambda *_, **__: None))
        yield


def microseconds(call: Callable[[], object]) -> float:
    """Processor time of one call."""
    for _ in range(10):
        call()
    began = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - began) / CALLS * 1e6


def main(rounds: int) -> None:
    """Print what each call takes, and the rules' part of it."""
    start_lab()
    door: Any = BotocoreTransport._installed
    send: Send = door.send
    ours = operations(None)
    door.send = answered_by_moto
    bare = operations(None, "bare")
    found: dict[str, dict[str, list[float]]] = {name: {p: [] for p in PLACES} for name in ours}
    for _ in range(rounds):
        for name, times in found.items():
            door.send = kept(send)
            times["boto3 alone"].append(microseconds(ours[name]))
            door.send = send
            with unasking():
                times["without asking"].append(microseconds(ours[name]))
            times["the sandbox"].append(microseconds(ours[name]))
            door.send = answered_by_moto
            times["bare moto"].append(microseconds(bare[name]))
    print(f"microseconds of processor time a call, median of {rounds} rounds\n")
    print(f"{'':18}" + "".join(f"{place:>16}" for place in PLACES))
    medians = {n: {p: statistics.median(t) for p, t in by.items()} for n, by in found.items()}
    for name, by in medians.items():
        print(f"{name:18}" + "".join(f"{by[place]:16.0f}" for place in PLACES))
    print("\nratios\n")
    for name, by in medians.items():
        asking = by["the sandbox"] / by["without asking"]
        moto = by["the sandbox"] / by["bare moto"]
        print(f"{name:18} / without asking {asking:5.2f}    / bare moto {moto:5.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
