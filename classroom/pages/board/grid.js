// Learners × steps: a table that is a grid, one stop for Tab and the arrows within.

import { ago, numberOf, ordered, tally } from "./class_state.js";
import { find, make, picture, plain, put, putEach, putText } from "./dom.js";

const KINDS = { predict: "prediction", check: "exercise", quiz: "quiz" };
const SHORT = { predict: "pred", check: "ex", quiz: "quiz" };
const SYMBOLS = { chosen: "●", right: "✓", wrong: "✕", seen: "○", passed: "✓", failed: "!" };
const BEFORE = { stuck: "! ", elsewhere: "→ ", done: "✓ " };
const ALL_IN_SIGHT = 42; // rows that are drawn as high as the screen lets all of them be
const PAGE = 10; // rows that Page up and Page down pass

/** show(question): called when the heading of a prediction is pressed. */
export class Grid {
  #table = find("grid");
  #show;
  #lesson; // the one drawn, and the same as one text
  #drawn = "";
  #rows = new WeakMap(); // of a row of the table: what it shows
  #state;
  #now;
  #stop; // the cell that Tab comes to

  constructor(show) {
    this.#show = show;
    const [head, body] = [make("thead"), make("tbody")];
    this.#table.append(head, body);
    this.#table.addEventListener("keydown", (event) => this.#key(event));
    this.#table.addEventListener("focusin", (event) => this.#stopAt(event.target.closest("th, td")));
    this.#table.addEventListener("mousedown", (event) => this.#go(event.target.closest("th, td")));
    for (const type of ["focusin", "mouseover"]) {
      this.#table.addEventListener(type, (event) => this.#tell(event.target.closest("th, td")));
    }
    for (const type of ["focusout", "mouseleave"]) {
      this.#table.addEventListener(type, () => putText(find("told"), ""));
    }
  }

  /** Draw what has changed. */
  update(state, lesson, order, now) {
    const drawn = JSON.stringify([lesson.number, lesson.steps]);
    [this.#state, this.#lesson, this.#now] = [state, lesson, now];
    if (this.#drawn !== drawn) this.#begin(lesson);
    this.#drawn = drawn;
    const rows = ordered(state, lesson, order, now);
    const [head, body] = this.#table.children;
    this.#table.style.setProperty("--rows", rows.length > ALL_IN_SIGHT ? 32 : rows.length);
    this.#table.style.setProperty("--columns", lesson.steps.length);
    this.#sum(head.rows[1], rows.length);
    putEach(body, rows, ({ id }) => id, () => this.#row(), (node, row) => this.#fill(node, row));
    if (!this.#stop?.isConnected) this.#stopAt(body.rows[0]?.cells[0] ?? head.rows[0].cells[0]);
  }

  focus() {
    target(this.#stop).focus();
  }

  /** A new lesson: other columns. */
  #begin(lesson) {
    const focused = this.#table.contains(document.activeElement);
    const [head, body] = this.#table.children;
    putEach(body, [], () => null);
    head.replaceChildren(
      make("tr", {}, make("th", { scope: "col", class: "name" }, "learner"),
        make("th", { scope: "col", class: "condition" }, "how it goes"),
        ...lesson.steps.map((step) => this.#heading(step))),
      make("tr", { class: "all" }, make("th", { scope: "row", class: "name" }),
        make("td", { class: "condition" }),
        ...lesson.steps.map(() => make("td", {}, make("span"), make("i", { class: "share" })))),
    );
    if (focused) this.#go(head.rows[0].cells[0]);
  }

  #heading({ kind, item, question }) {
    const words = [
      make("span", { "aria-hidden": "true" }, make("small", {}, SHORT[kind]), numberOf(item)),
      make("span", { class: "unseen" }, `${KINDS[kind]} ${numberOf(item)}`),
    ];
    const cell = make("th", { scope: "col", class: kind });
    if (kind === "predict" && question) {
      const button = make("button", { type: "button", tabindex: -1 }, ...words);
      button.addEventListener("click", () => this.#show(question));
      cell.append(button);
    } else {
      cell.append(...words);
    }
    return cell;
  }

  #row() {
    return make("tr", {}, make("th", { scope: "row", class: "name" }),
      make("td", { class: "condition" }), ...this.#lesson.steps.map(() => make("td")));
  }

  #fill(node, row) {
    const { learner, condition: { kind, words } } = row;
    this.#rows.set(node, row);
    const [name, condition, ...cells] = node.cells;
    put(node, "class", kind || null);
    putText(name, learner.name);
    if (condition.dataset.drawn !== kind + words) {
      condition.dataset.drawn = kind + words;
      const before = kind === "hand" ? picture("hand") : BEFORE[kind] ?? "";
      condition.replaceChildren(make("span", { "aria-hidden": "true" }, before), words);
    }
    this.#lesson.steps.forEach(({ item }, index) => {
      const outcome = learner.done[item] ?? "";
      if (cells[index].className === outcome) return;
      cells[index].className = outcome;
      put(cells[index], "aria-label", outcome || null);
      putText(cells[index], SYMBOLS[outcome] ?? "");
    });
  }

  #sum(row, everyone) {
    const [name, , ...cells] = row.cells;
    putText(name, `all ${everyone}`);
    this.#lesson.steps.forEach(({ item }, index) => {
      const { good, bad, chosen, words } = this.#tally(item);
      const [number, share] = cells[index].children;
      const done = good + bad + chosen;
      putText(number, done ? `${done}` : "");
      const parts = { good, bad: good + bad, chosen: done };
      for (const [part, sum] of Object.entries(parts)) {
        share.style.setProperty(`--${part}`, `${(100 * sum) / (everyone || 1)}%`);
      }
      put(cells[index], "aria-label", words);
    });
  }

  #tally(item) {
    const { chosen, right, wrong, passed, failed } = tally(this.#state, item);
    if (item.startsWith("check")) {
      return { good: passed, bad: failed, chosen, words: `${passed} passed, ${failed} not yet` };
    }
    const words = [`${right} right, ${wrong} wrong`, `${chosen} chosen`];
    return { good: right, bad: wrong, chosen, words: words[chosen ? 1 : 0] };
  }

  /** Say in a line what a cell is about. */
  #tell(cell) {
    if (!cell) return;
    const step = this.#lesson.steps[cell.cellIndex - 2];
    const row = this.#rows.get(cell.parentElement);
    const who = row ? row.learner.name : "";
    let words = "";
    if (step) {
      const label = `${KINDS[step.kind]} ${numberOf(step.item)}`;
      const outcome = row ? row.learner.done[step.item] ?? "not yet" : this.#tally(step.item).words;
      const tries = row?.learner.tries?.[step.item];
      words = [who, `${label}: ${outcome}${tries > 1 ? ` (${tries} tries)` : ""}`, plain(step.title)]
        .filter(Boolean).join(" · ");
    } else if (row) {
      const { active, joined } = row.learner;
      const last = active ? ago(active, this.#now) : "none yet";
      words = `${who} · joined: ${ago(joined, this.#now)} · last step: ${last}`;
    }
    putText(find("told"), words);
  }

  #stopAt(cell) {
    if (!cell || cell === this.#stop) return;
    if (this.#stop) put(target(this.#stop), "tabindex", -1);
    this.#stop = cell;
    put(target(cell), "tabindex", 0);
  }

  #go(cell) {
    this.#stopAt(cell);
    this.focus();
  }

  #key(event) {
    const from = event.target.closest("th, td");
    if (!from || event.altKey || event.metaKey) return;
    const rows = [...this.#table.rows];
    const [row, column] = [rows.indexOf(from.parentElement), from.cellIndex];
    const [lastRow, lastColumn] = [rows.length - 1, from.parentElement.cells.length - 1];
    const to = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      PageUp: [row - PAGE, column],
      PageDown: [row + PAGE, column],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: [event.ctrlKey ? lastRow : row, lastColumn],
    }[event.key];
    if (!to) return;
    event.preventDefault();
    const within = (index, last) => Math.min(Math.max(index, 0), last);
    this.#go(rows[within(to[0], lastRow)].cells[within(to[1], lastColumn)]);
  }
}

/** What of a cell takes the focus. */
const target = (cell) => cell?.querySelector("button") ?? cell;
