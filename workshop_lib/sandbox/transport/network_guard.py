"""No plain socket of this process reaches AWS, or an instance's metadata."""

from collections.abc import Callable
from typing import Any

AWS_NAMES = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonaws.eu")
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
METADATA_ADDRESSES = ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254")


def _guarded_lookup(original: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_aws(host)
        return original(host, *args, **kwargs)

    return guarded


def _guarded_tunnel(original: Callable[..., Any]) -> Callable[..., Any]:
    """Through a proxy the socket goes elsewhere: what counts is whom the proxy is asked for."""

    def guarded(self: Any, host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_aws(host)
        return original(self, host, *args, **kwargs)

    return guarded


def _guarded_method(original: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: Any, address: Any) -> Any:
        if isinstance(address, tuple) and address:
            _refuse_aws(address[0])
        return original(self, address)

    return guarded


def _refuse_aws(host: Any) -> None:
    name = (host.decode() if isinstance(host, bytes) else str(host or "")).rstrip(".").lower()
    if name in METADATA_ADDRESSES or name.endswith(AWS_NAMES):
        raise ConnectionRefusedError(
            f"The lab keeps this kernel away from {name}. Use boto3, or call lab.serve() and use "
            "the address it prints."
        )
