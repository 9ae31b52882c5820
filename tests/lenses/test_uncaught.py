"""What a cell shows when a refusal, or a name that is not there, ends it."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = [
    "from workshop_lib import start_lab\nimport boto3\nlab = start_lab()",
    "boto3.client('s3').get_object(Bucket='nobody-s', Key='k')",
    "s4.get_object()",
    "1 / 0",
    "lab.name('NO')",
    "'alive'",
    "import logging; logging.getLogger('dynamodb_encryption_sdk.x').error('Unable to verify')",
    "kms = boto3.client('kms'); key = kms.create_key()['KeyMetadata']['KeyId']; lab.cleanup()",
    "kms.encrypt(KeyId=key, Plaintext=b'x')",
]


@pytest.fixture(scope="module")
def outputs() -> list[list[Any]]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    NotebookClient(notebook, allow_errors=True, kernel_name="python3", timeout=120).execute()
    return [cell.outputs for cell in notebook.cells]


def test_a_refusal_is_a_card_with_the_traceback_folded_and_stays_an_error(
    outputs: list[list[Any]],
) -> None:
    shown, error = outputs[1]
    assert shown.data["text/plain"].startswith("✕ Refused: NoSuchBucket (S3 · GetObject)")
    page = shown.data["text/html"]
    assert "<details><summary>Traceback</summary><pre" in page
    assert "\x1b" not in page
    assert (error.output_type, error.ename) == ("error", "NoSuchBucket")
    assert len(error.traceback) == 1


def test_a_name_that_is_not_there_says_run_the_cells_above(outputs: list[list[Any]]) -> None:
    shown, error = outputs[2]
    assert "There is no s4 here yet" in shown.data["text/plain"]
    assert "run the cells above" in shown.data["text/plain"]
    assert (error.ename, error.evalue) == ("NameError", "name 's4' is not defined")


def test_every_other_error_looks_as_ever(outputs: list[list[Any]]) -> None:
    [division] = outputs[3]
    assert division.ename == "ZeroDivisionError"
    assert len(division.traceback) > 1
    [ours] = outputs[4]
    assert ours.ename == "WrongArgument"
    assert len(ours.traceback) == 1
    assert outputs[5][0].data["text/plain"] == "'alive'"


def test_what_the_encryption_client_logs_is_not_written_above_the_card(
    outputs: list[list[Any]],
) -> None:
    assert outputs[6] == []


def test_a_key_that_clean_up_took_says_how_to_go_on(outputs: list[list[Any]]) -> None:
    shown, error = outputs[8]
    assert "If lab.cleanup() has run" in shown.data["text/plain"]
    assert "run the cells above again" in shown.data["text/plain"]
    assert error.ename == "KMSInvalidStateException"
