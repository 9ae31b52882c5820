"""Nothing gets out: whatever a program of the kernel does, AWS is not asked, nor any name of its.

Each program runs in a network of its own, with a name server and an AWS that write down who comes
(`tests/support/network_namespace.py`), and holds real-looking credentials in its environment, in
profiles and by hand. aiobotocore and s3fs agree with no botocore of the lock: their programs run
where somebody has installed them (`pip install s3fs`), and are skipped elsewhere.
"""

import importlib.util
import os
import textwrap
from functools import cache
from pathlib import Path

import pytest

from tests.support import network_namespace
from tests.support.network_namespace import Seen

pytestmark = pytest.mark.long
HERE = Path(__file__)
NAMES = ("environment", "profile", "hand")
KEYS = {name: f"AKIAREAL{name.upper():0<12.12}" for name in NAMES}
SECRETS = {name: f"a/real+secret/of/{name}".ljust(40, "0") for name in NAMES}

BEFORE = f"""
    import asyncio, hmac, os, socket, sys
    import boto3
    from botocore.config import Config

    SECRETS = {list(SECRETS.values())!r}
    signed = []
    new_hmac = hmac.new

    def watched(key, *args, **kwargs):
        signed.extend(each for each in SECRETS if each.encode() in bytes(key))
        return new_hmac(key, *args, **kwargs)

    hmac.new = watched
    try:  # by which botocore signs where it is installed
        from awscrt.auth import AwsCredentialsProvider
    except ImportError:
        pass
    else:
        make_provider = AwsCredentialsProvider.new_static

        def watched_provider(**given):
            signed.extend(each for each in SECRETS if each == given["secret_access_key"])
            return make_provider(**given)

        AwsCredentialsProvider.new_static = watched_provider
    once = Config(retries={{"total_max_attempts": 1}}, connect_timeout=5, read_timeout=5)
    region = {{"region_name": "us-east-1", "config": once}}
    HAND = {{"aws_access_key_id": {KEYS["hand"]!r}, "aws_secret_access_key": {SECRETS["hand"]!r}}}

    def refused(attempt, *args, told="keeps this kernel away", **kwargs):
        try:
            answer = attempt(*args, **kwargs)
        except BaseException as error:
            seen = []
            while error is not None:
                seen.append(f"{{type(error).__name__}}: {{error}}")
                error = error.__cause__ or error.__context__
            assert any(told in each for each in seen), seen
        else:
            raise AssertionError(f"not refused: {{attempt}} gave {{answer!r}}")
"""
LAB = """
    from workshop_lib.lab import start_lab
    lab = start_lab()
    s3 = boto3.client("s3", config=once)
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="key.csv", Body=b"name,value\\nada,1\\n")
    listed = lambda: [each["Key"] for each in s3.list_objects_v2(Bucket="bucket")["Contents"]]
"""
AFTER = """
    assert signed == [], "a real key signed"
    print("done")
"""


@cache
def why_not() -> str | None:
    return network_namespace.why_not()


@pytest.fixture
def program(tmp_path: Path) -> "Program":
    if why_not() is not None:
        pytest.skip(str(why_not()))
    return Program(tmp_path)


class Program:
    """Runs a program that holds real-looking credentials."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *parts: str) -> Seen:
        profile = (
            f"[default]\naws_access_key_id={KEYS['profile']}\n"
            f"aws_secret_access_key={SECRETS['profile']}\n"
        )
        credentials = self.folder / "credentials"
        credentials.write_text(profile + profile.replace("default", "prod"))
        file = self.folder / "program.py"
        file.write_text("\n".join(textwrap.dedent(part) for part in parts))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment = {
            **kept,
            "AWS_ACCESS_KEY_ID": KEYS["environment"],
            "AWS_SECRET_ACCESS_KEY": SECRETS["environment"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
            "PYTHONPATH": str(HERE.parents[3]),
        }
        del environment["BOTO_DISABLE_CRT"]
        for name in [name for name in environment if name.lower().endswith("_proxy")]:
            del environment[name]
        return network_namespace.run(file, environment)

    def holds(self, *parts: str) -> Seen:
        """Run it before and in a lab: it succeeds, and nothing of AWS was asked."""
        seen = self.run(BEFORE, *parts, AFTER)
        assert (seen.status, seen.output.splitlines()[-1:]) == (0, ["done"]), seen.errors
        assert seen.of_aws == []
        return seen


# --- Without a lab the network sees it all --------------------------------------------------------


def test_the_network_would_notice(program: Program) -> None:
    seen = program.run(
        BEFORE,
        """
        import urllib.request
        for client in (boto3.client("s3", **region), boto3.client("kms", **HAND, **region)):
            try:
                getattr(client, "list_buckets", getattr(client, "list_keys", None))()
            except Exception as error:
                print(type(error).__name__)
        print(len(set(signed)), urllib.request.urlopen("http://www.site.test/").read())
        socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("203.0.113.10", 443))
        """,
    )
    assert seen.output.splitlines()[-1] == r"2 b'greeting\nhello\n'", seen.errors
    assert {"s3", "kms"} <= {name.partition(".")[0] for name in seen.names}
    assert {"203.0.113.10:443", "203.0.113.20:80", "203.0.113.10:443/udp"} <= {*seen.reached}
    assert "www.site.test" not in "".join(seen.of_aws)


# --- boto3 ----------------------------------------------------------------------------------------


def test_boto3_by_whatever_credentials_and_threads(program: Program) -> None:
    program.holds(
        """
        early = [
            boto3.client("sts", **region),
            boto3.client("sts", **HAND, **region),
            boto3.Session(profile_name="prod").client("sts", **region),
        ]
        session = boto3.Session(**HAND, region_name="us-east-1")
        frozen = session.get_credentials()
        """,
        LAB,
        """
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials, ReadOnlyCredentials

        for client in (*early, session.client("sts"), boto3.client("sts", **HAND)):
            assert client.get_caller_identity()["Arn"].endswith("user/workshop-admin")
        assert frozen.access_key.startswith("AKIAWORKSHOP"), frozen.access_key
        unknown = {**HAND, "aws_access_key_id": "AKIANOBODYHASTHISKEY"}
        refused(boto3.client("kms", **unknown).list_keys, told="UnrecognizedClient")
        late = boto3.client("s3", **unknown)
        late.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "key.csv"})
        for kind in (Credentials, ReadOnlyCredentials):
            key = kind("AKIANOBODYHASTHISKEY", HAND["aws_secret_access_key"], None)
            SigV4Auth(key, "s3", "us-east-1").add_auth(AWSRequest("GET", "https://x.test/"))
        """,
        """
        from concurrent.futures import ThreadPoolExecutor

        def put(number):
            early[number % 3].get_caller_identity()
            boto3.Session().client("s3", **region).put_object(Bucket="bucket", Key=str(number))
            refused(socket.create_connection, ("s3.amazonaws.com", 443), 1)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, range(40)))
        assert len(listed()) == 41
        """,
    )


def test_transfers_by_the_common_runtime(program: Program, tmp_path: Path) -> None:
    pytest.importorskip("awscrt")
    program.holds(
        """
        import awscrt.s3
        from boto3.s3.transfer import TransferConfig, create_transfer_manager
        early = boto3.client("s3", **HAND, **region)
        native = create_transfer_manager(early, TransferConfig(preferred_transfer_client="crt"))
        assert "crt" in type(native).__module__
        """,
        LAB,
        f"""
        import io
        file = {str(tmp_path / "large")!r}
        open(file, "wb").write(os.urandom(9_000_000))
        awscrt.s3.is_optimized_for_system = lambda: True
        for choice in ("crt", "auto"):
            for client in (s3, early):
                config = TransferConfig(preferred_transfer_client=choice)
                client.upload_file(file, "bucket", choice, Config=config)
                client.download_file("bucket", choice, file + "-back", Config=config)
                assert open(file, "rb").read() == open(file + "-back", "rb").read()
        with lab_trace() as calls:
            future = native.upload(io.BytesIO(b"x"), "bucket", "never")
            refused(future.result)
        assert "200" not in set(calls.table["outcome"]), calls.table["outcome"]
        assert sorted(listed()) == ["auto", "crt", "key.csv"]

        import urllib.request
        lab.later(days=2)  # botocore signs by awscrt: dated by the sandbox's clock as well
        by_v4 = Config(signature_version="s3v4")
        client = boto3.client("s3", endpoint_url=lab.serve(), config=by_v4)
        url = client.generate_presigned_url("get_object", {{"Bucket": "bucket", "Key": "key.csv"}})
        assert urllib.request.urlopen(url).read()[:4] == b"name"

        from awscrt.auth import AwsCredentialsProvider
        from awscrt.http import HttpClientConnection
        from awscrt.io import ClientBootstrap, DefaultHostResolver, EventLoopGroup
        group = EventLoopGroup(1)
        bootstrap = ClientBootstrap(group, DefaultHostResolver(group))
        connection = HttpClientConnection.new("s3.amazonaws.com", 443, bootstrap=bootstrap)
        refused(connection.result)
        refused(AwsCredentialsProvider.new_default_chain, bootstrap)
        """.replace("lab_trace", "__import__('workshop_lib').trace"),
    )


# --- aiobotocore and s3fs -------------------------------------------------------------------------


def test_aiobotocore(program: Program) -> None:
    pytest.importorskip("aiobotocore")
    program.holds(
        """
        from aiobotocore.session import AioSession
        from aiobotocore.config import AioConfig
        from aiobotocore.httpxsession import HttpxSession
        loop = asyncio.new_event_loop()
        early = loop.run_until_complete(
            AioSession().create_client("s3", region_name="us-east-1", **HAND).__aenter__()
        )
        """,
        LAB,
        """
        from workshop_lib import trace

        async def use(client):
            await client.put_object(Bucket="bucket", Key="k", Body=b"from aiobotocore")
            answer = await client.get_object(Bucket="bucket", Key="k")
            assert await answer["Body"].read() == b"from aiobotocore"
            try:
                await client.get_object(Bucket="bucket", Key="none")
            except client.exceptions.NoSuchKey:
                pass
            else:
                raise AssertionError("an object that nobody put")

        async def late(**more):
            async with AioSession().create_client("s3", region_name="us-east-1", **more) as client:
                await use(client)

        with trace() as calls:
            loop.run_until_complete(use(early))
        assert list(calls.table["outcome"]) == ["200", "200", "NoSuchKey"], calls.table
        loop.run_until_complete(late())
        loop.run_until_complete(late(config=AioConfig(http_session_cls=HttpxSession)))
        loop.run_until_complete(late(endpoint_url=lab.serve()))
        """,
    )


def test_pandas_through_s3fs(program: Program) -> None:
    """At once, with and without the HTTP server; aiobotocore is imported in the lab."""
    pytest.importorskip("s3fs")
    program.holds(
        LAB,
        """
        import pandas, time
        start = time.monotonic()
        for _ in range(2):
            assert list(pandas.read_csv("s3://bucket/key.csv")["value"]) == [1]
            lab.serve()
        pandas.DataFrame({"x": [1]}).to_csv("s3://bucket/out.csv")
        assert sorted(listed()) == ["key.csv", "out.csv"]
        import s3fs
        assert s3fs.S3FileSystem(key=HAND["aws_access_key_id"],
            secret=HAND["aws_secret_access_key"], endpoint_url=lab.serve()) is not None
        assert time.monotonic() - start < 20
        """,
    )


# --- Other libraries, other resolvers -------------------------------------------------------------


def test_sockets(program: Program) -> None:
    program.holds(
        """
        from socket import getaddrinfo, gethostbyname
        import _socket
        """,
        LAB,
        """
        udp = lambda: socket.socket(type=socket.SOCK_DGRAM)
        for name in ("s3.amazonaws.com", "KMS.us-east-1.API.AWS.", "s3\\uff0eamazonaws.com"):
            for attempt in (
                socket.gethostbyname, socket.gethostbyname_ex, socket.gethostbyaddr,
                gethostbyname, _socket.gethostbyname,
            ):
                refused(attempt, name)
            for attempt in (socket.getaddrinfo, getaddrinfo, _socket.getaddrinfo):
                refused(attempt, name, 443)
            for address in ((name, 443), ("203.0.113.10", 443), ("169.254.169.254", 80)):
                refused(socket.socket().connect, address)
                refused(socket.socket().connect_ex, address)
                refused(udp().sendto, b"x", address)
                refused(udp().sendto, b"x", 0, address)
                refused(udp().sendmsg, [b"x"], [], 0, address)
        refused(_socket.socket().connect, ("203.0.113.10", 443))
        refused(_socket.socket(type=socket.SOCK_DGRAM).sendto, b"x", ("203.0.113.10", 443))
        for numeric in ("203.0.113.10", "3405803786", "0xcb.0.0x710a", "::ffff:203.0.113.10"):
            getaddrinfo(numeric, 443), socket.getaddrinfo(numeric, 443)
            family = socket.AF_INET6 if ":" in numeric else socket.AF_INET
            refused(socket.socket(family).connect, (numeric, 443))
        refused(socket.create_connection, ("0xa9fea9fe", 80), 1)
        question = b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\2s3\\x09amazonaws\\3com\\0\\0\\1\\0\\1"
        for server in ("203.0.113.53", "127.0.0.1"):
            refused(udp().sendto, question, (server, 53), told="away from name servers")
            refused(socket.socket().connect, (server, 53), told="away from name servers")

        async def over(sock, address):
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, address)

        refused(asyncio.run, over(socket.socket(), ("203.0.113.10", 443)))
        refused(asyncio.run, asyncio.open_connection("s3.amazonaws.com", 443))

        with socket.create_server(("127.0.0.1", 0)) as own:
            socket.create_connection(own.getsockname()).close()
        for name in ("www.site.test", b"www.site.test"):
            assert socket.gethostbyname("www.site.test") == "203.0.113.20"
            socket.create_connection((name.decode() if isinstance(name, bytes) else name, 80))
        socket.socket().connect(("203.0.113.20", 80))  # by now looked up
        """,
    )


def test_http_clients(program: Program) -> None:
    seen = program.holds(
        """
        import httpx, requests, urllib.request
        session, client = requests.Session(), httpx.Client()
        """,
        LAB,
        """
        import pandas
        hosts = ("https://bucket.s3.amazonaws.com/k", "http://169.254.169.254/latest/meta-data/",
                 "https://203.0.113.10/", "http://s3.us-east-1.api.aws/")
        for url in hosts:
            for attempt in (
                urllib.request.urlopen, requests.get, session.get, client.get, httpx.get,
                pandas.read_csv,
            ):
                refused(attempt, url)
            for proxy in ("http://127.0.0.1:9", "http://www.site.test:80"):
                if "203.0.113.10" not in url:
                    refused(requests.get, url, proxies={"http": proxy, "https": proxy})
        site = "http://www.site.test/"
        assert list(pandas.read_csv(site)["greeting"]) == ["hello"]
        for get in (requests.get, session.get, client.get, httpx.get):
            assert get(site).text.startswith("greeting"), get

        async def asynchronous():
            async with httpx.AsyncClient() as client:
                return (await client.get(site)).text

        assert asyncio.run(asynchronous()).startswith("greeting")
        """,
    )
    assert "www.site.test" in seen.names


@pytest.mark.parametrize(
    ("loop", "imported"), [("asyncio", "before the lab"), ("uvloop", "in the lab")]
)
def test_resolvers_in_c(loop: str, imported: str, program: Program) -> None:
    for name in (
        "aiodns",
        "aiohttp",
        loop,
    ):  # others put stand-ins in place
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    modules = f"import aiodns, aiohttp, {loop}"
    early = imported == "before the lab"
    program.holds(
        modules if early else "",
        LAB,
        "" if early else modules,
        f"run = {loop}.run",
        """
        async def get(url):
            resolver = aiohttp.AsyncResolver()
            async with aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=resolver)
            ) as session:
                async with session.get(url) as answer:
                    return await answer.text()

        async def resolve(how, *args):
            return await getattr(aiodns.DNSResolver(), how)(*args)

        async def on_loop(how, *args, **kwargs):
            return await getattr(asyncio.get_running_loop(), how)(*args, **kwargs)

        for url in ("https://bucket.s3.amazonaws.com/", "http://203.0.113.10/"):
            refused(run, get(url))
        refused(run, resolve("getaddrinfo", "s3.amazonaws.com"))
        refused(run, resolve("gethostbyname", "s3.amazonaws.com", socket.AF_INET))
        refused(run, resolve("query_dns", "s3.amazonaws.com", "A"))
        refused(run, on_loop("getaddrinfo", "s3.amazonaws.com", 443))
        for host in ("s3.amazonaws.com", "203.0.113.10"):
            connect = on_loop("create_connection", asyncio.Protocol, host, 443)
            refused(run, connect)
            datagrams = on_loop(
                "create_datagram_endpoint", asyncio.DatagramProtocol, remote_addr=(host, 443)
            )
            refused(run, datagrams)

        async def connect():
            with socket.socket() as sock:
                sock.setblocking(False)
                await asyncio.get_running_loop().sock_connect(sock, ("203.0.113.10", 443))

        refused(run, connect())
        assert run(get("http://www.site.test/")).startswith("greeting")
        """,
    )


def test_curl(program: Program) -> None:
    pytest.importorskip("pycurl")
    program.holds(
        """
        import pycurl
        from pycurl import Curl
        handle = Curl()
        handle.setopt(pycurl.URL, "http://s3.amazonaws.com/")
        """,
        LAB,
        """
        refused(Curl)
        refused(handle.perform, told="no curl handle")
        refused(pycurl.Curl, told="away from pycurl")
        refused(pycurl.CurlMulti)
        """,
    )


# --- Other processes ------------------------------------------------------------------------------

CHILD = """
    import boto3
    from botocore.config import Config
    once = Config(retries={"total_max_attempts": 1})


    def put(key):
        boto3.client("s3", config=once).put_object(Bucket="bucket", Key=key, Body=b"x")


    if __name__ == "__main__":
        put("from a child")
"""


def test_child_processes(program: Program) -> None:
    """They find a closed port in their environment, or the HTTP server once it runs."""
    (program.folder / "worker.py").write_text(textwrap.dedent(CHILD))
    program.holds(
        f"sys.path.insert(0, {str(program.folder)!r})",
        LAB,
        """
        import multiprocessing, subprocess, worker
        child = [sys.executable, worker.__file__]
        done = subprocess.run(child, capture_output=True, text=True)
        assert "127.0.0.1:9" in done.stderr, done.stderr
        lab.serve()
        subprocess.run(child, check=True)
        del sys.modules["__main__"].__file__  # this program is not a worker's
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.map(worker.put, ["spawned"])
        assert listed() == ["from a child", "key.csv", "spawned"]
        """,
    )


def test_forked_workers(program: Program) -> None:
    """They reach the sandbox of the process that forked them, by early and by new clients."""
    program.holds(
        "early = boto3.client('s3', **HAND, **region)",
        LAB,
        """
        import multiprocessing, time
        from concurrent.futures import ProcessPoolExecutor
        from workshop_lib.lab import start_lab
        context = multiprocessing.get_context("fork")

        def put(number):
            for client in (early, s3, boto3.client("s3")):
                client.put_object(Bucket="bucket", Key=f"é {number}", Body=b"x" * 100_000,
                                  Metadata={"note": "a b"}, ServerSideEncryption="aws:kms")
            assert s3.get_object(Bucket="bucket", Key="key.csv")["Body"].read()[:4] == b"name"
            assert s3.head_object(Bucket="bucket", Key="key.csv")["ContentLength"] == 17
            refused(s3.get_object, Bucket="bucket", Key="none", told="NoSuchKey")
            refused(boto3.client("sqs").list_queues, told="sqs")
            refused(socket.create_connection, ("s3.amazonaws.com", 443), 1)
            refused(lambda: lab.disk, told="forked worker")
            refused(lab.session, told="forked worker")
            assert signed == []
            return os.getpid()

        with ProcessPoolExecutor(2, mp_context=context) as pool:
            assert os.getpid() not in set(pool.map(put, range(4)))
        with context.Pool(2) as pool:
            pool.map(put, range(4, 6))
        if (child := os.fork()) == 0:
            start_lab()  # a lab of its own leaves the parent's alone
            os._exit(0 if boto3.client("s3").list_buckets()["Buckets"] == [] else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert listed() == ["key.csv", *(f"é {number}" for number in range(6))]
        if (child := os.fork()) == 0:
            if os.fork() == 0:
                put(6)
                os._exit(0)
            os._exit(os.wait()[1] >> 8)
        assert os.waitpid(child, 0)[1] == 0
        assert "é 6" in listed()

        reading, writing = os.pipe()
        if os.fork() == 0:
            start_lab()
            ends_first = os.getpid()
            if os.fork() == 0:
                while os.getppid() == ends_first:
                    time.sleep(0.05)
                refused(boto3.client("s3").list_buckets, told="cannot reach the lab")
                os.write(writing, b"told")
            os._exit(0)
        os.close(writing)
        assert os.read(reading, 4) == b"told"
        """,
    )


def test_what_is_installed_is_not_skipped() -> None:
    """The lock for tests has all of these but aiobotocore and s3fs."""
    assert all(map(importlib.util.find_spec, ("aiodns", "aiohttp", "awscrt", "pycurl", "uvloop")))
