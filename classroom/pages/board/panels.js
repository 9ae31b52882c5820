// The smaller panels: hands up, where most are stuck, the plan and its time.

import { ago, hands, leftInWords, numberOf, planAt } from "./class_state.js";
import { count, find, make, picture, put, putEach, putMarked, putText } from "./dom.js";

/** time: a point in time as the reader's clock says it. */
export const time = (at) => new Date(at).toLocaleTimeString([], {
  hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});

/** Hands up, the longest first. lower(id): called when one is done. */
export class Hands {
  #lower;

  constructor(lower) {
    this.#lower = lower;
  }

  update(state, now) {
    const up = hands(state);
    const list = find("hands");
    const focused = list.contains(document.activeElement);
    putEach(list, up, ([id]) => id, ([id]) => this.#row(id), (row, [, learner]) => {
      const [, name, since, done] = row.children;
      putText(name, learner.name);
      putText(since, ago(learner.hand, now));
      put(done, "aria-label", `Done: ${learner.name}`);
    });
    putText(find("hands-count"), up.length ? `${up.length}` : "");
    find("no-hands").hidden = up.length > 0;
    // Whoever has just pressed Done goes on with the next.
    if (focused && !list.contains(document.activeElement)) this.focus();
  }

  focus() {
    (find("hands").querySelector("button") ?? find("hands-title")).focus();
  }

  #row(id) {
    const done = make("button", { type: "button" }, "Done");
    done.addEventListener("click", () => this.#lower(id));
    return make("li", {}, picture("hand"), make("strong", { class: "name" }),
      make("span", { class: "dim" }), done);
  }
}

/** Where most are stuck in the exercises of a lesson, in the course's words. */
export function showStuck(state, lesson) {
  const items = new Set(lesson.steps.map(({ item }) => item));
  const stuck = state.stuck.filter(({ item, learners }) => learners > 0 && items.has(item))
    .sort((one, other) => other.learners - one.learners);
  const most = Math.max(1, ...stuck.map(({ learners }) => learners));
  putEach(find("stuck"), stuck, ({ item, condition }) => `${item} ${condition}`,
    () => make("li", {}, make("strong"), make("p"), make("i", { class: "bar" }),
      make("span", { class: "dim" })),
    (row, { item, text, learners }) => {
      const [number, words, bar, many] = row.children;
      putText(number, numberOf(item));
      putMarked(words, text || "A condition that has no words of its own.");
      bar.style.setProperty("--share", learners / most);
      putText(many, count(learners, "learner"));
    });
  find("no-stuck").hidden = stuck.length > 0;
}

/** The plan. change(body): asks the server for a plan, or for a section of it. */
export class Plan {
  #change;
  #plans = make("select", { "aria-label": "Plan" });
  #choose = make("div", { class: "plan-choose" });
  #buttons = {};
  #list = make("ol", { class: "sections" });
  #ends = make("p", { class: "dim" });
  #run = make("div", { class: "buttons" });
  #plan = null;

  constructor(change) {
    this.#change = change;
    const button = (words, press) => {
      const node = make("button", { type: "button" }, words);
      node.addEventListener("click", press);
      return node;
    };
    const go = (by) => () => {
      this.#change({ plan: this.#plan.name, section: (this.#plan.section ?? -1) + by });
    };
    this.#buttons = {
      choose: button("Choose", () => this.#change({ plan: this.#plans.value, section: null })),
      next: button("Start", go(1)),
      back: button("Back", go(-1)),
      end: button("Another plan", () => this.#change({ plan: null, section: null })),
    };
    const { choose, next, back, end } = this.#buttons;
    put(next, "class", "primary");
    this.#choose.append(this.#plans, choose);
    this.#run.append(next, back, end);
    find("plan").append(this.#choose, this.#list, this.#ends, this.#run);
  }

  focus() {
    (this.#plan ? this.#buttons.next : this.#plans).focus();
  }

  update(state, now) {
    const plan = state.class.plan ?? null;
    this.#plan = plan;
    putEach(this.#plans, state.plans, ({ name }) => name,
      ({ name }) => make("option", { value: name }), (node, { title }) => putText(node, title));
    this.#choose.hidden = Boolean(plan) || !state.plans.length;
    this.#list.hidden = this.#run.hidden = this.#ends.hidden = !plan;
    const at = plan ? planAt(plan, now) : null;
    if (plan) this.#draw(plan, at, now);
    showNow(plan, at);
  }

  #draw(plan, at, now) {
    const sections = plan.sections.map((section, index) => ({ section, index }));
    putEach(this.#list, sections, ({ section, index }) => `${plan.name} ${index} ${section.title}`,
      () => make("li", {}, make("span", { class: "dim" }), make("span", { class: "title" }),
        make("span", { class: "left" }), make("i", { class: "bar" })),
      (row, { section, index }) => {
        const [begins, title, left, bar] = row.children;
        const current = index === at.at;
        put(row, "aria-current", current ? "step" : null);
        const past = at.at !== null && index < at.at;
        const begin = current ? plan.since : at.begins?.[index];
        put(row, "class", past ? "past" : current && at.left <= 0 ? "over" : null);
        putText(begins, begin ? time(begin) : "");
        putText(title, section.title);
        putText(left, current ? leftInWords(at.left) : `${section.minutes} min`);
        bar.hidden = !current;
        const gone = current ? 1 - at.left / section.minutes : 0;
        bar.style.setProperty("--share", Math.min(1, Math.max(0, gone)));
      });
    const { next, back } = this.#buttons;
    const last = at.at === plan.sections.length - 1;
    putText(next, at.at === null ? "Start" : last ? "End" : "Next");
    next.hidden = Boolean(at.over);
    back.hidden = !at.at;
    let ends = `${plan.title}: ${at.total} min`;
    if (at.ends) ends = `Ends ${time(at.ends)}${late(at.late)}`;
    else if (at.over) ends = `${plan.title}: all done, after ${ago(plan.started, now)}`;
    putText(this.#ends, ends);
  }
}

function late(minutes) {
  if (!minutes) return ", as planned";
  return `, ${Math.abs(minutes)} min ${minutes > 0 ? "later" : "earlier"} than planned`;
}

/** The line of the head: the section, what is left of it, what is next. */
function showNow(plan, at) {
  const line = find("now-by-plan");
  let parts = ["", "", ""];
  if (at && at.at !== null && !at.over) {
    const next = at.next ? `next: ${at.next.title}` : "the last section";
    parts = [leftInWords(at.left), plan.sections[at.at].title, next];
  } else if (plan) {
    parts = [at.over ? "all done" : "not started yet", plan.title, ""];
  }
  putEach(line, parts.map((words, index) => ({ words, index })).filter(({ words }) => words),
    ({ index }) => index, ({ index }) => make(index === 0 ? "strong" : "span"),
    (node, { words }) => putText(node, words));
  put(line, "class", at?.left <= 0 ? "over" : null);
}
