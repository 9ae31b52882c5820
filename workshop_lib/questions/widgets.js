// Draws the questions of a model and notes what is chosen. Python judges: the answers are there.
//
// Of the model: `asked` holds each question's label, text and options, `chosen` the place of the
// option chosen in each (-1: none yet), `feedback` what is said to it and at each of its options,
// `summary` what is said to all. Only a prediction has `revealed`, and `votes`: what a class did with
// it, a note and a text at each option. Texts are HTML, escaped in Python, but for `summary` and
// those at the options in `votes`.

const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
const MARKS = {
  mine: ["question", "your choice"],
  right: ["allowed", "✓ Right"],
  wrong: ["refused", "✕ Not quite"],
};

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function marked(tag, html, attributes = {}) {
  const element = make(tag, attributes);
  element.innerHTML = html;
  return element;
}

function button(attributes, ...children) {
  return make("button", { type: "button", ...attributes }, ...children);
}

/** An option: a radio button, and the place below it for what is said to it. */
function optionOf(html, choose) {
  const id = `workshop-${Math.random().toString(36).slice(2)}`;
  const mark = make("span", { class: "workshop-mark", "aria-hidden": "true" });
  const radio = button({ role: "radio", "aria-describedby": id }, mark, " ", marked("span", html));
  radio.addEventListener("click", choose);
  const told = make("div", { class: "workshop-told", id });
  const votes = make("div", { class: "workshop-votes" });
  const box = make("div", { class: "workshop-option" }, radio, votes, told);

  const check = (chosen) => {
    radio.setAttribute("aria-checked", chosen);
    mark.textContent = chosen ? "●" : "○";
    box.classList.toggle("mine", chosen);
  };
  const tell = ({ why, verdict, mine }) => {
    const marks = [mine && MARKS.mine, MARKS[verdict]].filter(Boolean);
    const chips = marks.map(([kind, word]) => make("span", { class: `course-chip ${kind}` }, word));
    told.replaceChildren(...chips.flatMap((chip) => [chip, " "]), ...(why ? [marked("p", why)] : []));
  };
  const count = (text) => {
    votes.textContent = text;
  };
  return { box, radio, check, tell, count };
}

/** A radio group with a question as its legend. Arrows move the focus, and choose nothing: what is
 * chosen in a quiz is judged at once, so it takes Space, Enter or a click. */
function radioGroup({ label, text, options }, choose) {
  const drawn = options.map((option, place) => optionOf(option, () => choose(place)));
  const radios = drawn.map(({ radio }) => radio);
  const stopAt = (stop) => {
    for (const radio of radios) radio.tabIndex = radio === stop ? 0 : -1;
  };
  const group = make(
    "fieldset",
    { class: "workshop-options", role: "radiogroup" },
    make("legend", {}, make("strong", {}, `${label}:`), " ", marked("span", text)),
    ...drawn.map(({ box }) => box),
  );
  group.addEventListener("focusin", (event) => stopAt(event.target));
  group.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    radios.at((radios.indexOf(event.target) + step) % radios.length).focus();
  });

  const mark = (chosen) => {
    drawn.forEach(({ check }, place) => check(place === chosen));
    stopAt(radios[chosen] ?? radios[0]);
  };
  const tell = (options) => drawn.forEach(({ tell }, place) => tell(options[place] ?? {}));
  const count = (texts) => drawn.forEach(({ count }, place) => count(texts[place] ?? ""));
  return { group, mark, tell, count };
}

const AGAIN = "run this cell again, after the first code cell of the page.";

function render({ model, el }) {
  const predicts = model.get("revealed") !== undefined;
  const box = make("div", { class: "course workshop-question" });
  const kernel = watchKernel(model, box, AGAIN);
  const set = (state) => {
    const news = Object.keys(state).some((name) => `${state[name]}` !== `${model.get(name)}`);
    if (!news || !kernel.asks()) return; // where nothing is new, nothing is answered
    model.set(state);
    model.save_changes();
  };
  const choose = (question, option) => {
    const chosen = model.get("chosen").map((old, place) => (place === question ? option : old));
    set(predicts ? { chosen, revealed: false } : { chosen });
  };

  const reveal = button({ class: "workshop-reveal" });
  // Statuses are there from the start: a screen reader speaks what changes in them.
  const questions = model.get("asked").map((asked, place) => ({
    ...radioGroup(asked, (option) => choose(place, option)),
    status: make("div", { role: "status", class: "workshop-feedback" }),
    note: make("div", predicts ? { role: "status", class: "workshop-class" } : {}),
  }));
  for (const { group, status, note } of questions) {
    const card = make("div", { class: "workshop-card" }, note, group);
    if (predicts) {
      reveal.addEventListener("click", () => set({ revealed: true }));
      card.append(reveal);
    }
    card.append(status);
    box.append(card);
  }
  const summary = make("div", { "aria-live": "polite", class: "workshop-summary" });
  box.append(summary);
  el.append(box);

  const mark = () => {
    questions.forEach(({ mark }, place) => mark(model.get("chosen")[place]));
    // It keeps its place, and the focus, though there is nothing more to reveal.
    const done = Boolean(model.get("revealed")) && model.get("chosen")[0] >= 0;
    reveal.setAttribute("aria-disabled", done);
    reveal.textContent = done ? "Revealed" : "Reveal";
  };
  const say = () => {
    kernel.answered();
    model.get("feedback").forEach(({ text, kind, options = [] }, place) => {
      const { status, tell } = questions[place];
      status.className = `workshop-feedback ${kind}`;
      status.replaceChildren(...(text ? [marked("p", text)] : []));
      tell(options);
    });
  };
  const sum = () => {
    summary.textContent = model.get("summary") ?? "";
  };
  const count = () =>
    (model.get("votes") ?? []).forEach(({ note, options }, place) => {
      const question = questions[place];
      question.note.replaceChildren(...(note ? [marked("p", note)] : []));
      question.count(options);
    });
  const listeners = {
    "change:chosen": mark,
    "change:revealed": mark,
    "change:feedback": say,
    "change:summary": sum,
    "change:votes": count,
  };
  for (const [change, listener] of Object.entries(listeners)) {
    listener();
    model.on(change, listener);
  }
  const freeKeys = keepKeys(box);
  return () => {
    freeKeys();
    kernel.leave();
    for (const [change, listener] of Object.entries(listeners)) model.off(change, listener);
  };
}

export default { render };
