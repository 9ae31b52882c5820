"""What storage holds, as a thief of the disk would see it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workshop_lib.errors import NotOnDisk

# --- the view -----------------------------------------------------------------------------------

MODEL = "a model of AWS's published design, not of its disks"


@dataclass(frozen=True)
class Stored:
    """What somebody who carried the disk away would hold of one object or item.

    ``body``: the sealed bytes. ``data_key``: the wrapped data key, ``wrapped_under`` what it takes
    to unwrap it, ``encryption_context`` what it is bound to. ``bucket_key``: with an S3 Bucket
    Key, that key, itself wrapped by KMS; the data key is then wrapped under it. ``table_key``:
    with DynamoDB the same, for the table's key.
    ``customer_key_hmac``: with SSE-C, all that is kept of the customer's key, salt first.
    ``metadata`` is stored beside the body, unencrypted.
    """

    method: str
    body: bytes = field(repr=False)
    data_key: bytes = field(repr=False)
    wrapped_under: str
    algorithm: str = "AES-256-GCM"
    encryption_context: Mapping[str, str] = field(default_factory=dict)
    bucket_key: bytes | None = field(default=None, repr=False)
    table_key: bytes | None = field(default=None, repr=False)
    customer_key_hmac: bytes | None = field(default=None, repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict)
    label: str = MODEL


class Disk:
    """The sandbox's storage, as one sees it who carried it away: ``lab.disk``.

    The services that keep something on it say how it is read.
    """

    label = MODEL

    def __init__(self) -> None:
        self.read_object: Callable[[str, str, str | None], Stored] = _nothing
        self.read_item: Callable[[str, Mapping[str, Any]], Stored] = _nothing

    def __repr__(self) -> str:
        return f"<Disk: {self.label}>"

    def object(self, bucket: str, key: str, version_id: str | None = None) -> Stored:
        """An S3 object as it lies on disk: sealed, with its data key wrapped.

        No permission is asked and no KMS call made: a thief asks nobody.
        Raises NotOnDisk where there is no such object or version.
        """
        return self.read_object(bucket, key, version_id)

    def item(self, table: str, key: Mapping[str, Any]) -> Stored:
        """A DynamoDB item as it lies on disk: sealed, names and key attributes included.

        ``table`` is the table's name or ARN; ``key`` the whole primary key, plain
        ({"id": "1"}) or typed ({"id": {"S": "1"}}). No permission is asked and no KMS call made:
        a thief asks nobody. Raises NotOnDisk where there is no such item.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
        """
        return self.read_item(table, key)


def _nothing(*_: Any) -> Stored:
    raise NotOnDisk("There is nothing of the kind on this disk.")
