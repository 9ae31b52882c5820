// What every form's script stands on; `live.py` puts it in front of that. The script defines
// start({ box, view, ask }): it draws into `box` once, and returns what shows a view from then on.
// `ask` tells Python what the learner did; the answer comes as a new view. Words are put in as
// text, never as HTML.

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function button(attributes, ...children) {
  return make("button", { type: "button", ...attributes }, ...children);
}

function chip(kind, word) {
  return make("span", { class: `course-chip ${kind || "neutral"}` }, word);
}

/** Where a screen reader hears what happened: there from the start, it speaks what changes. */
function speaker() {
  return make("div", { role: "status", class: "course-status" });
}

/** A table whose cells carry their column's name, for narrow pages, where it stands as blocks. */
function drawTable(columns, rows) {
  const head = make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)));
  const body = rows.map((cells) =>
    make(
      "tr",
      {},
      ...cells.map((cell, place) =>
        place === 0
          ? make("th", { scope: "row" }, cell)
          : make("td", { "data-name": columns[place] }, cell),
      ),
    ),
  );
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
}

const MOVES = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

/** Make buttons one stop of the Tab key: arrows go from one to the next. `width` is how many stand
 * in a row; Home and End go to the first and the last. */
function oneStop(group, buttons, width) {
  const stopAt = (stop) => buttons.forEach((each) => (each.tabIndex = each === stop ? 0 : -1));
  stopAt(buttons[0]);
  group.addEventListener("focusin", (event) => {
    if (buttons.includes(event.target)) stopAt(event.target);
  });
  group.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = buttons.indexOf(event.target);
    if (at < 0) return;
    const [down, right] = MOVES[event.key] ?? [0, 0];
    let to = at + down * width() + right;
    if (event.key === "Home") to = 0;
    if (event.key === "End") to = buttons.length - 1;
    if (to === at || !buttons[to]) return;
    event.preventDefault();
    buttons[to].focus();
  });
}

function render({ model, el }) {
  const box = make("div", { class: "course course-live" });
  el.append(box);
  const ask = (what) => {
    model.set("asked", { ...what, serial: (model.get("asked").serial ?? 0) + 1 });
    model.save_changes();
  };
  const show = start({ box, view: model.get("view"), ask });
  const told = () => show(model.get("view"));
  told();
  model.on("change:view", told);
  const freeKeys = keepKeys(box);
  return () => {
    freeKeys();
    model.off("change:view", told);
  };
}

export default { render };

// --- the form -------------------------------------------------------------------------------
