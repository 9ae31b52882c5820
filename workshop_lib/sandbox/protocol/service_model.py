"""What botocore's descriptions of services say."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel


@cache
def loader() -> Loader:
    """What reads botocore's descriptions, each once."""
    return Loader()


@cache
def description(service: str) -> Mapping[str, Any]:
    """The description of a service that botocore ships, as its JSON has it."""
    return dict(loader().load_service_model(service, "service-2"))


@cache
def service_model(service: str) -> ServiceModel:
    """The model of a service that botocore ships."""
    return ServiceModel(description(service), service)


@lru_cache(maxsize=1024)
def lower_first(name: str) -> str:
    """keyId for KeyId: the form in AWS's validation messages and in CloudTrail."""
    return name[:1].lower() + name[1:]


@cache
def regions() -> frozenset[str]:
    """The Regions that botocore knows, of every partition; not aws-global, which is none."""
    partitions = loader().load_data("partitions")["partitions"]
    named = (region for partition in partitions for region in partition["regions"])
    return frozenset(region for region in named if not region.endswith("-global"))
