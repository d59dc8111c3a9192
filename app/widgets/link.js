// Joins a figure over tokens with the solutions' texts: to hover over a token in one marks it in the others, and a click
// tells the page which token (and which row of the heatmap) was picked. Reads the figure; never writes text into the page.
export default function ({ data, setTriggerValue, parentElement }) {
  parentElement.laserStop?.();
  const stop = new AbortController();
  const figure = `.st-key-${CSS.escape(data.figure)} .js-plotly-plot`;
  const strips = data.strips.map((key) => `.st-key-${CSS.escape(key)} div[dir="ltr"]`);
  let plot = null;
  let marked = [];

  const token = (target) => {
    const span = target instanceof Element ? target.closest("span") : null;
    const strip = span && strips.findIndex((s) => span.parentElement?.matches(s));
    return span && strip >= 0
      ? { strip, token: data.first + Array.prototype.indexOf.call(span.parentElement.children, span) }
      : null;
  };
  const clear = () => {
    marked.forEach((span) => (span.style.outline = ""));
    marked = [];
    if (plot?.laserLine) plot.laserLine.style.display = "none";
  };
  const mark = (at, inFigure) => {
    clear();
    for (const s of strips) {
      const span = document.querySelector(s)?.children[at - data.first];
      if (span) {
        span.style.outline = "2px solid #7C6CF2";
        marked.push(span);
      }
    }
    if (inFigure) draw("laserLine", at, "width:2px;background:#7C6CF2");
  };
  // A line over the plot that is not part of the figure, so that it moves without drawing the figure anew.
  const draw = (name, at, style) => {
    const axis = plot?._fullLayout?.xaxis;
    const area = plot?._fullLayout?._size;
    if (!axis?.l2p || !area) return;
    const line = (plot[name] ??= plot.appendChild(document.createElement("div")));
    line.style.cssText =
      `position:absolute;pointer-events:none;${style};` +
      `top:${area.t}px;height:${area.h}px;left:${axis._offset + axis.l2p(at) - 1}px`;
  };
  const keep = () => {
    if (data.marked != null && !stop.signal.aborted) draw("laserMark", data.marked, "border-left:2px dotted #7F7F7F");
  };

  document.addEventListener("mouseover", (e) => {
    const found = token(e.target);
    if (found) mark(found.token, true);
    else if (marked.length && !(e.target instanceof Element && e.target.closest(figure))) clear();
  }, { signal: stop.signal });
  document.addEventListener("click", (e) => {
    const found = token(e.target);
    if (found) setTriggerValue("picked", { token: found.token });
  }, { signal: stop.signal });

  // Streamlit may draw the figure anew at any time, so look for it again and again.
  const attach = () => {
    const found = document.querySelector(figure);
    if (!found || found === plot || !found.on) return;
    plot = found;
    keep();
    plot.on("plotly_afterplot", keep); // the plot may have another size then
    plot.on("plotly_hover", (e) => !stop.signal.aborted && mark(Math.round(e.points[0].x), false));
    plot.on("plotly_unhover", () => !stop.signal.aborted && clear());
    plot.on("plotly_click", (e) => {
      if (stop.signal.aborted) return;
      const point = e.points[0];
      const picked = { token: Math.round(point.x) };
      if (point.data.type === "heatmap") picked.row = point.y;
      setTriggerValue("picked", picked);
    });
  };
  attach();
  const timer = setInterval(attach, 250);
  parentElement.laserStop = () => {
    stop.abort();
    clearInterval(timer);
    clear();
    if (plot?.laserMark) plot.laserMark.style.display = "none";
  };
  return parentElement.laserStop;
}
