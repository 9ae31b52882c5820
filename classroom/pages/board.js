// The instructor's board: what the server tells of the class is drawn, what is pressed is asked.

import { changed, empty, hands, here, lessonOfMost } from "./board/class_state.js";
import { Dialogs } from "./board/dialogs.js";
import { count, find, make, putEach, putText } from "./board/dom.js";
import { Grid } from "./board/grid.js";
import { Link, Refused } from "./board/link.js";
import { Hands, Plan, showStuck, time } from "./board/panels.js";
import { Polls } from "./board/polls.js";
import { kept, keep } from "./board/settings.js";

const NO_LESSON = { number: null, title: "", steps: [] };

let state = empty();
let ahead = 0; // milliseconds by which the server's clock is ahead of this one
let chosen = null; // the number of the lesson that the instructor chose; null: where most are
let most = null; // the number of that lesson; it stays while a prediction of it fills the screen
let lost = null; // since when there is no link

const link = new Link(secret(), take, report);
const polls = new Polls((what, question) => ask(what, { question }));
const grid = new Grid((question) => polls.choose(question));
const raised = new Hands((learner) => ask("hand-down", { learner }));
const plan = new Plan((body) => ask("plan", body));
const dialogs = new Dialogs({
  polls, grid, hands: raised, plan,
  forget: (confirm) => ask("forget", { confirm }),
});

find("order").value = kept("order", "name");
find("order").addEventListener("change", () => {
  keep("order", find("order").value);
  draw();
});
find("lesson").addEventListener("change", () => {
  chosen = find("lesson").value || null;
  draw();
});
find("names").addEventListener("change", () => ask("names", { shown: find("names").checked }));

link.follow();
setInterval(draw, 1000);

/** The board's secret, which does not stay in the address: that is on the projector. */
function secret() {
  const found = decodeURIComponent(location.hash.slice(1)).replace(/^secret=/, "");
  if (found) history.replaceState(null, "", location.pathname + location.search);
  return found;
}

function take(kind, news) {
  const before = state;
  if (kind === "state") state = { ...empty(), ...news };
  else if (kind === "change") state = changed(state, news);
  else return;
  if (news.class?.now) ahead = Date.parse(news.class.now) - Date.now();
  if (before.class) say(before);
  draw();
}

/** Say to who does not see it whose hands have come up. */
function say(before) {
  const up = hands(state).filter(([id]) => !before.learners[id]?.hand).map(([, { name }]) => name);
  if (up.length) putText(find("said"), `${count(up.length, "hand")} up: ${up.join(", ")}.`);
}

function report(how) {
  document.body.dataset.link = how;
  if (how === "lost") lost ??= Date.now();
  else lost = null;
  if (how === "live") putText(find("error"), "");
  draw();
}

function drawLink() {
  const words = {
    closed: "This page has no session. Open the board by the link that the class server printed.",
    lost: state.class
      ? `The connection to the class server is lost, since ${time(lost)}. `
        + "What you see is of then. Trying again …"
      : "The class server does not answer. Trying again …",
  };
  putText(find("lost"), words[document.body.dataset.link] ?? "");
}

function draw() {
  drawLink();
  if (!state.class) return;
  const now = Date.now() + ahead;
  const { title, address, code, names } = state.class;
  const present = here(state).length;
  const everyone = Object.keys(state.learners).length;
  putText(find("title"), title);
  document.title = `${title} · board`;
  putText(find("head-address"), address.replace(/^https?:\/\//, "").replace(/\/$/, ""));
  putText(find("join-address"), address.replace(/\/$/, ""));
  find("join-address").style.setProperty("--letters", address.length);
  putText(find("head-code"), code);
  putText(find("join-code"), code);
  find("join-code").style.setProperty("--letters", code.length);
  dialogs.drawAddress(address);
  putText(find("here"), `${present}`);
  putText(find("here-of"), everyone > present ? `of ${everyone} here` : "here");
  putText(find("join-here"), `${count(present, "learner")} here`);
  putText(find("clock"), time(Date.now()));
  find("names").checked = names;

  if (!most || !polls.fillScreen) most = lessonOfMost(state, most);
  const shown = state.lessons.find(({ number }) => number === (chosen ?? most)) ?? NO_LESSON;
  drawLessons();
  find("nobody").hidden = everyone > 0;
  find("grid-scroll").hidden = everyone === 0;
  grid.update(state, shown, find("order").value, now);
  polls.update(state, shown);
  raised.update(state, now);
  showStuck(state, shown);
  plan.update(state, now);
}

function drawLessons() {
  const named = ({ number, title }) => ({ value: number, words: `${number} ${title}` });
  const there = state.lessons.find(({ number }) => number === most);
  const choices = [
    { value: "", words: there ? `${named(there).words} · where most are` : "none" },
    ...state.lessons.map(named),
  ];
  putEach(find("lesson"), choices, ({ value }) => value, ({ value }) => make("option", { value }),
    (node, { words }) => putText(node, words));
}

async function ask(path, body) {
  try {
    await link.ask(path, body);
    putText(find("error"), "");
  } catch (error) {
    putText(find("error"), error instanceof Refused ? error.message
      : "The class server did not answer. Try it again when the board is connected.");
    draw();  // What the server refused to change is as it was.
  }
}
