"""`refused(...)`: a block of code that must be refused, and by what.

Knows no service by heart: who refused is read from the exception and from the frames it came
through, so that it works for every botocore client and every library alike.
"""

from __future__ import annotations

import linecache
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from botocore.exceptions import ClientError

from workshop_lib.display.style import Card, card, plain, show
from workshop_lib.errors import LearnerError
from workshop_lib.lenses.decisions import Reason, reasons
from workshop_lib.lenses.plain_words import account_of, name_of, one_sentence

# Libraries that refuse on this side of the wire, by the package their code lives in.
_LIBRARIES = {
    "dynamodb_encryption_sdk": "the encryption client",
    "s3_encryption": "the S3 encryption client",
    "aws_encryption_sdk": "the AWS Encryption SDK",
    "cryptography": "the cryptography library",
    "workshop_lib.sandbox": "the sandbox",
    "boto3": "boto3",
    "botocore": "boto3",
    "s3transfer": "boto3",
}
# These log the whole traceback of an error that they also raise.
_TALKATIVE_LOGGERS = ("dynamodb_encryption_sdk",)
# What a slip of the pen raises, wherever it surfaces.
_SLIPS = (NameError, AttributeError, TypeError, LookupError, SyntaxError, ImportError)
# Services quote each other's request ids inside messages: new at every call, never of use here.
_REQUEST_ID = re.compile(r"[;,]?\s*(?:extended )?request ?id:\s*[\w+/=-]+", re.IGNORECASE)
_SUFFIX = re.compile(r"(Exception|Error|Fault)$")


class NotRefused(LearnerError, AssertionError):
    """The block was not refused, or not in the expected way."""


class NothingExpected(LearnerError, TypeError):
    """`refused(...)` was not told definitely by what."""


class Refusal:
    """What refused the block; complete once the block has ended.

    code: botocore's error code ("AccessDenied"; HEAD answers have no body, so there it is the
        HTTP status: "403"), or the class name of a library's error.
    message: what AWS or the library said, on one line, without request ids.
    service: "S3", "KMS", … or the library ("the encryption client"); "" where unknown.
    operation: the API operation ("GetObject"); "" for a library's error.
    status: the HTTP status; None for a library's error.
    error: the exception itself, untouched.
    refused: whether there was one.
    """

    code: str = ""
    message: str = ""
    service: str = ""
    operation: str = ""
    status: int | None = None
    error: Exception | None = None

    @property
    def refused(self) -> bool:
        """Whether something was refused."""
        return self.error is not None

    def __repr__(self) -> str:
        return f"Refused by {_answer(self)}" if self.error else "Nothing refused yet"


def refused(*expected: str | type[Exception]) -> _RefusedBlock:
    """`with refused("AccessDenied") as refusal:` — the block must be refused, in this way.

    expected: one or more of: a botocore error code, matched exactly ("AccessDenied" is not
        "AccessDeniedException"; HEAD requests answer "403", "404", "400"); an exception class,
        `client.exceptions.…` included; the class name of a library's error, so that it need not
        be imported ("SignatureVerificationError").

    Shows a card: the code, who refused (service and operation, or library), one sentence, and
    AWS's own words, folded.
    Yields a `Refusal` with the same facts for later cells. Within the block the tracebacks that
    the DynamoDB Encryption Client logs about its own errors are silenced.

    Raises NotRefused if nothing was refused or something else came instead, TypeError if
    `expected` names nothing definite. KeyboardInterrupt and other exits pass through.

    Error codes: https://docs.aws.amazon.com/boto3/latest/guide/error-handling.html
    """
    if not expected:
        raise NothingExpected('Say what must refuse: refused("AccessDenied").')
    for item in expected:
        if isinstance(item, str) and item:
            continue
        if not (isinstance(item, type) and issubclass(item, Exception)):
            raise NothingExpected(
                f'Write {item!r} as an error code, "…", or as an exception class.'
            )
        if item is Exception:
            raise NothingExpected("Exception would accept a typing mistake too: name the error.")
    return _RefusedBlock(expected)


class _RefusedBlock:
    def __init__(self, expected: tuple[str | type[Exception], ...]) -> None:
        self._expected = expected
        self._silence = Silence()

    def __enter__(self) -> Refusal:
        self._refusal = Refusal()
        self._silence.start()
        return self._refusal

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self._silence.stop()
        wanted = " or ".join(x if isinstance(x, str) else x.__name__ for x in self._expected)
        if error is None:
            raise NotRefused(
                f"{wanted} was expected, but nothing was refused: the block ran to its end."
            )
        if not isinstance(error, Exception) or isinstance(error, NotRefused):
            return False
        refusal = self._refusal
        vars(refusal).update(vars(describe(error)))
        if not any(_matches(item, error) for item in self._expected):
            raise NotRefused(
                f"{wanted} was expected, but {_where(traceback)}{_instead(refusal)}."
                f"{self._hint(refusal)}"
            ) from error
        show(refusal_card(refusal))
        return True

    def _hint(self, refusal: Refusal) -> str:
        names = {x if isinstance(x, str) else x.__name__ for x in self._expected}
        beneath = error_beneath(refusal.error)
        if beneath and beneath.response["Error"].get("Code") in names:
            return f' The code is wrapped in a library\'s error: refused("{refusal.code}").'
        if _SUFFIX.sub("", refusal.code) in {_SUFFIX.sub("", name) for name in names}:
            return f' Only the ending differs: refused("{refusal.code}").'
        if refusal.operation.startswith("Head") and refusal.code.isdigit():
            return " An answer to HEAD has no body, so its code is only the HTTP status."
        if isinstance(refusal.error, NameError):
            return " Run the cells above first, or mend the name."
        return ""


def keep_from_stderr() -> None:
    """Python writes what is logged to stderr where nobody asked for it; not so these loggers'.

    https://docs.python.org/3/howto/logging.html#configuring-logging-for-a-library
    """
    for name in _TALKATIVE_LOGGERS:
        logging.getLogger(name).addHandler(logging.NullHandler())


class Silence:
    """Drops the talkative loggers' records. One object per block: blocks nest and overlap."""

    def start(self) -> None:
        """Be silent."""
        for name in _TALKATIVE_LOGGERS:
            logging.getLogger(name).addFilter(self)

    def stop(self) -> None:
        """Let them speak again, as far as no other silence lasts."""
        for name in _TALKATIVE_LOGGERS:
            logging.getLogger(name).removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop every record."""
        return False


def _matches(expected: str | type[Exception], error: Exception) -> bool:
    if isinstance(expected, type):
        # Each boto3 session makes its own classes for client.exceptions: equal by name.
        twin = issubclass(expected, ClientError) and expected.__name__ == type(error).__name__
        return isinstance(error, expected) or (isinstance(error, ClientError) and twin)
    if isinstance(error, ClientError):
        return bool(expected == error.response.get("Error", {}).get("Code"))
    return expected == type(error).__name__


def describe(error: Exception) -> Refusal:
    """The same facts about an error that was caught in another way; `str()` gives the line."""
    refusal = Refusal()
    refusal.error = error
    if isinstance(error, ClientError):
        refusal.code = str(error.response.get("Error", {}).get("Code", ""))
        refusal.message = _one_line(str(error.response.get("Error", {}).get("Message", "")))
        refusal.operation = error.operation_name
        refusal.status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        refusal.service = _service(error) or "AWS"
    else:
        refusal.code = type(error).__name__
        # str() of a KeyError is the repr of its argument.
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        refusal.message = _one_line(str(text))
        refusal.service = _library(error)
    return refusal


def refusal_card(refusal: Refusal, *, label: str = "", points: Sequence[str] = ()) -> Card:
    """The card of a refusal; `label` says whose it is, `points` are a list below the sentence.

    Without a label, and where the sentence does not, it names who asked, as far as the lab knows.
    """
    asked = _asked(refusal.error)
    said = one_sentence(refusal.code, refusal.message, refusal.service, _other_side(asked))
    name = name_of(asked[-1].principal) if asked else ""
    label = label or (name if f"`{name}`" not in said else "")
    sentences = [said]
    if beneath := error_beneath(refusal.error):
        sentences.append(
            f"Beneath it {_service(beneath) or 'AWS'} · {beneath.operation_name} answered "
            f"`{beneath.response['Error'].get('Code')}`."
        )
    own = "AWS" if isinstance(refusal.error, ClientError) else refusal.service or "Python"
    told = refusal.message and plain(said).rstrip(".") != refusal.message.rstrip(".")
    return card(
        "refused",
        refusal.code,
        *sentences,
        where=" · ".join(filter(None, (label, refusal.service or "Python", refusal.operation))),
        points=points,
        folded=[(f"{own}'s own words", refusal.message)] if told else [],
    )


def _asked(error: Exception | None) -> Sequence[Reason]:
    """The permissions that a refused call of AWS's needed; none where the lab knows of none."""
    refused = aws_error(error)
    if refused is None:
        return ()
    request = refused.response.get("ResponseMetadata", {}).get("RequestId", "")
    return reasons(str(request), refused.operation_name) or ()


def _other_side(asked: Sequence[Reason]) -> str:
    """The account that did not let in somebody of another account; "" if it was not that."""
    for reason in asked:
        owner = account_of(reason.resource)
        if not reason.allowed and owner and owner != account_of(reason.principal):
            return owner
    return ""


def is_refusal(error: BaseException) -> bool:
    """Say whether AWS or a library refused, and not Python a slip of the pen.

    An error of boto3's or of an encryption library's own class is a refusal. So is one of Python's
    classes that an encryption library raised itself, unless it is of those that a slip raises.
    """
    if not isinstance(error, Exception) or isinstance(error, (LearnerError, *_SLIPS)):
        return False
    if _library_of(type(error).__module__):
        return True
    innermost = [frame.f_globals.get("__name__", "") for frame in _frames(error)][-1:]
    return any(_library_of(name) not in ("", "boto3", "the sandbox") for name in innermost)


def _answer(refusal: Refusal) -> str:
    """'S3 (GetObject): AccessDenied — Access Denied'"""
    who = refusal.service + (f" ({refusal.operation})" if refusal.operation else "")
    said = refusal.code + (f" — {refusal.message}" if refusal.message else "")
    beneath = error_beneath(refusal.error)
    if beneath:
        said += (
            f" (because {_service(beneath) or 'AWS'} ({beneath.operation_name}) answered "
            f"{beneath.response['Error'].get('Code')})"
        )
    return f"{who or 'Python'}: {said}"


def _instead(refusal: Refusal) -> str:
    who, said = _answer(refusal).split(": ", 1)
    return f"{who} answered {said}".rstrip(".")


def _where(traceback: TracebackType | None) -> str:
    """'line 2, `s3.get_object(…)`: ' — the line of the block itself, as IPython keeps it."""
    if traceback is None:
        return ""
    line = linecache.getline(traceback.tb_frame.f_code.co_filename, traceback.tb_lineno).strip()
    return f"in line {traceback.tb_lineno}, `{line}`, " if line else ""


def _one_line(text: str) -> str:
    return " ".join(_REQUEST_ID.sub("", text).split())


def error_beneath(error: BaseException | None) -> ClientError | None:
    """The AWS error that a library turned into its own; None for AWS's own, or if there is none."""
    return None if isinstance(error, ClientError) else aws_error(error)


def aws_error(error: BaseException | None) -> ClientError | None:
    """The AWS error that this is, or that is beneath it."""
    while error is not None and not isinstance(error, ClientError):
        hidden = error.__suppress_context__
        error = error.__cause__ or (None if hidden else error.__context__)
    return error


def _frames(error: BaseException) -> Iterator[Any]:
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _service(error: ClientError) -> str:
    """The service id of the client that raised: a ClientError names only its operation."""
    for frame in reversed(list(_frames(error))):
        if frame.f_code.co_name == "_make_api_call":
            client = frame.f_locals.get("self")
            if hasattr(client, "meta"):
                return str(client.meta.service_model.service_id)
    return ""


def _library(error: Exception) -> str:
    """The library whose class it is, else the innermost one whose code raised it."""
    modules = [type(error).__module__]
    modules += [frame.f_globals.get("__name__", "") for frame in reversed(list(_frames(error)))]
    return next(filter(None, map(_library_of, modules)), "")


def _library_of(module: str) -> str:
    for package, name in _LIBRARIES.items():
        if f"{module}.".startswith(f"{package}."):
            return name
    return ""


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Within the block, libraries do not log the errors that they also raise."""
    silence = Silence()
    silence.start()
    try:
        yield
    finally:
        silence.stop()
