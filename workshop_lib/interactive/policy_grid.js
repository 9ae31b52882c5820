// The policy grid: a click on a cell says allowed, a second one refused, a third nothing again.
// Python keeps what is predicted, and has the outcomes, which come when they are asked for.

const STATES = ["", "allowed", "refused"];
const MARKS = { allowed: "✓", refused: "✕" };

function start({ box, view, ask }) {
  const { rows, columns, legend } = view;
  let now = view;
  const cells = [];
  const draw = (row, column) => {
    const cell = cells[row * columns.length + column];
    const mine = now.predicted[row][column];
    const [outcome, code] = now.outcomes[row]?.[column] ?? ["", ""];
    const shown = outcome || mine;
    const wrong = outcome && mine && mine !== outcome;
    cell.className = `course-cell ${shown}${wrong ? " missed" : ""}`;
    const said = mine ? `you said ${mine}` : "you said nothing";
    const word = shown ? [make("span", {}, MARKS[shown]), " ", make("span", {}, shown)] : ["?"];
    cell.replaceChildren(make("span", { class: "course-word" }, ...word));
    if (wrong) cell.append(make("small", {}, said));
    const state = outcome
      ? `${outcome}${code ? `, ${code}` : ""}; ${said}`
      : mine
        ? `you predict ${mine}`
        : "nothing predicted";
    cell.setAttribute("aria-label", `${rows[row]}, ${columns[column]}: ${state}`);
    cell.title = outcome ? code : "";
  };
  const drawAll = () => rows.forEach((_, row) => columns.forEach((_, column) => draw(row, column)));
  const trows = rows.map((name, row) => {
    const tds = columns.map((column, place) => {
      const cell = button({});
      cells.push(cell);
      cell.addEventListener("click", () => {
        const predicted = now.predicted.map((states) => [...states]);
        const next = (STATES.indexOf(predicted[row][place]) + 1) % STATES.length;
        predicted[row][place] = STATES[next];
        now = { ...now, predicted, outcomes: [] };
        drawAll();
        status.textContent = "";
        ask({ predicted });
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
  table.style.setProperty("--in-a-row", Math.min(columns.length, 6)); // on a narrow page
  oneStop(table, cells, () => columns.length);
  const run = button({ class: "course-do" }, "Run all of them");
  const status = speaker();
  run.addEventListener("click", () => {
    status.textContent = "…";
    ask({ predicted: now.predicted, run: true });
  });
  const note = "Click a cell, or press Enter on it: allowed, refused, open again. Arrows move.";
  const meanings = legend.map(([name, meaning]) => [
    make("dt", {}, name),
    make("dd", {}, meaning),
  ]);
  if (meanings.length) box.append(make("dl", { class: "course-legend" }, ...meanings.flat()));
  box.append(
    make("p", { class: "course-dim" }, note),
    make("div", { class: "course-scroll" }, table),
    make("div", { class: "course-choice" }, run, status),
  );

  return (view) => {
    now = view;
    drawAll();
    status.textContent = now.said;
  };
}
