// The tamper lab: a part and a change to choose, where in it, and the rows of what was tried.

let inputs = 0;

/** An input with its name in front; the name holds no more than its words. */
function labelled(words, input) {
  input.id = `tamper-${(inputs += 1)}`;
  return make("span", { class: "course-input" }, make("label", { for: input.id }, words), input);
}

function start({ box, view, ask }) {
  const option = (value, words) => make("option", { value }, words);
  const part = make("select", {}, ...view.parts.map((each, at) => option(at, each.name)));
  const change = make("select", {});
  const place = make("input", { type: "number", min: 0, step: 1, value: 0, required: "" });
  const where = labelled("at", place);
  const limit = make("span", { class: "course-dim", id: `${place.id}-limit` });
  const run = button({ class: "course-do" }, "Tamper and read");
  const status = speaker();
  const tried = make("div", { class: "course-scroll" });
  place.setAttribute("aria-describedby", limit.id);
  where.append(limit);

  const chosen = () => view.parts[part.value].changes[change.value];
  const limits = () => {
    const { places } = chosen();
    where.hidden = places < 2;
    place.max = places - 1;
    limit.textContent = `0 to ${places - 1}`;
    judge();
  };
  /** Whether the place is one that there is. What was typed stays as it is. */
  const judge = () => {
    const right = where.hidden || place.checkValidity();
    place.setAttribute("aria-invalid", !right);
    return right;
  };
  const changes = () => {
    const { changes } = view.parts[part.value];
    change.replaceChildren(...changes.map((each, at) => option(at, each.how)));
    limits();
  };
  const go = () => {
    if (!judge()) {
      status.textContent = `Type a whole number, ${limit.textContent}.`;
      return place.focus();
    }
    status.textContent = "…";
    ask({ number: chosen().number, place: where.hidden ? 0 : Number(place.value) });
  };
  part.addEventListener("change", changes);
  change.addEventListener("change", limits);
  place.addEventListener("input", judge);
  place.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.altKey) go();
  });
  run.addEventListener("click", go);
  changes();
  const choice = make("div", { class: "course-choice" });
  choice.append(labelled("Change", part), labelled("by", change), where, run);
  box.append(
    make(
      "div",
      { class: "course-card question" },
      make("strong", {}, view.title),
      " Who notices?",
      choice,
      status,
    ),
    tried,
  );

  return ({ columns, rows, said }) => {
    status.textContent = said;
    if (!rows.length) return tried.replaceChildren();
    const cells = rows.map((row) =>
      columns.map((column) => {
        if (column === "who notices") return chip(row.kind, row[column]);
        const code = column === "before" || column === "after";
        return code ? make("code", {}, row[column]) : row[column];
      }),
    );
    const table = drawTable(columns, cells);
    table.classList.add("course-tried");
    tried.replaceChildren(table);
  };
}
