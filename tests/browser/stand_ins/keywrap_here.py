"""The stand-in for cryptography's key wrap, which makes hundreds of calls for a key: one here."""

from stand_in_remote import Path

_HOME = "cryptography.hazmat.primitives.keywrap"


class InvalidUnwrap(Exception):
    """As there."""


aes_key_wrap = Path(_HOME, "aes_key_wrap")
aes_key_unwrap = Path(_HOME, "aes_key_unwrap")
aes_key_wrap_with_padding = Path(_HOME, "aes_key_wrap_with_padding")
aes_key_unwrap_with_padding = Path(_HOME, "aes_key_unwrap_with_padding")
