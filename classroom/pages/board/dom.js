// Tools for a page that is patched and never rebuilt: what did not change is not touched, so that
// nothing flickers and the keyboard's focus stays. Texts go in as text, never as markup.

const drawn = new WeakMap(); // of a node: the text that `putMarked` put, or the children by key

export const find = (id) => document.getElementById(id);

/** A new element; attributes that are null are left out, children are nodes or texts. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) put(node, name, value);
  node.append(...children);
  return node;
}

/** Set an attribute to a text, to "" for true; null and false take it away. */
export function put(node, name, value) {
  const wanted = value === true ? "" : value === null || value === false ? null : String(value);
  if (node.getAttribute(name) === wanted) return;
  if (wanted === null) node.removeAttribute(name);
  else node.setAttribute(name, wanted);
}

/** Make a text the only content of a node. */
export function putText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** The same for a text with `code` and **what is stressed** in it. */
export function putMarked(node, text) {
  if (drawn.get(node) === text) return;
  drawn.set(node, text);
  const parts = text.split(/(`[^`]+`|\*\*[^*]+\*\*)/);
  node.replaceChildren(...parts.filter(Boolean).map((part) => {
    if (part.length > 2 && part.startsWith("`")) return make("code", {}, part.slice(1, -1));
    if (part.length > 4 && part.startsWith("**")) return make("strong", {}, part.slice(2, -2));
    return part;
  }));
}

/**
 * Make the children of `parent` one for each item, in order, known again by `keyOf(item)`:
 * `create(item)` makes a new one, `update(node, item)` is called for each.
 */
export function putEach(parent, items, keyOf, create, update) {
  const nodes = drawn.get(parent) ?? new Map();
  drawn.set(parent, nodes);
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const keys = new Set(items.map(keyOf));
  for (const [key, node] of nodes) {
    if (keys.has(key)) continue;
    node.remove();
    nodes.delete(key);
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let node = nodes.get(key);
    if (!node) nodes.set(key, (node = create(item)));
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
    update?.(node, item);
  }
  // What is moved loses the focus.
  if (focused?.isConnected && document.activeElement !== focused) {
    focused.focus({ preventScroll: true });
  }
}

/** The same as one plain text. */
export const plain = (text) => text.replace(/`([^`]+)`|\*\*([^*]+)\*\*/g, "$1$2");

/** A picture that stands in the page as a symbol of this name. */
export function picture(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.append(document.createElementNS(space, "use"));
  put(svg, "class", "picture");
  put(svg, "aria-hidden", "true");
  put(svg.firstChild, "href", `#${name}`);
  return svg;
}

/** "1 learner", "2 learners". */
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
