// Search runs in a worker, which browsers refuse to a page that is opened from disk. There, a hidden frame takes its place.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.title = "search";
      const waiting = [];
      this.postMessage = (data) => waiting.push(data);
      const begin = () => {
        document.body.append(frame);
        const inside = frame.contentWindow;
        inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
        inside.importScripts = () => {}; // of other languages than English
        const script = inside.document.createElement("script");
        script.src = url;
        script.onload = () => {
          this.postMessage = (data) => inside.dispatchEvent(new MessageEvent("message", { data }));
          waiting.forEach(this.postMessage);
        };
        inside.document.body.append(script);
      };
      document.body ? begin() : addEventListener("DOMContentLoaded", begin);
    }

    terminate() {}
  };
}
