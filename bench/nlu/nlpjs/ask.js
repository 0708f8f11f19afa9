// Trains NLP.js with its defaults and asks it. Reads {train, texts} from a file, writes what was measured:
// node ask.js IN OUT

const { readFileSync, writeFileSync } = require("node:fs");
const { dockStart } = require("@nlpjs/basic");

async function main([input, output]) {
  const { train, texts } = JSON.parse(readFileSync(input, "utf8"));
  const dock = await dockStart({ settings: { nlp: { autoSave: false, log: false } }, use: ["Basic"] });
  const nlp = dock.get("nlp");
  nlp.addLanguage("en");
  for (const [text, intent] of train) nlp.addDocument("en", text, intent);
  let started = process.hrtime.bigint();
  await nlp.train();
  const trainingSeconds = Number(process.hrtime.bigint() - started) / 1e9;
  await nlp.process("en", "hello"); // the first message is slower
  const rankings = [];
  const milliseconds = [];
  for (const text of texts) {
    started = process.hrtime.bigint();
    const { classifications } = await nlp.process("en", text);
    milliseconds.push(Number(process.hrtime.bigint() - started) / 1e6);
    rankings.push(Object.fromEntries(classifications.map(({ intent, score }) => [intent, score])));
  }
  const megabytes = process.memoryUsage().rss / 2 ** 20;
  writeFileSync(output, JSON.stringify({ rankings, milliseconds, megabytes, trainingSeconds }));
}

main(process.argv.slice(2));
