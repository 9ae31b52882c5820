// The slides of a lesson. S opens the speaker's view, O the overview, ? lists the keys.
Reveal.initialize({
  width: 1280,
  height: 760,
  margin: 0.03,
  center: false,
  hash: true,
  slideNumber: "h.v",
  transition: matchMedia("(prefers-reduced-motion: reduce)").matches ? "none" : "fade",
  transitionSpeed: "fast",
  plugins: [RevealNotes],
});
// What is longer than its slide scrolls there, by keyboard as well.
function reachable({ currentSlide }) {
  for (const box of [currentSlide, ...currentSlide.querySelectorAll(".jp-OutputArea-output, pre")]) {
    if (box.scrollHeight > box.clientHeight || box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}
Reveal.on("ready", reachable);
Reveal.on("slidechanged", reachable);
