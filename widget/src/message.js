/** From messages to elements. Text becomes an element's text, never markup. */

/** Drawn on a grid of 24: lines, and with a "*" in front a filled shape. */
const ICONS = {
  chat: ["M21 11.5a8 8 0 0 1-8 8H4.5l1.7-3A8 8 0 1 1 21 11.5Z", "M9 10h8M9 13.5h5"],
  close: ["M6 6l12 12M18 6L6 18"],
  send: ["M3.5 11.5 20.5 4l-6 16.5-3.5-7-7.5-2Z", "M11 13.5l4-4"],
  more: ["M5 12h.01M12 12h.01M19 12h.01"],
  copy: ["M9 9h11v11H9z", "M5.500 15H4V4h11v1.500"],
  thumb: ["M7 11v9H4v-9h3l4-8c1.7 0 3 1.3 3 3v3h5.2c1.1 0 2 1 1.8 2.1l-1.2 7.2c-.2 1-1 1.7-2 1.7H7"],
  badge: [
    "M12 2.8 19.5 5v6.3c0 4.8-3.2 8.2-7.5 9.9-4.3-1.7-7.5-5.1-7.5-9.9V5L12 2.8Z",
    "*M12 7.4l1.4 2.8 3.1.5-2.2 2.2.5 3.1-2.8-1.5L9.200 16l.5-3.1-2.2-2.2 3.100-.5Z",
  ],
};


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

/** A moment as its reader writes it: of today the time alone. @param {Date} moment @param {boolean} [isWhole] */
function written(moment, isWhole = moment.toDateString() !== new Date().toDateString()) {
  formats ??= [false, true].map(
    (hasDate) =>
      new Intl.DateTimeFormat(undefined, {
        timeStyle: "short",
        ...(hasDate ? { dateStyle: "medium" } : {}),
      }),
  );
  return formats[Number(isWhole)].format(moment);
}
/** The first one of a page takes tens of milliseconds: no answer waits for it. @type {Intl.DateTimeFormat[]|undefined} */
let formats;
const CLOCK_AFTER = 1000;

/** When something was said or read. @param {string} at */
function time(at) {
  const moment = new Date(at);
  if (Number.isNaN(+moment)) return null;
  const node = h("time", { datetime: at }, "\u00a0");
  const write = () => (node.textContent = written(moment));
  if (formats) write();
  else setTimeout(write, CLOCK_AFTER);
  return node;
}

/** When an answer was given, where it comes from and how fresh it is. @param {Message} message @param {typeof STRINGS} strings */
function meta({ at, source, asOf }, strings) {
  const said = time(at);
  const read = time(asOf);
  return h(
    "p",
    { class: "meta" },
    said && h("span", {}, said),
    source && h("span", {}, `${strings.source} `, anchor(source.title, source.url)),
    read && h("span", {}, `${strings.asOf} `, read),
  );
}

/** A message as plain text, with all that it shows but its buttons. @param {Message} message @param {typeof STRINGS} strings */
function plainText({ text, cards, links, source, asOf }, strings) {
  const named = (/** @type {Link} */ { title, url }) =>
    url && title !== url && !text.includes(url) ? `${title}: ${url}` : title;
  return [
    text,
    ...cards.map(({ title, subtitle, fields, url }) =>
      [
        [title, subtitle].filter(Boolean).join(", "),
        ...fields.map(({ label, value }) => `  ${label}: ${value}`),
        url && `  ${strings.register}: ${url}`,
      ]
        .filter(Boolean)
        .join("\n"),
    ),
    ...links.filter(({ url }) => !/^(tel|mailto):/.test(url)).map(named),
    source && `${strings.source} ${named(source)}`,
    Number.isNaN(+new Date(asOf)) ? "" : `${strings.asOf} ${written(new Date(asOf), true)}`,
  ]
    .filter(Boolean)
    .join("\n");
}
