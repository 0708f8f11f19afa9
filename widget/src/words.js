"use strict";
/**
 * <nasro-chat>: the chat of NASRO's assistant, for any page. The files of this folder, in the order of
 * package.json's `build`, become /widget.js: one script, no framework, no request to anybody but the
 * assistant's server. What lives here: the line to the server (client.js), from messages to elements
 * (message.js), the element that a person sees (chat.js), its looks (style.js) and its words (words.js).
 * What doesn't: any answer. Those come from the server.
 *
 * Rules that keep it safe on somebody else's page: text goes in as text (no markup is ever parsed, so a
 * strict Content-Security-Policy with trusted types holds), and until a person opens the chat nothing is
 * requested, stored or timed.
 */

/** Every word the widget itself says. `element.strings = {…}` replaces any of them. */
const STRINGS = {
  title: "NASRO Assistant",
  subtitle: "Automated assistant",
  launcher: "Chat",
  open: "Open chat",
  openWithNews: "Open chat, {n} new",
  close: "Close chat",
  more: "More options",
  sound: "Sound",
  download: "Download conversation",
  startOver: "Start over",
  confirmStartOver: "Start over? This conversation will be erased.",
  signOut: "Sign out",
  signedIn: "Signed in as {member}",
  confirmSignOut: "Sign out? This conversation will be erased.",
  keep: "Keep it",
  notErased: "The conversation couldn't be erased.",
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
  copy: "Copy",
  copied: "Copied.",
  notCopied: "This couldn't be copied.",
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

/** @param {string} template @param {Record<string, unknown>} values */
const fill = (template, values) =>
  template.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
