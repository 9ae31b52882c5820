"""The services of AWS, by the tables that botocore ships."""

from functools import cache

from botocore.loaders import Loader


@cache
def service_names() -> frozenset[str]:
    """Their names, as endpoints and botocore's clients have them: s3, dynamodb.

    https://docs.aws.amazon.com/general/latest/gr/rande.html
    """
    loader = Loader()
    tables = loader.load_data("endpoints")["partitions"]
    names = {name for table in tables for name in table["services"]}
    return frozenset(names.union(loader.list_available_services("service-2")))
