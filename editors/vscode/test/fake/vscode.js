"use strict";
// As much of the editor as the extension needs: what is not here is something that can be made, called and disposed of.

const path = require("node:path");

class Anything {
  constructor(...given) {
    this.given = given;
  }
  dispose() {}
}

const endless = (known) =>
  new Proxy(known, {
    get: (target, name) => {
      if (!(name in target) && typeof name === "string" && name !== "then") target[name] = unknown(name);
      return target[name];
    },
  });

/** Of a name that nobody has described: a class where it is written as one, else a function. */
const unknown = (name) => (/^[A-Z]/.test(name) ? class extends Anything {} : () => endless(new Anything()));

class Uri {
  constructor(scheme, fsPath) {
    Object.assign(this, { scheme, fsPath, path: fsPath });
  }
  static file(fsPath) {
    return new Uri("file", fsPath);
  }
  static parse(text) {
    return new Uri(...text.split("://"));
  }
  toString() {
    return `${this.scheme}://${this.fsPath}`;
  }
}

class EventEmitter {
  event = () => new Anything();
  fire() {}
  dispose() {}
}

const kind = { append: () => kind };

/** An editor with one folder, in which everything that the extension does is written down. */
function editor(folder, settings, chosen = undefined) {
  const seen = { messages: [], tasks: [], opened: [], copied: [] };
  const registered = {};
  const say = async (text) => {
    seen.messages.push(text);
    return chosen;
  };
  const api = endless({
    version: "1.90.0",
    Uri,
    EventEmitter,
    CodeActionKind: endless({ Empty: kind }),
    TaskScope: { Workspace: 2 },
    TaskRevealKind: { Always: 1 },
    ProcessExecution: class extends Anything {},
    Task: class extends Anything {},
    languages: endless({}),
    commands: endless({
      registerCommand: (name, act) => {
        registered[name] = act;
        return new Anything();
      },
    }),
    env: endless({
      appName: "a fake",
      language: "en",
      openExternal: async (uri) => seen.opened.push(uri.fsPath),
      clipboard: { writeText: async (text) => seen.copied.push(text) },
    }),
    tasks: endless({ executeTask: async (task) => seen.tasks.push(task) }),
    window: endless({ activeTextEditor: undefined, showWarningMessage: say, showInformationMessage: say, showErrorMessage: say, visibleTextEditors: [], tabGroups: endless({ all: [] }) }),
    workspace: endless({
      isTrusted: settings.trusted ?? true,
      textDocuments: [],
      workspaceFolders: [{ uri: Uri.file(folder), name: path.basename(folder), index: 0 }],
      getWorkspaceFolder: (uri) => (uri.fsPath.startsWith(folder) ? { uri: Uri.file(folder) } : undefined),
      getConfiguration: () => ({ get: (name, otherwise) => settings[name] ?? otherwise }),
    }),
  });
  return { api, seen, registered, open: (file) => open(api, file) };
}

function open(api, file) {
  const document = { uri: Uri.file(file), languageId: "entrack", fileName: file, isDirty: true, version: 1, getText: () => "", saved: 0, save: async () => ++document.saved > 0 };
  api.workspace.textDocuments.push(document);
  api.window.activeTextEditor = { document };
  return document;
}

module.exports = { Uri, editor };
