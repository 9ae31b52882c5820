// The board's link to the server: the session, the stream of what is new, and what is asked.
//
// The stream is read with fetch and not with EventSource, which tells neither a closed session
// from a server that is away, nor a line that is silent because it is dead.

const SILENCE = 15_000; // milliseconds; the server says something at least every five seconds
const LONGEST_WAIT = 8_000;

/** What the server said to a request that it refused, in a sentence. */
export class Refused extends Error {}

/**
 * secret: what the board's address carried, or "" where the browser has a session already.
 * take(kind, data): called with "state" or "change", and what came with it.
 * report(link): called with "live", "lost" or "closed" (no session, and no secret to get one).
 */
export class Link {
  #secret;
  #take;
  #report;
  #wake = () => {};

  constructor(secret, take, report) {
    this.#secret = secret;
    this.#take = take;
    this.#report = report;
  }

  /** Follow the stream for as long as there is a session, over as many connections as it takes. */
  async follow() {
    for (let wait = 500; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
      try {
        await this.#openSession();
        await this.#read(() => { wait = 500; });
      } catch (error) {
        if (error instanceof Refused) return this.#report("closed");
      }
      this.#report("lost");
      await new Promise((done) => {
        this.#wake = done;
        setTimeout(done, wait * (0.75 + Math.random() / 2));
      });
    }
  }

  /** Try again at once, if the link is waiting to. */
  tryNow() {
    this.#wake();
  }

  /** Ask the server to do something. Raises Refused with its reason, or TypeError if it is away. */
  async ask(path, body) {
    let answer = await this.#post(path, body);
    if (answer.status === 401 && this.#secret) {
      await this.#openSession();
      answer = await this.#post(path, body);
    }
    if (!answer.ok) throw new Refused(await reason(answer));
  }

  #post(path, body) {
    return fetch(`api/board/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  async #openSession() {
    if (!this.#secret) return;
    const answer = await this.#post("session", { secret: this.#secret });
    if (answer.status === 401 || answer.status === 403) throw new Refused(await reason(answer));
    if (!answer.ok) throw new Error(`The session was not opened: ${answer.status}.`);
  }

  /** Read one connection to its end. */
  async #read(begun) {
    const stop = new AbortController();
    let silence = setTimeout(() => stop.abort(), SILENCE);
    try {
      const answer = await fetch("api/board/stream", { signal: stop.signal, cache: "no-store" });
      if (answer.status === 401 || answer.status === 403) throw new Refused(await reason(answer));
      if (!answer.ok) throw new Error(`The stream did not open: ${answer.status}.`);
      const text = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ; ) {
        const { done, value } = await text.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(() => stop.abort(), SILENCE);
        const messages = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
        rest = messages.pop();
        for (const message of messages) this.#hear(message, begun);
      }
    } finally {
      clearTimeout(silence);
      stop.abort();
    }
  }

  #hear(message, begun) {
    let kind = "message";
    const data = [];
    for (const line of message.split("\n")) {
      const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
      if (field === "event") kind = value;
      else if (field === "data") data.push(value);
    }
    if (!data.length) return;
    this.#take(kind, JSON.parse(data.join("\n")));
    if (kind === "state") {
      begun();
      this.#report("live");
    }
  }
}

async function reason(answer) {
  try {
    return (await answer.json()).error ?? `The server refused: ${answer.status}.`;
  } catch {
    return `The server refused: ${answer.status}.`;
  }
}
