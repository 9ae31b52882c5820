"""Browser uploads: the form, its parts and its limits, whatever the file holds."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.support.post_forms import form_request
from workshop_lib.sandbox.protocol import multipart_form
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request


def form_refusal(request: Request) -> AwsError:
    with pytest.raises(AwsError) as caught:
        multipart_form.read(request)
    return caught.value


def test_a_form_without_its_key() -> None:
    error = form_refusal(form_request({}))
    assert error.message.startswith("Bucket POST must contain a field named 'key'.  If it is")


def test_bodies_that_are_no_form() -> None:
    good = form_request({"key": "k"})
    cases = {
        "MalformedPOSTRequest": good.body.replace(b"--edge--", b"--ed"),
        "InvalidArgument": good.body.replace(b'name="file"', b'name="other"'),
        "MaxPostPreDataLengthExceeded": good.body.replace(b"\r\nk\r\n", b"\r\n" + b"k" * 20_480),
    }
    for code, body in cases.items():
        request = form_request({"key": "k"})
        request.body = body
        assert form_refusal(request).code == code
    good.headers["content-type"] = "multipart/form-data"
    assert form_refusal(good).code == "MalformedPOSTRequest"
    good.headers["content-type"] = "text/plain"
    assert form_refusal(good).status == 412


def test_a_file_without_a_name_leaves_the_variable() -> None:
    """Recorded of S3; its documentation says the name becomes empty."""
    request = form_request({"key": "a/${filename}"}, name=None)
    assert multipart_form.read(request).key == "a/${filename}"


def test_fields_after_the_file_do_not_count() -> None:
    request = form_request({"key": "k"})
    late = b'--edge\r\nContent-Disposition: form-data; name="acl"\r\n\r\nprivate\r\n--edge--\r\n'
    request.body = request.body.replace(b"--edge--\r\n", late)
    form = multipart_form.read(request)
    assert (form.fields, form.file) == ({"key": "k"}, b"content")


@pytest.mark.parametrize("name", ["a b.txt", "é.png", "C:\\x\\photo.jpg", "a;b", "%22x%22"])
def test_a_file_s_name_stays_as_it_was_sent(name: str) -> None:
    assert multipart_form.read(form_request({"key": "k"}, name=name)).file_name == name


@given(before=st.integers(20_100, 20_500))
@example(before=20_481)
def test_the_file_begins_within_the_limit(before: int) -> None:
    """It counts what stands before the blank line above the file."""
    request = form_request({"key": ""})
    missing = before - request.body.index(b"\r\n\r\ncontent")
    request = form_request({"key": "k" * missing}, b"x" * 30_000)
    if before > 20_480:
        assert form_refusal(request).code == "MaxPostPreDataLengthExceeded"
    else:
        assert multipart_form.read(request).file == b"x" * 30_000


@given(
    st.lists(st.one_of(st.binary(max_size=30), st.sampled_from(
        [b"\r\n", b"\r", b"\n", b"--edge", b"\r\n--edg", b"\r\n--edgy\r\n", b"x" * 20_000]
    )), max_size=8),
    st.sampled_from([1, 60]),
)  # fmt: skip
@example([b"x" * 2**20, b"\r", b"\n--edg"], 3)
def test_any_file_comes_out_as_it_went_in(pieces: list[bytes], times: int) -> None:
    file = b"".join(pieces) * times
    # A browser chooses a boundary that the file does not hold.
    assume(not re.search(rb"[\r\n]--edge(--|\s*[\r\n])", b"\n" + file + b"\n"))
    assert multipart_form.read(form_request({"key": "k"}, file)).file == file
