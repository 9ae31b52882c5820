const PATIENCE = 2000; // ms without an answer, after which the widget says so

/** What answers a learner may stand above what they see of a long widget. */
function bringIntoView(note) {
  note.scrollIntoView({ block: "nearest" });
}

/** A widget lives as long as its kernel: where nobody answers any more it says so, and stays to be
 * read. `again` is what to do then. Returns what the widget calls when it asks (false: there is
 * nobody to ask), when it is answered, and when it goes. */
function watchKernel(model, box, again) {
  const note = document.createElement("div");
  note.setAttribute("role", "alert");
  note.className = "course-kernel";
  box.prepend(note);
  let gone = false;
  let timer;
  const say = (text) => {
    clearTimeout(timer);
    box.classList.toggle("course-gone", gone);
    if (note.textContent !== text) note.textContent = text;
  };
  // JupyterLab tells a model once, when its kernel goes; with the next kernel come other models.
  const left = () => {
    gone = true;
    say(`The kernel was restarted: ${again}`);
  };
  const wait = () => {
    say(`No answer yet. If no cell is running, ${again}`);
    bringIntoView(note);
  };
  model.on("comm_live_update", left);
  return {
    asks() {
      clearTimeout(timer);
      if (gone) bringIntoView(note);
      else timer = setTimeout(wait, PATIENCE);
      return !gone;
    },
    answered() {
      gone = false;
      say("");
    },
    leave() {
      clearTimeout(timer);
      model.off("comm_live_update", left);
    },
  };
}
