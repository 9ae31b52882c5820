"""`hex_strip(...)`: bytes by field, each with its meaning; a byte that is clicked is flipped.

The parsers read formats that are public, and say of the rest that it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from workshop_lib.display.formatting import as_text, show_text
from workshop_lib.display.style import Chip
from workshop_lib.errors import LearnerError, WrongArgument
from workshop_lib.interactive.attempts import Outcome, attempt, opened
from workshop_lib.interactive.forms import Form, View, folded

if TYPE_CHECKING:
    from workshop_lib.display.frame import Table

_SHOWN = 64
"""Bytes of a field that are shown and can be flipped; of a longer one, its first."""
_KINDS = ("readable", "encrypted", "neutral")


class UnknownFormat(LearnerError, ValueError):
    """The bytes are not in the format that the parser reads."""


class Field(NamedTuple):
    """Some bytes in a row: their name, number and meaning.

    kind: "readable" (anyone can read what stands there), "encrypted", or "neutral" (a length, a
    tag). It gives the colour.
    """

    name: str
    length: int
    meaning: str
    kind: str = "neutral"


class HexStrip(Form):
    """The strip; with something that opens the bytes, each can be flipped."""

    script = "hex_strip"

    def __init__(
        self, blob: bytes, fields: Iterable[Field], opens: Callable[[bytes], Any] | None
    ) -> None:
        self._blob, self._fields, self._open = blob, list(fields), opens
        self._noticed: dict[int, Outcome] = {}
        if opens is not None:
            self._honest = opened(lambda: opens(blob))
            self._noticed = {
                start: self._flip(start) for start, field in self._placed() if field.length
            }

    @property
    def table(self) -> Table:
        """Return the fields; with who notices a flipped bit in the first byte of each."""
        return self._table(noticed=True)

    def static_html(self) -> str:
        """The table of the fields; who notices is folded below."""
        fields = self._table(noticed=False)._repr_html_()
        if not self._noticed:
            return fields
        return fields + folded("Who notices a flipped bit", self.table._repr_html_())

    def _table(self, *, noticed: bool) -> Table:
        from workshop_lib.display.tables import table

        rows = []
        for start, field in self._placed():
            row: dict[str, Any] = {
                "field": field.name,
                "kind": Chip(field.kind, field.kind),
                "what stands there": _shown(field, self._blob[start : start + field.length]),
                "meaning": field.meaning,
            }
            if noticed and start in self._noticed and field.length:
                outcome = self._noticed[start]
                row["who notices a flipped bit"] = outcome.chip
            rows.append(row)
        return table(rows, caption=f"{len(self._blob):,} bytes", code=("what stands there",))

    def view(self) -> View:
        """The fields with their bytes, and which byte is flipped (-1: none)."""
        return {
            "fields": [
                {
                    "name": field.name,
                    "meaning": field.meaning,
                    "text": self._text(start, field),
                    "kind": field.kind,
                    "start": start,
                    "length": field.length,
                    "bytes": list(self._blob[start : start + min(field.length, _SHOWN)]),
                }
                for start, field in self._placed()
            ],
            "opens": self._open is not None,
            "flipped": -1,
            "who": "",
            "kind": "neutral",
            "said": "",
        }

    def answer(self, asked: Mapping[str, Any]) -> View:
        """Flip the lowest bit of a byte and open the bytes; DoesNotOpen if they no longer do."""
        place = int(asked.get("place", 0))
        if self._open is None or not 0 <= place < len(self._blob):
            return self.view()
        opened(partial(self._open, self._blob))  # else what is gone would be who notices
        name = next(
            field.name for start, field in self._placed() if start <= place < start + field.length
        )
        outcome = self._flip(place)
        return {
            **self.view(),
            "flipped": place,
            "who": outcome.chip.word,
            "kind": outcome.chip.kind,
            "said": f"Byte {place} ({name}): {outcome.said}",
        }

    def _flip(self, place: int) -> Outcome:
        changed = bytearray(self._blob)
        changed[place] ^= 1
        opens = self._open
        assert opens is not None
        return attempt(lambda: opens(bytes(changed)), self._honest)

    def _text(self, start: int, field: Field) -> str:
        """What anyone can read in a field, "" where that is no text."""
        if field.kind != "readable":
            return ""
        return as_text(self._blob[start : start + field.length]) or ""

    def _placed(self) -> Iterator[tuple[int, Field]]:
        start = 0
        for field in self._fields:
            yield start, field
            start += field.length


def hex_strip(
    blob: bytes,
    fields: Iterable[Field | tuple[Any, ...]],
    open: Callable[[bytes], Any] | None = None,
) -> HexStrip:
    """Show bytes by field; a click or Enter on a byte flips its lowest bit and opens them again.

        hex_strip(blob, ciphertext_fields(blob), open=lambda blob: kms.decrypt(CiphertextBlob=blob))

    Args:
        blob: the bytes.
        fields: (name, length, meaning) in order, and if need be the kind (see `Field`). What
            they leave at the end is shown as "rest".
        open: opens the bytes, for instance decrypts them. Without it nothing can be flipped.

    Returns:
        The form; its ``table`` has a row for each field.

    Raises:
        ValueError: the fields are longer than the bytes, or have a kind that is not known.
        DoesNotOpen (a ValueError): the bytes do not open even as they are.
    """
    blob = bytes(blob)
    known = [Field(*field) for field in fields]
    for field in known:
        if field.kind not in _KINDS:
            raise WrongArgument(f"{field.kind!r} is no kind of field: take {', '.join(_KINDS)}.")
    left = len(blob) - sum(field.length for field in known)
    if left < 0 or any(field.length < 0 for field in known):
        raise WrongArgument(f"The fields do not fit: there are only {len(blob)} bytes.")
    if left:
        known.append(Field("rest", left, "what the fields leave", "neutral"))
    return HexStrip(blob, known, open)


# --- formats ------------------------------------------------------------------------------------


def ciphertext_fields(blob: bytes) -> list[Field]:
    """The fields of a ciphertext of KMS's: one, for KMS does not publish where its parts lie.

    What it says: a header that is not encrypted but authenticated, with the identifier of the key
    material, and an encrypted part.
    https://docs.aws.amazon.com/kms/latest/cryptographic-details/customer-data-operations.html
    """
    meaning = (
        "a header, authenticated but not encrypted, that tells KMS which key, and the encrypted "
        "part; KMS does not publish where one ends"
    )
    return [Field("ciphertext blob", len(blob), meaning, "encrypted")]


def material_description_fields(blob: bytes) -> list[Field]:
    """The fields of the DynamoDB Encryption Client's attribute `*amzn-ddb-map-desc*`.

    Four bytes of version, then names and values in turn, each behind its length in four bytes.
    https://github.com/aws/aws-dynamodb-encryption-python (internal/formatting)
    Raises UnknownFormat for bytes that are not in this format.
    """
    reader = _Reader(bytes(blob))
    if reader.number("version", 4, "the format; only 0 is known") != 0:
        raise UnknownFormat("These bytes do not begin with version 0 of a material description.")
    while not reader.at_end:
        length = reader.number("length", 4, "of the name that follows")
        name = reader.text("name", length, "names the value that comes next")
        length = reader.number("length", 4, "of the value that follows")
        wrapped = name == "amzn-ddb-env-key"
        kind = "encrypted" if wrapped else "readable"
        meaning = "the data key, wrapped (in base64)" if wrapped else "its value"
        reader.take(name or "value", length, meaning, kind)
    return reader.fields


def message_fields(message: bytes) -> list[Field]:
    """The fields of a message of the AWS Encryption SDK: its header, and the rest as its body.

    https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html
    Raises UnknownFormat for bytes that are not in version 1 or 2 of this format.
    """
    reader = _Reader(bytes(message))
    version = reader.number("version", 1, "of the message format")
    if version not in (1, 2):
        raise UnknownFormat("These bytes do not begin with version 1 or 2 of a message.")
    if version == 1:
        reader.take("type", 1, "0x80: customer authenticated encrypted data", "readable")
    suite = reader.number("algorithm", 2, "the algorithm suite")
    reader.take("message id", 16 if version == 1 else 32, "random, binds the frames", "neutral")
    length = reader.number("context length", 2, "bytes of encryption context that follow")
    reader.take("encryption context", length, "names and values, authenticated", "readable")
    for _ in range(reader.number("data keys", 2, "how many wrapped data keys follow")):
        length = reader.number("length", 2, "of the provider's name")
        reader.take("key provider", length, "who wrapped the data key", "readable")
        length = reader.number("length", 2, "of the provider's information")
        reader.take("provider information", length, "which key, an ARN for KMS", "readable")
        length = reader.number("length", 2, "of the wrapped data key")
        reader.take("encrypted data key", length, "the data key, wrapped", "encrypted")
    reader.take("content type", 1, "1: one piece, 2: frames", "readable")
    nonce = 0
    if version == 1:
        reader.take("reserved", 4, "zeros", "neutral")
        nonce = reader.number("IV length", 1, "of each IV in this message")
    reader.take("frame length", 4, "bytes of plaintext in a frame", "readable")
    if version == 2:
        committed = 32 if suite in (0x0478, 0x0578) else 0
        reader.take("key commitment", committed, "binds the message to one data key", "neutral")
    if nonce:
        reader.take("header IV", nonce, "of the header's tag", "neutral")
    reader.take("header tag", 16, "authenticates the header", "neutral")
    body = reader.left
    reader.take("body", body, "frames of ciphertext with their tags, and a signature", "encrypted")
    return reader.fields


class _Reader:
    """Reads fields one after the other, big-endian, and keeps them."""

    def __init__(self, blob: bytes) -> None:
        self._blob, self._place = blob, 0
        self.fields: list[Field] = []

    @property
    def left(self) -> int:
        """How many bytes are still to be read."""
        return len(self._blob) - self._place

    @property
    def at_end(self) -> bool:
        """Whether all bytes were read."""
        return self.left == 0

    def take(self, name: str, length: int, meaning: str, kind: str) -> bytes:
        """Read a field and keep it, unless it is empty. Raises UnknownFormat at the end."""
        if length > self.left:
            raise UnknownFormat(f"These bytes end within {name!r}: {length - self.left} missing.")
        taken = self._blob[self._place : self._place + length]
        self._place += length
        if length:
            self.fields.append(Field(name, length, meaning, kind))
        return taken

    def number(self, name: str, length: int, meaning: str) -> int:
        """Read a field that is a number."""
        return int.from_bytes(self.take(name, length, meaning, "neutral"))

    def text(self, name: str, length: int, meaning: str) -> str:
        """Read a field that is text. Raises UnknownFormat for what is none."""
        try:
            return self.take(name, length, meaning, "readable").decode()
        except UnicodeDecodeError:
            raise UnknownFormat(f"The {name!r} in these bytes is no text.") from None


def _shown(field: Field, value: bytes) -> str:
    """Text where anyone can read it, else length and first bytes: what is random stays apart."""
    text = as_text(value) if field.kind == "readable" else None
    if text is not None:
        return show_text(text)
    count = f"{len(value):,} byte{'' if len(value) == 1 else 's'}"
    return f"{count}: {value[:8].hex(' ')}{' …' if len(value) > 8 else ''}"
