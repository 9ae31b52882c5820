// In a narrow window, as a telephone's, the lesson gets the width: JupyterLab opens its side bars
// there as well, and leaves it an inch. It does so more than once while it starts, so the file
// browser is closed until the learner touches something.
if (matchMedia("(max-width: 760px)").matches) {
  let touched = false;
  addEventListener("pointerdown", () => { touched = true; }, { capture: true, once: true });
  const waiting = setInterval(async () => {
    if (!window.jupyterapp) return;
    clearInterval(waiting);
    const { restored, shell } = window.jupyterapp;
    const close = () => { if (!touched && !shell.leftCollapsed) shell.collapseLeft(); };
    await restored;
    shell.layoutModified.connect(close);
    close();
    if (shell.isSideTabBarVisible("right")) shell.toggleSideTabBarVisibility("right");
  }, 50);
}
