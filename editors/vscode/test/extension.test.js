"use strict";
// The bundle that is shipped, loaded into an editor that is not one.

const assert = require("node:assert");
const fs = require("node:fs");
const Module = require("node:module");
const os = require("node:os");
const path = require("node:path");
const { test } = require("node:test");
const { editor } = require("./fake/vscode");
const { commandOf, outOf } = require("../src/command");

const BUNDLE = path.join(__dirname, "..", "dist", "extension.js");
const FAKE = path.join(__dirname, "fake", "entrack");
const REAL = process.env.ENTRACK; // the real command, where it is to be tried too

/** The bundle with an editor of its own. */
function loaded(api) {
  const before = Module._load;
  Module._load = (name, ...rest) => (name === "vscode" ? api : before(name, ...rest));
  try {
    delete require.cache[BUNDLE];
    return require(BUNDLE);
  } finally {
    Module._load = before;
  }
}

async function activated(settings = {}, chosen = undefined) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "entrack-"));
  const log = (process.env.ENTRACK_FAKE_LOG = path.join(folder, "log"));
  fs.writeFileSync(log, "");
  const fake = editor(folder, { command: FAKE, ...settings }, chosen);
  const extension = loaded(fake.api);
  await extension.activate({ subscriptions: [] });
  return { ...fake, folder, extension, lines: () => fs.readFileSync(log, "utf8").trim().split("\n").filter(Boolean) };
}

async function until(condition) {
  for (let tries = 0; tries < 300 && !condition(); tries++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(condition(), "it did not come");
}

test("the language server is started, and ended", async () => {
  const here = await activated();
  await until(() => here.lines().includes("heard: initialized"));
  assert.deepStrictEqual(here.lines().slice(0, 4), ["called: lsp --help", "called: lsp", "heard: initialize", "heard: initialized"]);
  assert.deepStrictEqual(here.seen.messages, []);
  await here.extension.deactivate();
  await until(() => here.lines().includes("heard: exit"));
});

test("a command that is not there is said, with what to install", async () => {
  const here = await activated({ command: "/nowhere/entrack" }, "Copy the command");
  assert.match(here.seen.messages[0], /There is no command `\/nowhere\/entrack`\. pip install 'entrack\[lsp\]'.*entrack\.command/);
  await until(() => here.seen.copied.length > 0);
  assert.deepStrictEqual(here.seen.copied, ["pip install 'entrack[lsp]'"]);
});

test("so is one without a language server", async (context) => {
  process.env.ENTRACK_FAKE_WITHOUT_LSP = "1";
  context.after(() => delete process.env.ENTRACK_FAKE_WITHOUT_LSP);
  const here = await activated();
  assert.match(here.seen.messages[0], /has no language server \(Error: No such command 'lsp'\.\)\. pip install/);
  assert.deepStrictEqual(here.lines(), ["called: lsp --help"]);
});

test("nothing is started where it is not wanted, or not trusted", async () => {
  for (const settings of [{ languageServer: false }, { trusted: false }]) {
    const here = await activated(settings);
    assert.deepStrictEqual([here.lines(), here.seen.messages], [[], []]);
  }
});

test("commands run in a terminal, without a shell, on the file as it is saved", async () => {
  const here = await activated({ languageServer: false });
  const document = here.open(path.join(here.folder, "my specs", "two.et"));
  for (const action of ["run", "check", "plan", "watch"]) await here.registered[`entrack.${action}`]();
  const calls = here.seen.tasks.map((task) => task.given[4].given.slice(0, 2));
  const spec = path.join("my specs", "two.et");
  const out = ["--out", path.join("out", "two")];
  assert.deepStrictEqual(calls, [
    [FAKE, ["run", spec, ...out]],
    [FAKE, ["check", spec]],
    [FAKE, ["plan", spec]],
    [FAKE, ["watch", spec, ...out]],
  ]);
  assert.strictEqual(document.saved, 4);
});

test("a report is opened where there is one, else a run is offered", async () => {
  const here = await activated({ languageServer: false }, "Run the spec");
  here.open(path.join(here.folder, "two.et"));
  await here.registered["entrack.openReport"]();
  assert.match(here.seen.messages[0], /There is no .*report\.html yet/);
  assert.strictEqual(here.seen.tasks.length, 1);
  const report = path.join(here.folder, "out", "two", "report.html");
  fs.mkdirSync(path.dirname(report), { recursive: true });
  fs.writeFileSync(report, "");
  await here.registered["entrack.openReport"]();
  assert.deepStrictEqual(here.seen.opened, [report]);
});

test("which command is meant", () => {
  const local = path.join("/w", ".venv", "bin", "entrack");
  assert.strictEqual(commandOf(" /opt/entrack ", ["/w"], () => true), "/opt/entrack");
  assert.strictEqual(commandOf("", ["/w"], (file) => file === local), local);
  assert.strictEqual(commandOf("", ["/w"], () => false), "entrack");
  assert.strictEqual(outOf("/w/specs/a.b.et", "/w", ""), path.join("/w", "out", "a.b"));
});

test("every command of the manifest is there", async () => {
  const here = await activated({ languageServer: false });
  const manifest = JSON.parse(fs.readFileSync(path.join(__dirname, "..", "package.json"), "utf8"));
  const named = manifest.contributes.commands.map((each) => each.command);
  assert.deepStrictEqual(Object.keys(here.registered).sort(), named.sort());
});

test("the real language server answers", { skip: REAL ? false : "ENTRACK names no command" }, async () => {
  const here = await activated({ command: REAL }); // which waits until the server has said what it can
  assert.deepStrictEqual(here.seen.messages, []);
  await here.extension.deactivate();
});
