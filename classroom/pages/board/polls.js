// Predictions as polls: one in its panel, and one that fills the screen.

import { here, numberOf, predictionOfMost, predictions } from "./class_state.js";
import { count, find, make, put, putEach, putMarked, putText } from "./dom.js";

const VOTES = ["1st vote", "2nd vote"];

/** One poll: its question, its options with what was chosen, and what may be done. */
class Poll {
  #box;
  #parts;
  #question;

  /** act(what, question): "reveal" or "vote-again". Buttons stand in `actions`. */
  constructor(box, actions, act) {
    this.#box = box;
    const button = (what, words) => {
      const node = make("button", { type: "button", class: what }, words);
      node.addEventListener("click", () => {
        if (node.getAttribute("aria-disabled") !== "true") act(what, this.#question);
      });
      actions.append(node);
      return node;
    };
    this.#parts = {
      name: make("span", { class: "chip" }),
      voters: make("span", { class: "voters" }),
      text: make("p", { class: "poll-text" }),
      options: make("ol", { class: "options" }),
      again: button("vote-again", "Vote again"),
      reveal: button("reveal", "Reveal"),
    };
    const { name, voters, text, options } = this.#parts;
    box.append(make("p", { class: "poll-head" }, name, voters), text, options);
  }

  /** bars: whether the spread is shown before the answer is. */
  update(question, poll, present, bars) {
    this.#question = question;
    const { name, voters, text, options, again, reveal } = this.#parts;
    const second = poll.rounds.length > 1;
    const open = poll.rounds.at(-1);
    putText(name, `Prediction ${numberOf(poll.item)}`);
    const voted = `${open.voters} of ${Math.max(present, open.voters)}`;
    putText(voters, second ? `${VOTES[1]}: ${voted}` : `${voted} voted`);
    putMarked(text, poll.text);
    const shown = bars || poll.revealed;
    put(this.#box, "data-rounds", poll.rounds.length);
    put(this.#box, "data-bars", shown);
    put(this.#box, "data-revealed", poll.revealed);
    const rows = poll.options.map((option, index) => ({ option, index }));
    putEach(options, rows, ({ option, index }) => `${question} ${index} ${option}`, newOption,
      (node, { option, index }) => fillOption(node, option, index, poll, shown));
    put(again, "aria-disabled", poll.revealed || second ? "true" : null);
    put(reveal, "aria-disabled", poll.revealed ? "true" : null);
    putText(reveal, poll.revealed ? "Revealed" : "Reveal");
  }

  go(what) {
    (what === "reveal" ? this.#parts.reveal : this.#parts.again).focus();
  }
}

const newOption = () => make("li", {},
  make("span", { class: "letter", "aria-hidden": "true" }),
  make("p", { class: "option" }),
  make("span", { class: "verdict" }),
  make("div", { class: "spreads" }));

function fillOption(node, option, index, poll, shown) {
  const [letter, text, verdict, spreads] = node.children;
  const right = poll.revealed && index === poll.answer;
  putText(letter, String.fromCharCode(65 + index));
  putMarked(text, option);
  putText(verdict, right ? "✓ right" : "");
  put(node, "class", right ? "right" : null);
  const rounds = shown ? poll.rounds.map((round, place) => ({ round, place })) : [];
  putEach(spreads, rounds, ({ place }) => place, newSpread, (spread, { round, place }) => {
    const [name, bar, number] = spread.children;
    const votes = round.counts[index] ?? 0;
    const share = votes / (round.voters || 1);
    putText(name, VOTES[place]);
    bar.style.setProperty("--share", share);
    putText(number.firstChild, `${votes}`);
    putText(number.lastChild, ` ${Math.round(100 * share)} %`);
    put(spread, "class", place === poll.rounds.length - 1 ? "spread last" : "spread");
  });
}

function fillTab(tab, { item }, { rounds, revealed }, selected) {
  const [number, votes] = tab.children;
  const { voters } = rounds.at(-1);
  putText(number, numberOf(item));
  putText(votes, `${revealed ? "✓" : ""}${voters}`);
  const words = `${numberOf(item)}, ${count(voters, "vote")}${revealed ? ", revealed" : ""}`;
  put(tab, "aria-label", words);
  put(tab, "aria-selected", selected ? "true" : "false");
  put(tab, "tabindex", selected ? 0 : -1);
}

const newSpread = () => make("div", {},
  make("span", { class: "vote" }), make("i", { class: "bar" }),
  make("span", { class: "votes" }, make("strong"), make("small")));

/** The panel with a tab for each prediction of the lesson, and the poll that fills the screen. */
export class Polls {
  #panel;
  #large;
  #screen = find("poll-screen");
  #lesson;
  #chosen = null; // the question that the instructor chose in this lesson; null: as the class goes
  #shown = null;
  #bars = false;
  #state;

  constructor(act) {
    const actions = make("div", { class: "poll-actions" });
    this.#panel = new Poll(find("poll"), actions, act);
    const large = make("button", { type: "button", class: "large", "aria-haspopup": "dialog" }, "Large");
    large.addEventListener("click", () => this.open());
    actions.append(large);
    find("poll").append(actions);
    this.#large = new Poll(find("poll-large"), find("poll-large-actions"), act);
    find("poll-before").addEventListener("click", () => this.#step(-1));
    find("poll-after").addEventListener("click", () => this.#step(1));
    find("poll-bars").addEventListener("click", () => this.toggleBars());
    find("poll-tabs").addEventListener("keydown", (event) => this.#key(event));
    addEventListener("resize", () => this.#fit());
  }

  update(state, lesson) {
    if (lesson.number !== this.#lesson?.number) this.#chosen = null;
    [this.#state, this.#lesson] = [state, lesson];
    const asked = predictions(lesson).filter(({ question }) => state.polls[question]);
    const step = asked.find(({ question }) => question === this.#chosen)
      ?? predictionOfMost(state, { ...lesson, steps: asked });
    this.#shown = step?.question ?? null;
    find("poll-tabs").hidden = find("poll").hidden = !step;
    find("no-polls").hidden = Boolean(step);
    putEach(find("poll-tabs"), asked, ({ question }) => question, (one) => this.#tab(one), (tab, one) => {
      fillTab(tab, one, state.polls[one.question], one === step);
    });
    if (!step) return this.#screen.close();
    const poll = state.polls[step.question];
    const present = here(state).length;
    this.#panel.update(step.question, poll, present, true);
    put(find("poll"), "aria-label", `Prediction ${numberOf(step.item)}`);
    if (!this.#screen.open) return;
    this.#large.update(step.question, poll, present, this.#bars);
    put(find("poll-bars"), "aria-pressed", this.#bars || poll.revealed ? "true" : "false");
    this.#fit();
  }

  /** Whether a prediction fills the screen. */
  get fillScreen() {
    return this.#screen.open;
  }

  /** Show a prediction; from then on this one, however the class goes on. */
  choose(question) {
    this.#chosen = question;
    this.update(this.#state, this.#lesson);
  }

  /**
   * Fill the screen with the prediction. Its bars are hidden at first: a class that has seen the
   * spread may follow the majority when it votes again.
   * https://lse.ascb.org/evidence-based-teaching-guides/peer-instruction/instructional-interactions/
   */
  open() {
    if (!this.#shown || this.#screen.open) return;
    this.#bars = false;
    this.#chosen = this.#shown;
    this.#screen.showModal();
    this.update(this.#state, this.#lesson);
  }

  toggleBars() {
    this.#bars = !this.#bars;
    this.update(this.#state, this.#lesson);
  }

  /** Go to the button Reveal or Vote again of the poll that is in front. */
  go(what) {
    if (this.#shown) (this.#screen.open ? this.#large : this.#panel).go(what);
  }

  /** A key while the prediction fills the screen; true if it was one of ours. */
  key(key) {
    if (key === "ArrowLeft") this.#step(-1);
    else if (key === "ArrowRight") this.#step(1);
    else if (key === "b") this.toggleBars();
    else return false;
    return true;
  }

  #tab({ question }) {
    const tab = make("button", { type: "button", role: "tab", "aria-controls": "poll" },
      make("span"), make("small"));
    tab.addEventListener("click", () => this.choose(question));
    return tab;
  }

  #step(by) {
    const asked = predictions(this.#lesson);
    const next = asked[asked.findIndex(({ question }) => question === this.#shown) + by];
    if (!next) return;
    this.#bars = false;
    this.choose(next.question);
  }

  #key(event) {
    const tabs = [...find("poll-tabs").children];
    const at = tabs.indexOf(event.target.closest("[role=tab]"));
    const to = {
      ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const tab = tabs[(to + tabs.length) % tabs.length];
    tab.focus();
    tab.click();
  }

  /** As large as the screen lets the prediction be. */
  #fit() {
    const box = find("poll-large");
    if (!this.#screen.open) return;
    for (let size = 1; size >= 0.4; size -= 0.05) {
      box.style.setProperty("--size", size);
      if (box.scrollHeight <= box.clientHeight) return;
    }
  }
}
