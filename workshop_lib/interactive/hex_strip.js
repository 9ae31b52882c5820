// The hex strip: fields with their bytes. A byte that is clicked is flipped, in Python.

const hex = (byte) => byte.toString(16).padStart(2, "0");

function start({ box, view, ask }) {
  const bytes = [];
  const fields = view.fields.map((field) => {
    const inside = field.bytes.map((byte, at) => {
      const place = field.start + at;
      const attributes = { class: "course-byte", "data-place": place };
      const element = view.opens ? button(attributes) : make("span", attributes);
      if (view.opens) element.addEventListener("click", () => ask({ place }));
      bytes.push({ element, place, byte, field });
      return element;
    });
    const left = field.length - field.bytes.length;
    if (left) inside.push(make("span", { class: "course-dim" }, `… ${left} more`));
    const meaning = make("div", { class: "course-dim" }, field.meaning);
    if (field.text) meaning.append(": ", make("code", { class: "course-text" }, field.text));
    const count = `${field.length} byte${field.length === 1 ? "" : "s"}`;
    return make(
      "div",
      { class: `course-field ${field.kind}`, role: "group", "aria-label": `${field.name}, ${count}` },
      make("div", { class: "course-name" }, make("strong", {}, field.name), ` ${count}`),
      make("div", { class: "course-bytes" }, ...inside),
      meaning,
    );
  });
  const strip = make("div", { class: "course-strip" }, ...fields);
  const legend = make("p", { class: "course-legend" }, chip("readable", "readable"));
  legend.append(" ", chip("encrypted", "encrypted"), " ", chip("neutral", "length, tag, random"));
  const status = speaker();
  box.append(legend);
  if (view.opens) {
    const note = "Click a byte, or press Enter on it, to flip its lowest bit and open the bytes.";
    box.append(make("p", { class: "course-dim" }, `${note} Arrows move.`));
    box.append(make("div", { class: "course-answer" }, status));
    const buttons = bytes.map(({ element }) => element);
    const rowOf = (at) => buttons.filter((each) => each.offsetTop === buttons[at].offsetTop);
    oneStop(strip, buttons, () => rowOf(0).length, rowOf);
  }
  box.append(strip);

  return ({ flipped, who, kind, said }) => {
    for (const { element, place, byte, field } of bytes) {
      const mine = place === flipped;
      element.textContent = hex(mine ? byte ^ 1 : byte);
      element.classList.toggle("flipped", mine);
      if (view.opens) {
        const words = `${field.name}, byte ${place}: ${hex(byte)}`;
        element.setAttribute("aria-label", mine ? `${words}, flipped` : words);
      }
    }
    status.replaceChildren(...(who ? ["Noticed by ", chip(kind, who), ` ${said}`] : []));
  };
}
