"""What the sandbox's rules cost a call: processor time, by four backends behind one transport.

boto3 alone: the transport reads the body and answers with a response that was kept. Without
asking: the gateway neither asks who may nor records. The sandbox: as it is. Bare moto: moto's own
dispatch.
The rounds alternate, and the fastest counts, which other programs disturbed least.

    python bench/rules.py [rounds]
"""

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
from workshop_lib.sandbox.transport.prepared_request import read_body

CALLS = 50
BACKENDS = ("boto3 alone", "without asking", "the sandbox", "bare moto")
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
        else:
            read_body(prepared.body)  # boto3 computes checksums while it is read
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
    transport: Any = BotocoreTransport._installed
    send: Send = transport.send
    ours = operations(None)
    transport.send = answered_by_moto
    bare = operations(None, "bare")
    measured: dict[str, dict[str, list[float]]] = {name: {p: [] for p in BACKENDS} for name in ours}
    for _ in range(rounds):
        for name, times in measured.items():
            transport.send = kept(send)
            times["boto3 alone"].append(microseconds(ours[name]))
            transport.send = send
            with unasking():
                times["without asking"].append(microseconds(ours[name]))
            times["the sandbox"].append(microseconds(ours[name]))
            transport.send = answered_by_moto
            times["bare moto"].append(microseconds(bare[name]))
    print(f"microseconds of processor time a call, the fastest of {rounds} rounds\n")
    print(f"{'':18}" + "".join(f"{backend:>16}" for backend in BACKENDS))
    fastest = {n: {p: min(t) for p, t in by.items()} for n, by in measured.items()}
    for name, by in fastest.items():
        print(f"{name:18}" + "".join(f"{by[backend]:16.0f}" for backend in BACKENDS))
    print("\nratios\n")
    for name, by in fastest.items():
        alone = by["the sandbox"] / by["boto3 alone"]
        asking = by["the sandbox"] / by["without asking"]
        moto = by["the sandbox"] / by["bare moto"]
        print(
            f"{name:18} / boto3 alone {alone:5.2f}    / without asking {asking:5.2f}    "
            f"/ bare moto {moto:5.2f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
