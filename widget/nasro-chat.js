/**
 * <nasro-chat>: the chat of NASRO's assistant, for any page. Served as /widget.js.
 *
 * What lives here: everything the chat needs, in one file without a build step, a framework or a
 * request to anybody but the assistant's server. Three parts, from the bottom up: Client speaks the
 * web chat API and knows no page; the functions below it turn a message into elements; NasroChat
 * is the element a person sees. What doesn't: any answer. Those come from the server.
 *
 * Rules that keep it safe on somebody else's page: text goes in as text (no markup is ever parsed,
 * so a strict Content-Security-Policy with trusted types holds), and until a person opens the chat
 * nothing is requested, stored or timed.
 *
 * How to use it, and what can be set: README.md beside this file.
 */
(() => {
  "use strict";
  // Imported where there is no page (a server-side build), or included twice: nothing to do.
  if (typeof window === "undefined" || customElements.get("nasro-chat")) return;

  /**
   * @typedef {{title: string, url: string}} Link
   * @typedef {{title: string, payload: string}} Button
   * @typedef {{title: string, subtitle: string, fields: {label: string, value: string}[],
   *   url: string}} Card
   * @typedef {{id: string, from: "assistant"|"user", text: string, buttons: Button[],
   *   cards: Card[], links: Link[], source: Link|null, asOf: string}} Message
   * @typedef {{text: string, payload?: string, clientId: string, node: HTMLElement,
   *   problem?: Problem}} Outgoing
   * @typedef {{panel: HTMLElement, log: HTMLElement, list: HTMLElement, speaker: HTMLElement,
   *   input: HTMLTextAreaElement, count: HTMLElement, confirm: HTMLElement,
   *   restart: HTMLElement, latest: HTMLElement}} Parts
   */

  /** The server this file came from answers too, unless the element names another. */
  const SCRIPT = document.currentScript;
  const HOME = SCRIPT instanceof HTMLScriptElement && SCRIPT.src ? SCRIPT.src : location.href;

  const MAX_LENGTH = 2000;
  const COUNT_FROM = 1800;
  const ANSWER_TIMEOUT = 15_000;
  /** Answers take milliseconds: dots that come at once would only flicker. */
  const DOTS_AFTER = 250;
  const SAY_TYPING_AFTER = 1000;
  /** Less, and some screen readers miss the line; longer, and some read it again. */
  const SPOKEN_FOR = 1500;

  /** Every word the widget itself says. `element.strings = {…}` replaces any of them. */
  const STRINGS = {
    title: "NASRO Assistant",
    subtitle: "Automated assistant",
    launcher: "Chat",
    open: "Open chat",
    openWithNews: "Open chat, {n} new",
    close: "Close chat",
    log: "Conversation",
    you: "You",
    assistant: "Assistant",
    input: "Type your question",
    send: "Send",
    person: "Talk to a person",
    personQuestion: "I'd like to talk to a person",
    newMessages: "New messages",
    suggestions: "Suggestions",
    classes: "Classes",
    oneClass: "1 class",
    manyClasses: "{n} classes",
    oneSuggestion: "1 suggestion",
    manySuggestions: "{n} suggestions",
    register: "Register",
    registerFor: "Register, {name}",
    newTab: "Opens in a new tab",
    source: "Source:",
    asOf: "As of",
    typing: "The assistant is typing",
    rate: "Was this helpful?",
    helpful: "Helpful",
    notHelpful: "Not helpful",
    rated: "Thank you. You can add a comment.",
    comment: "Anything you'd like to add? (optional)",
    sendComment: "Send comment",
    noComment: "No, thanks",
    thanks: "Thank you for your feedback.",
    ratingFailed: "Your rating couldn't be saved. Please try again.",
    startOver: "Start over",
    confirmStartOver: "Start over? This conversation will be erased.",
    keep: "Keep it",
    notErased: "The conversation couldn't be erased.",
    unreachable: "I couldn't be reached. Your message is kept.",
    cannotStart: "The assistant can't be reached right now.",
    offline: "You're offline. Your message will be sent when you're back.",
    failed: "Something went wrong on our side.",
    retry: "Try again",
    edit: "Edit",
    renewed: "The earlier conversation had ended, so a new one has begun.",
    count: "{n} of {max} characters",
    tooLong: "{n} characters too many. Please shorten your message.",
  };

  const CSS = `
:host{all:initial!important;display:contents!important}
:host([hidden]),[hidden]{display:none!important}
*,::before,::after{box-sizing:border-box}
.root{
--brand:var(--nasro-brand,light-dark(#14294f,#1b3564));--on-brand:var(--nasro-on-brand,#fff);
--act:light-dark(var(--brand),#3461b0);
--gold:var(--nasro-accent,#f2bd48);
--ink:light-dark(#1a2436,#e9eef7);--soft:light-dark(#56627a,#aab7cf);
--ground:light-dark(#f4f6fa,#0d1524);--sheet:light-dark(#fff,#17223a);
--edge:light-dark(#d9e0eb,#2e3e5e);--control:light-dark(#6f7f9b,#7c8fb3);
--link:light-dark(#174a9c,#a3c6ff);--hover:light-dark(#eaf0fa,#22314f);
--alarm:light-dark(#a3211c,#ffb0a8);
--focus:light-dark(#1d5fd1,#8fb8ff);--ring:var(--focus);
color-scheme:light dark;color:var(--ink);
font:1em/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
text-align:start}
:host([theme=light]) .root{color-scheme:light}
:host([theme=dark]) .root{color-scheme:dark}
.floating{position:fixed;inset-block-end:var(--nasro-offset-block,20px);
inset-inline-end:var(--nasro-offset-inline,20px);z-index:var(--nasro-z,2147483000)}
:focus-visible{outline:3px solid var(--ring);outline-offset:2px}
.log:focus-visible{outline-offset:-3px}
.hidden{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);
white-space:nowrap}
svg{inline-size:1.25em;block-size:1.25em;flex:none;fill:none;stroke:currentColor;stroke-width:2;
stroke-linecap:round;stroke-linejoin:round}
button,textarea{font:inherit;color:inherit;letter-spacing:inherit}
button{cursor:pointer;background:none;border:1px solid transparent;padding:0}
button[aria-disabled=true]{cursor:default;opacity:.65}
h2,h3,p,ol,ul,dl,dd{margin:0;padding:0;font-size:1em}
ul{list-style:none}
a{color:var(--link);text-underline-offset:.15em;overflow-wrap:anywhere}
a:hover{text-decoration-thickness:2px}

.launcher{display:flex;align-items:center;gap:.55em;min-block-size:56px;padding-inline:1.1em 1.3em;
border:2px solid #ffffff33;border-radius:99px;background:var(--brand);color:var(--on-brand);
font-weight:600;box-shadow:0 2px 6px #0a162b40,0 10px 28px #0a162b4d}
.launcher svg{color:var(--gold);inline-size:1.5em;block-size:1.5em}
.badge{min-inline-size:1.6em;padding-inline:.4em;border-radius:99px;background:var(--gold);
color:#14213a;font-size:.8125em;text-align:center}

.panel{display:flex;flex-direction:column;position:relative;container-type:inline-size;margin:0;
padding:0;max-inline-size:none;max-block-size:none;overflow:hidden;color:inherit;
background:var(--ground);border:1px solid var(--edge);border-radius:16px}
dialog.panel{position:absolute;inset-block:auto calc(100% + 12px);inset-inline:auto 0;
inline-size:min(25.5em,100vw - 40px);block-size:min(43em,100dvh - 108px);
box-shadow:0 4px 12px #0a162b26,0 18px 56px #0a162b4d}
dialog.panel:not([open]){display:none}
dialog.panel:modal{position:fixed;inset:0;inline-size:100%;block-size:100dvh;border:0;
border-radius:0}
section.panel{inline-size:100%;block-size:var(--nasro-block-size,40em)}
.head{position:relative;z-index:1;display:flex;align-items:center;gap:.7em;padding:.75em .9em;background:var(--brand);
color:var(--on-brand);border-block-end:3px solid var(--gold);--ring:var(--gold)}
.head>div:not(.face){flex:1;min-inline-size:0}
.head h2{font-weight:650;line-height:1.25}
.head>div>p{font-size:.8125em;line-height:1.35;opacity:.85}
.head>button{display:grid;place-items:center;inline-size:40px;block-size:40px;border-radius:10px}
.head>button:hover{background:#ffffff1f}
.face{display:grid;place-items:center;inline-size:2.5em;block-size:2.5em;flex:none;
border-radius:50%;background:#ffffff1a;color:var(--gold)}
.face svg{inline-size:1.6em;block-size:1.6em;stroke-width:1.6}
.face .solid{fill:currentColor;stroke:none}
.confirm{position:absolute;inset-inline:0;inset-block-start:calc(100% + 3px);
display:flex;flex-wrap:wrap;align-items:center;gap:.5em .6em;padding:.8em 1em;
background:var(--sheet);color:var(--ink);border-block-end:1px solid var(--edge);
box-shadow:0 8px 20px #0a162b26;font-size:.9375em;--ring:var(--focus)}
.confirm p{flex:1 1 100%;font-size:1em;opacity:1}

.log{position:relative;flex:1;min-block-size:6em;overflow-y:auto;overscroll-behavior:contain;
padding:1em;font-size:.9375em}
.message{position:relative;display:flex;flex-direction:column;align-items:flex-start;gap:.5em;
margin-block-start:.5em;padding-inline:2.6em 1.2em}
.first{margin-block-start:1.1em}
.log>:first-child>:first-child{margin-block-start:0}
.message>.face{position:absolute;inset-block-start:.15em;inset-inline-start:0;font-size:.8em;
background:var(--brand)}
.bubble{max-inline-size:100%;padding:.6em .9em;border:1px solid var(--edge);background:var(--sheet);
border-radius:16px;overflow-wrap:anywhere}
.first>.bubble{border-start-start-radius:4px}
.bubble>*+*{margin-block-start:.6em}
.bubble ol{padding-inline-start:1.6em}
.bubble li+li{margin-block-start:.3em}
.bubble li::marker{font-weight:600;color:var(--soft)}
.user{align-items:flex-end;padding-inline:2.6em 0}
.user .bubble{background:var(--act);border-color:transparent;color:var(--on-brand);white-space:pre-wrap}
.user.first>.bubble{border-start-start-radius:16px;border-start-end-radius:4px}
.waiting .bubble{opacity:.75}
.note{padding-block:.8em;text-align:center;color:var(--soft);font-size:.875em}
.problem{display:flex;flex-wrap:wrap;align-items:center;gap:.3em .6em;
color:var(--alarm);font-size:.875em}
.user .problem{justify-content:flex-end;text-align:end}
.small{min-block-size:32px;padding:.15em .85em;border-color:var(--control);border-radius:99px;
background:var(--sheet);color:var(--ink);font-size:.875em;font-weight:600}
.small:hover{background:var(--hover)}
.strong{background:var(--act);border-color:var(--act);color:var(--on-brand)}
.strong:hover{background:var(--act);text-decoration:underline}

.cards{display:grid;gap:.6em;inline-size:100%}
.card{padding:.8em .95em;border:1px solid var(--edge);border-inline-start:4px solid var(--gold);
border-radius:12px;background:var(--sheet);overflow-wrap:anywhere}
.card h3{font-weight:650;line-height:1.35}
.card>p{color:var(--soft);font-size:.9375em}
.card dl{display:grid;grid-template-columns:auto 1fr;gap:.15em .9em;margin-block-start:.5em}
.card dl>div{display:contents}
.card dt{color:var(--soft)}
.card dd{font-weight:550}
.card a{display:inline-block;margin-block-start:.75em;padding:.4em 1.1em;border:1px solid transparent;
border-radius:99px;background:var(--act);color:var(--on-brand);font-weight:600;
text-decoration:none}
.card a:hover{text-decoration:underline}
.meta{flex:1;min-inline-size:0;overflow-wrap:anywhere;color:var(--soft);font-size:.8125em;line-height:1.45}
.meta span+span::before{content:"·";margin-inline:.45em}
.tail{display:flex;align-items:center;gap:.1em .8em;
inline-size:100%}
.thumbs{display:flex;gap:.15em;margin-inline-start:auto}
.thumbs button{display:grid;place-items:center;inline-size:32px;block-size:32px;border-radius:8px;
color:var(--soft)}
.thumbs button:not([aria-disabled=true]):hover{background:var(--hover);color:var(--ink)}
.thumbs svg{inline-size:1.1em;block-size:1.1em}
.thumbs button+button svg{rotate:180deg}
.thumbs [aria-pressed=true]{color:var(--link);border-color:currentColor}
.thumbs [aria-pressed=true] svg{fill:currentColor;fill-opacity:.25}
.comment{display:flex;flex-wrap:wrap;gap:.5em;inline-size:100%;padding:.7em .8em;
border:1px solid var(--edge);border-radius:12px;background:var(--sheet)}
.comment label{flex:1 1 100%;font-size:.875em}
.comment textarea{display:block;inline-size:100%;margin-block-start:.3em}
.chips{display:flex;flex-wrap:wrap;gap:.45em}
.chip{min-block-size:36px;padding:.3em .95em;border-color:var(--control);border-radius:99px;
background:var(--sheet);color:var(--link);font-weight:550;text-align:start;overflow-wrap:anywhere}
.chip:not([aria-disabled=true]):hover{background:var(--hover);border-color:currentColor}
.chip[aria-disabled=true]{color:var(--ink);border-style:dashed;opacity:1;background:none}

.dots span{display:inline-block;inline-size:.5em;block-size:.5em;margin-inline:.12em;
border-radius:50%;background:var(--soft)}
.dots b{display:none;font-weight:400;color:var(--soft)}
.latest{position:absolute;inset-inline:0;inset-block-end:100%;inline-size:max-content;
margin:0 auto .6em;box-shadow:0 4px 16px #0a162b40}
.foot{position:relative;padding:.7em .8em .55em;background:var(--sheet);
border-block-start:1px solid var(--edge);padding-block-end:max(.55em,env(safe-area-inset-bottom))}
.composer{display:flex;align-items:flex-end;gap:.5em}
textarea{field-sizing:content;min-block-size:44px;max-block-size:9em;padding:.55em .85em;
resize:none;border:1px solid var(--control);border-radius:14px;background:var(--ground);
font-size:max(16px,1em);line-height:1.4}
.composer textarea{flex:1;min-inline-size:0}
textarea::placeholder{color:var(--soft);opacity:1}
textarea[aria-invalid=true]{border-color:var(--alarm)}
textarea:focus-visible{outline-offset:0}
.send{display:grid;place-items:center;inline-size:44px;block-size:44px;flex:none;
border-radius:50%;background:var(--act);color:var(--on-brand)}
.send:dir(rtl) svg{scale:-1 1}
.under{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1em;margin-block-start:.3em;
font-size:.8125em;color:var(--soft)}
.under button{min-block-size:28px;color:var(--link);text-decoration:underline;
text-underline-offset:.15em;border-radius:6px}
.over{color:var(--alarm);font-weight:600}

@container (max-width:24em){.message{padding-inline-end:.4em}}
@container (max-width:20em){.message{padding-inline:0 .6em}.message>.face{display:none}
.user{padding-inline:1.5em 0}}
@media (pointer:coarse){.thumbs button,.head>button{inline-size:44px;block-size:44px}
.chip,.small,.under button{min-block-size:44px}.card a{padding-block:.65em}}
@media (prefers-reduced-motion:no-preference){
.new{animation:rise .22s ease-out}
.dots span{animation:pulse 1.2s infinite ease-in-out}
.dots span:nth-child(2){animation-delay:.15s}
.dots span:nth-child(3){animation-delay:.3s}
@keyframes rise{from{opacity:0;translate:0 6px}}
@keyframes pulse{0%,60%,100%{opacity:.35}30%{opacity:1;translate:0 -3px}}}
@media (prefers-reduced-motion:reduce){.dots span{display:none}.dots b{display:inline}}
@media (forced-colors:active){.head>button,.launcher,.send,.card a,.user .bubble,.thumbs button
{border:1px solid}.face{border:1px solid}.launcher svg{color:inherit}
.dots span{background:CanvasText;forced-color-adjust:none}
.thumbs [aria-pressed=true]{background:Highlight;color:HighlightText;forced-color-adjust:none}}
`;

  /** Drawn on a grid of 24: lines, and with a "*" in front a filled shape. */
  const ICONS = {
    chat: ["M21 11.5a8 8 0 0 1-8 8H4.5l1.7-3A8 8 0 1 1 21 11.5Z", "M9 10h8M9 13.5h5"],
    close: ["M6 6l12 12M18 6L6 18"],
    send: ["M3.5 11.5 20.5 4l-6 16.5-3.5-7-7.5-2Z", "M11 13.5l4-4"],
    restart: ["M4 5v5h5", "M4.7 10a8 8 0 1 1-.4 4.5"],
    thumb: ["M7 11v9H4v-9h3l4-8c1.7 0 3 1.3 3 3v3h5.2c1.1 0 2 1 1.8 2.1l-1.2 7.2c-.2 1-1 1.7-2 1.7H7"],
    badge: [
      "M12 2.8 19.5 5v6.3c0 4.8-3.2 8.2-7.5 9.9-4.3-1.7-7.5-5.1-7.5-9.9V5L12 2.8Z",
      "*M12 7.4l1.4 2.8 3.1.5-2.2 2.2.5 3.1-2.8-1.5L9.200 16l.5-3.1-2.2-2.2 3.100-.5Z",
    ],
  };

  // ------------------------------------------------------------------ The line to the server

  /** Why a request brought no answer. Status 0: none came (offline, cut, too late). */
  class Problem extends Error {
    /** @param {number} status @param {string} [message] the server's own words, if it had some */
    constructor(status, message = "") {
      super(message);
      this.status = status;
      /** Whether the same request may succeed later. */
      this.isPassing = status === 0 || status === 408 || status === 429 || status >= 500;
    }
  }

  /** One conversation over the web chat API. Knows neither page nor words. */
  class Client {
    #stop = new AbortController();
    #notBefore = 0;
    #base;
    #key;
    #token = "";
    /** Ratings given, by message id: the history doesn't repeat them. @type {Record<string, boolean>} */
    ratings = {};
    /** Called when a new conversation took the place of one that had ended. */
    onrenew = () => {};
    /** Asked for a token of the website that says who is signed in there; none for nobody. */
    identity = async () => "";

    /** @param {string} server */
    constructor(server) {
      const home = new URL(server, location.href);
      this.#base = new URL("/api/chat/v1/", home).href;
      this.#key = `nasro-chat:${home.origin}`;
      try {
        const saved = JSON.parse(sessionStorage.getItem(this.#key) ?? "{}");
        this.#token = asText(saved.token);
        this.ratings = saved.ratings ?? {};
      } catch {
        // Storage is blocked or holds something else: the conversation lasts as long as the page.
      }
    }

    /** The conversation this tab already has, or a new one. */
    async enter() {
      if (this.#token) {
        try {
          return { messages: await this.#request("GET", "messages"), isRestored: true };
        } catch (problem) {
          if (!isStatus(problem, 401)) throw problem;
        }
      }
      return { messages: await this.#begin(), isRestored: false };
    }

    /**
     * Says something and gives what the assistant answers.
     * @param {Outgoing} said
     */
    async say({ text, payload, clientId }) {
      const body = { client_id: clientId };
      try {
        return await this.#request("POST", "messages", { ...body, ...(payload ? { payload } : { text }) });
      } catch (problem) {
        if (!isStatus(problem, 401)) throw problem;
      }
      await this.#begin();
      this.onrenew();
      // The new conversation never offered that button: what it said is sent in its place.
      return this.#request("POST", "messages", { ...body, text });
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

    /** Ends the conversation; the server erases its text. */
    async end() {
      try {
        if (this.#token) await this.#request("DELETE", "sessions");
      } catch (problem) {
        if (!isStatus(problem, 401)) throw problem; // 401: it had ended already
      }
      this.#token = "";
      this.ratings = {};
      this.#save();
      this.stop();
    }

    /** Gives up whatever is under way. */
    stop() {
      this.#stop.abort();
    }

    async #begin() {
      this.#token = "";
      this.ratings = {};
      const identity = await this.identity();
      try {
        return await this.#request("POST", "sessions", identity ? { identity_token: identity } : {});
      } catch (problem) {
        // Not signed in, a person can still ask all that isn't about their account.
        if (!identity || !isStatus(problem, 401)) throw problem;
        return this.#request("POST", "sessions", {});
      }
    }

    #save() {
      try {
        if (this.#token) {
          const saved = { token: this.#token, ratings: this.ratings };
          sessionStorage.setItem(this.#key, JSON.stringify(saved));
        } else sessionStorage.removeItem(this.#key);
      } catch {
        // As in the constructor.
      }
    }

    /**
     * @param {string} method @param {string} path @param {object} [body]
     * @returns {Promise<Message[]>}
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
          signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(ANSWER_TIMEOUT)]),
        });
        data = await response.text();
        data = data && JSON.parse(data);
      } catch {
        // A proxy's error page is no JSON, yet its status tells more than "no answer".
        throw new Problem(response && !response.ok ? response.status : 0);
      }
      if (!response.ok) {
        const seconds = Number(response.headers.get("Retry-After")) || 0;
        this.#notBefore = Date.now() + seconds * 1000;
        throw new Problem(response.status, asText(data?.error?.message));
      }
      if (data.token) {
        this.#token = asText(data.token);
        this.#save();
      }
      return asMessages(data.messages);
    }
  }

  /** @param {unknown} problem @param {number} status */
  const isStatus = (problem, status) => problem instanceof Problem && problem.status === status;

  /** @param {number} milliseconds @param {AbortSignal} signal */
  const pause = (milliseconds, signal) =>
    milliseconds > 0 &&
    new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      signal.addEventListener("abort", () => (clearTimeout(timer), resolve(0)), { once: true });
    });

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

  // ------------------------------------------------------------------ From messages to elements

  /**
   * An element: functions among the attributes become listeners, null and false are left out.
   * @template {keyof HTMLElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {Record<string, string|boolean|null|((event: any) => void)>} [attributes]
   * @param {(Node|string|null)[]} children
   * @returns {HTMLElementTagNameMap[Tag]}
   */
  function h(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value !== null && value !== false)
        node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  /** @param {keyof typeof ICONS} name */
  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    for (const line of ICONS[name]) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", line.replace("*", ""));
      if (line[0] === "*") path.setAttribute("class", "solid");
      svg.append(path);
    }
    return svg;
  }

  const face = () => h("div", { class: "face", "aria-hidden": "true" }, icon("badge"));

  /** @param {string} template @param {Record<string, unknown>} values */
  const fill = (template, values) =>
    template.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));

  /** Whether an address may become a link: nothing that runs code, nothing with hidden breaks. */
  const isSafe = (/** @type {string} */ url) =>
    /^(https?:\/\/|mailto:|tel:)[^\s\u0000-\u001f]+$/i.test(url);

  /**
   * A link, or its bare text where the address isn't one we open.
   * @param {string} text @param {string} url @param {string|null} [label]
   */
  function anchor(text, url, label = null) {
    if (!isSafe(url)) return document.createTextNode(text);
    const leaves = /^http/i.test(url);
    return h(
      "a",
      {
        href: url,
        rel: "noopener noreferrer",
        target: leaves && "_blank",
        "aria-label": label,
        "aria-describedby": leaves && "new-tab",
      },
      text,
    );
  }

  const ADDRESSES = [
    String.raw`(?<url>https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]])`,
    String.raw`(?<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)`,
    String.raw`(?<![\w.-])(?<phone>(?:\+?1[-. ])?(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4})(?![\w-])`,
  ];

  /**
   * A line of text whose addresses are links: those the message names, by their titles, and those
   * that can be told by their looks.
   * @param {string} text @param {Link[]} links
   */
  function linked(text, links) {
    const titles = links
      .map(({ title }) => title)
      .filter(Boolean)
      .sort((one, other) => other.length - one.length)
      .map((title) => title.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
    const named = String.raw`(?<![\w@])(?<named>${titles.join("|") || "(?!)"})(?!\w)`;
    const nodes = [];
    let done = 0;
    for (const { 0: match, index, groups } of text.matchAll(
      new RegExp([named, ...ADDRESSES].join("|"), "g"),
    )) {
      const { named: name, url, mail, phone } = groups ?? {};
      const digits = phone?.replace(/\D/g, "").replace(/^1?(\d{10})$/, "+1$1");
      const address = name
        ? (links.find(({ title }) => title === name)?.url ?? "")
        : url || (mail ? `mailto:${mail}` : `tel:${digits}`);
      nodes.push(text.slice(done, index), anchor(match, address));
      done = index + match.length;
    }
    return [...nodes, text.slice(done)];
  }

  /**
   * The text of an answer: paragraphs apart by empty lines, and "1. …" lines as an ordered list.
   * @param {string} text @param {Link[]} links
   */
  function prose(text, links) {
    /** @type {HTMLElement[]} */
    const blocks = [];
    let isOpen = false;
    for (const line of text.split(/\r?\n/)) {
      const [, number, item] = /^\s*(\d{1,3})[.)] +(.*)$/.exec(line) ?? [];
      const last = isOpen ? blocks[blocks.length - 1] : null;
      isOpen = line.trim() !== "";
      if (!isOpen) continue;
      if (number) {
        const list = last instanceof HTMLOListElement ? last : h("ol", { start: number, dir: "auto" });
        list.append(h("li", {}, ...linked(item, links)));
        if (list !== last) blocks.push(list);
      } else if (last && !(last instanceof HTMLOListElement)) {
        last.append(h("br"), ...linked(line, links));
      } else blocks.push(h("p", { dir: "auto" }, ...linked(line, links)));
    }
    return blocks;
  }

  /** @param {Card} card @param {typeof STRINGS} strings */
  function cardItem(card, strings) {
    const name = [card.title, card.subtitle].filter(Boolean).join(", ");
    const facts = card.fields.map(({ label, value }) =>
      h("div", {}, h("dt", { dir: "auto" }, label), h("dd", { dir: "auto" }, value)),
    );
    return h(
      "li",
      { class: "card" },
      h("h3", { dir: "auto" }, card.title),
      card.subtitle ? h("p", { dir: "auto" }, card.subtitle) : null,
      facts.length ? h("dl", {}, ...facts) : null,
      isSafe(card.url)
        ? anchor(strings.register, card.url, fill(strings.registerFor, { name }))
        : null,
    );
  }

  /** Where an answer comes from and how fresh it is. @param {Message} message @param {typeof STRINGS} strings */
  function meta({ source, asOf }, strings) {
    const read = new Date(asOf);
    if (!source && isNaN(+read)) return null;
    return h(
      "p",
      { class: "meta" },
      source && h("span", {}, `${strings.source} `, anchor(source.title, source.url)),
      isNaN(+read)
        ? null
        : h(
            "span",
            {},
            `${strings.asOf} `,
            h(
              "time",
              { datetime: asOf },
              new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(read),
            ),
          ),
    );
  }

  // ------------------------------------------------------------------ The element

  class NasroChat extends HTMLElement {
    #strings = { ...STRINGS };
    #life = new AbortController();
    /** @type {Client|undefined} */ #client;
    /** @type {Promise<void>|undefined} */ #entered;
    /** @type {Outgoing[]} */ #outbox = [];
    /** @type {Set<Outgoing>} */ #failed = new Set();
    /** Ids of the messages shown: an answer that comes twice is shown once. */
    #shown = new Set();
    #isBusy = false;
    #isOpen = false;
    #hasSpoken = false;
    /** Whether the newest message is in sight, and shall stay so. */
    #isFollowing = false;
    /** Goes up with each start over: what belongs to an earlier conversation is dropped. */
    #epoch = 0;
    #unread = 0;
    /** @type {HTMLButtonElement|undefined} */ #launcher;
    /** @type {Parts|undefined} The panel's parts, from the first opening on. */ #parts;

    constructor() {
      super();
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
      this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    }

    /** The widget's words. Set it before the chat is opened. */
    get strings() {
      return this.#strings;
    }
    set strings(words) {
      this.#strings = { ...STRINGS, ...words };
      this.#labelLauncher();
    }

    connectedCallback() {
      if (Object.hasOwn(this, "strings")) {
        // Set before this file had arrived: the plain property hides the one above.
        const words = this.strings;
        Reflect.deleteProperty(this, "strings");
        this.strings = words;
      }
      this.#life = new AbortController();
      const { signal } = this.#life;
      addEventListener("online", () => this.#resend(), { signal });
      document.addEventListener("keydown", (event) => this.#onEscape(event), { signal });
      if (this.#root.firstChild) return;
      const root = h("div", { class: "root" });
      this.#root.append(root);
      if (this.#isInline) {
        this.#show();
        return;
      }
      root.classList.add("floating");
      this.#launcher = h("button", {
        type: "button",
        class: "launcher",
        click: () => (this.#isOpen ? this.close() : this.open()),
      });
      this.#labelLauncher();
      root.append(this.#launcher);
    }

    disconnectedCallback() {
      this.#life.abort();
    }

    /** Shows the chat and moves the focus into it. */
    open() {
      if (!this.isConnected || this.#isOpen || this.#isInline) return;
      this.#show();
      this.#rest();
    }

    /** Hides the chat; the conversation stays. */
    close() {
      if (!this.#isOpen || this.#isInline) return;
      const { panel } = this.#ui;
      const hadFocus = panel.contains(this.#root.activeElement);
      this.#isOpen = false;
      if (panel instanceof HTMLDialogElement) panel.close();
      this.#labelLauncher();
      if (hadFocus) this.#launcher?.focus();
      this.#tell("close");
    }

    /**
     * Says something for the person, as if they had typed it.
     * @param {string} text
     */
    send(text) {
      if (!this.isConnected || !text.trim()) return;
      this.open();
      this.#say({ text: text.trim() });
    }

    get #root() {
      return /** @type {ShadowRoot} */ (this.shadowRoot);
    }

    get #isInline() {
      return this.hasAttribute("inline");
    }

    get #ui() {
      return (this.#parts ??= this.#build());
    }

    /** @param {string} name @param {object} [detail] */
    #tell(name, detail = {}) {
      this.dispatchEvent(
        new CustomEvent(`nasro-chat:${name}`, { bubbles: true, composed: true, detail }),
      );
    }

    // -------------------------------------------------- The frame

    #labelLauncher() {
      if (!this.#launcher) return;
      const { open, openWithNews, close, launcher } = this.#strings;
      const news = this.#unread ? fill(openWithNews, { n: this.#unread }) : open;
      this.#launcher.setAttribute("aria-expanded", String(this.#isOpen));
      this.#launcher.setAttribute("aria-label", this.#isOpen ? close : news);
      this.#launcher.replaceChildren(icon(this.#isOpen ? "close" : "chat"), launcher);
      if (this.#unread) this.#launcher.append(h("span", { class: "badge" }, String(this.#unread)));
    }

    /** Makes the panel, hidden as yet. @returns {Parts} */
    #build() {
      const words = this.#strings;
      /** @param {keyof typeof ICONS} name @param {string} label @param {() => void} click */
      const iconButton = (name, label, click) =>
        h("button", { type: "button", "aria-label": label, title: label, click }, icon(name));

      const list = h("div");
      const log = h(
        "div",
        {
          class: "log",
          role: "log",
          "aria-live": "off", // the speaker below says each answer, once and in one piece
          "aria-label": words.log,
          tabindex: "0",
          scroll: () => {
            this.#isFollowing = this.#isAtEnd();
            if (this.#isFollowing) latest.hidden = true;
          },
        },
        list,
      );
      const speaker = h("div", { class: "hidden", "aria-live": "polite" });
      const input = h("textarea", {
        rows: "1",
        placeholder: words.input,
        "aria-label": words.input,
        "aria-describedby": "count",
        enterkeyhint: "send",
        autocomplete: "off",
        input: () => this.#count(),
        keydown: (event) => this.#onKey(event),
      });
      const count = h("span", { id: "count" });
      const confirm = h(
        "div",
        { class: "confirm", role: "group", "aria-label": words.startOver, hidden: true },
        h("p", {}, words.confirmStartOver),
        h(
          "button",
          { type: "button", class: "small strong", click: () => this.#startOver() },
          words.startOver,
        ),
        h(
          "button",
          { type: "button", class: "small", click: () => this.#ask(false) },
          words.keep,
        ),
      );
      const restart = iconButton("restart", words.startOver, () =>
        this.#hasSpoken ? this.#ask(!!confirm.hidden) : this.#startOver(),
      );
      const latest = h(
        "button",
        { type: "button", class: "small latest", hidden: true, click: () => this.#toLatest() },
        words.newMessages,
      );
      const panel = h(
        this.#isInline ? "section" : "dialog",
        { class: "panel", "aria-labelledby": "title", close: () => this.close() },
        h(
          "div",
          { class: "head" },
          face(),
          h("div", {}, h("h2", { id: "title" }, words.title), h("p", {}, words.subtitle)),
          restart,
          confirm,
          this.#isInline ? null : iconButton("close", words.close, () => this.close()),
        ),
        log,
        h(
          "div",
          { class: "foot" },
          latest,
          h(
            "form",
            { class: "composer", submit: (event) => (event.preventDefault(), this.#submit()) },
            input,
            h("button", { class: "send", "aria-label": words.send, title: words.send }, icon("send")),
          ),
          h(
            "div",
            { class: "under" },
            h(
              "button",
              { type: "button", click: () => this.#choose({ text: words.personQuestion }) },
              words.person,
            ),
            count,
          ),
        ),
        h("span", { id: "new-tab", hidden: true }, words.newTab),
        speaker,
      );
      this.#root.firstElementChild?.append(panel);
      // A touch keyboard or a longer input takes room: who was at the end stays there.
      new ResizeObserver(() => {
        if (this.#isFollowing) log.scrollTop = log.scrollHeight;
      }).observe(log);
      return { panel, log, list, speaker, input, count, confirm, restart, latest };
    }

    #show() {
      const { panel } = this.#ui;
      this.#isOpen = true;
      if (panel instanceof HTMLDialogElement) {
        // On a phone the chat fills the screen, so the page behind is out of reach; elsewhere
        // people move between the page and the chat.
        if (matchMedia("(max-width: 480px), (max-height: 480px)").matches) panel.showModal();
        else panel.show();
      }
      this.#unread = 0;
      this.#labelLauncher();
      this.#tell("open");
      this.#enter().catch((problem) => this.#cannotStart(problem));
    }

    /** Where the focus goes after a gesture: a touch keyboard doesn't pop up unasked. */
    #rest() {
      const { input, log } = this.#ui;
      (matchMedia("(pointer: fine)").matches ? input : log).focus();
    }

    /** @param {KeyboardEvent} event */
    #onEscape(event) {
      if (event.key === "Escape" && !event.defaultPrevented && !event.isComposing) this.close();
    }

    /** Says something to a screen reader. @param {string} text */
    #announce(text) {
      const line = h("p", {}, text);
      this.#ui.speaker.append(line);
      setTimeout(() => line.remove(), SPOKEN_FOR);
    }

    #isAtEnd() {
      const { log } = this.#ui;
      return log.scrollHeight - log.scrollTop - log.clientHeight < 48;
    }

    /**
     * Puts new content at the end, and in sight if the end was: a long answer from its beginning.
     * @param {HTMLElement[]} nodes
     */
    #append(...nodes) {
      const { log, list, latest } = this.#ui;
      const follows = this.#isAtEnd();
      for (const node of nodes) node.classList.add("new");
      list.append(...nodes);
      if (follows && nodes[0]) log.scrollTop = nodes[0].offsetTop - 16;
      else latest.hidden = false;
      this.#isFollowing = this.#isAtEnd();
    }

    #toLatest() {
      const { log, latest } = this.#ui;
      log.scrollTop = log.scrollHeight;
      latest.hidden = true;
      log.focus();
    }

    // -------------------------------------------------- The conversation

    /** Restores or begins the conversation, once however often it is asked for. */
    #enter() {
      return (this.#entered ??= this.#restore().catch((problem) => {
        this.#entered = undefined;
        throw problem;
      }));
    }

    async #restore() {
      const client = new Client(this.getAttribute("server") ?? HOME);
      this.#client = client;
      client.onrenew = () => this.#onRenew();
      client.identity = async () => {
        const given = /** @type {any} */ (this).identityToken ?? this.getAttribute("identity-token");
        return asText(typeof given === "function" ? await given() : given);
      };
      const { messages, isRestored } = await client.enter();
      if (client !== this.#client) return;
      const { log, list } = this.#ui;
      const isAlone = !list.querySelector(".message");
      list.querySelector(".start")?.remove();
      let previous = "";
      // In front of what was typed while the line was down.
      list.prepend(
        ...messages.map((message) => {
          const node = this.#message(message, previous !== message.from);
          previous = message.from;
          return node;
        }),
      );
      if (isAlone) log.scrollTop = isRestored ? log.scrollHeight : 0;
      this.#isFollowing = this.#isAtEnd();
      if (!isRestored) {
        if (!this.#isInline) this.#speak(messages);
        for (const { id } of messages) this.#tell("message", { from: "assistant", id });
      }
    }

    /** @param {unknown} problem */
    #cannotStart(problem) {
      const { list } = this.#ui;
      const words = this.#words(problem, this.#strings.cannotStart);
      list.querySelector(".start")?.remove();
      const again = () => {
        this.#rest();
        this.#enter().catch((next) => this.#cannotStart(next));
      };
      this.#append(
        h(
          "div",
          { class: "problem start" },
          words,
          h("button", { type: "button", class: "small", click: again }, this.#strings.retry),
        ),
      );
      this.#announce(words);
    }

    /**
     * The server's own words if it sent some, else ours.
     * @param {unknown} problem @param {string} unreachable
     */
    #words(problem, unreachable) {
      if (!(problem instanceof Problem)) return this.#strings.failed;
      return problem.message || (problem.status ? this.#strings.failed : unreachable);
    }

    #onRenew() {
      const { list } = this.#ui;
      // Neither its buttons nor its messages mean anything to the new conversation.
      for (const control of list.querySelectorAll(".chip,.thumbs button"))
        control.setAttribute("aria-disabled", "true");
      list.insertBefore(
        h("p", { class: "note" }, this.#strings.renewed),
        list.querySelector(".waiting"),
      );
    }

    #submit() {
      const { input } = this.#ui;
      const text = input.value.trim();
      const tooLong = this.#count();
      if (tooLong) this.#announce(tooLong);
      input.focus();
      if (!text || tooLong) return;
      input.value = "";
      this.#count();
      this.#say({ text });
    }

    /** @param {KeyboardEvent} event */
    #onKey(event) {
      // 229: an input method still composes, in browsers that end the composition first.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229)
        return;
      event.preventDefault();
      this.#submit();
    }

    /** Shows how much room is left near the limit; gives the complaint past it. */
    #count() {
      const { input, count } = this.#ui;
      const n = [...input.value.trim()].length;
      const tooLong =
        n > MAX_LENGTH ? fill(this.#strings.tooLong, { n: n - MAX_LENGTH }) : "";
      input.setAttribute("aria-invalid", String(!!tooLong));
      count.className = tooLong && "over";
      count.textContent =
        tooLong || (n < COUNT_FROM ? "" : fill(this.#strings.count, { n, max: MAX_LENGTH }));
      return tooLong;
    }

    /** A gesture other than typing: the control it was made with may go, the focus is set down. */
    #choose(/** @type {{text: string, payload?: string}} */ what) {
      this.#rest();
      this.#say(what);
    }

    /** @param {{text: string, payload?: string}} what */
    #say({ text, payload }) {
      const { list, log } = this.#ui;
      const isFirst = !list.lastElementChild?.classList.contains("user");
      const node = this.#message(asMessages([{ from: "user", text }])[0], isFirst);
      this.#append(node);
      log.scrollTop = log.scrollHeight;
      this.#hand({ text, payload, clientId: newId(), node });
      this.#tell("message", { from: "user" });
    }

    /** Queues something to be sent. @param {Outgoing} said */
    #hand(said) {
      said.node.classList.add("waiting");
      said.node.querySelector(".problem")?.remove();
      this.#failed.delete(said);
      this.#outbox.push(said);
      this.#deliver();
    }

    /** Sends what is queued, one after the other: the order is part of a conversation. */
    async #deliver() {
      if (this.#isBusy) return;
      this.#isBusy = true;
      const epoch = this.#epoch;
      for (let said; (said = this.#outbox.shift()); ) {
        const stopTyping = this.#typing();
        let messages, problem;
        try {
          await this.#enter();
          if (epoch === this.#epoch) messages = await this.#client?.say(said);
        } catch (caught) {
          problem = caught;
        }
        stopTyping();
        if (epoch !== this.#epoch) return;
        said.node.classList.remove("waiting");
        if (messages) this.#receive(messages);
        else this.#onFailure(said, problem);
      }
      this.#isBusy = false;
    }

    /** Shows that an answer is on its way; gives the function that ends it. */
    #typing() {
      const { list } = this.#ui;
      const words = this.#strings.typing;
      const node = h(
        "div",
        { class: "message first", "aria-hidden": "true" },
        face(),
        h("div", { class: "bubble dots" }, h("span"), h("span"), h("span"), h("b", {}, words)),
      );
      const dots = setTimeout(() => {
        const follows = this.#isAtEnd();
        list.append(node);
        if (follows) node.scrollIntoView({ block: "end" });
      }, DOTS_AFTER);
      const spoken = setTimeout(() => this.#announce(words), SAY_TYPING_AFTER);
      return () => {
        clearTimeout(dots);
        clearTimeout(spoken);
        node.remove();
      };
    }

    /** @param {Message[]} messages */
    #receive(messages) {
      const news = messages.filter(({ id, from }) => from === "assistant" && !this.#shown.has(id));
      if (!news.length) return;
      this.#append(...news.map((message, index) => this.#message(message, !index)));
      this.#speak(news);
      if (!this.#isOpen) this.#unread += news.length;
      this.#labelLauncher();
      for (const { id } of news) this.#tell("message", { from: "assistant", id });
    }

    /** Says answers once, in one piece: text, then how many classes and suggestions there are. */
    #speak(/** @type {Message[]} */ messages) {
      if (!this.#isOpen) return;
      const words = this.#strings;
      /** @param {number} n @param {string} one @param {string} many */
      const counted = (n, one, many) => n && (n === 1 ? one : fill(many, { n }));
      const said = messages.flatMap(({ text, cards, buttons }) => [
        text,
        counted(cards.length, words.oneClass, words.manyClasses),
        counted(buttons.length, words.oneSuggestion, words.manySuggestions),
      ]);
      this.#announce(
        `${words.assistant}: ` +
          said
            .filter(Boolean)
            .map((part) => String(part).replace(/[^.!?:]$/, "$&."))
            .join(" "),
      );
    }

    /** @param {Outgoing} said @param {unknown} problem */
    #onFailure(said, problem) {
      const { offline, unreachable, retry, edit } = this.#strings;
      const words = this.#words(problem, navigator.onLine ? unreachable : offline);
      const isPassing = !(problem instanceof Problem) || problem.isPassing;
      if (problem instanceof Problem) said.problem = problem;
      this.#failed.add(said);
      const again = () => {
        this.#rest();
        if (isPassing) this.#hand(said);
        else this.#takeBack(said);
      };
      const follows = this.#isAtEnd();
      said.node.append(
        h(
          "div",
          { class: "problem" },
          words,
          h("button", { type: "button", class: "small", click: again }, isPassing ? retry : edit),
        ),
      );
      if (follows) said.node.scrollIntoView({ block: "end" });
      this.#announce(words);
    }

    /** What the server won't take goes back into the input, to be changed. @param {Outgoing} said */
    #takeBack(said) {
      const { input } = this.#ui;
      this.#failed.delete(said);
      said.node.remove();
      input.value = [said.text, input.value].filter(Boolean).join("\n");
      this.#count();
    }

    /** Back on line: what never got an answer is sent again, with the id it had. */
    #resend() {
      for (const said of [...this.#failed]) if (said.problem?.status === 0) this.#hand(said);
    }

    /** Asks whether to start over, or takes the question back. @param {boolean} isAsking */
    #ask(isAsking) {
      const { confirm, restart } = this.#ui;
      confirm.hidden = !isAsking;
      (isAsking ? confirm.querySelector("button") : restart)?.focus();
    }

    async #startOver() {
      const { confirm, list, latest, speaker } = this.#ui;
      confirm.hidden = true;
      this.#rest();
      try {
        await this.#client?.end();
      } catch (problem) {
        const words = this.#words(problem, this.#strings.notErased);
        this.#append(h("p", { class: "note" }, words));
        this.#announce(words);
        return;
      }
      this.#epoch++;
      this.#client = this.#entered = undefined;
      this.#outbox = [];
      this.#failed.clear();
      this.#shown.clear();
      this.#isBusy = this.#hasSpoken = false;
      latest.hidden = true;
      list.replaceChildren();
      speaker.replaceChildren();
      await this.#enter().catch((problem) => this.#cannotStart(problem));
    }

    // -------------------------------------------------- One message

    /** @param {Message} message @param {boolean} isFirst of a run by the same speaker */
    #message(message, isFirst) {
      const words = this.#strings;
      const isMine = message.from === "user";
      const name = h("span", { class: "hidden" }, `${isMine ? words.you : words.assistant}:`);
      const node = h(
        "div",
        { class: `message ${message.from}${isFirst ? " first" : ""}` },
        isFirst ? name : null,
      );
      if (message.id) this.#shown.add(message.id);
      if (isMine) {
        this.#hasSpoken = true;
        node.append(h("p", { class: "bubble", dir: "auto" }, message.text));
        return node;
      }
      if (isFirst) node.append(face());
      const others = message.links.filter(({ title }) => !message.text.includes(title));
      const bubble = h("div", { class: "bubble" }, ...prose(message.text, message.links));
      if (others.length)
        bubble.append(
          h("ul", {}, ...others.map(({ title, url }) => h("li", {}, anchor(title, url)))),
        );
      if (bubble.firstChild) node.append(bubble);
      if (message.cards.length)
        node.append(
          h(
            "ul",
            { class: "cards", "aria-label": words.classes },
            ...message.cards.map((card) => cardItem(card, words)),
          ),
        );
      // A greeting is no answer: there is nothing to rate before somebody has asked.
      const origin = meta(message, words);
      const thumbs = this.#hasSpoken && message.id ? this.#thumbs(message.id) : null;
      if (origin || thumbs) node.append(h("div", { class: "tail" }, origin, thumbs));
      if (message.buttons.length)
        node.append(
          h(
            "div",
            { class: "chips", role: "group", "aria-label": words.suggestions },
            ...message.buttons.map((button) => this.#chip(button)),
          ),
        );
      return node;
    }

    /** @param {Button} button */
    #chip({ title, payload }) {
      const chip = h(
        "button",
        {
          type: "button",
          class: "chip",
          click: () => {
            if (chip.ariaDisabled === "true") return;
            chip.ariaDisabled = "true";
            this.#choose({ text: title, payload });
          },
        },
        title,
      );
      return chip;
    }

    /** @param {string} id */
    #thumbs(id) {
      const words = this.#strings;
      const client = this.#client;
      const isPressed = (/** @type {boolean} */ helpful) =>
        String(client?.ratings[id] === helpful);
      const thumb = (/** @type {boolean} */ helpful, /** @type {string} */ label) => {
        const button = h(
          "button",
          {
            type: "button",
            "aria-label": label,
            title: label,
            "aria-pressed": isPressed(helpful),
            click: () => button.ariaDisabled !== "true" && press(helpful, button),
          },
          icon("thumb"),
        );
        return button;
      };
      const up = thumb(true, words.helpful);
      const down = thumb(false, words.notHelpful);
      const group = h("div", { class: "thumbs", role: "group", "aria-label": words.rate }, up, down);

      /** Ratings go out one after the other: the last one pressed is the one that holds. */
      let earlier = Promise.resolve(true);
      /** @param {boolean} helpful @param {string} [comment] @returns whether it was saved */
      const rate = (helpful, comment) => (earlier = earlier.then(() => save(helpful, comment)));
      /** @param {boolean} helpful @param {string} [comment] */
      const save = async (helpful, comment) => {
        try {
          await client?.rate(id, helpful, comment);
          return true;
        } catch (problem) {
          this.#remark(group, this.#words(problem, words.ratingFailed));
          return false;
        } finally {
          up.ariaPressed = isPressed(true);
          down.ariaPressed = isPressed(false);
        }
      };

      /** @param {boolean} helpful @param {HTMLElement} button */
      const press = async (helpful, button) => {
        if (button.ariaPressed === "true") return;
        button.ariaPressed = "true";
        (helpful ? down : up).ariaPressed = "false";
        if (!(await rate(helpful))) return;
        const text = h("textarea", { rows: "2", maxlength: "1000" });
        const done = () => (button.focus(), form.remove());
        const form = h(
          "form",
          {
            class: "comment",
            submit: async (event) => {
              event.preventDefault();
              const comment = text.value.trim();
              if (comment && !(await rate(helpful, comment))) return;
              done();
              this.#remark(group, words.thanks);
            },
          },
          h("label", {}, words.comment, text),
          h("button", { class: "small strong" }, words.sendComment),
          h("button", { type: "button", class: "small", click: done }, words.noComment),
        );
        this.#beside(group, form);
        this.#announce(words.rated);
      };
      return group;
    }

    /** Puts something right after the row of thumbs, in place of what stood there. */
    #beside(/** @type {HTMLElement} */ thumbs, /** @type {HTMLElement} */ node) {
      const row = thumbs.parentElement;
      if (row?.nextElementSibling?.matches(".comment,.remark")) row.nextElementSibling.remove();
      row?.after(node);
      node.scrollIntoView({ block: "nearest" });
    }

    /** @param {HTMLElement} thumbs @param {string} words */
    #remark(thumbs, words) {
      this.#beside(thumbs, h("p", { class: "meta remark" }, words));
      this.#announce(words);
    }
  }

  customElements.define("nasro-chat", NasroChat);
})();
