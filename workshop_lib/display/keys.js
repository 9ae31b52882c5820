/** JupyterLab takes bare letters and arrows, to move and change cells, unless the element that has
 * the focus says no. Saving, running and leaving the cell stay JupyterLab's. It listens at the
 * document and asks the element then, so this listens one step before, at the window. */
function keepKeys(box) {
  const keep = (event) => {
    if (!box.contains(event.target)) return;
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    const lab = ctrlKey || metaKey || altKey || key === "Escape" || (shiftKey && key === "Enter");
    if (lab) event.target.removeAttribute("data-lm-suppress-shortcuts");
    else event.target.setAttribute("data-lm-suppress-shortcuts", "true");
  };
  window.addEventListener("keydown", keep, true);
  return () => window.removeEventListener("keydown", keep, true);
}
