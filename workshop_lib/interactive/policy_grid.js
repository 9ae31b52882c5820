// The policy grid: a click on a cell says allowed, a second one refused, a third nothing again.

const STATES = ["", "allowed", "refused"];
const WORDS = { "": "?", allowed: "✓ allowed", refused: "✕ refused" };

function start({ box, view, ask }) {
  const { rows, columns } = view;
  const predicted = rows.map(() => columns.map(() => ""));
  let outcomes = [];
  const cells = [];
  const draw = (row, column) => {
    const cell = cells[row * columns.length + column];
    const mine = predicted[row][column];
    const [outcome, code] = outcomes[row]?.[column] ?? ["", ""];
    const wrong = outcome && mine && mine !== outcome;
    cell.className = `course-cell ${outcome || mine}${wrong ? " missed" : ""}`;
    const said = mine ? `you said ${mine}` : "you said nothing";
    cell.replaceChildren(outcome ? WORDS[outcome] : WORDS[mine]);
    if (wrong) cell.append(make("small", {}, said));
    const state = outcome
      ? `${outcome}${code ? `, ${code}` : ""}; ${said}`
      : mine
        ? `you predict ${mine}`
        : "nothing predicted";
    cell.setAttribute("aria-label", `${rows[row]}, ${columns[column]}: ${state}`);
    cell.title = outcome ? code : "";
  };
  const trows = rows.map((name, row) => {
    const tds = columns.map((column, place) => {
      const cell = button({});
      cells.push(cell);
      cell.addEventListener("click", () => {
        if (outcomes.length) {
          outcomes = [];
          status.textContent = "";
          rows.forEach((_, r) => columns.forEach((_, c) => draw(r, c)));
        }
        const next = STATES[(STATES.indexOf(predicted[row][place]) + 1) % STATES.length];
        predicted[row][place] = next;
        draw(row, place);
      });
      return make("td", { "data-name": column }, cell);
    });
    return make("tr", {}, make("th", { scope: "row" }, name), ...tds);
  });
  const head = [view.corner, ...columns].map((name) => make("th", { scope: "col" }, name));
  const table = make(
    "table",
    { class: "course-grid" },
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...trows),
  );
  oneStop(table, cells, () => columns.length);
  const run = button({ class: "course-do" }, "Run all of them");
  const status = speaker();
  run.addEventListener("click", () => {
    status.textContent = "…";
    ask({ predicted });
  });
  const note = "Click a cell, or press Enter on it: allowed, refused, open again. Arrows move.";
  box.append(
    make("p", { class: "course-dim" }, note),
    make("div", { class: "course-scroll" }, table),
    make("div", { class: "course-choice" }, run, status),
  );

  return (now) => {
    outcomes = now.outcomes;
    rows.forEach((_, row) => columns.forEach((_, column) => draw(row, column)));
    status.textContent = now.said;
  };
}
