// A worker for pages that are read from a folder, where browsers allow none: the search's script runs in a hidden frame.
// Material for MkDocs asks another server for a script of this name when it is given none.
"use strict";

class FrameWorker extends EventTarget {
  constructor(url) {
    super();
    this.onmessage = null;
    this.frame = document.createElement("iframe");
    this.frame.hidden = true;
    this.ready = new Promise(done => this.frame.addEventListener("load", done, {once: true}));
    this.heard = event => {
      if (event.source !== this.frame.contentWindow) return;
      const message = new MessageEvent("message", {data: event.data});
      this.dispatchEvent(message);
      if (this.onmessage) this.onmessage(message);
    };
    addEventListener("message", this.heard);
    document.body.append(this.frame);
    const inside = this.frame.contentDocument;
    inside.open();
    inside.write("<!doctype html><script>postMessage = parent.postMessage.bind(parent);"
      + "importScripts = () => Promise.reject(new Error('not from a folder'));<\/script>"
      + `<script src="${url}"><\/script>`);
    inside.close();
  }

  postMessage(data) {
    this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", {data})));
  }

  terminate() {
    removeEventListener("message", this.heard);
    this.frame.remove();
  }
}

if (location.protocol === "file:") window.Worker = FrameWorker;
