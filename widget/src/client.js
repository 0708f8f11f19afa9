/**
 * The line to the server: one conversation over the web chat API. Knows neither page nor words.
 *
 * @typedef {{title: string, url: string}} Link
 * @typedef {{title: string, payload: string}} Button
 * @typedef {{title: string, subtitle: string, fields: {label: string, value: string}[],
 *   url: string}} Card
 * @typedef {{id: string, from: "assistant"|"user", at: string, text: string, buttons: Button[],
 *   cards: Card[], links: Link[], source: Link|null, asOf: string}} Message
 * @typedef {{text: string, payload?: string, clientId: string}} Said
 */

const ANSWER_TIMEOUT = 15_000;
/** The page's own part of signing in gets as long as a person waits for nothing. */
const IDENTITY_TIMEOUT = 5_000;
/** A member's sign-in lasts 30 minutes of silence; a little earlier the website is asked again. */
const SIGN_IN_LASTS = 25 * 60_000;
/** What a browser keeps of a conversation: as long as the server, or a member's sign-in, lasts. */
const KEPT = 24 * 3_600_000;
const MEMBER_KEPT = 30 * 60_000;

/** Why a request brought no answer. Status 0: none came (offline, cut, too late). */
class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} [message] the server's own words, if it had some
   * @param {string} [code] the server's name for it
   */
  constructor(status, message = "", code = "") {
    super(message);
    this.status = status;
    this.code = code;
    /** Whether the same request may succeed later. */
    this.isPassing = status === 0 || status === 408 || status === 429 || status >= 500;
    /** Whether this conversation can't go on: it has ended, or it is somebody else's. */
    this.isOver = (status === 401 && code !== "identity_refused") || status === 409;
  }
}

/** Under which name a browser keeps a conversation. @param {string} server */
const keyOf = (server) => `nasro-chat:${server}`;

/**
 * A drawer of the browser's storage. Where storage is blocked it stays empty, and whatever is kept in it
 * lasts as long as the page.
 * @param {"localStorage"|"sessionStorage"} name @param {string} key
 */
const drawer = (name, key) => ({
  /** @returns {Record<string, any>} */
  read() {
    try {
      return JSON.parse(window[name].getItem(key) ?? "{}") ?? {};
    } catch {
      return {};
    }
  },
  /** @param {object|null} value */
  write(value) {
    try {
      if (value) window[name].setItem(key, JSON.stringify(value));
      else window[name].removeItem(key);
    } catch {
      // As above.
    }
  },
});

class Client {
  #stop = new AbortController();
  #notBefore = 0;
  #base;
  #drawer;
  #token = "";
  /** The one that it took the place of when a member signed in. */
  #before = "";
  #usedAt = 0;
  /** Whether the website said who the member is. */
  #isByWebsite = false;
  /** Ratings given, by message id: the history doesn't repeat them. @type {Record<string, boolean>} */
  ratings = {};
  /** Whether the member signed out in the chat, in whichever tab: the website's word doesn't undo it. */
  isSignedOut = false;
  /** Who is signed in, masked; "" for nobody. */
  member = "";
  /** Called when a new conversation took the place of one; of a member who left nothing may stay. */
  onrenew = (/** @type {boolean} */ _hasLeft, /** @type {Message[]} */ _welcome) => {};
  /** Called with the server's words when the website's word wasn't taken. */
  onrefuse = (/** @type {string} */ _words) => {};
  /**
   * The website's word on who is signed in there: a token, "" for nobody, null where it says nothing.
   * @type {() => unknown}
   */
  identity = () => null;

  /** @param {string} server the folder in which the server's addresses begin */
  constructor(server) {
    this.#base = new URL("api/chat/v1/", server).href;
    this.#drawer = drawer("localStorage", keyOf(server));
    const saved = this.#drawer.read();
    if (!(saved.until > Date.now())) return;
    this.#token = asText(saved.token);
    this.#before = asText(saved.before);
    this.#usedAt = Number(saved.usedAt);
    this.#isByWebsite = saved.isByWebsite === true;
    this.isSignedOut = saved.isSignedOut === true;
    this.ratings = saved.ratings ?? {};
  }

  /** The conversation this browser already has, or a new one. */
  async enter() {
    if (this.#token) {
      try {
        const messages = await this.history();
        await this.signIn();
        return { messages, isRestored: true };
      } catch (problem) {
        if (!isOver(problem)) throw problem;
        await this.#leave();
      }
    }
    return { messages: await this.#begin(), isRestored: false };
  }

  async history() {
    return this.#take(await this.#request("GET", "messages"));
  }

  /**
   * Says something and gives what the assistant answers.
   * @param {Said} said
   */
  async say({ text, payload, clientId }) {
    const body = { client_id: clientId };
    try {
      if (Date.now() - this.#usedAt > SIGN_IN_LASTS) await this.signIn();
      return this.#answered(
        await this.#request("POST", "messages", { ...body, ...(payload ? { payload } : { text }) }),
      );
    } catch (problem) {
      if (!isOver(problem)) throw problem;
      const was = this.member;
      await this.#leave();
      const welcome = await this.#begin();
      // The same member may go on seeing what was said.
      const hasLeft =
        problem.status === 409 || (!!was && was !== this.member) || this.isSignedOut;
      this.onrenew(hasLeft, welcome);
    }
    // The new conversation never offered that button: what it said is sent in its place.
    return this.#answered(await this.#request("POST", "messages", { ...body, text }));
  }

  /** Passes the website's word on to the server, in the conversation there is. */
  async signIn() {
    const identity = await this.#asked();
    if (identity === null || !this.#token) return;
    if (identity) await this.#present("identity", identity);
    // Who was signed in by the website has left it.
    else if (this.#isByWebsite && this.member) throw new Problem(409);
  }

  /** @param {string} id @param {boolean} helpful @param {string} [comment] */
  async rate(id, helpful, comment) {
    await this.#request("POST", "feedback", {
      message_id: id,
      helpful,
      ...(comment ? { comment } : {}),
    });
    this.ratings[id] = helpful;
    this.#save();
  }

  /** Ends the conversation; the server erases its text. Until it has said so there is a conversation. */
  async end() {
    this.#isRenewed();
    // At once: whoever closes the tab now must leave nothing for who comes next.
    this.#drawer.write(null);
    try {
      if (this.#token) await this.#request("DELETE", "sessions");
    } catch (problem) {
      if (!isOver(problem)) {
        this.#save();
        throw problem;
      } // else it had ended already
    }
    this.#forget();
  }

  /** Gives up whatever is under way. */
  stop() {
    this.#stop.abort();
  }

  /** Whether what another tab has kept is this conversation, gone on with; else it is another, or none. */
  isKept() {
    const { token, ratings, isSignedOut } = this.#drawer.read();
    if (token !== this.#token && !this.#isRenewed()) return false;
    this.isSignedOut = isSignedOut;
    this.ratings = ratings ?? {};
    return true;
  }

  /** Whether another tab got a token in place of ours; then it is ours. */
  #isRenewed() {
    const { token, before } = this.#drawer.read();
    if (!before || before !== this.#token || !token) return false;
    this.#before = this.#token;
    this.#token = asText(token);
    return true;
  }

  /**
   * A member has signed in: takes the token that comes with it.
   * @param {any} data
   */
  #renew({ token }) {
    if (!token || !this.#token) return;
    this.#before = this.#token;
    this.#token = asText(token);
    // The one before is good until this one is used.
    this.#request("GET", "messages").catch(() => {});
  }

  /** The website says something new: it counts again. */
  heed() {
    if (!this.isSignedOut) return;
    this.isSignedOut = false;
    this.#save();
  }

  async #begin() {
    this.#forget();
    const data = await this.#present("sessions", (await this.#asked()) || "");
    this.#token = asText(data.token);
    const messages = this.#take(data);
    this.#save();
    return messages;
  }

  /**
   * Sends the website's word. If it isn't taken, perhaps for its age, the website is asked once more.
   * Not signed in, a person can still ask all that isn't about their account.
   * @param {"sessions"|"identity"} path @param {string} identity
   */
  async #present(path, identity) {
    for (let given = identity, isFirst = true; given; isFirst = false) {
      try {
        const data = await this.#request("POST", path, { identity_token: given });
        this.#isByWebsite = true;
        this.#use();
        this.member = asText(data.member);
        this.#renew(data);
        this.#save();
        return data;
      } catch (problem) {
        const isRefused = problem instanceof Problem && /^identity_/.test(problem.code);
        if (!isRefused) throw problem;
        const next = isFirst && (await this.#asked());
        if (!next || next === given) {
          this.onrefuse(problem.message);
          break;
        }
        given = next;
      }
    }
    return path === "sessions" ? this.#request("POST", path, {}) : {};
  }

  /** @returns {Promise<string|null>} */
  async #asked() {
    if (this.isSignedOut) return null;
    try {
      const given = await Promise.race([this.identity(), pause(IDENTITY_TIMEOUT, this.#stop.signal)]);
      return given === null ? null : asText(given);
    } catch {
      return null; // The page's own trouble; the chat goes on without its word.
    }
  }

  /** Forgets a conversation that can't go on, and ends it where that is still possible. */
  async #leave() {
    await this.end().catch(() => this.#forget());
  }

  #forget() {
    this.#token = this.#before = this.member = "";
    this.#isByWebsite = false;
    this.ratings = {};
    this.#drawer.write(null);
  }

  #use() {
    this.#usedAt = Date.now();
  }

  /** @param {any} data */
  #answered(data) {
    this.#use();
    const wasMember = this.member;
    const messages = this.#take(data);
    this.#renew(data);
    if (wasMember && !this.member) this.isSignedOut = true; // in words
    this.#save();
    return messages;
  }

  /** @param {any} data */
  #take(data) {
    this.member = asText(data.member);
    return asMessages(data.messages);
  }

  /** Keeps what another page, or another tab, needs to go on. */
  #save() {
    if (!this.#token) return;
    this.#drawer.write({
      token: this.#token,
      before: this.#before,
      until: Date.now() + (this.member ? MEMBER_KEPT : KEPT),
      usedAt: this.#usedAt,
      isByWebsite: this.#isByWebsite,
      isSignedOut: this.isSignedOut,
      ratings: this.ratings,
    });
  }

  /**
   * @param {string} method @param {string} path @param {object} [body]
   * @returns {Promise<any>}
   */
  async #request(method, path, body) {
    await pause(this.#notBefore - Date.now(), this.#stop.signal);
    /** @type {Record<string, string>} */
    const headers = body ? { "Content-Type": "application/json" } : {};
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    let response, data;
    try {
      response = await fetch(this.#base + path, {
        method,
        headers,
        body: body && JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
        keepalive: method === "DELETE", // meant also by who closes the tab at once
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(ANSWER_TIMEOUT)]),
      });
      data = await response.text();
      data = data ? JSON.parse(data) : {};
    } catch {
      // A proxy's error page is no JSON, yet its status tells more than "no answer".
      throw new Problem(response && !response.ok ? response.status : 0);
    }
    if (response.status === 401 && this.#isRenewed()) return this.#request(method, path, body);
    if (!response.ok) {
      const seconds = Number(response.headers.get("Retry-After")) || 0;
      this.#notBefore = Date.now() + seconds * 1000;
      throw new Problem(response.status, asText(data.error?.message), asText(data.error?.code));
    }
    return data;
  }
}

/** @param {unknown} problem @returns {problem is Problem} */
const isOver = (problem) => problem instanceof Problem && problem.isOver;

/** @param {number} milliseconds @param {AbortSignal} signal @returns {Promise<null>|null} */
const pause = (milliseconds, signal) =>
  milliseconds > 0
    ? new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds, null);
        const stop = () => {
          clearTimeout(timer);
          resolve(null);
        };
        signal.addEventListener("abort", stop, { once: true });
      })
    : null;

/** @param {unknown} value */
const asText = (value) =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";

/** @param {unknown} value @returns {any[]} */
const asList = (value) =>
  Array.isArray(value) ? value.filter((item) => item && typeof item === "object") : [];

/** @param {any} value @returns {Link} */
const asLink = (value) => ({ title: asText(value.title), url: asText(value.url) });

/**
 * What the server sent, with every field there and of its type, so that nothing below asks.
 * @param {unknown} value @returns {Message[]}
 */
const asMessages = (value) =>
  asList(value).map((sent) => ({
    id: asText(sent.id),
    from: sent.from === "user" ? "user" : "assistant",
    at: asText(sent.at),
    text: asText(sent.text),
    buttons: asList(sent.buttons).map(({ title, payload }) => ({
      title: asText(title),
      payload: asText(payload),
    })),
    cards: asList(sent.cards).map((card) => ({
      ...asLink(card),
      subtitle: asText(card.subtitle),
      fields: asList(card.fields).map(({ label, value }) => ({
        label: asText(label),
        value: asText(value),
      })),
    })),
    links: asList(sent.links).map(asLink),
    source: sent.source ? asLink(sent.source) : null,
    asOf: asText(sent.as_of),
  }));

/** crypto.randomUUID is missing on pages without TLS. */
const newId = () =>
  crypto.randomUUID?.() ??
  "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) => {
    const random = crypto.getRandomValues(new Uint8Array(1))[0] & 15;
    return (Number(digit) ^ (random >> (Number(digit) / 4))).toString(16);
  });

