// Puts this page's own address into the line that learners copy, and the code if the link has it.
const say = (id, text) => {
  document.getElementById(id).textContent = text;
};
say("address", location.origin);
const code = location.hash.slice(1);
if (/^[0-9A-Z]{4,12}$/.test(code)) say("code", code);
