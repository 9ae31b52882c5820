"""The sandbox as a program: AWS over HTTP on loopback, until Ctrl-C.

python -m workshop_lib.sandbox --port 5000
python -m workshop_lib.sandbox --other-account 210987654321

Of another account, the administrator's keys stand in a comment below the lines for your shell.
"""

import argparse
import secrets
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from workshop_lib.sandbox.auth.callers import Credentials
from workshop_lib.sandbox.backend import export_lines, port_taken
from workshop_lib.sandbox.gateway import DEFAULT_ACCOUNT, Gateway
from workshop_lib.sandbox.protocol.endpoints import DEFAULT_REGION
from workshop_lib.sandbox.transport.http_server import HttpServer


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m workshop_lib.sandbox",
        description="AWS KMS, S3, DynamoDB, IAM, STS and CloudTrail, simulated on this machine.",
    )
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1 (0: a free one)")
    parser.add_argument("--access-key", metavar="ID", help="the administrator's access key id")
    parser.add_argument("--secret-key", metavar="KEY", help="its secret (default: a random one)")
    parser.add_argument(
        "--sse-c-allowed", action="store_true", help="new buckets take SSE-C, as before April 2026"
    )
    parser.add_argument(
        "--plain", action="store_true", help="requests do not count as sent over TLS"
    )
    parser.add_argument("--account", default=DEFAULT_ACCOUNT, help="the account id (12 digits)")
    parser.add_argument(
        "--other-account", action="append", default=[], metavar="ID",
        help="another account beside it, with an administrator of its own; as often as you like",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    keys = (options.access_key, options.secret_key)
    if keys != (None, None) and not all(keys):
        parser.error("give both --access-key and --secret-key, or neither")
    for name, account in (
        ("--account", options.account),
        *(("--other-account", each) for each in options.other_account),
    ):
        if not (account.isascii() and account.isdigit() and len(account) == 12):
            parser.error(f"{name} takes 12 digits")
    if not 0 <= options.port <= 65535:
        parser.error("--port takes a number from 0 to 65535")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted. Returns the process's exit status: 0, or 1 for a taken port."""
    options = _arguments(arguments)
    administrator = Credentials(
        options.access_key or "AKIAWORKSHOPADMIN234",
        options.secret_key or secrets.token_urlsafe(30),
    )
    gateway = Gateway(administrator, options.account, sse_c_allowed=options.sse_c_allowed)
    try:
        server = HttpServer(gateway, options.port, secure=not options.plain)
    except OSError as error:
        print(port_taken(options.port, error), file=sys.stderr)
        return 1
    stopping = threading.Event()

    def stop(*_: Any) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    server.start()
    print(f"# The sandbox answers at {server.address} (loopback only). Ctrl-C ends it.")
    lines = export_lines(server.address, administrator, DEFAULT_REGION)
    for account in options.other_account:
        other = gateway.open_account(account, account)
        lines.append(f"# {account}: {other.access_key_id} {other.secret_access_key}")
    print("\n".join(lines), flush=True)
    while not stopping.wait(1):  # a bounded wait: on Windows an unbounded one ignores Ctrl-C
        pass
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
