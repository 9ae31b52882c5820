"""The mechanism of the exercises: what a check sees, says, and never does."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from workshop_lib import exercises
from workshop_lib.exercises import check, examine, registry
from workshop_lib.exercises.inspection import Inspection, Step
from workshop_lib.exercises.registry import exercise
from workshop_lib.exercises.wording import _phrases_of, courses_words
from workshop_lib.progress import FILE_NAME, Journal, mark

LAB = SimpleNamespace(session=boto3.Session, regions=set)


@pytest.fixture(autouse=True)
def no_exercises(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty register; a lesson loaded meanwhile is loaded, and registered, again later."""
    before = set(sys.modules)
    monkeypatch.setattr(registry, "_by_number", {})
    yield
    for name in set(sys.modules) - before:
        if name.startswith("workshop_lib.exercises.lesson_"):
            del sys.modules[name]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


def said(number: str, capsys: pytest.CaptureFixture[str]) -> str:
    check(number, LAB)
    return capsys.readouterr().out


def new_table(name: str, number: str) -> dict[str, Any]:
    created = boto3.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "exercise", "Value": number}],
    )
    return dict(created["TableDescription"])


class TestWhatALearnerReads:
    def test_done_proves_what_was_seen(self, capsys: pytest.CaptureFixture[str]) -> None:
        @exercise("1.2", "a table under a key of your own")
        def own_key(inspection: Inspection) -> None:
            inspection.passed("the table orders-1 is there")
            inspection.require(True, passed="its key is 1234", failed="no key", fix="make one")

        assert said("1.2", capsys) == (
            "✓ Exercise 1.2 done: a table under a key of your own\n"
            "  ✓ the table orders-1 is there\n"
            "  ✓ its key is 1234\n"
        )
        assert examine("1.2", LAB).done

    def test_a_need_that_is_not_met_ends_the_check(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        @exercise("1.2", "a table under a key of your own")
        def own_key(inspection: Inspection) -> None:
            inspection.passed("the table orders-1 is there")
            inspection.require(None, passed="has a key", failed="it has no key", fix="Name one.")
            raise AssertionError("went on")

        assert said("1.2", capsys) == (
            "Not yet, exercise 1.2: a table under a key of your own\n"
            "  ✓ the table orders-1 is there\n"
            "  ✗ it has no key\n"
            "    → Name one.\n"
        )
        assert not examine("1.2", LAB).done

    def test_a_want_that_is_not_met_lets_it_go_on(self) -> None:
        @exercise("1.2", "both")
        def both(inspection: Inspection) -> None:
            inspection.expect(False, passed="a", failed="no a", fix="Do a.")
            inspection.expect(True, passed="b", failed="no b", fix="Do b.")

        result = examine("1.2", LAB)
        assert [(step.ok, step.seen) for step in result.steps] == [(False, "no a"), (True, "b")]
        assert not result.done

    def test_every_call_looks_afresh(self) -> None:
        there: list[str] = []

        @exercise("1.1", "something there")
        def something(inspection: Inspection) -> None:
            inspection.require(there, passed="there", failed="not there", fix="Put it there.")

        assert not examine("1.1", LAB).done
        there.append("it")
        assert examine("1.1", LAB).done

    def test_the_check_is_given_the_lab(self) -> None:
        @exercise("1.1", "the lab")
        def the_lab(inspection: Inspection) -> None:
            inspection.require(inspection.lab is LAB, passed="the lab", failed="another", fix="")

        assert examine("1.1", LAB).done


def raising(error: Exception) -> Callable[[Inspection], None]:
    def broken(inspection: Inspection) -> None:
        inspection.passed("the first thing")
        raise error

    return broken


class TestWhatACheckNeverRaises:
    def test_a_refusal_by_aws_is_not_yet(self, capsys: pytest.CaptureFixture[str]) -> None:
        error = {"Error": {"Code": "AccessDenied", "Message": "no"}}
        exercise("1.1", "t")(raising(ClientError(error, "GetObject")))
        shown = said("1.1", capsys)
        assert shown.startswith("Not yet, exercise 1.1: t\n  ✓ the first thing\n  ✗ Refused by ")
        assert "(GetObject): AccessDenied — no\n    → " in shown
        assert examine("1.1", LAB).error is None

    def test_silence_of_aws_is_not_yet(self, capsys: pytest.CaptureFixture[str]) -> None:
        exercise("1.1", "t")(raising(EndpointConnectionError(endpoint_url="http://x")))
        assert "✗ AWS did not answer: " in said("1.1", capsys)

    def test_a_mistake_of_ours_is_called_so_and_is_found_by_tests(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        exercise("1.1", "t")(raising(KeyError("Table")))
        assert said("1.1", capsys) == (
            "The check of exercise 1.1 failed itself (KeyError: 'Table'). "
            "Your work may well be right.\n"
        )
        result = examine("1.1", LAB)
        assert isinstance(result.error, KeyError)
        assert not result.done

    def test_a_check_that_looks_at_nothing_proves_nothing(self) -> None:
        exercise("1.1", "t")(lambda look: None)
        result = examine("1.1", LAB)
        assert isinstance(result.error, AssertionError)
        assert not result.done

    @pytest.mark.parametrize("number", ["99.1", "", "one", "1"])
    def test_an_exercise_that_is_not_there(
        self, number: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert f"There is no exercise {number}:" in said(number, capsys)

    def test_but_a_stop_passes_through(self) -> None:
        def stop(inspection: Inspection) -> None:
            raise KeyboardInterrupt

        exercise("1.1", "t")(stop)
        with pytest.raises(KeyboardInterrupt):
            check("1.1", LAB)


class TestRefusalsInWords:
    def ask(self, code: str) -> exercises.Result:
        @exercise("1.1", "t")
        def asks(inspection: Inspection) -> None:
            with inspection.asking({"NoSuchKey": ("there is no report.txt", "Upload it.")}):
                raise ClientError({"Error": {"Code": code}}, "GetObject")

        return examine("1.1", LAB)

    def test_a_foreseen_code_has_its_sentence(self) -> None:
        assert self.ask("NoSuchKey").steps == (Step(False, "there is no report.txt", "Upload it."),)

    def test_another_code_speaks_for_itself(self) -> None:
        (step,) = self.ask("NoSuchBucket").steps
        assert "NoSuchBucket" in step.seen


class TestNumbers:
    def test_two_checks_cannot_share_one(self) -> None:
        exercise("1.1", "t")(raising(ValueError()))
        with pytest.raises(ValueError, match=r"1\.1 is .*broken already"):
            exercise("1.1", "t")(lambda look: None)

    def test_a_lesson_s_checks_are_loaded_when_first_asked(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "lesson_97.py").write_text(
            "from workshop_lib.exercises.registry import exercise\n"
            "@exercise('97.1', 'loaded')\n"
            "def loaded(inspection): inspection.passed('it')\n"
        )
        monkeypatch.setattr(exercises, "__path__", [str(tmp_path)])
        importlib.invalidate_caches()
        try:
            assert examine("97.1", LAB).done
        finally:
            sys.modules.pop("workshop_lib.exercises.lesson_97", None)

    def test_a_lesson_that_cannot_be_loaded_is_a_mistake_of_ours(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "lesson_98.py").write_text("import no_such_module_at_all\n")
        monkeypatch.setattr(exercises, "__path__", [str(tmp_path)])
        importlib.invalidate_caches()
        assert isinstance(examine("98.1", LAB).error, ModuleNotFoundError)

    def test_each_number_lives_in_the_module_of_its_lesson(self) -> None:
        modules = sorted(Path(exercises.__file__).parent.glob("lesson_*.py"))
        for path in modules:
            importlib.reload(importlib.import_module(f"workshop_lib.exercises.{path.stem}"))
        for number, found in registry._by_number.items():
            lesson = f"lesson_{number.partition('.')[0].zfill(2)}"
            assert found.check.__module__ == f"workshop_lib.exercises.{lesson}"


@pytest.mark.usefixtures("aws")
class TestFindingByTag:
    def test_the_newest_table_with_the_tag(self) -> None:
        @exercise("1.2", "t")
        def a_table(inspection: Inspection) -> None:
            inspection.passed(inspection.table()["TableName"])

        (step,) = examine("1.2", LAB).steps
        assert step == Step(
            False,
            "no table carries the tag exercise = 1.2",
            'Tag yours: dynamodb.create_table(…, Tags=[{"Key": "exercise", "Value": "1.2"}]).',
        )
        for name, number in [("orders-9", "1.2"), ("orders-10", "1.2"), ("orders-8", "1.3")]:
            new_table(name, number)
        assert [step.seen for step in examine("1.2", LAB).steps] == ["orders-10"]

    def test_the_newest_bucket_with_the_tag(self) -> None:
        @exercise("5.1", "t")
        def a_bucket(inspection: Inspection) -> None:
            inspection.passed(inspection.bucket())

        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="untagged")
        (step,) = examine("5.1", LAB).steps
        assert step.fix == (
            "Tag yours: s3.put_bucket_tagging(Bucket=…, "
            'Tagging={"TagSet": [{"Key": "exercise", "Value": "5.1"}]}).'
        )
        for name in ("reports-9", "reports-10"):
            s3.create_bucket(Bucket=name)
            s3.put_bucket_tagging(
                Bucket=name, Tagging={"TagSet": [{"Key": "exercise", "Value": "5.1"}]}
            )
        assert [step.seen for step in examine("5.1", LAB).steps] == ["reports-10"]

    def test_the_newest_key_with_the_tag_and_rather_one_that_stays(self) -> None:
        @exercise("8.1", "t")
        def a_key(inspection: Inspection) -> None:
            inspection.passed(inspection.key()["KeyId"])

        (step,) = examine("8.1", LAB).steps
        assert step.fix == (
            'Tag yours: kms.create_key(Tags=[{"TagKey": "exercise", "TagValue": "8.1"}]).'
        )
        kms = boto3.client("kms")
        first, second = (
            kms.create_key(Tags=[{"TagKey": "exercise", "TagValue": "8.1"}])["KeyMetadata"]["KeyId"]
            for _ in range(2)
        )
        kms.create_key()
        assert [step.seen for step in examine("8.1", LAB).steps] == [second]
        kms.schedule_key_deletion(KeyId=second)
        assert [step.seen for step in examine("8.1", LAB).steps] == [first]
        kms.schedule_key_deletion(KeyId=first)
        assert [step.seen for step in examine("8.1", LAB).steps] == [second]

    def test_the_newest_role_with_the_tag(self) -> None:
        @exercise("1.3", "t")
        def a_role(inspection: Inspection) -> None:
            inspection.passed(inspection.role()["RoleName"])

        (step,) = examine("1.3", LAB).steps
        assert step.fix == (
            'Tag yours: iam.create_role(…, Tags=[{"Key": "exercise", "Value": "1.3"}]).'
        )
        for name, number in [("reader-1", "1.3"), ("reader-2", "1.3"), ("reader-3", "1.2")]:
            boto3.client("iam").create_role(
                RoleName=name,
                AssumeRolePolicyDocument="{}",
                Tags=[{"Key": "exercise", "Value": number}],
            )
        assert [step.seen for step in examine("1.3", LAB).steps] == ["reader-2"]

    def test_the_table_of_another_exercise(self) -> None:
        @exercise("2.2", "t")
        def another(inspection: Inspection) -> None:
            inspection.passed(inspection.table("2.1")["TableName"])

        (step,) = examine("2.2", LAB).steps
        assert step.seen == "no table carries the tag exercise = 2.1"
        assert '"2.1"' in step.fix
        new_table("orders-1", "2.1")
        assert examine("2.2", LAB).done

    def test_the_example_of_the_module_s_own_docstring(self) -> None:
        """It is what the authors of lessons copy."""
        source = (exercises.__doc__ or "").split(":\n\n", 1)[1].split("\n\nThe learner's")[0]
        names: dict[str, Any] = {"boto3": boto3, "exercise": exercise, "Inspection": Inspection}
        exec("\n".join(line[4:] for line in source.splitlines()), names)
        assert "no table carries the tag" in examine("1.2", LAB).steps[0].seen
        new_table("orders-1", "1.2")
        result = examine("1.2", LAB)
        assert result.error is None
        assert "AWS owned key" in result.steps[-1].seen
        assert not result.done
        key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
        boto3.client("dynamodb").create_table(
            TableName="orders-2",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
            Tags=[{"Key": "exercise", "Value": "1.2"}],
        )
        assert examine("1.2", LAB).done


class TestWhatIsNoted:
    """That a check passed, or which condition failed: in the course's words, of the learner none.

    The sentences here stand in a test, where nobody would look for the course's words.
    """

    @pytest.fixture
    def journal(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
        journal = Journal(tmp_path / FILE_NAME)
        monkeypatch.setattr(exercises, "learners_journal", lambda: journal)
        return journal

    def test_each_attempt_until_it_passes(self, journal: Journal) -> None:
        bucket: list[str] = []

        @exercise("5.2", "a bucket")
        def has_policy(inspection: Inspection) -> None:
            if not bucket:
                inspection._untagged("no bucket", "put it", "Key", "Value")
            inspection.passed(f"the bucket {bucket[0]} is there")

        for _ in range(2):
            check("5.2", LAB)
        bucket.append("secret-4111")
        check("5.2", LAB)
        told = [(e.lesson, e.item, e.outcome, e.attempt, e.condition) for e in journal.events()]
        missing = "no bucket carries the tag …"
        assert told == [
            ("5", "check 5.2", "failed", 1, missing),
            ("5", "check 5.2", "failed", 2, missing),
            ("5", "check 5.2", "passed", 3, ""),
        ]
        assert {event.question for event in journal.events()} == {mark("check", "a bucket")}

    def test_the_first_condition_that_failed(self, journal: Journal) -> None:
        @exercise("5.2", "a bucket")
        def several(inspection: Inspection) -> None:
            inspection.passed("the bucket secret-4111 is there")
            inspection.expect(False, passed="", failed="no bucket carries the tag", fix="")
            inspection.fail("its key is an AWS managed one, not yours", "")

        check("5.2", LAB)
        assert [event.condition for event in journal.events()] == ["no bucket carries the tag"]

    def test_a_check_that_failed_itself_is_no_attempt(self, journal: Journal) -> None:
        @exercise("5.2", "a bucket")
        def wrong(inspection: Inspection) -> None:
            raise ValueError("4111")

        check("5.2", LAB)
        check("5.3", LAB)
        assert journal.events() == []

    @pytest.mark.usefixtures("aws")
    def test_aws_s_own_sentence_is_not_kept(self, journal: Journal) -> None:
        @exercise("5.2", "a bucket")
        def asks(inspection: Inspection) -> None:
            boto3.client("s3").get_bucket_policy(Bucket="secret-4111")

        check("5.2", LAB)
        (event,) = journal.events()
        assert event.condition == "AWS refused what the check asked: NoSuchBucket"
        assert b"4111" not in event.line()

    def test_where_it_cannot_be_written_that_is_said_once(
        self, journal: Journal, capsys: pytest.CaptureFixture[str]
    ) -> None:
        @exercise("5.2", "a bucket")
        def done(inspection: Inspection) -> None:
            inspection.passed("there it is")

        assert journal.path is not None
        journal.path.mkdir()
        assert "cannot be saved" in said("5.2", capsys)
        assert "cannot be saved" not in said("5.2", capsys)
        assert len(journal.events()) == 2


class TestTheCourseSWords:
    @given(st.lists(st.text(alphabet="qxzQXZ019 -_./:é", min_size=1), min_size=3, max_size=3))
    def test_hold_nothing_of_the_learner_s(self, values: list[str]) -> None:
        name, other, last = values
        said = courses_words(
            f"{name} no bucket carries the tag {other}, and the policy of {last} hides its tags "
            "even from you"
        )
        assert not set(said) & set("qxzQXZ019-_/é")
        assert "hides its tags even from you" in said

    @pytest.mark.parametrize(
        ("sentence", "kept"),
        [
            ("its key is PendingDeletion: nobody can use it", "its key is …: nobody can use it"),
            ("KMS knows no key arn:aws:kms:eu-west-1:1:key/2", "KMS knows no key …"),
            ("my plaintext is 4111 1111", "…"),
            ("ano bucket carries the tags", "…"),  # words only, no parts of them
            ("", ""),
        ],
    )
    def test_are_those_of_the_checks(self, sentence: str, kept: str) -> None:
        assert courses_words(sentence) == kept

    def test_are_never_long(self) -> None:
        assert len(courses_words("no bucket carries the tag " * 50)) <= 200

    def test_are_none_where_the_code_is_not_to_be_had(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _phrases_of.cache_clear()
        for name, module in list(sys.modules.items()):
            if name.startswith("workshop_lib.exercises"):
                monkeypatch.setattr(module, "__loader__", None)
        try:
            assert courses_words("no bucket carries the tag") == "…"
        finally:
            _phrases_of.cache_clear()
