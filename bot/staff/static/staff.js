/**
 * What the staff pages do without a click: a preview that follows what is typed, and progress that goes
 * on by itself. Without it both come with a button or a reload.
 */
const TYPING_STOPPED = 400;
const LOOK_AGAIN = 1000;

/** @param {string} address @param {RequestInit} [options] @returns {Promise<any>} null where nothing came */
const fetched = async (address, options) => {
  try {
    const response = await fetch(address, options);
    // Who was signed out meanwhile is led to the page for that.
    return response.ok && !response.redirected ? await response.json() : null;
  } catch {
    return null;
  }
};

/** @param {HTMLIFrameElement} frame */
const preview = (frame) => {
  let messages = JSON.parse(frame.dataset.messages ?? "[]");
  const show = () => frame.contentWindow?.postMessage(messages, location.origin);
  // Whichever is later: the frame, or this script.
  frame.addEventListener("load", show);
  show();
  const form = /** @type {HTMLFormElement|null} */ (document.querySelector("form[data-preview]"));
  let timer = 0;
  let newest = 0;
  form?.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const number = ++newest;
      const body = new FormData(form);
      const found = await fetched(form.dataset.preview ?? "", { method: "POST", body });
      if (!found || number !== newest) return;
      messages = found.messages;
      show();
    }, TYPING_STOPPED);
  });
};

/** @param {HTMLElement} place */
const progress = async (place) => {
  const bar = place.querySelector("progress");
  const words = place.querySelector("span");
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    const found = await fetched(place.dataset.progress ?? "");
    if (!found) continue;
    if (found.is_over) return location.reload();
    if (bar) bar.value = found.done;
    if (words && words.textContent !== found.words) words.textContent = found.words;
  }
};

for (const frame of document.querySelectorAll("iframe")) preview(frame);
for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-progress]")))
  progress(place);
