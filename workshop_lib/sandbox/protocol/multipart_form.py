"""Browser uploads to S3: the form, as far as its file.

https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sigv4-HTTPPOSTForms.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from io import BytesIO

from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Event,
    Field,
    File,
    MultipartDecoder,
    NeedData,
)

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request

_MOST_BEFORE_FILE = 20_480  # bytes
BEGINNING = _MOST_BEFORE_FILE + 8_192  # bytes that hold a form's fields and its file's own head
_PIECE = 65_536  # bytes of the file at a time: werkzeug's search in a longer piece is slow


@dataclass(frozen=True)
class PostForm:
    """A browser's upload: its fields (names in lower case) and its one file."""

    fields: dict[str, str]
    names: dict[str, str]  # lower case → as sent
    file: bytes
    file_name: str | None

    @property
    def key(self) -> str:
        """The object's key, ``${filename}`` replaced by the file's name where there is one."""
        key = self.fields["key"]
        return key if self.file_name is None else key.replace("${filename}", self.file_name)


def is_form(request: Request) -> bool:
    """Whether a request is a browser's upload form."""
    content_type = request.headers.get("content-type", "")
    return request.method == "POST" and content_type.lower().startswith("multipart/form-data")


def read(request: Request) -> PostForm:
    """The form in the request's body; read once, then kept in ``request.form``.

    Raises AwsError where the body is no such form, has no key or no file. Fields that stand
    after the file do not count.
    """
    if request.form is None:
        request.form = _parse(request)
    form: PostForm = request.form
    return form


def read_beginning(request: Request) -> PostForm:
    """The form in the first BEGINNING bytes of a body, of its file no more than that it is there.

    Raises AwsError as `read` does.
    """
    return _parse(request, whole=False)


def _parse(request: Request, *, whole: bool = True) -> PostForm:
    if not is_form(request):
        raise AwsError(
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
            412,
            {"Condition": "Bucket POST must be of the enclosure-type multipart/form-data"},
        )
    fields: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, file_name, content in _parts(request, whole=whole):
        if name.lower() == "file":
            if "key" not in fields:
                raise missing_field("key")
            return PostForm(fields, names, content, file_name)
        fields[name.lower()] = content.decode("utf-8", "replace")
        names[name.lower()] = name
    raise AwsError(
        "InvalidArgument",
        "POST requires exactly one file upload per request.",
        fields={"ArgumentName": "file", "ArgumentValue": "0"},
    )


def _parts(request: Request, *, whole: bool) -> Iterator[tuple[str, str | None, bytes]]:
    """Yield (name, file name or None, content) of each part of the form, the file last."""
    name, file_name, content = "", None, BytesIO()
    for event in _events(request):
        if isinstance(event, (Field, File)):
            name, content = event.name, BytesIO()
            file_name = _file_name(event.headers["content-disposition"])
            if name.lower() == "file" and not whole:
                yield name, file_name, b""
        elif isinstance(event, Data):
            content.write(event.data)
            if not event.more_data:
                yield name, file_name, content.getvalue()


def _events(request: Request) -> Iterator[Event]:
    """Yield what the form is made of, as it is met."""
    boundary = parse_options_header(request.headers["content-type"])[1].get("boundary")
    if not boundary:
        raise _malformed()
    decoder = MultipartDecoder(boundary.encode("utf-8", "surrogateescape"))
    position, file_began = _MOST_BEFORE_FILE + len(b"\r\n\r\n"), False
    decoder.receive_data(request.body[:position])
    while True:
        try:
            event = decoder.next_event()
        except ValueError:  # the body ends too early, or a part's head is none
            raise _malformed() from None
        if isinstance(event, Epilogue):
            return
        if isinstance(event, NeedData):
            piece = request.body[position : position + _PIECE]
            if piece and not file_began:
                raise AwsError(
                    "MaxPostPreDataLengthExceeded",
                    "Your POST request fields preceeding the upload file was too large.",
                    fields={"MaxPostPreDataLengthBytes": str(_MOST_BEFORE_FILE)},
                )
            decoder.receive_data(piece or None)
            position += len(piece)
            continue
        if isinstance(event, (Field, File)):
            if event.name is None:  # which werkzeug's types deny
                raise _malformed()
            file_began = file_began or event.name.lower() == "file"
        yield event


def _file_name(disposition: str) -> str | None:
    """A part's file name as sent: werkzeug takes a Windows path's backslashes for escapes."""
    message = Message()
    message["content-disposition"] = disposition
    name = message.get_param("filename", header="content-disposition")
    return name if isinstance(name, str) else None


def _malformed() -> AwsError:
    return AwsError(
        "MalformedPOSTRequest",
        "The body of your POST request is not well-formed multipart/form-data.",
    )


def missing_field(name: str) -> AwsError:
    """S3's answer to a form that lacks a field it needs."""
    return AwsError(
        "InvalidArgument",
        f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the "
        "order of the fields.",
        fields={"ArgumentName": name, "ArgumentValue": ""},
    )
