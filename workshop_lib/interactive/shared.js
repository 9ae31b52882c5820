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

/** A long word of AWS's may go on in the next line behind each of its underscores. */
function chip(kind, word) {
  const parts = word.split(/(?<=_)/).flatMap((part) => [part, make("wbr", {})]);
  return make("span", { class: `course-chip ${kind || "neutral"}` }, ...parts.slice(0, -1));
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

/** Make buttons one stop of the Tab key: arrows go from one to the next, Home and End to the ends of
 * the row, with Ctrl to the first and the last of all. `width` is how many stand in a row, `rowOf`
 * gives the buttons of a row where not all have as many.
 * https://www.w3.org/WAI/ARIA/apg/patterns/grid/ */
function oneStop(group, buttons, width, rowOf) {
  const stopAt = (stop) => buttons.forEach((each) => (each.tabIndex = each === stop ? 0 : -1));
  const inRows = (at) => buttons.slice(at - (at % width())).slice(0, width());
  stopAt(buttons[0]);
  group.addEventListener("focusin", (event) => {
    if (buttons.includes(event.target)) stopAt(event.target);
  });
  group.addEventListener("keydown", (event) => {
    const { key, ctrlKey, metaKey, altKey } = event;
    const at = buttons.indexOf(event.target);
    const ends = key === "Home" || key === "End";
    if (at < 0 || metaKey || altKey || (ctrlKey && !ends)) return;
    const [down, right] = MOVES[key] ?? [0, 0];
    let to = buttons[at + down * width() + right];
    if (ends) to = (ctrlKey ? buttons : (rowOf ?? inRows)(at)).at(key === "Home" ? 0 : -1);
    if (!to || to === event.target) return;
    event.preventDefault();
    to.focus();
  });
}

const AGAIN = "run the cells above again, and then this one.";

function render({ model, el }) {
  const box = make("div", { class: "course course-live" });
  const kernel = watchKernel(model, box, AGAIN);
  const trouble = make("div", { role: "alert", class: "course-trouble" });
  box.append(trouble);
  el.append(box);
  const ask = (what) => {
    if (!kernel.asks()) return show(model.get("view"));
    model.set("asked", { ...what, serial: (model.get("asked").serial ?? 0) + 1 });
    model.save_changes();
  };
  const show = start({ box, view: model.get("view"), ask });
  const told = () => {
    const view = model.get("view");
    if ((view.serial ?? 0) < (model.get("asked").serial ?? 0)) return; // a later answer comes
    kernel.answered();
    trouble.textContent = model.get("trouble") ?? "";
    show(view);
  };
  const answered = () => {
    told();
    if (trouble.textContent) bringIntoView(trouble);
  };
  told();
  model.on("change:view", answered);
  const freeKeys = keepKeys(box);
  return () => {
    freeKeys();
    kernel.leave();
    model.off("change:view", answered);
  };
}

export default { render };

// --- the form -------------------------------------------------------------------------------
