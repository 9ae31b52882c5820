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
  const place = make("input", { type: "number", min: 0, value: 0 });
  const where = labelled("at", place);
  const limit = make("span", { class: "course-dim" });
  const run = button({ class: "course-do" }, "Tamper and read");
  const status = speaker();
  const tried = make("div", { class: "course-scroll" });
  where.append(limit);

  const chosen = () => view.parts[part.value].changes[change.value];
  const limits = () => {
    const { places } = chosen();
    where.hidden = places < 2;
    place.max = places - 1;
    place.value = Math.min(place.value, places - 1);
    limit.textContent = `of 0 to ${places - 1}`;
  };
  const changes = () => {
    const { changes } = view.parts[part.value];
    change.replaceChildren(...changes.map((each, at) => option(at, each.how)));
    limits();
  };
  part.addEventListener("change", changes);
  change.addEventListener("change", limits);
  run.addEventListener("click", () => {
    status.textContent = "…";
    ask({ number: chosen().number, place: Number(place.value) || 0 });
  });
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
    tried.replaceChildren(drawTable(columns, cells));
  };
}
