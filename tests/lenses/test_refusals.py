"""refused(): what it accepts, what it shows, what it says when it is disappointed."""

from __future__ import annotations

import contextlib
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError
from botocore.stub import Stubber
from dynamodb_encryption_sdk.delegated_keys.jce import JceNameLocalDelegatedKey
from dynamodb_encryption_sdk.encrypted import CryptoConfig
from dynamodb_encryption_sdk.encrypted.item import decrypt_python_item, encrypt_python_item
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.exceptions import DecryptionError, SignatureVerificationError
from dynamodb_encryption_sdk.identifiers import CryptoAction, EncryptionKeyType, KeyEncodingType
from dynamodb_encryption_sdk.material_providers.aws_kms import AwsKmsCryptographicMaterialsProvider
from dynamodb_encryption_sdk.material_providers.wrapped import WrappedCryptographicMaterialsProvider
from dynamodb_encryption_sdk.structures import (
    AttributeActions,
    EncryptionContext,
    TableIndex,
    TableInfo,
)
from IPython.core.interactiveshell import InteractiveShell

from workshop_lib.lenses.refusals import NotRefused, Refusal, refused

Answers = Callable[..., Any]


def new_client(service: str) -> Any:
    return boto3.Session().client(
        service,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture
def answers() -> Iterator[Answers]:
    """answers("s3", "get_object", "AccessDenied", "Access Denied", 403) → a client that does."""
    stubbers = []

    def make(service: str, method: str, code: str, message: str = "", status: int = 400) -> Any:
        client = new_client(service)
        stubber = Stubber(client)
        stubber.add_client_error(method, code, message, status)
        stubber.activate()
        stubbers.append(stubber)
        return client

    yield make
    for stubber in stubbers:
        stubber.deactivate()


def disappointed(*expected: Any, by: Callable[[], Any]) -> str:
    with pytest.raises(NotRefused) as caught, refused(*expected):
        by()
    return str(caught.value)


def get(s3: Any) -> Any:
    return s3.get_object(Bucket="b", Key="k")


class TestAws:
    def test_it_says_who_refused_and_why_in_one_line(
        self, answers: Answers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        s3 = answers("s3", "get_object", "AccessDenied", "User: reader is\nnot authorized", 403)
        with refused("AccessDenied") as refusal:
            get(s3)
        assert capsys.readouterr().out == (
            "✕ Refused: AccessDenied (S3 · GetObject)\n  User: reader is not authorized\n"
        )
        assert (refusal.code, refusal.service, refusal.operation, refusal.status) == (
            "AccessDenied",
            "S3",
            "GetObject",
            403,
        )
        assert refusal.message == "User: reader is not authorized"
        assert isinstance(refusal.error, ClientError)
        assert repr(refusal).startswith("Refused by S3 (GetObject): AccessDenied — ")

    @pytest.mark.parametrize(
        ("service", "method", "shown"),
        [
            ("kms", "list_keys", "KMS · ListKeys"),
            ("dynamodb", "list_tables", "DynamoDB · ListTables"),
            ("sts", "get_caller_identity", "STS · GetCallerIdentity"),
            ("cloudtrail", "lookup_events", "CloudTrail · LookupEvents"),
        ],
    )
    def test_it_names_the_service(
        self,
        answers: Answers,
        capsys: pytest.CaptureFixture[str],
        service: str,
        method: str,
        shown: str,
    ) -> None:
        with refused("Nope"):
            getattr(answers(service, method, "Nope"), method)()
        service = shown.split(" ")[0]
        assert capsys.readouterr().out == (
            f"✕ Refused: Nope ({shown})\n  {service} does not say why.\n"
        )

    def test_request_ids_quoted_in_a_message_are_left_out(
        self, answers: Answers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        message = (
            "KMS key disabled error: DisabledException: arn:aws:kms:us-east-1:1:key/2 is disabled. "
            "(Service: AWSKMS; Status Code: 400; Error Code: DisabledException; "
            "Request ID: 6a2f0f3c-1111-4a5b-9c0d-8f8e7d6c5b4a; Proxy: null)"
        )
        with refused("ValidationException") as refusal:
            answers("dynamodb", "list_tables", "ValidationException", message).list_tables()
        shown = capsys.readouterr().out
        assert "6a2f0f3c" not in shown
        assert "Request ID" not in shown
        assert refusal.message.endswith("Error Code: DisabledException; Proxy: null)")

    def test_an_answer_to_head_has_the_status_as_its_code(self, answers: Answers) -> None:
        s3 = answers("s3", "head_object", "403", "Forbidden", 403)
        with refused("403") as refusal:
            s3.head_object(Bucket="b", Key="k")
        assert refusal.code == "403"

    def test_a_code_stands_for_itself_alone(self, answers: Answers) -> None:
        said = disappointed(
            "AccessDenied", by=lambda: get(answers("s3", "get_object", "AccessDeniedException"))
        )
        assert "S3 (GetObject) answered AccessDeniedException." in said
        assert said.endswith('Only the ending differs: refused("AccessDeniedException").')

    def test_the_class_name_of_a_client_error_is_no_way_round_the_code(
        self, answers: Answers
    ) -> None:
        said = disappointed("ClientError", by=lambda: get(answers("s3", "get_object", "NoSuchKey")))
        assert "answered NoSuchKey" in said

    def test_one_of_several_codes(self, answers: Answers) -> None:
        with refused("NoSuchBucket", "NoSuchKey") as refusal:
            get(answers("s3", "get_object", "NoSuchKey"))
        assert refusal.code == "NoSuchKey"

    def test_modelled_exceptions_also_of_another_session(self, answers: Answers) -> None:
        s3 = answers("s3", "get_object", "NoSuchKey", "gone", 404)
        with refused(s3.exceptions.NoSuchKey):
            get(s3)
        other = new_client("s3")
        assert other.exceptions.NoSuchKey is not s3.exceptions.NoSuchKey
        with refused(other.exceptions.NoSuchKey):
            get(answers("s3", "get_object", "NoSuchKey", "gone", 404))

    def test_a_modelled_exception_does_not_accept_another(self, answers: Answers) -> None:
        s3 = answers("s3", "get_object", "AccessDenied")
        assert "NoSuchKey was expected" in disappointed(s3.exceptions.NoSuchKey, by=lambda: get(s3))

    def test_client_error_accepts_every_code(self, answers: Answers) -> None:
        with refused(ClientError) as refusal:
            get(answers("s3", "get_object", "SlowDown"))
        assert refusal.code == "SlowDown"

    def test_a_wrapped_code_is_pointed_out(
        self, answers: Answers, tmp_path: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """boto3's upload_file raises S3UploadFailedError whatever S3 said."""
        path = tmp_path / "f"
        path.write_bytes(b"x")
        s3 = answers("s3", "put_object", "AccessDenied", "Access Denied", 403)
        said = disappointed("AccessDenied", by=lambda: s3.upload_file(str(path), "b", "k"))
        assert said.endswith('wrapped in a library\'s error: refused("S3UploadFailedError").')
        s3 = answers("s3", "put_object", "AccessDenied", "Access Denied", 403)
        with refused("S3UploadFailedError"):
            s3.upload_file(str(path), "b", "k")
        shown = capsys.readouterr().out
        assert shown.startswith("✕ Refused: S3UploadFailedError (boto3)\n")
        assert "  Beneath it S3 · PutObject answered AccessDenied.\n" in shown

    def test_head_explains_its_poor_codes(self, answers: Answers) -> None:
        s3 = answers("s3", "head_object", "403", "Forbidden", 403)
        said = disappointed("AccessDenied", by=lambda: s3.head_object(Bucket="b", Key="k"))
        assert "HEAD has no body" in said

    def test_a_cell_run_too_early_is_told_so(self) -> None:
        said = disappointed("AccessDenied", by=lambda: eval("s3.get_object()", {}))
        assert said.endswith("Run the cells above first, or mend the name.")

    def test_what_boto3_itself_refuses(self, capsys: pytest.CaptureFixture[str]) -> None:
        with refused(ParamValidationError) as refusal:
            new_client("s3").get_object(Bucket="b")
        assert capsys.readouterr().out == (
            "✕ Refused: ParamValidationError (boto3)\n"
            '  Parameter validation failed: Missing required parameter in input: "Key"\n'
        )
        assert (refusal.service, refusal.status) == ("boto3", None)


@pytest.fixture
def item() -> tuple[dict[str, Any], Any]:
    """An item encrypted without AWS, and the configuration that reads it."""
    wrapping, signing = (
        JceNameLocalDelegatedKey(
            key=bytes(32),
            algorithm=algorithm,
            key_type=EncryptionKeyType.SYMMETRIC,
            key_encoding=KeyEncodingType.RAW,
        )
        for algorithm in ("AESWrap", "HmacSHA256")
    )
    provider = WrappedCryptographicMaterialsProvider(
        signing_key=signing, wrapping_key=wrapping, unwrapping_key=wrapping
    )
    config = CryptoConfig(
        materials_provider=provider,
        encryption_context=EncryptionContext(table_name="t", partition_key_name="id"),
        attribute_actions=AttributeActions(attribute_actions={"id": CryptoAction.SIGN_ONLY}),
    )
    return dict(encrypt_python_item({"id": "1", "note": "secret"}, config)), config


class TestLibraries:
    def test_a_tampered_item(
        self, item: tuple[dict[str, Any], Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        stored, config = item
        stored["more"] = "x"
        with refused("SignatureVerificationError") as refusal:
            decrypt_python_item(stored, config)
        assert capsys.readouterr().out.startswith(
            "✕ Refused: SignatureVerificationError (the encryption client)\n"
        )
        assert (refusal.service, refusal.operation) == ("the encryption client", "")

    def test_by_class(self, item: tuple[dict[str, Any], Any]) -> None:
        stored, config = item
        stored["more"] = "x"
        with refused(SignatureVerificationError):
            decrypt_python_item(stored, config)
        assert "DecryptionError was expected" in disappointed(
            DecryptionError, by=lambda: decrypt_python_item(stored, config)
        )

    def test_a_builtin_error_is_laid_at_the_library_that_raised_it(
        self, capsys: pytest.CaptureFixture[str], item: tuple[dict[str, Any], Any]
    ) -> None:
        table = EncryptedTable(
            table=boto3.Session().resource("dynamodb", region_name="us-east-1").Table("t"),
            materials_provider=item[1].materials_provider,
            table_info=TableInfo(name="t", primary_index=TableIndex(partition="id")),
            auto_refresh_table_indexes=False,
        )
        with refused(NotImplementedError):
            table.update_item(Key={"id": "1"})
        assert capsys.readouterr().out.startswith(
            "✕ Refused: NotImplementedError (the encryption client)\n"
        )

    def test_of_several_libraries_it_is_the_innermost_that_raised(
        self, capsys: pytest.CaptureFixture[str], item: tuple[dict[str, Any], Any]
    ) -> None:
        """The encryption client hands the item to boto3's serializer, which takes no floats."""
        with refused(TypeError):
            encrypt_python_item({"id": "1", "total": 1.5}, item[1])
        assert capsys.readouterr().out.startswith("✕ Refused: TypeError (boto3)\n  Float types")

    @pytest.mark.parametrize(
        ("module", "shown"),
        [
            ("dynamodb_encryption_sdk.exceptions", "the encryption client"),
            ("s3_encryption.exceptions", "the S3 encryption client"),
            ("aws_encryption_sdk.exceptions", "the AWS Encryption SDK"),
            ("cryptography.exceptions", "the cryptography library"),
            ("boto3.exceptions", "boto3"),
            ("s3transfer.exceptions", "boto3"),
            ("s3transfers.exceptions", "Python"),
        ],
    )
    def test_an_error_is_laid_at_the_library_whose_it_is(
        self, capsys: pytest.CaptureFixture[str], module: str, shown: str
    ) -> None:
        with refused("Tampered"):
            raise type("Tampered", (Exception,), {"__module__": module})("no")
        assert capsys.readouterr().out == f"✕ Refused: Tampered ({shown})\n  no\n"

    def test_python_itself(self, capsys: pytest.CaptureFixture[str]) -> None:
        with refused(KeyError):
            dict[str, str]()["Items"]
        assert capsys.readouterr().out == "✕ Refused: KeyError (Python)\n  Items\n"

    def test_what_aws_said_beneath_a_library_error(
        self, answers: Answers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        kms = answers("kms", "generate_data_key", "DisabledException", "is disabled.")
        provider = AwsKmsCryptographicMaterialsProvider(key_id="arn:aws:kms:us-east-1:1:key/2")
        monkeypatch.setattr(provider, "_client", lambda key_id: kms)
        with refused("WrappingError"):
            provider.encryption_materials(
                EncryptionContext(table_name="t", partition_key_name="id", attributes={})
            )
        assert capsys.readouterr().out.endswith(
            "  Beneath it KMS · GenerateDataKey answered DisabledException.\n"
        )


class TestTheLogger:
    def test_its_traceback_is_silenced_in_the_block_only(
        self, item: tuple[dict[str, Any], Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        stored, config = item
        stored["*amzn-ddb-map-sig*"].value = b"tampered"
        logger = logging.getLogger("dynamodb_encryption_sdk")
        with caplog.at_level(logging.DEBUG), refused("SignatureVerificationError"):
            logger.error("inside")
            decrypt_python_item(stored, config)
        assert caplog.records == []
        logger.error("outside")
        assert [record.message for record in caplog.records] == ["outside"]

    def test_other_loggers_go_on(self, caplog: pytest.LogCaptureFixture) -> None:
        with refused(ValueError):
            logging.getLogger("learner").warning("mine")
            raise ValueError
        assert [record.message for record in caplog.records] == ["mine"]

    @pytest.mark.parametrize("end", [None, KeyboardInterrupt(), ValueError()])
    def test_it_speaks_again_however_the_block_ends(
        self, end: BaseException | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        block = refused("AccessDenied")
        block.__enter__()
        with contextlib.suppress(NotRefused):
            block.__exit__(type(end) if end else None, end, None)
        logging.getLogger("dynamodb_encryption_sdk").error("after")
        assert [record.message for record in caplog.records] == ["after"]

    def test_overlapping_blocks_end_in_any_order(self, caplog: pytest.LogCaptureFixture) -> None:
        logger = logging.getLogger("dynamodb_encryption_sdk")
        first, second = refused(ValueError), refused(ValueError)
        first.__enter__()
        second.__enter__()
        first.__exit__(ValueError, ValueError(), None)
        logger.error("second is still open")
        second.__exit__(ValueError, ValueError(), None)
        logger.error("after")
        assert [record.message for record in caplog.records] == ["after"]


class TestDisappointment:
    def test_nothing_refused(self) -> None:
        assert disappointed("AccessDenied", by=dict) == (
            "AccessDenied was expected, but nothing was refused: the block ran to its end."
        )

    def test_a_slip_of_the_pen_is_shown_with_its_line(self) -> None:
        with pytest.raises(NotRefused) as caught, refused("AccessDenied"):
            new_client("s3").get_objct()
        assert re.search(
            r"but in line \d+, `new_client\(\"s3\"\)\.get_objct\(\)`, boto3 answered "
            r"AttributeError — .*get_objct",
            str(caught.value),
        )
        assert isinstance(caught.value.__cause__, AttributeError)

    def test_an_inner_disappointment_passes_through(self) -> None:
        with (
            pytest.raises(NotRefused, match="inner was expected"),
            refused("outer", ValueError, NotRefused),
            refused("inner"),
        ):
            pass

    @pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
    def test_a_stop_passes_through(self, end: type[BaseException]) -> None:
        with pytest.raises(end), refused("AccessDenied", ValueError):
            raise end

    @pytest.mark.parametrize("nonsense", [(), (403,), ("",), (Exception,), (KeyboardInterrupt,)])
    def test_what_cannot_be_expected(self, nonsense: tuple[Any, ...]) -> None:
        with pytest.raises(TypeError):
            refused(*nonsense)

    def test_before_the_end_there_is_nothing_to_tell(self) -> None:
        assert repr(Refusal()) == "Nothing refused yet"

    def test_ipython_shows_one_sentence_and_no_frames(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shell = InteractiveShell()
        result = shell.run_cell(
            "from workshop_lib.lenses.refusals import refused\n"
            "with refused('AccessDenied'):\n    int('x')"
        )
        assert isinstance(result.error_in_exec, NotRefused)
        assert capsys.readouterr().out.strip() == (
            "NotRefused: AccessDenied was expected, but in line 3, `int('x')`, Python answered "
            "ValueError — invalid literal for int() with base 10: 'x'."
        )


def test_the_module_does_not_load_the_encryption_sdk() -> None:
    code = (
        "import sys, workshop_lib.lenses.refusals; print('dynamodb_encryption_sdk' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
