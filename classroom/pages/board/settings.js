// What this browser keeps of the board for the next time: the theme, the order, the keys.

/** What was kept under a name, or what there is instead; also where a browser keeps nothing. */
export function kept(name, instead) {
  try {
    return localStorage.getItem(`board.${name}`) ?? instead;
  } catch {
    return instead;
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(`board.${name}`, value);
  } catch {
    // It holds until the page is closed.
  }
}
