"""The live form of questions: ipywidgets. Imported on first use.

Options are buttons: in JupyterLab the notebook's own shortcuts take the arrow keys away from radio
buttons and menus (https://github.com/jupyter-widgets/ipywidgets/issues/3912).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ipywidgets import HTML, Button, VBox, Widget

from workshop_lib.widgets import Question, marked_up, without_marks

_STYLE = """<style>
.workshop-question button.jupyter-button {
 width: auto; max-width: 46em; height: auto; min-height: 2.2em; margin: 2px; padding: 0.3em 0.8em;
 white-space: normal; text-align: left; line-height: 1.4; overflow: visible;
 color: var(--jp-content-font-color1, #000); background: var(--jp-layout-color1, #fff);
 border: 1px solid var(--jp-border-color0, #767676); border-radius: 3px; box-shadow: none}
.workshop-question button.jupyter-button:hover {background: var(--jp-layout-color2, #eee)}
.workshop-question button.jupyter-button:focus-visible {
 outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px}
.workshop-question button.jupyter-button.workshop-reveal {align-self: flex-start; font-weight: 600}
.workshop-question .widget-html, .workshop-question .widget-html-content {
 height: auto; max-width: 48em; line-height: 1.5; white-space: normal;
 color: var(--jp-content-font-color1, #000); font-size: var(--jp-content-font-size1, 14px)}
.workshop-feedback {border-left: 4px solid var(--jp-border-color0, #767676); padding: 0 0.8em}
.workshop-feedback.right {border-color: var(--jp-success-color1, #388e3c)}
.workshop-feedback.wrong {border-color: var(--jp-warn-color1, #f57c00)}
</style>"""
# On a focused button, bare letters and arrows would insert, cut and change cells. Lumino lets alone
# an element with the attribute below, which a widget cannot be given from Python; Ctrl+S,
# Shift+Enter and Escape stay JupyterLab's. The arrows walk through the options. The HTML of a
# widget runs no script element, but it does run an image's error handler.
_KEYS = """<img alt="" hidden src="data:," onerror="
 if (!window.workshopKeys) {
  window.workshopKeys = true;
  window.addEventListener('keydown', event => {
   const button = event.target.closest?.('.workshop-question button');
   if (!button) return;
   if (event.ctrlKey || event.metaKey || event.altKey || event.key === 'Escape' ||
     (event.shiftKey && event.key === 'Enter')) {
    button.removeAttribute('data-lm-suppress-shortcuts');
    return;
   }
   button.setAttribute('data-lm-suppress-shortcuts', 'true');
   const step = {ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1}[event.key];
   const box = button.closest('.workshop-options');
   if (!step || !box) return;
   const options = [...box.querySelectorAll('button')];
   options.at((options.indexOf(button) + step) % options.length).focus();
   event.preventDefault();
  }, true);
 }">"""


def build(asked: Sequence[tuple[str, Question]], *, reveal: bool) -> VBox:
    """A widget that asks (label, question) pairs.

    reveal: a choice is answered when Reveal is pressed; otherwise at once.
    """
    ask = _prediction if reveal else _quiz_question
    box = VBox([HTML(_STYLE + _KEYS), *(ask(*pair) for pair in asked)])
    box.add_class("workshop-question")
    return box


def _prediction(label: str, question: Question) -> Widget:
    said = _status()
    chosen: list[str] = []

    def choose(option: str) -> None:
        chosen[:] = [option]
        _say(said, f"Your prediction: {option}. Now run the next cells, then press Reveal.")

    def reveal(_: Button) -> None:
        if not chosen:
            _say(said, "Choose an option first: even a wrong guess helps to remember.")
        elif chosen[0] == question.answer:
            _say(said, question.verdict(chosen[0]), "right")
        else:
            answer = f"The answer: {question.answer}. {question.options[question.answer]}"
            _say(said, f"{question.verdict(chosen[0])} {answer}", "wrong")

    button = Button(description="Reveal")
    button.add_class("workshop-reveal")
    button.on_click(reveal)
    return VBox([_asked(label, question), _options(question, choose), button, said])


def _quiz_question(label: str, question: Question) -> Widget:
    said = _status()

    def choose(option: str) -> None:
        right = option == question.answer
        _say(said, question.verdict(option), "right" if right else "wrong")

    return VBox([_asked(label, question), _options(question, choose), said])


def _asked(label: str, question: Question) -> Widget:
    return HTML(f"<p><strong>{label}:</strong> {marked_up(question.text)}</p>")


def _options(question: Question, choose: Callable[[str], None]) -> Widget:
    """A button for each option; the chosen one is marked by a filled circle."""
    buttons = {option: Button() for option in question.options}

    def mark(chosen: str | None) -> None:
        for option, button in buttons.items():
            button.description = f"{'●' if option == chosen else '○'} {without_marks(option)}"

    def press(option: str) -> None:
        mark(option)
        choose(option)

    for option, button in buttons.items():
        button.on_click(lambda _, option=option: press(option))
    mark(None)
    box = VBox(list(buttons.values()))
    box.add_class("workshop-options")
    return box


def _status() -> HTML:
    """A live region: a screen reader speaks what appears in it."""
    return HTML('<div role="status"></div>')


def _say(status: HTML, text: str, kind: str = "") -> None:
    status.value = (
        f'<div role="status" class="workshop-feedback {kind}"><p>{marked_up(text)}</p></div>'
    )
