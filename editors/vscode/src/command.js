"use strict";
// Which `entrack` is meant, what is asked of it, and what is wrong with it. Nothing here knows the editor.

const { execFile } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const INSTALL = "pip install 'entrack[lsp]'";
const PATIENCE = 30_000; // milliseconds: the first start after an installation compiles the package

/**
 * The command: what the setting says, else that of a virtual environment in a trusted folder of the workspace, else the
 * one on the PATH.
 * @param {string} setting
 * @param {readonly string[]} folders of the workspace, if they are trusted
 * @param {(file: string) => boolean} [exists]
 */
function commandOf(setting, folders, exists = fs.existsSync) {
  if (setting.trim()) return setting.trim();
  const [bin, name] = process.platform === "win32" ? ["Scripts", "entrack.exe"] : ["bin", "entrack"];
  const local = folders.flatMap((folder) => [".venv", "venv"].map((env) => path.join(folder, env, bin, name)));
  return local.find(exists) ?? "entrack";
}

/**
 * The arguments of what is done with a spec.
 * @param {"run" | "check" | "plan" | "watch"} action
 * @param {string} spec the path of its file
 * @param {string} out the folder for results
 */
function argumentsOf(action, spec, out) {
  return action === "run" || action === "watch" ? [action, spec, "--out", out] : [action, spec];
}

/**
 * Where the results of a spec are written: a folder with its name in that of all results.
 * @param {string} spec @param {string} root the folder of the workspace @param {string} setting
 */
function outOf(spec, root, setting) {
  return path.resolve(root, setting.trim() || "out", path.basename(spec, path.extname(spec)));
}

/**
 * Why a command cannot serve an editor, in words for a person; null where it can.
 * @param {string} command @param {string} cwd
 * @returns {Promise<string | null>}
 */
function trouble(command, cwd) {
  return new Promise((resolve) => {
    execFile(command, ["lsp", "--help"], { cwd, timeout: PATIENCE, windowsHide: true }, (error, _, said) => {
      resolve(error && words(command, error, said));
    });
  });
}

/** @param {string} command @param {import("node:child_process").ExecFileException} error @param {string} said */
function words(command, error, said) {
  if (error.code === "ENOENT") return `There is no command \`${command}\`. ${INSTALL}, or say where it is: entrack.command.`;
  if (error.killed) return `\`${command} lsp\` does not answer.`;
  const last = said.trim().split("\n").pop() || error.message;
  return `\`${command}\` has no language server (${last}). ${INSTALL} in its environment.`;
}

module.exports = { INSTALL, argumentsOf, commandOf, outOf, trouble };
