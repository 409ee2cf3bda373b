"use strict";
// The extension: `entrack lsp` behind the files of the language, and the commands that are typed most often.

const path = require("node:path");
const fs = require("node:fs");
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { INSTALL, argumentsOf, commandOf, outOf, trouble } = require("./command");

const LANGUAGE = "entrack";
const ACTIONS = /** @type {const} */ (["run", "check", "plan", "watch"]);

/** @type {LanguageClient | undefined} */
let client;

/** @param {vscode.ExtensionContext} context */
async function activate(context) {
  const commands = [
    ...ACTIONS.map((action) => vscode.commands.registerCommand(`entrack.${action}`, (uri) => inTerminal(action, uri))),
    vscode.commands.registerCommand("entrack.openReport", openReport),
    vscode.commands.registerCommand("entrack.restart", restart),
  ];
  const told = vscode.workspace.onDidChangeConfiguration((change) => {
    const ours = ["entrack.command", "entrack.languageServer"].some((name) => change.affectsConfiguration(name));
    return ours ? restart() : undefined;
  });
  context.subscriptions.push(...commands, told, vscode.workspace.onDidGrantWorkspaceTrust(restart));
  await start();
}

async function deactivate() {
  const ended = client;
  client = undefined;
  await ended?.stop();
}

async function restart() {
  await deactivate();
  await start();
}

async function start() {
  if (client || !vscode.workspace.isTrusted || !setting("languageServer", true)) return;
  const command = commandHere();
  const cwd = rootOf(vscode.window.activeTextEditor?.document.uri);
  const why = await trouble(command, cwd);
  if (why !== null) return offerHelp(why);
  const server = { command, args: ["lsp"], options: { cwd } }; // by its standard streams; a named transport would add --stdio
  client = new LanguageClient(LANGUAGE, "entrack", server, {
    documentSelector: ["file", "untitled"].map((scheme) => ({ scheme, language: LANGUAGE })),
    synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher("**/*.{et,csv,json,jsonl,parquet,safetensors}") },
  });
  await client.start();
}

/** @param {string} why */
async function offerHelp(why) {
  const copy = "Copy the command";
  const settings = "Open the setting";
  const chosen = await vscode.window.showWarningMessage(`${why} Colours, snippets and commands work without.`, copy, settings);
  if (chosen === copy) await vscode.env.clipboard.writeText(INSTALL);
  if (chosen === settings) await vscode.commands.executeCommand("workbench.action.openSettings", "entrack.command");
}

/**
 * Runs `entrack ACTION SPEC` in a terminal, without a shell: a name is never read as a command.
 * @param {typeof ACTIONS[number]} action @param {vscode.Uri | undefined} uri
 */
async function inTerminal(action, uri) {
  const spec = await specOf(uri);
  if (spec === undefined) return;
  const cwd = rootOf(spec);
  const run = new vscode.ProcessExecution(commandHere(), argumentsOf(action, shown(spec, cwd), shown(outFor(spec), cwd)), { cwd });
  const definition = { type: "process", entrack: action, spec: spec.fsPath };
  const name = `${action} ${path.basename(spec.fsPath)}`;
  const matchers = action === "watch" || client ? [] : ["$entrack"]; // the language server shows them already
  const task = new vscode.Task(definition, vscode.TaskScope.Workspace, name, "entrack", run, matchers);
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, clear: true, showReuseMessage: false };
  await vscode.tasks.executeTask(task);
}

/** @param {vscode.Uri | undefined} uri */
async function openReport(uri) {
  const spec = await specOf(uri);
  if (spec === undefined) return;
  const report = path.join(outFor(spec), "report.html");
  if (fs.existsSync(report)) return vscode.env.openExternal(vscode.Uri.file(report));
  const run = "Run the spec";
  const chosen = await vscode.window.showInformationMessage(`There is no ${report} yet: a run writes it.`, run);
  return chosen === run ? inTerminal("run", spec) : undefined;
}

/**
 * The file that a command is about, saved.
 * @param {vscode.Uri | undefined} given
 */
async function specOf(given) {
  const open = vscode.window.activeTextEditor?.document;
  const uri = given instanceof vscode.Uri ? given : open?.languageId === LANGUAGE ? open.uri : undefined;
  const document = vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri?.toString());
  if (document?.isDirty || document?.isUntitled) {
    if (!(await document.save())) return undefined;
  }
  const spec = document?.uri ?? uri;
  if (spec?.scheme === "file") return spec;
  await vscode.window.showWarningMessage("Open a spec (.et) that is a file on disk.");
  return undefined;
}

/** @param {vscode.Uri} spec */
const outFor = (spec) => outOf(spec.fsPath, rootOf(spec), setting("out", "out"));

/** @param {vscode.Uri | undefined} uri */
function rootOf(uri) {
  const folder = uri && vscode.workspace.getWorkspaceFolder(uri);
  const first = folder ?? vscode.workspace.workspaceFolders?.[0];
  return first?.uri.fsPath ?? (uri?.scheme === "file" ? path.dirname(uri.fsPath) : process.cwd());
}

/** A path as a person would type it in a folder. @param {vscode.Uri | string} file @param {string} cwd */
function shown(file, cwd) {
  const full = typeof file === "string" ? file : file.fsPath;
  const relative = path.relative(cwd, full);
  return relative.startsWith("..") || path.isAbsolute(relative) || relative.startsWith("-") ? full : relative;
}

function commandHere() {
  const folders = vscode.workspace.isTrusted ? (vscode.workspace.workspaceFolders ?? []) : [];
  return commandOf(setting("command", ""), folders.map((folder) => folder.uri.fsPath));
}

/** @template T @param {string} name @param {T} otherwise @returns {T} */
const setting = (name, otherwise) => vscode.workspace.getConfiguration("entrack").get(name, otherwise);

module.exports = { activate, deactivate };
