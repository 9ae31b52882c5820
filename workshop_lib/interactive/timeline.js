// The timeline: a line of moments for each question, and a slider that goes through them. What lies
// ahead of it is "not yet".

let forms = 0;

const dim = (words) => make("span", { class: "course-dim" }, words);

function start({ box, view }) {
  const { title, moments, lines } = view;
  const last = moments.length - 1;
  const id = `timeline-${(forms += 1)}`;
  const slider = make("input", { type: "range", min: 0, max: last, step: 1, value: 0, id });
  const status = speaker();
  const head = moments.map((moment) => make("th", { scope: "col" }, moment));
  const rows = lines.map(({ name, cells }) => {
    const tds = cells.map(({ kind, word }, at) =>
      make("td", { "data-name": moments[at] }, chip(kind, word), dim("not yet")),
    );
    return make("tr", {}, make("th", { scope: "row" }, name), ...tds);
  });
  const table = make(
    "table",
    { class: "course-line" },
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "asked"), ...head)),
    make("tbody", {}, ...rows),
  );
  const show = () => {
    const at = Number(slider.value);
    slider.setAttribute("aria-valuetext", moments[at]);
    for (const row of table.querySelectorAll("tr")) {
      [...row.children].slice(1).forEach((cell, place) => {
        cell.classList.toggle("now", place === at);
        cell.classList.toggle("ahead", place > at);
      });
    }
    const answers = lines.flatMap(({ name, cells }) => [
      make("li", {}, `${name}: `, chip(cells[at].kind, cells[at].word)),
    ]);
    status.replaceChildren(make("strong", {}, moments[at]), make("ul", {}, ...answers));
  };
  slider.addEventListener("input", show);
  box.append(
    make(
      "div",
      { class: "course-card note" },
      make("label", { for: id }, make("strong", {}, title), ": how much later?"),
      slider,
      status,
    ),
    make("div", { class: "course-scroll" }, table),
  );
  return show;
}
