// The matrix: a button for each question; those pressed leave the rows that meet them all.

function start({ box, view }) {
  const { columns, rows, filters } = view;
  const cells = rows.map((row) =>
    row.map(({ word, kind }) => (kind ? chip(kind, word) : make("span", {}, word))),
  );
  const table = drawTable(columns, cells);
  table.classList.add("course-matrix");
  const lines = [...table.querySelectorAll("tbody tr")];
  const status = speaker();
  const buttons = filters.map(({ name }) => button({ "aria-pressed": "false" }, name));
  const show = () => {
    const pressed = filters.filter((_, at) => buttons[at].getAttribute("aria-pressed") === "true");
    let count = 0;
    lines.forEach((line, place) => {
      line.hidden = !pressed.every(({ left }) => left.includes(place));
      if (!line.hidden) count += 1;
    });
    const none = count ? "" : " No row meets what you pressed: press a button again to take it back.";
    status.textContent = `${count} of ${rows.length} shown.${none}`;
  };
  for (const each of buttons) {
    each.addEventListener("click", () => {
      each.setAttribute("aria-pressed", each.getAttribute("aria-pressed") !== "true");
      show();
    });
  }
  const group = make("div", { class: "course-choice", role: "group", "aria-label": "Questions" });
  group.append(...buttons);
  box.append(group, status, make("div", { class: "course-scroll" }, table));
  return show;
}
