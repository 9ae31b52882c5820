// What the board knows of the class, and what follows from it. No page.

const QUIET = 8; // minutes without an event: longer than an exercise takes between two tries
const STUCK = 3; // failed tries of one exercise

const collator = new Intl.Collator(undefined, { numeric: true });
const minute = 60_000;

export const empty = () => ({ class: null, plans: [], lessons: [], learners: {}, polls: {}, stuck: [] });

/** The state with what is new; learners and polls come singly, and null means forgotten. */
export function changed(state, news) {
  const next = { ...state, ...news };
  for (const many of ["learners", "polls"]) {
    next[many] = { ...state[many], ...news[many] };
    for (const [key, value] of Object.entries(next[many])) if (value === null) delete next[many][key];
  }
  return next;
}

export const numberOf = (item) => item.slice(item.indexOf(" ") + 1); // "5.3" of "predict 5.3"

const minutesSince = (time, now) => Math.max(0, Math.floor((now - Date.parse(time)) / minute));

export const here = (state) => Object.values(state.learners).filter((learner) => learner.here);

/**
 * The number of the lesson where most are (of those who are here, if anybody is). Where as many
 * are in another one: `current`, or else the first of them.
 */
export function lessonOfMost(state, current) {
  const counts = new Map(state.lessons.map(({ number }) => [number, 0]));
  const present = here(state);
  for (const { lesson } of present.length ? present : Object.values(state.learners)) {
    if (counts.has(lesson)) counts.set(lesson, counts.get(lesson) + 1);
  }
  const most = Math.max(...counts.values());
  if (counts.get(current) === most) return current;
  return [...counts.keys()].find((number) => counts.get(number) === most) ?? null;
}

/** Who has a hand up, the longest first: [id, learner]. */
export function hands(state) {
  return Object.entries(state.learners)
    .filter(([, { hand }]) => hand)
    .sort(([, one], [, other]) => Date.parse(one.hand) - Date.parse(other.hand));
}

/**
 * How it goes for a learner in a lesson: {kind, words}. `kind` is "hand", "away", "elsewhere",
 * "stuck", "quiet", "done" or "" (at work: nothing to say).
 */
export function condition(learner, lesson, now) {
  if (learner.hand) return { kind: "hand", words: `hand ${ago(learner.hand, now)}` };
  if (!learner.here) return { kind: "away", words: "away" };
  if (learner.lesson && learner.lesson !== lesson.number) {
    return { kind: "elsewhere", words: `in ${learner.lesson}` };
  }
  const tries = Object.entries(learner.tries ?? {}).filter(
    ([item, times]) => times >= STUCK && lesson.steps.some((step) => step.item === item),
  );
  if (tries.length) return { kind: "stuck", words: `stuck in ${numberOf(tries.at(-1)[0])}` };
  if (lesson.steps.length && lesson.steps.every(({ item }) => isDone(learner.done[item]))) {
    return { kind: "done", words: "done" };
  }
  const quiet = minutesSince(learner.active ?? learner.joined, now);
  return quiet >= QUIET ? { kind: "quiet", words: `quiet ${quiet} min` } : { kind: "", words: "" };
}

const DONE = new Set(["chosen", "right", "wrong", "passed"]);

export const isDone = (outcome) => DONE.has(outcome);

/** How long ago: "now", "3 min". */
export function ago(time, now) {
  const minutes = minutesSince(time, now);
  return minutes ? `${minutes} min` : "now";
}

const NEED = ["hand", "stuck", "quiet", "", "elsewhere", "done", "away"];

/** The learners as [id, learner, condition] in the order "name", "far" or "help". */
export function ordered(state, lesson, order, now) {
  const rows = Object.entries(state.learners).map(([id, learner]) => ({
    id,
    learner,
    condition: condition(learner, lesson, now),
    far: lesson.steps.findLastIndex(({ item }) => isDone(learner.done[item])),
  }));
  const by = {
    name: () => 0,
    far: (one, other) => other.far - one.far,
    help: (one, other) => NEED.indexOf(one.condition.kind) - NEED.indexOf(other.condition.kind),
  }[order];
  return rows.sort((one, other) =>
    other.learner.here - one.learner.here
    || by(one, other)
    || collator.compare(one.learner.name, other.learner.name)
    || (one.id < other.id ? -1 : 1));
}

/** Of a step: how many did it, by outcome. */
export function tally(state, item) {
  const counts = { chosen: 0, right: 0, wrong: 0, passed: 0, failed: 0, seen: 0 };
  for (const { done } of Object.values(state.learners)) {
    if (done[item] in counts) counts[done[item]] += 1;
  }
  return counts;
}

/**
 * The prediction that the class is at: of those that half of the learners in the lesson have
 * answered the last one, else the first that anybody has, else the first. Null if there is none.
 */
export function predictionOfMost(state, lesson) {
  const asked = predictions(lesson);
  const many = here(state).filter((learner) => learner.lesson === lesson.number).length / 2;
  const voters = ({ question }) => state.polls[question]?.rounds[0]?.voters ?? 0;
  return asked.findLast((step) => voters(step) && voters(step) >= many)
    ?? asked.find(voters) ?? asked[0] ?? null;
}

export const predictions = (lesson) =>
  lesson.steps.filter(({ kind, question }) => kind === "predict" && question);

/** Where the plan stands: times in milliseconds, `left` in minutes (below 0: over). */
export function planAt(plan, now) {
  const total = plan.sections.reduce((sum, { minutes }) => sum + minutes, 0);
  const at = plan.section;
  if (at === null || at === undefined || !plan.started) return { at: null, total };
  if (at >= plan.sections.length) return { at, total, over: true };
  const since = Date.parse(plan.since ?? plan.started);
  const left = plan.sections[at].minutes - (now - since) / minute;
  // When each later section begins, if this one ends as planned (or now, if it is over).
  const begins = [];
  let time = now + Math.max(0, left) * minute;
  for (let index = at + 1; index < plan.sections.length; index += 1) {
    begins[index] = time;
    time += plan.sections[index].minutes * minute;
  }
  const late = Math.trunc((time - Date.parse(plan.started)) / minute - total);
  return { at, total, left, begins, ends: time, late, next: plan.sections[at + 1] ?? null };
}

/** "12 min left", "4 min over". */
export function leftInWords(left) {
  if (left >= 1) return `${Math.ceil(left)} min left`;
  if (left > 0) return "less than 1 min left";
  return left > -1 ? "time is up" : `${Math.floor(-left)} min over`;
}
