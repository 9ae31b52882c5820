"""Questions: their static form, their widgets, their files. No browser (test_widgets_browser)."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbclient import NotebookClient
from nbconvert import HTMLExporter

import workshop_lib
from workshop_lib import questions
from workshop_lib.display.style import marked_up
from workshop_lib.questions import Question, bank, predict, predictions_of, quiz, quiz_of
from workshop_lib.questions.widgets import PredictionWidget, QuestionsWidget, QuizWidget

CACHED = Question(
    "Will `GetItem` & <b>Query</b> still work?",
    {"No, at once": "Only KMS refuses at once.", "Yes, for minutes": "The `table key` is cached."},
    answer="Yes, for minutes",
)
READERS = Question(
    "Who **reads** `it`?", {"All": "Yes: at rest is on disk.", "None": "They do."}, "All"
)
THREE = Question("Does it?", {"Yes": "It does.", "No": "It could.", "Perhaps": "It must."}, "Yes")
TOML = """
[predict."9.1"]
question = "Will it?"
answer = "Yes"
[predict."9.1".options]
"Yes" = "It will."
"No" = "It will, though."

[[quiz]]
question = "Who?"
answer = "Me"
[quiz.options]
"You" = "Not you."
"Me" = "Me."
"""


@pytest.fixture
def shown() -> Callable[..., list[dict[str, Any]]]:
    """shown(predict, question) → the MIME forms of its outputs."""
    InteractiveShell.instance()

    def run(show: Callable[..., None], *args: Any) -> list[dict[str, Any]]:
        with capture_output() as captured:
            show(*args)
        return [output.data for output in captured.outputs]

    return run


@pytest.fixture
def lesson_09(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "lesson_09.toml"
    path.write_text(TOML, encoding="utf-8")
    monkeypatch.setattr(bank, "LESSONS", tmp_path)
    return path


Shown = Callable[..., list[dict[str, Any]]]


class TestStaticForm:
    def test_it_is_readable_html_with_the_answer_folded_away(self, shown: Shown) -> None:
        page = shown(predict, CACHED)[0]["text/html"]
        before, after = page.split("<details><summary>Answer</summary>")
        assert "Will <code>GetItem</code> &amp; &lt;b&gt;Query&lt;/b&gt; still work?" in before
        assert "<li>No, at once</li><li>Yes, for minutes</li>" in before
        assert "Right." not in before
        right = after.index("<strong>Yes, for minutes</strong>: Right. The <code>table key</code>")
        assert right < after.index("<strong>No, at once</strong>: Not quite. Only KMS")

    def test_text_alone_is_readable_too(self, shown: Shown) -> None:
        assert shown(predict, CACHED)[0]["text/plain"] == (
            "Predict: Will GetItem & <b>Query</b> still work?\n"
            "  - No, at once\n"
            "  - Yes, for minutes\n"
            "Answer: Yes, for minutes: The table key is cached."
        )

    def test_a_quiz_numbers_its_questions(self, shown: Shown) -> None:
        static, _ = shown(quiz, [CACHED, READERS])
        assert "Who <strong>reads</strong> <code>it</code>?" in static["text/html"]
        assert "Who reads it?" in static["text/plain"]
        for form in static.values():
            assert form.index("Question 1 of 2:") < form.index("Question 2 of 2:")

    def test_it_needs_no_script_and_nothing_outside_the_fold_tells_the_answer(
        self, shown: Shown
    ) -> None:
        page = shown(quiz, [CACHED, READERS])[0]["text/html"]
        assert not re.search(r"<script|<img|\son\w+=|javascript:|https?:", page)
        unfolded = re.sub(r"<details>.*?</details>", "", page, flags=re.S)
        for question in (CACHED, READERS):
            for reason in question.options.values():
                assert marked_up(reason) in page
                assert marked_up(reason) not in unfolded
        assert "Answer" not in unfolded

    def test_what_is_compared_is_the_same_in_every_run(self, shown: Shown) -> None:
        def compared() -> list[dict[str, Any]]:
            return [
                {kind: form for kind, form in data.items() if "widget-view" not in kind}
                for data in shown(quiz, [CACHED, READERS])
            ]

        assert compared() == compared()

    def test_the_buttons_are_an_output_of_their_own(self, shown: Shown) -> None:
        """A bundle of both would read "Loading widget…" in a notebook that is opened again."""
        static, live = shown(predict, CACHED)
        assert set(static) == {"text/plain", "text/html"}
        assert set(live) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
        assert live["text/plain"] == ""


class Page:
    """What a browser does with the widget of questions, and what it is told to show."""

    def __init__(self, *questions: Question, reveal: bool) -> None:
        self.questions = questions
        asked = [("Ask", question) for question in questions]
        self.widget: QuestionsWidget = (PredictionWidget if reveal else QuizWidget)(asked)

    def press(self, text: str) -> None:
        """Send what `widgets.js` sends when the button of that text is pressed."""
        if text == "Reveal":
            self.widget.set_state({"revealed": True})
            return
        (found,) = [
            (at, list(question.options).index(text))
            for at, question in enumerate(self.questions)
            if text in question.options
        ]
        chosen = list(self.widget.chosen)
        chosen[found[0]] = found[1]
        revealed = {"revealed": False} if isinstance(self.widget, PredictionWidget) else {}
        self.widget.set_state({"chosen": chosen, **revealed})

    @property
    def buttons(self) -> list[str]:
        """The options, in order, with their marks, and Reveal."""
        options = [
            f"{'●' if place == chosen else '○'} {option}"
            for asked, chosen in zip(self.widget.asked, self.widget.chosen, strict=True)
            for place, option in enumerate(asked["options"])
        ]
        return options + ["Reveal"] * isinstance(self.widget, PredictionWidget)

    @property
    def says(self) -> str:
        return " ".join(feedback["text"] for feedback in self.widget.feedback)

    @property
    def told(self) -> dict[str, str]:
        """What stands at the options: of each that has something, its marks and its reason."""
        return {
            option: " ".join(filter(None, [said["mine"] * "mine", said["verdict"], said["why"]]))
            for asked, feedback in zip(self.widget.asked, self.widget.feedback, strict=True)
            for option, said in zip(asked["options"], feedback["options"], strict=True)
            if said
        }


class TestPrediction:
    def test_a_choice_is_noted_but_not_judged(self) -> None:
        page = Page(CACHED, reveal=True)
        assert page.buttons == ["○ No, at once", "○ Yes, for minutes", "Reveal"]
        page.press("No, at once")
        assert page.buttons == ["● No, at once", "○ Yes, for minutes", "Reveal"]
        assert "Your prediction: No, at once." in page.says
        assert "Not quite" not in page.says

    def test_a_right_one_is_revealed_with_its_reason(self) -> None:
        page = Page(CACHED, reveal=True)
        page.press("Yes, for minutes")
        page.press("Reveal")
        assert "Right. The <code>table key</code> is cached." in page.says
        assert "Not quite" not in page.says

    def test_a_wrong_one_is_explained_and_the_answer_given(self) -> None:
        page = Page(CACHED, reveal=True)
        page.press("No, at once")
        page.press("Reveal")
        assert "Not quite. Only KMS refuses at once. The answer: Yes, for minutes." in page.says

    def test_every_option_is_explained_when_it_is_revealed(self) -> None:
        page = Page(THREE, reveal=True)
        page.press("No")
        page.press("Perhaps")
        assert page.told == {}
        page.press("Reveal")
        assert page.told == {
            "Yes": "right It does.",
            "No": "It could.",
            "Perhaps": "mine wrong It must.",
        }

    def test_another_choice_is_another_attempt(self) -> None:
        page = Page(THREE, reveal=True)
        for text in ("No", "Reveal", "Yes"):
            page.press(text)
        assert page.told == {}
        page.press("Reveal")
        assert page.told["Yes"] == "mine right It does."
        assert page.told["No"] == "It could."

    def test_the_mind_may_be_changed(self) -> None:
        page = Page(CACHED, reveal=True)
        page.press("No, at once")
        page.press("Yes, for minutes")
        assert page.buttons[:2] == ["○ No, at once", "● Yes, for minutes"]
        page.press("Reveal")
        assert "Right." in page.says

    def test_nothing_is_revealed_before_a_choice(self) -> None:
        page = Page(CACHED, reveal=True)
        page.press("Reveal")
        assert "Choose an option first" in page.says
        assert "Yes, for minutes" not in page.says


class TestQuiz:
    def test_each_choice_is_answered_at_once_and_may_be_tried_again(self) -> None:
        page = Page(CACHED, READERS, reveal=False)
        page.press("No, at once")
        assert "Not quite. Only KMS refuses at once." in page.says
        assert "The answer" not in page.says
        page.press("Yes, for minutes")
        assert "Right. The <code>table key</code>" in page.says
        assert "Not quite" not in page.says

    def test_what_was_tried_is_explained_and_all_when_the_answer_is_found(self) -> None:
        page = Page(THREE, reveal=False)
        assert page.told == {}
        page.press("Perhaps")
        assert page.told == {"Perhaps": "mine wrong It must."}
        page.press("Yes")
        assert page.told == {
            "Yes": "mine right It does.",
            "No": "It could.",
            "Perhaps": "wrong It must.",
        }

    def test_the_score_counts_first_tries(self) -> None:
        page = Page(THREE, READERS, CACHED, reveal=False)
        scores = [page.widget.summary]
        for text in ("Yes", "None", "All", "No, at once", "Yes, for minutes", "No"):
            page.press(text)
            scores.append(page.widget.summary)
        assert scores == [
            "",
            "1 of 3 at first try, 2 to go",
            "1 of 3 at first try, 1 to go",
            "1 of 3 at first try, 1 to go",
            *["1 of 3 at first try"] * 3,
        ]

    def test_questions_do_not_mix(self) -> None:
        page = Page(CACHED, READERS, reveal=False)
        page.press("None")
        assert "Not quite. They do." in page.says
        assert page.buttons == ["○ No, at once", "○ Yes, for minutes", "○ All", "● None"]


class TestWhatTheBrowserGets:
    @staticmethod
    def told(page: Page) -> str:
        """The whole state, but for the number of its layout."""
        return re.sub("IPY_MODEL_[0-9a-f]+", "", json.dumps(page.widget.get_state()))

    @pytest.mark.parametrize("reveal", [True, False])
    def test_no_answer_before_the_learner_has_chosen(self, reveal: bool) -> None:
        """Two questions that differ in nothing but the answer look the same."""
        other = Question(CACHED.text, CACHED.options, answer="No, at once")
        pages = [Page(question, reveal=reveal) for question in (CACHED, other)]
        for page in pages:
            assert "Only KMS refuses" not in self.told(page)
            assert "is cached" not in self.told(page)
        assert self.told(pages[0]) == self.told(pages[1])

    def test_nor_before_reveal_is_pressed(self) -> None:
        page = Page(CACHED, reveal=True)
        page.press("Yes, for minutes")
        assert "Right." not in self.told(page)
        assert "is cached" not in self.told(page)

    def test_a_choice_in_a_quiz_tells_of_that_choice_alone(self) -> None:
        """Nor which option the answer is, where there are three."""
        page = Page(THREE, reveal=False)
        page.press("No")
        assert "It does" not in self.told(page)
        assert '"right"' not in self.told(page)
        page = Page(CACHED, READERS, reveal=False)
        page.press("No, at once")
        assert "Only KMS refuses" in self.told(page)
        assert "is cached" not in self.told(page)
        assert "at rest is on disk" not in self.told(page)

    def test_no_text_of_a_question_is_html(self) -> None:
        bad = "<img src=x onerror=alert(1)>"
        page = Page(Question(bad, {bad: bad, "b": bad}, "b"), reveal=True)
        for text in (bad, "Reveal"):
            page.press(text)
            assert "&lt;img src=x" in page.says
            assert bad not in self.told(page)

    @pytest.mark.parametrize("place", [-2, 2, 99])
    def test_a_place_where_no_option_is(self, place: int) -> None:
        page = Page(CACHED, reveal=False)
        page.widget.set_state({"chosen": [place]})
        assert page.says == ""

    def test_asked_again_it_is_another_widget(self, shown: Shown) -> None:
        view = "application/vnd.jupyter.widget-view+json"
        first, second = (shown(predict, CACHED)[1][view]["model_id"] for _ in range(2))
        assert first != second


# What ipywidgets 8 has, at its top and on every widget, and 7.7 has not. Colab has 7.7.
ONLY_IN_8 = {
    "ColorsInput", "DatetimePicker", "FloatsInput", "IntsInput", "NaiveDatetimePicker", "Stack",
    "TagsInput", "TimePicker", "TypedTuple", "blur", "focus", "tabbable", "tooltip",
    "_active_widgets", "_widget_types",
}  # fmt: skip


def names(source: str) -> set[str]:
    """What a module names: variables, attributes, keywords, definitions and imports."""
    parts = ("id", "attr", "arg", "name", "module")
    values = (getattr(node, part, None) for node in ast.walk(ast.parse(source)) for part in parts)
    return {value for value in values if isinstance(value, str)}


def test_nothing_is_used_that_old_ipywidgets_lack() -> None:
    """The widgets are anywidget's, which takes ipywidgets from 7.6 on."""
    for source in ("from ipywidgets import Stack", "widget.focus()", "Widget(tooltip='')"):
        assert names(source) & ONLY_IN_8
    for path in sorted(Path(questions.__file__).parent.glob("*.py")):
        known = names(path.read_text(encoding="utf-8"))
        assert not known & ONLY_IN_8, path.name
        assert not {name for name in known if name.partition(".")[0] == "ipywidgets"}, path.name


class TestFiles:
    @pytest.mark.usefixtures("lesson_09")
    def test_by_number(self, shown: Shown) -> None:
        assert "Will it?" in shown(predict, "9.1")[0]["text/plain"]
        assert "Who?" in shown(quiz, "9")[0]["text/plain"]
        assert list(predictions_of("9")) == ["9.1"]

    @pytest.mark.usefixtures("lesson_09")
    @pytest.mark.parametrize(
        ("show", "number"), [(predict, "9.2"), (predict, "8.1"), (quiz, "8"), (quiz, "../x")]
    )
    def test_what_is_not_there(self, show: Callable[[str], None], number: str) -> None:
        with pytest.raises(LookupError, match=r"There (is|are) no"):
            show(number)

    def test_an_empty_quiz(self) -> None:
        with pytest.raises(LookupError):
            quiz([])

    def test_the_questions_of_the_course(self) -> None:
        """Question refuses what cannot be asked; here is the rest of the rules."""
        for path in sorted(bank.LESSONS.glob("*.toml")):
            lesson = path.stem.removeprefix("lesson_").lstrip("0") or "0"
            assert 4 <= len(quiz_of(lesson)) <= 7, path.name
            for number in predictions_of(lesson):
                assert number.partition(".")[0] == lesson, path.name

    def test_the_example_of_the_module_s_own_docstring(self, lesson_09: Path) -> None:
        """It is what the authors of lessons copy."""
        lines = (questions.__doc__ or "").splitlines()
        lesson_09.write_text("\n".join(line[4:] for line in lines if line.startswith("    ")))
        assert list(predictions_of("9")) == ["1.3"]
        assert len(quiz_of("9")) == 1


@pytest.mark.parametrize(
    ("options", "answer"),
    [({"a": "why"}, "a"), ({"a": "why", "b": "why"}, "c"), ({"a": "why", "b": " "}, "a")],
)
def test_a_question_that_cannot_be_asked(options: dict[str, str], answer: str) -> None:
    with pytest.raises(ValueError, match="The question"):
        Question("The question", options, answer)


def test_ipywidgets_is_loaded_when_first_used() -> None:
    code = "import sys, workshop_lib.questions; print('ipywidgets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook that asks, with the outputs of a run and no widget state, as committed."""
    cells = [
        "from workshop_lib.questions import Question, predict, quiz\n"
        "question = Question('Will it?', {'Yes': 'It will.', 'No': 'It will.'}, 'Yes')",
        "predict(question)",
        "quiz([question, question])",
    ]
    asks = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", python_path())
        NotebookClient(asks, timeout=120, kernel_name="python3").execute()
    asks.metadata.pop("widgets")
    path = tmp_path_factory.mktemp("notebook") / "asks.ipynb"
    nbformat.write(asks, path)
    return path


def test_strict_nbval_agrees_and_notices_a_change(notebook: Path) -> None:
    changed = notebook.with_name("changed.ipynb")
    changed.write_text(notebook.read_text().replace("Answer: Yes", "Answer: No", 1))
    options = ["-q", "-rA", "-p", "no:cacheprovider", "--nbval", "--color=no"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, notebook.name, changed.name],
        cwd=notebook.parent,
        env={**os.environ, "PYTHONPATH": python_path()},
        capture_output=True,
        text=True,
    )
    for cell in ("asks.ipynb::Cell 0", "asks.ipynb::Cell 1", "asks.ipynb::Cell 2"):
        assert f"PASSED {cell}" in done.stdout
    assert "FAILED changed.ipynb::Cell 1" in done.stdout


def test_nbconvert_shows_the_static_form(notebook: Path) -> None:
    page, _ = HTMLExporter().from_filename(str(notebook))
    assert page.count("<details><summary>Answer</summary>") == 3
    assert page.count("<strong>Predict:</strong> Will it?") == 1


def python_path() -> str:
    return str(Path(workshop_lib.__file__).absolute().parents[1])
