// Puts this page's own address into the lines that learners copy, and the code if the link has it.
const say = (name, text) => {
  for (const each of document.getElementsByClassName(name)) each.textContent = text;
};
say("address", location.origin);
const code = location.hash.slice(1);
if (/^[0-9A-Z]{4,12}$/.test(code)) say("code", code);
