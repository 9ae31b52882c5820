"""Calls per second through boto3: the sandbox, `mock_aws`, and moto's own threaded server.

Each backend runs in a process of its own, together with its client; the rounds alternate, so that
a busy machine slows all alike. Over HTTP there is no lab, which would keep its own kernel's calls
from the socket. Printed are ratios to `mock_aws`, which enforces nothing, and to moto's server.

    python bench/calls.py [rounds]
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

BACKENDS = ("sandbox", "sandbox over HTTP", "mock_aws", "moto's server")
CALLS = 150


def start(backend: str) -> str | None:
    """Start the backend in this process; returns the address to use, if any."""
    if backend == "sandbox":
        from workshop_lib import start_lab

        start_lab()
        return None
    import os

    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    if backend == "sandbox over HTTP":
        from workshop_lib.sandbox.auth.callers import Credentials
        from workshop_lib.sandbox.gateway import Gateway
        from workshop_lib.sandbox.transport.http_server import HttpServer

        ours = HttpServer(Gateway(Credentials("test", "test")))
        ours.start()
        return ours.address
    if backend == "mock_aws":
        import moto

        moto.mock_aws().start()
        return None
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def operations(endpoint: str | None, name: str = "bench") -> dict[str, Callable[[], object]]:
    """The calls to measure, on a bucket and a table of that name made for them, and a key."""
    import boto3

    kms, s3, dynamodb = (
        boto3.client(name, endpoint_url=endpoint) for name in ("kms", "s3", "dynamodb")
    )
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    s3.create_bucket(Bucket=name)
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": {"S": "1"}, "card": {"S": "4111 1111 1111 1111"}}
    body = b"x" * 1024
    return {
        "KMS Encrypt": lambda: kms.encrypt(KeyId=key_id, Plaintext=b"4111 1111 1111 1111"),
        "DynamoDB PutItem": lambda: dynamodb.put_item(TableName=name, Item=item),
        "S3 PutObject": lambda: s3.put_object(Bucket=name, Key="a", Body=body),
        "S3 GetObject": lambda: s3.get_object(Bucket=name, Key="a")["Body"].read(),
    }


def measure(backend: str) -> dict[str, float]:
    """Calls per second of each operation, in this process."""
    rates = {}
    for name, call in operations(start(backend)).items():
        for _ in range(10):
            call()
        began = time.perf_counter()
        for _ in range(CALLS):
            call()
        rates[name] = CALLS / (time.perf_counter() - began)
    return rates


def main(rounds: int) -> None:
    """Print the table of rates and ratios."""
    measured: dict[str, list[dict[str, float]]] = {backend: [] for backend in BACKENDS}
    for _ in range(rounds):
        for backend in BACKENDS:
            command = [sys.executable, __file__, "--measure", backend]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            measured[backend].append(json.loads(output.splitlines()[-1]))
    names = list(measured["sandbox"][0])
    rates = {
        backend: {name: statistics.median(run[name] for run in runs) for name in names}
        for backend, runs in measured.items()
    }
    print(f"calls per second, median of {rounds} rounds\n")
    print(f"{'':18}" + "".join(f"{backend:>20}" for backend in BACKENDS))
    for name in names:
        print(f"{name:18}" + "".join(f"{rates[backend][name]:20.0f}" for backend in BACKENDS))
    print("\nratios\n")
    for name in names:
        kernel = rates["sandbox"][name] / rates["mock_aws"][name]
        http = rates["sandbox over HTTP"][name] / rates["moto's server"][name]
        print(f"{name:18} / mock_aws {kernel:5.2f}    over HTTP / moto's server {http:5.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2])))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
