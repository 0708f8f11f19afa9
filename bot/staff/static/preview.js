/**
 * In the frame of a preview: the real widget, whose server is this page. It is answered with the messages
 * that the page around it hands in; nothing is sent anywhere.
 */
const PREVIEW_ONLY = "This is a preview: it shows the answer, and takes no questions.";

/** @type {unknown[]} */
let messages = [];

/** @param {number} status @param {object|null} body */
const reply = (status, body) =>
  new Response(body && JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json" },
  });

/** The web chat API, as far as a conversation has to begin. @param {string} method @param {string} path */
const answer = (method, path) => {
  if (method === "POST" && path.endsWith("/sessions"))
    return reply(201, { token: "preview", expires_at: "2999-01-01T00:00:00Z", messages, member: null });
  if (method === "DELETE") return reply(204, null);
  // Nothing of a preview before is taken up.
  if (method === "GET") return reply(401, { error: { code: "session_invalid", message: "" } });
  return reply(400, { error: { code: "preview", message: PREVIEW_ONLY } });
};

window.fetch = async (address, options) =>
  answer(options?.method ?? "GET", new URL(String(address), location.href).pathname);

addEventListener("message", ({ origin, data }) => {
  if (origin !== location.origin) return;
  messages = data;
  const chat = document.createElement("nasro-chat");
  chat.setAttribute("inline", "");
  chat.setAttribute("server", location.pathname);
  document.body.replaceChildren(chat);
});
