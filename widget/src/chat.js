/**
 * The element that a person sees.
 *
 * @typedef {Said & {at: string, node: HTMLElement, problem?: Problem}} Outgoing
 * @typedef {{panel: HTMLElement, log: HTMLElement, list: HTMLElement, speaker: HTMLElement,
 *   input: HTMLTextAreaElement, count: HTMLElement, more: HTMLElement, menu: HTMLElement,
 *   sound: HTMLElement, signOut: HTMLElement, confirm: HTMLElement, question: HTMLElement,
 *   yes: HTMLElement, latest: HTMLElement}} Parts
 * @typedef {string | null | undefined | (() => unknown)} Identity
 */

const MAX_LENGTH = 2000;
const COUNT_FROM = 1800;
/** Answers take milliseconds: dots that come at once would only flicker. */
const DOTS_AFTER = 250;
const SAY_TYPING_AFTER = 1000;
/** Less, and some screen readers miss the line; longer, and some read it again. */
const SPOKEN_FOR = 1500;
/** Where the chat fills the screen, so that the page behind is out of reach. */
const SMALL_SCREEN = "(max-width: 480px), (max-height: 480px)";

/** The script's own address: its server answers too, unless the element names another. */
const SCRIPT = typeof document === "undefined" ? null : document.currentScript;
const HOME = SCRIPT && "src" in SCRIPT ? SCRIPT.src : "";

// Where there is no page (a server-side build) the class is only declared.
class NasroChat extends (globalThis.HTMLElement ?? class {}) {
  #strings = { ...STRINGS };
  #life = new AbortController();
  /** @type {Client|undefined} */ #client;
  /** @type {Promise<void>|undefined} */ #entered;
  /** @type {Identity} what setIdentity was given */ #identity;
  #tab = drawer("sessionStorage", "");
  /** Whether the member of the conversation before has signed out: the next one begins without. */
  #isSignedOut = false;
  #hasSound = false;
  /** @type {AudioContext|undefined} */ #audio;
  /** Messages on their way, in order. @type {Outgoing[]} */ #outbox = [];
  /** Messages that got no answer. @type {Set<Outgoing>} */ #failed = new Set();
  /** What the page before couldn't send, until it is taken up. @type {any[]} */ #kept = [];
  /** Ids of the messages shown: one that comes twice is shown once. */
  #shown = new Set();
  #isBusy = false;
  /** Whether another tab went on while this one was busy. */
  #isBehind = false;
  #isOpen = false;
  #hasSpoken = false;
  /** Whether the newest message is in sight, and shall stay so. */
  #isFollowing = false;
  /** Where the log was last scrolled to. */
  #top = 0;
  /** Goes up with each conversation: what belongs to an earlier one is dropped. */
  #epoch = 0;
  #unread = 0;
  /** @type {HTMLButtonElement|undefined} */ #launcher;
  /** What on the page had the focus when the chat was opened. @type {HTMLElement|null|undefined} */ #opener;
  /** @type {Parts|undefined} The panel's parts, from the first opening on. */ #parts;

  constructor() {
    super();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
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
    for (const name of ["strings", "identityToken"]) {
      // Set before this file had arrived: the plain property hides the one of the class.
      if (!Object.hasOwn(this, name)) continue;
      const given = /** @type {any} */ (this)[name];
      Reflect.deleteProperty(this, name);
      /** @type {any} */ (this)[name] = given;
    }
    this.#life = new AbortController();
    const { signal } = this.#life;
    const back = () => this.#catchUp();
    addEventListener("online", back, { signal });
    addEventListener("pageshow", (event) => event.persisted && back(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || back(), { signal });
    addEventListener("storage", (event) => this.#onStorage(event), { signal });
    document.addEventListener("keydown", (event) => this.#onEscape(event), { signal });
    matchMedia(SMALL_SCREEN).addEventListener("change", () => this.#place(), { signal });
    for (const change of ["resize", "scroll"])
      visualViewport?.addEventListener(change, () => this.#fit(), { signal });
    if (this.#root.firstChild) {
      this.#place(); // moved within the page: a dialog doesn't survive that open
      return;
    }
    this.#parts = undefined;
    try {
      this.strings = { ...this.#strings, ...JSON.parse(this.getAttribute("strings") ?? "{}") };
    } catch {
      console.warn("nasro-chat: the attribute strings is no JSON");
    }
    this.#tab = drawer("sessionStorage", keyOf(this.#server));
    const { isOpen, hasSound, draft, waiting } = this.#tab.read();
    this.#hasSound = hasSound === true;
    const root = h("div", { class: "root", lang: this.hasAttribute("lang") ? null : "en" });
    this.#root.append(root);
    if (!this.#isInline) {
      root.classList.add("floating");
      this.#launcher = h("button", {
        type: "button",
        class: "launcher",
        part: "launcher",
        click: () => (this.#isOpen ? this.close() : this.open()),
      });
      this.#labelLauncher();
      root.append(this.#launcher);
    }
    if (draft) this.#ui.input.value = asText(draft);
    this.#kept = asList(waiting);
    // As it was on the page before, the focus left to this one.
    if (isOpen || this.#isInline) this.#show();
    if (this.#kept.length) this.#takeUp();
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  /** Shows the chat and moves the focus into it. */
  open() {
    if (!this.isConnected || this.#isOpen || this.#isInline) return;
    this.#opener = /** @type {HTMLElement|null} */ (document.activeElement);
    this.#show();
    this.#rest();
    this.#tell("open");
  }

  /** Hides the chat; the conversation stays. */
  close() {
    if (!this.#isOpen || this.#isInline) return;
    const { panel } = this.#ui;
    const hadFocus = panel.contains(this.#root.activeElement);
    this.#unfold(false);
    this.#isOpen = false;
    if (panel instanceof HTMLDialogElement) panel.close();
    this.#labelLauncher();
    this.#keep();
    // Of the two, one that is out of sight doesn't take the focus.
    if (hadFocus) for (const node of [this.#launcher, this.#opener]) node?.focus();
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

  /**
   * Tells who is signed in on the website: a token, a function that gets one whenever the chat needs
   * it, or null for nobody.
   * @param {string | null | (() => unknown)} identity
   */
  async setIdentity(identity) {
    this.#identity = identity ?? "";
    this.#isSignedOut = false;
    (this.#client ?? new Client(this.#server)).heed();
    if (!this.#entered) return;
    try {
      await this.#entered;
      await this.#client?.signIn();
    } catch (problem) {
      // What can't be told now is told with the next message or conversation.
      if (isOver(problem)) await this.#startOver();
    }
    this.#labelMenu();
  }
  get identityToken() {
    return this.#identity;
  }
  set identityToken(identity) {
    this.#identity = identity;
  }

  /** Takes the chat off the page; nothing of it stays at work. Put in again, it begins as on a new page. */
  destroy() {
    this.remove();
    this.#clear();
    this.#audio?.close();
    this.#audio = undefined;
    this.#isOpen = false;
    this.#root.replaceChildren();
  }

  get #root() {
    return /** @type {ShadowRoot} */ (this.shadowRoot);
  }

  get #isInline() {
    return this.hasAttribute("inline");
  }

  /** The folder in which the server's addresses begin. */
  get #server() {
    const named = this.getAttribute("server");
    return new URL(named?.replace(/\/?$/, "/") ?? ".", (named ? "" : HOME) || location.href).href;
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

  /** Keeps for this tab what a reload must not lose. */
  #keep() {
    const waiting = [...this.#kept, ...this.#failed, ...this.#outbox]
      .sort((one, other) => (one.at < other.at ? -1 : 1))
      .map(({ text, payload, clientId, at }) => ({ text, payload, clientId, at }));
    this.#tab.write({
      isOpen: this.#isOpen,
      hasSound: this.#hasSound,
      draft: this.#parts?.input.value ?? "",
      waiting,
    });
  }

  // -------------------------------------------------- The frame

  #labelLauncher() {
    if (!this.#launcher) return;
    const { open, openWithNews, close, launcher } = this.#strings;
    const news = this.#unread ? fill(openWithNews, { n: this.#unread }) : open;
    this.#launcher.setAttribute("aria-expanded", String(this.#isOpen));
    this.#launcher.setAttribute("aria-label", this.#isOpen ? close : news);
    this.#launcher.replaceChildren(icon(this.#isOpen ? "close" : "chat"), launcher);
    const n = String(this.#unread || "");
    // No text of the button: its name says the number in a sentence.
    if (n) this.#launcher.append(h("span", { class: "badge", part: "badge", "data-n": n }));
  }

  #labelMenu() {
    const { signOut, sound } = this.#ui;
    const member = this.#client?.member ?? "";
    sound.ariaPressed = String(this.#hasSound);
    signOut.hidden = !member;
    signOut.replaceChildren(
      this.#strings.signOut,
      h("small", {}, fill(this.#strings.signedIn, { member })),
    );
  }

  /** Makes the panel, hidden as yet. @returns {Parts} */
  #build() {
    const words = this.#strings;
    /** @param {string} name @param {() => void} click @param {object} [more] */
    const button = (name, click, more = {}) =>
      h("button", { type: "button", click, ...more }, name);
    /** @param {keyof typeof ICONS} name @param {string} label @param {() => void} click @param {object} [more] */
    const iconButton = (name, label, click, more = {}) =>
      h("button", { type: "button", "aria-label": label, title: label, click, ...more }, icon(name));

    const list = h("div");
    const log = h(
      "div",
      {
        class: "log",
        part: "log",
        role: "log",
        "aria-live": "off", // the speaker below says each answer, once and in one piece
        "aria-label": words.log,
        tabindex: "0",
        scroll: () => {
          const { scrollTop } = log;
          // Room lost to a keyboard isn't leaving the end: only going up is.
          if (this.#isAtEnd()) this.#isFollowing = latest.hidden = true;
          else if (scrollTop < this.#top) this.#isFollowing = false;
          this.#top = scrollTop;
        },
      },
      list,
    );
    const speaker = h("div", { class: "hidden", "aria-live": "polite" });
    const input = h("textarea", {
      rows: "1",
      part: "input",
      placeholder: words.input,
      "aria-label": words.input,
      "aria-describedby": "count",
      enterkeyhint: "send",
      autocomplete: "off",
      input: () => {
        this.#count();
        this.#keep();
      },
      keydown: (event) => this.#onKey(event),
    });
    const count = h("span", { id: "count" });
    const sound = button(words.sound, () => this.#toggleSound(), { "aria-pressed": "false" });
    const signOut = button(words.signOut, () => this.#ask(words.confirmSignOut, words.signOut, true));
    const menu = h(
      "div",
      { class: "menu", part: "menu", id: "menu", hidden: true },
      sound,
      button(words.download, () => this.#download()),
      button(words.startOver, () =>
        this.#hasSpoken ? this.#ask(words.confirmStartOver, words.startOver) : this.#onYes(),
      ),
      signOut,
    );
    const more = iconButton("more", words.more, () => this.#unfold(!!menu.hidden), {
      "aria-expanded": "false",
      "aria-controls": "menu",
    });
    const question = h("p");
    const yes = h("button", { type: "button", class: "small strong" });
    const confirm = h(
      "div",
      { class: "confirm", role: "group", "aria-labelledby": "question", hidden: true },
      question,
      yes,
      button(words.keep, () => this.#ask("", ""), { class: "small" }),
    );
    question.id = "question";
    const latest = button(words.newMessages, () => this.#toLatest(), {
      class: "small latest",
      hidden: true,
    });
    const panel = h(
      this.#isInline ? "section" : "dialog",
      {
        class: "panel",
        part: "panel",
        "aria-labelledby": "title",
        // Closed by the browser: Esc, or a phone's way back.
        close: () => panel instanceof HTMLDialogElement && !panel.open && this.close(),
        click: (event) => {
          if (!menu.hidden && !event.composedPath().includes(menu)) this.#unfold(false, event);
        },
      },
      h(
        "div",
        { class: "head", part: "header" },
        face(),
        h(
          "div",
          {},
          h("h2", { id: "title", part: "title" }, words.title),
          h("p", {}, words.subtitle),
        ),
        more,
        menu,
        confirm,
        this.#isInline ? null : iconButton("close", words.close, () => this.close()),
      ),
      log,
      h(
        "div",
        { class: "foot", part: "footer" },
        latest,
        h(
          "form",
          {
            class: "composer",
            submit: (event) => {
              event.preventDefault();
              this.#submit();
            },
          },
          input,
          h(
            "button",
            { class: "send", part: "send", "aria-label": words.send, title: words.send },
            icon("send"),
          ),
        ),
        h(
          "div",
          { class: "under" },
          button(words.person, () => this.#choose({ text: words.personQuestion })),
          count,
        ),
      ),
      h("span", { id: "new-tab", hidden: true }, words.newTab),
      speaker,
    );
    this.#root.firstElementChild?.append(panel);
    // A touch keyboard or a longer input takes room, and so does what was only guessed at while it
    // was out of sight: who was at the end stays there.
    const room = new ResizeObserver(() => {
      if (this.#isFollowing) log.scrollTop = log.scrollHeight;
    });
    room.observe(log);
    room.observe(list);
    return {
      panel, log, list, speaker, input, count, more, menu, sound, signOut, confirm, question, yes,
      latest,
    };
  }

  #show() {
    this.#isOpen = true;
    this.#place();
    this.#unread = 0;
    this.#labelLauncher();
    this.#keep();
    this.#enter().catch((problem) => this.#cannotStart(problem));
  }

  /** Puts the open panel where it belongs: beside the page, or on a small screen in front of it. */
  #place() {
    if (!this.#isOpen || this.#isInline) return;
    const { panel } = this.#ui;
    if (!(panel instanceof HTMLDialogElement)) return;
    const isSmall = matchMedia(SMALL_SCREEN).matches;
    if (panel.open && panel.matches(":modal") === isSmall) return;
    const focused = /** @type {HTMLElement|null} */ (this.#root.activeElement);
    panel.close();
    if (isSmall) panel.showModal();
    // show() would focus the first control; where the focus goes is decided by the gesture.
    else panel.setAttribute("open", "");
    if (focused && panel.contains(focused)) focused.focus();
    this.#fit();
  }

  /** Keeps the panel clear of a touch keyboard, which covers the page in some browsers. */
  #fit() {
    if (!this.#parts) return;
    const { panel } = this.#parts;
    const view = visualViewport;
    const isCovered = panel.matches(":modal") && view && view.scale < 1.01;
    panel.style.blockSize = isCovered ? `${view.height}px` : "";
    panel.style.insetBlockStart = isCovered ? `${view.offsetTop}px` : "";
  }

  /** Where the focus goes after a gesture: a touch keyboard doesn't pop up unasked. */
  #rest() {
    const { input, log } = this.#ui;
    (matchMedia("(pointer: fine)").matches ? input : log).focus();
  }

  /** @param {KeyboardEvent} event */
  #onEscape(event) {
    if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
    const parts = this.#parts;
    if (!parts || (!this.#isOpen && !this.#isInline)) return;
    const isUnfolded = !parts.menu.hidden || !parts.confirm.hidden;
    if (isUnfolded) {
      event.preventDefault(); // a modal dialog would close of itself
      this.#unfold(false);
    } else this.close();
  }

  /** Opens or closes the menu, and with it a question that it asked. @param {boolean} isOpen @param {Event} [click] */
  #unfold(isOpen, click) {
    const { menu, more, confirm } = this.#ui;
    if (click?.composedPath().includes(more)) return; // its own handler is next
    const hadFocus = [menu, confirm].some((part) => part.contains(this.#root.activeElement));
    menu.hidden = !isOpen;
    confirm.hidden = true;
    more.ariaExpanded = String(isOpen);
    if (isOpen) this.#labelMenu();
    else if (hadFocus) more.focus();
  }

  #toggleSound() {
    this.#hasSound = !this.#hasSound;
    this.#labelMenu();
    this.#keep();
    this.#ring();
  }

  /** A short soft note, made here: nothing is fetched for it. */
  #ring() {
    if (!this.#hasSound || !globalThis.AudioContext) return;
    const audio = (this.#audio ??= new AudioContext());
    const note = audio.createOscillator();
    const loudness = audio.createGain();
    note.frequency.value = 660;
    loudness.gain.setValueAtTime(0.08, audio.currentTime);
    loudness.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.25);
    note.connect(loudness).connect(audio.destination);
    note.start();
    note.stop(audio.currentTime + 0.25);
  }

  /** Hands the conversation out as a text file, as the server has it. */
  async #download() {
    const words = this.#strings;
    this.#unfold(false);
    try {
      await this.#enter();
      const messages = (await this.#client?.history()) ?? [];
      const text = messages.map((message) => {
        const who = message.from === "user" ? words.you : words.assistant;
        return `${who}, ${written(new Date(message.at), true)}\n${plainText(message, words)}\n`;
      });
      const url = URL.createObjectURL(
        new Blob([[`${words.title}\n`, ...text].join("\n")], { type: "text/plain;charset=utf-8" }),
      );
      const day = new Date().toISOString().slice(0, 10);
      h("a", { href: url, download: `nasro-chat-${day}.txt` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    } catch (problem) {
      this.#note(this.#words(problem, words.cannotStart));
    }
  }

  /** Says something to a screen reader. @param {string} text */
  #announce(text) {
    const line = h("p", {}, text);
    this.#ui.speaker.append(line);
    setTimeout(() => line.remove(), SPOKEN_FOR);
  }

  /** Remarks something in the conversation that neither side said. @param {string} text */
  #note(text) {
    this.#append(h("p", { class: "note" }, text));
    this.#announce(text);
  }

  #isAtEnd() {
    const { log } = this.#ui;
    return log.scrollHeight - log.scrollTop - log.clientHeight < 48;
  }

  /**
   * Puts new content at the end, in front of what isn't sent yet, and in sight if the end was: a long
   * answer from its beginning.
   * @param {HTMLElement[]} nodes
   */
  #append(...nodes) {
    this.#insert(this.#ui.list.querySelector(".unsent"), nodes);
  }

  /** @param {Element|null} before @param {HTMLElement[]} nodes */
  #insert(before, nodes) {
    const { log, list, latest } = this.#ui;
    const follows = this.#isAtEnd();
    for (const node of nodes) {
      node.classList.add("new");
      list.insertBefore(node, before);
    }
    if (follows && nodes[0]) log.scrollTop = nodes[0].offsetTop - 16;
    else latest.hidden = false;
    this.#isFollowing = this.#isAtEnd();
    this.#top = log.scrollTop;
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
    const client = new Client(this.#server);
    this.#client = client;
    client.onrenew = (hasLeft, welcome) => this.#onRenew(hasLeft, welcome);
    client.onrefuse = (words) => this.#note(words || this.#strings.failed);
    client.isSignedOut ||= this.#isSignedOut;
    client.identity = () => {
      const given = this.#identity ?? this.getAttribute("identity-token");
      return typeof given === "function" ? given() : given;
    };
    const entered = await client.enter().catch((problem) => {
      if (client === this.#client) throw problem;
    });
    if (!entered || client !== this.#client) return;
    const { messages, isRestored } = entered;
    const { log, list } = this.#ui;
    const isAlone = !list.querySelector(".message");
    this.#remove(list.querySelector(".start"));
    // In front of what was typed while the line was down.
    list.prepend(...this.#run(messages.filter(({ id }) => !this.#shown.has(id))));
    if (isAlone) log.scrollTop = isRestored ? log.scrollHeight : 0;
    this.#isFollowing = this.#isAtEnd();
    this.#labelMenu();
    if (!isRestored) {
      if (!this.#isInline) this.#speak(messages);
      for (const { id } of messages) this.#tell("message", { from: "assistant", id });
    }
  }

  /** Messages as elements, the speaker named where a run begins. @param {Message[]} messages */
  #run(messages) {
    return messages.map((message, index) =>
      this.#message(message, messages[index - 1]?.from !== message.from),
    );
  }

  /** @param {unknown} problem */
  #cannotStart(problem) {
    const { list } = this.#ui;
    const words = this.#words(problem, this.#strings.cannotStart);
    this.#remove(list.querySelector(".start"));
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

  /**
   * A new conversation took the place of one that had ended, in mid-sentence: its welcome isn't shown.
   * @param {boolean} hasLeft @param {Message[]} welcome
   */
  #onRenew(hasLeft, welcome) {
    const { list } = this.#ui;
    for (const { id } of welcome) this.#shown.add(id);
    if (hasLeft)
      for (const node of list.querySelectorAll(":scope > :not(.unsent)")) node.remove();
    // Neither its buttons nor its messages mean anything to the new conversation.
    for (const control of list.querySelectorAll(".chip,.thumbs button"))
      control.setAttribute("aria-disabled", "true");
    list.insertBefore(
      h("p", { class: "note" }, this.#strings.renewed),
      list.querySelector(".unsent"),
    );
  }

  /** Another tab of this site went on with the conversation, or ended it. @param {StorageEvent} event */
  #onStorage({ key, newValue }) {
    // Never opened, it has nothing to show; key null: everything was cleared.
    if (!this.#parts || (key !== null && key !== keyOf(this.#server))) return;
    if (this.#client?.isKept()) {
      this.#catchUp();
      return;
    }
    this.#clear();
    if (newValue && (this.#isOpen || this.#isInline))
      this.#enter().catch((problem) => this.#cannotStart(problem));
  }

  /** Shows what was said elsewhere, and sends what was kept while the line was down. */
  async #catchUp() {
    if (!this.#entered && !this.#failed.size) return;
    // An answer that is on its way would come twice: once by the history, once by itself.
    if ((this.#isBehind = this.#isBusy)) return;
    const epoch = this.#epoch;
    try {
      await this.#enter();
      const messages = (await this.#client?.history()) ?? [];
      if (epoch !== this.#epoch) return;
      for (const said of this.#failed) {
        const asked = messages.findIndex(({ id }) => id === said.clientId);
        if (asked < 0) continue;
        const next = messages.findIndex(({ from }, index) => index > asked && from === "user");
        this.#settle(said);
        this.#receive(messages.slice(asked + 1, next < 0 ? undefined : next), said.node);
      }
      const news = messages.filter(({ id }) => !this.#shown.has(id));
      if (news.length) this.#append(...this.#run(news));
      this.#labelMenu();
    } catch (problem) {
      if (!isOver(problem)) return; // still no line
      // An ended conversation: the next message finds out, and says so.
    }
    this.#resend(429);
  }

  /** Tries again what may be sent now, in its order. @param {number} [spared] status of what isn't */
  #resend(spared) {
    for (const said of [...this.#failed])
      if (said.problem?.isPassing && said.problem.status !== spared) this.#hand(said);
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
    const tooLong = n > MAX_LENGTH ? fill(this.#strings.tooLong, { n: n - MAX_LENGTH }) : "";
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
  #say(what) {
    const said = this.#outgoing({ ...what, clientId: newId(), at: new Date().toISOString() });
    this.#hand(said);
    this.#tell("message", { from: "user" });
  }

  /** Shows something as said by the person. @param {Said & {at: string}} said @returns {Outgoing} */
  #outgoing(said) {
    const { list, log } = this.#ui;
    const isFirst = !list.lastElementChild?.classList.contains("user");
    const [message] = asMessages([{ ...said, from: "user", id: said.clientId }]);
    const node = this.#message(message, isFirst);
    node.classList.add("unsent", "new");
    list.append(node);
    log.scrollTop = log.scrollHeight;
    return { ...said, node };
  }

  /** Takes up what the page before couldn't send. */
  async #takeUp() {
    await this.#enter().catch(() => {}); // said with the message, if it can't be sent
    for (const { text, payload, clientId, at } of this.#kept.splice(0))
      if (!this.#shown.has(asText(clientId)))
        this.#hand(
          this.#outgoing({
            text: asText(text),
            clientId: asText(clientId),
            at: asText(at),
            ...(payload ? { payload: asText(payload) } : {}),
          }),
        );
    this.#keep();
  }

  /** Queues something to be sent. @param {Outgoing} said */
  #hand(said) {
    const { list } = this.#ui;
    said.node.classList.add("waiting", "unsent");
    this.#remove(said.node.querySelector(".problem"));
    if (this.#failed.delete(said) && said.node !== list.lastElementChild) list.append(said.node);
    this.#outbox.push(said);
    this.#keep();
    this.#deliver();
  }

  /** Sends what is queued, one after the other: the order is part of a conversation. */
  async #deliver() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    const epoch = this.#epoch;
    for (let said; (said = this.#outbox[0]); ) {
      const stopTyping = this.#typing(said.node);
      let messages, problem;
      try {
        await this.#enter();
        if (epoch === this.#epoch) messages = await this.#client?.say(said);
      } catch (caught) {
        problem = caught;
      }
      stopTyping();
      if (epoch !== this.#epoch) return;
      if (messages) {
        this.#outbox.shift();
        this.#settle(said);
        this.#receive(messages, said.node);
        this.#labelMenu();
      } else this.#onFailure(problem);
      this.#keep();
    }
    this.#isBusy = false;
    if (this.#isBehind) this.#catchUp();
  }

  /** Takes something away, but not the focus with it. @param {Element|null} node */
  #remove(node) {
    if (node?.contains(this.#root.activeElement)) this.#rest();
    node?.remove();
  }

  /** It has arrived. @param {Outgoing} said */
  #settle(said) {
    this.#failed.delete(said);
    said.node.classList.remove("waiting", "unsent");
    this.#remove(said.node.querySelector(".problem"));
    this.#keep();
  }

  /** Shows that an answer is on its way; gives the function that ends it. @param {HTMLElement} asked */
  #typing(asked) {
    const words = this.#strings.typing;
    const node = h(
      "div",
      { class: "message first", "aria-hidden": "true" },
      face(),
      h("div", { class: "bubble dots" }, h("span"), h("span"), h("span"), h("b", {}, words)),
    );
    const dots = setTimeout(() => {
      const follows = this.#isAtEnd();
      asked.after(node);
      if (follows) node.scrollIntoView({ block: "end" });
    }, DOTS_AFTER);
    const spoken = setTimeout(() => this.#announce(words), SAY_TYPING_AFTER);
    return () => {
      clearTimeout(dots);
      clearTimeout(spoken);
      node.remove();
    };
  }

  /** @param {Message[]} messages @param {HTMLElement} asked */
  #receive(messages, asked) {
    const news = messages.filter(({ id, from }) => from === "assistant" && !this.#shown.has(id));
    if (!news.length) return;
    this.#insert(asked.nextElementSibling, this.#run(news));
    this.#speak(news);
    this.#ring();
    if (!this.#isOpen && !this.#isInline) this.#unread += news.length;
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

  /**
   * What may be sent later takes along what was said after it: the order stays, and it is told once.
   * @param {unknown} caught
   */
  #onFailure(caught) {
    const { offline, unreachable, retry, edit } = this.#strings;
    const words = this.#words(caught, navigator.onLine ? unreachable : offline);
    const problem = caught instanceof Problem ? caught : new Problem(0);
    const follows = this.#isAtEnd();
    for (const said of this.#outbox.splice(0, problem.isPassing ? Infinity : 1)) {
      said.problem = problem;
      this.#failed.add(said);
      const again = () => {
        this.#rest();
        if (problem.isPassing) this.#resend();
        else this.#takeBack(said);
      };
      said.node.classList.remove("waiting");
      said.node.append(
        h(
          "div",
          { class: "problem" },
          words,
          h(
            "button",
            { type: "button", class: "small", click: again },
            problem.isPassing ? retry : edit,
          ),
        ),
      );
      if (follows) said.node.scrollIntoView({ block: "end" });
    }
    this.#announce(words);
    this.#tell("error", { status: problem.status });
  }

  /** What the server won't take goes back into the input, to be changed. @param {Outgoing} said */
  #takeBack(said) {
    const { input } = this.#ui;
    this.#failed.delete(said);
    said.node.remove();
    input.value = [said.text, input.value].filter(Boolean).join("\n");
    this.#count();
    this.#keep();
  }

  /**
   * Asks before something is erased; an empty question takes it back.
   * @param {string} question @param {string} yes @param {boolean} [leaves] whether the member signs out
   */
  #ask(question, yes, leaves) {
    const { confirm, more, menu, ...ui } = this.#ui;
    menu.hidden = true;
    more.ariaExpanded = "false";
    confirm.hidden = !question;
    ui.question.textContent = question;
    ui.yes.textContent = yes;
    ui.yes.onclick = () => this.#onYes(leaves);
    (question ? ui.yes : more).focus();
  }

  /** @param {boolean} [leaves] */
  #onYes(leaves) {
    this.#unfold(false);
    this.#rest();
    this.#startOver(leaves);
  }

  /**
   * Ends the conversation, on the server too, and begins another.
   * @param {boolean} [leaves] whether the member signs out
   */
  async #startOver(leaves) {
    const client = this.#client;
    const problem = await client?.end().catch((caught) => caught);
    if (client !== this.#client) return; // asked for twice, or another tab was faster
    if (problem) {
      this.#note(this.#words(problem, this.#strings.notErased));
      return;
    }
    if (client && leaves) {
      client.isSignedOut = true;
      this.#tell("sign-out");
    }
    this.#clear();
    this.#keep();
    this.#tell("start-over");
    await this.#enter().catch((problem) => this.#cannotStart(problem));
  }

  /** Leaves nothing of a conversation on the page. */
  #clear() {
    const { list, latest, speaker } = this.#ui;
    this.#client?.stop();
    this.#epoch++;
    this.#isSignedOut = this.#client?.isSignedOut ?? this.#isSignedOut;
    this.#client = this.#entered = undefined;
    this.#outbox = [];
    this.#kept = [];
    this.#failed.clear();
    this.#shown.clear();
    this.#isBusy = this.#hasSpoken = false;
    this.#unread = 0;
    this.#labelLauncher();
    latest.hidden = true;
    list.replaceChildren();
    speaker.replaceChildren();
  }

  // -------------------------------------------------- One message

  /** @param {Message} message @param {boolean} isFirst of a run by the same speaker */
  #message(message, isFirst) {
    const words = this.#strings;
    const isMine = message.from === "user";
    const name = h("span", { class: "hidden" }, `${isMine ? words.you : words.assistant}:`);
    const node = h(
      "div",
      {
        class: `message ${message.from}${isFirst ? " first" : ""}`,
        part: `message message-${message.from}`,
      },
      // An answer may yet come between two of the person's.
      isFirst || isMine ? name : null,
    );
    if (message.id) this.#shown.add(message.id);
    if (isMine) {
      this.#hasSpoken = true;
      const said = time(message.at);
      node.append(h("p", { class: "bubble", part: "bubble", dir: "auto" }, message.text));
      if (said) node.append(h("p", { class: "meta" }, said));
      return node;
    }
    if (isFirst) node.append(face());
    const others = message.links.filter(({ title }) => !message.text.includes(title));
    const bubble = h(
      "div",
      { class: "bubble", part: "bubble" },
      ...prose(message.text, message.links),
    );
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
    node.append(
      h(
        "div",
        { class: "tail" },
        meta(message, words),
        this.#hasSpoken && message.id ? this.#thumbs(message) : null,
      ),
    );
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
        part: "chip",
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

  /** What can be done with an answer: copy it, say whether it helped. @param {Message} message */
  #thumbs(message) {
    const { id } = message;
    const words = this.#strings;
    const client = this.#client;
    const isPressed = (/** @type {boolean} */ helpful) => String(client?.ratings[id] === helpful);
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
    const copy = h(
      "button",
      { type: "button", "aria-label": words.copy, title: words.copy, click: () => this.#copy(message, group) },
      icon("copy"),
    );
    const up = thumb(true, words.helpful);
    const down = thumb(false, words.notHelpful);
    down.classList.add("down");
    const group = h(
      "div",
      { class: "thumbs", role: "group", "aria-label": words.rate },
      // Missing on pages without TLS.
      navigator.clipboard ? copy : null,
      up,
      down,
    );

    /** Ratings go out one after the other: the last one pressed is the one that holds. */
    let earlier = Promise.resolve("");
    /** @param {boolean} helpful @param {string} [comment] @returns what went wrong, in words */
    const rate = (helpful, comment) => (earlier = earlier.then(() => save(helpful, comment)));
    /** @param {boolean} helpful @param {string} [comment] */
    const save = async (helpful, comment) => {
      try {
        await client?.rate(id, helpful, comment);
        this.#tell("rating", { id, helpful });
        return "";
      } catch (problem) {
        return this.#words(problem, words.ratingFailed);
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
      const failure = await rate(helpful);
      if (failure) {
        this.#remark(group, failure);
        return;
      }
      const trouble = h("p", { class: "problem" });
      const text = h("textarea", { rows: "2", maxlength: "1000" });
      const done = () => {
        button.focus();
        form.remove();
      };
      const form = h(
        "form",
        {
          class: "comment",
          submit: async (event) => {
            event.preventDefault();
            const comment = text.value.trim();
            const failure = comment && (await rate(helpful, comment));
            if (failure) {
              trouble.textContent = failure;
              form.append(trouble);
              this.#announce(failure);
              return;
            }
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

  /** @param {Message} message @param {HTMLElement} group */
  async #copy(message, group) {
    const { copied, notCopied } = this.#strings;
    try {
      await navigator.clipboard.writeText(plainText(message, this.#strings));
      this.#remark(group, copied);
    } catch {
      this.#remark(group, notCopied);
    }
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

// Imported where there is no page, or included twice: nothing to do.
if (typeof window !== "undefined" && !customElements.get("nasro-chat")) {
  customElements.define("nasro-chat", NasroChat);
  const settings = [...(SCRIPT?.attributes ?? [])].filter(({ name }) => /^data-/.test(name));
  /** A script with settings is all that a page needs: <script src="…" data-theme="light">. */
  const embed = () => {
    if (document.querySelector("nasro-chat")) return;
    const chat = document.createElement("nasro-chat");
    for (const { name, value } of settings) chat.setAttribute(name.slice(5), value);
    document.body.append(chat);
  };
  if (!settings.length) {
    // The page writes the element itself.
  } else if (document.readyState === "loading") addEventListener("DOMContentLoaded", embed);
  else embed();
}
