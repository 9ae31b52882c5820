// The menu, the dialogs, the themes and the keys.

import { find, put, putText } from "./dom.js";
import { keep, kept } from "./settings.js";

const THEMES = ["auto", "light", "dark", "projector"];

/** panels: grid, hands, plan, polls; and forget(code), which asks the server to. */
export class Dialogs {
  #panels;

  constructor(panels) {
    this.#panels = panels;
    const theme = find("theme");
    theme.value = kept("theme", "auto");
    theme.addEventListener("change", () => this.#theme(theme.value));
    this.#theme(theme.value);
    const keys = find("keys-on");
    keys.checked = kept("keys", "on") === "on";
    keys.addEventListener("change", () => keep("keys", keys.checked ? "on" : "off"));
    for (const id of ["join-open", "join-first"]) {
      find(id).addEventListener("click", () => this.#open("join"));
    }
    find("keys-open").addEventListener("click", () => this.#open("keys"));
    find("whole-screen").addEventListener("click", wholeScreen);
    find("forget-open").addEventListener("click", () => this.#askToForget());
    find("forget-typed").addEventListener("input", () => this.#compare());
    find("forget").addEventListener("close", () => this.#forget());
    for (const image of document.querySelectorAll(".join-qr")) {
      image.addEventListener("load", () => { image.hidden = false; });
      image.addEventListener("error", () => { image.hidden = true; });
    }
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Draw the QR code, once there is a session. */
  drawAddress(address) {
    for (const image of document.querySelectorAll(".join-qr")) {
      if (image.dataset.address === address) continue;
      image.dataset.address = address;
      image.src = `api/board/qr.svg?of=${encodeURIComponent(address)}`;
    }
  }

  #open(id) {
    if (find("menu").matches(":popover-open")) find("menu").hidePopover();
    if (!find(id).open) find(id).showModal();
  }

  #theme(name) {
    find("theme").value = name;
    put(document.documentElement, "data-theme", name);
    keep("theme", name);
  }

  #askToForget() {
    putText(find("forget-code"), find("join-code").textContent);
    find("forget-typed").value = "";
    find("forget").returnValue = "";
    this.#compare();
    this.#open("forget");
  }

  #compare() {
    const typed = find("forget-typed").value.trim().toUpperCase();
    find("forget-sure").disabled = typed !== find("forget-code").textContent.toUpperCase();
  }

  #forget() {
    if (find("forget").returnValue === "forget" && !find("forget-sure").disabled) {
      this.#panels.forget(find("forget-code").textContent);
    }
  }

  #key(event) {
    const { target, key } = event;
    const writes = target.matches("input:not([type=checkbox]), select, textarea");
    if (!find("keys-on").checked || writes || event.ctrlKey || event.altKey || event.metaKey) return;
    const { grid, hands, plan, polls } = this.#panels;
    const dialog = document.querySelector("dialog[open]");
    const name = key.length === 1 ? key.toLowerCase() : key;
    const large = dialog?.id === "poll-screen";
    if (large && polls.key(name)) return event.preventDefault();
    const everywhere = { f: wholeScreen, t: () => this.#nextTheme() };
    const action = {
      ...everywhere,
      ...(dialog ? {} : {
        j: () => this.#open("join"),
        p: () => polls.open(),
        g: () => grid.focus(),
        l: () => find("lesson").focus(),
        h: () => hands.focus(),
        n: () => plan.focus(),
        "?": () => this.#open("keys"),
      }),
      ...(dialog && !large ? {} : { r: () => polls.go("reveal"), v: () => polls.go("vote-again") }),
    }[name];
    if (!action) return;
    event.preventDefault();
    action();
  }

  #nextTheme() {
    this.#theme(THEMES[(THEMES.indexOf(find("theme").value) + 1) % THEMES.length]);
  }
}

function wholeScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.();
}
