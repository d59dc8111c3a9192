// Draws every figure from the data beside it, in the colours of the reader's theme; paper is always light.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let paper = false;
  const theme = () => {
    const night = dark.matches && !paper;
    return {
      "font.color": night ? "#e9eaf0" : "#1b1d28",
      "legend.font.color": night ? "#e9eaf0" : "#1b1d28",
      "hoverlabel.bgcolor": night ? "#262937" : "#ffffff",
      "hoverlabel.font.color": night ? "#e9eaf0" : "#1b1d28",
      "hoverlabel.bordercolor": "#8c8c8c",
    };
  };
  const plots = [...document.querySelectorAll(".plot")];
  const config = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };
  const draw = async (element) => {
    const { data, layout, frames } = JSON.parse(document.getElementById("data-" + element.id).textContent);
    const narrow = element.clientWidth < 480;
    if (narrow) {
      // A phone: smaller words, and room for a legend that takes more lines.
      const entries = layout.showlegend ? data.filter((t) => t.showlegend !== false).length : 0;
      layout.height = (layout.height || 380) + 16 * Math.max(0, entries - 3);
      layout.font = { ...layout.font, size: 11 };
      for (const axis of ["xaxis", "yaxis", "xaxis2", "yaxis2"])
        if (layout[axis] && layout[axis].title) layout[axis].title.font = { size: 12 };
    }
    element.style.minHeight = "";
    element.style.height = (layout.height || 380) + "px";
    const settings = { ...config, toImageButtonOptions: { format: "png", scale: 2, filename: element.id } };
    await Plotly.newPlot(element, { data, layout, frames: frames || [], config: settings });
    await Plotly.relayout(element, theme());
    element.dataset.drawn = "yes";
  };
  const recolour = () => Promise.all(plots.filter((p) => p.dataset.drawn).map((p) => Plotly.relayout(p, theme())));
  const start = async () => {
    for (const plot of plots) {
      await draw(plot);
      await new Promise((next) => setTimeout(next));
    }
    document.body.dataset.ready = "yes";
  };
  dark.addEventListener("change", recolour);
  addEventListener("beforeprint", () => {
    paper = true;
    document.querySelectorAll("details").forEach((d) => { d.dataset.was = d.open ? "open" : ""; d.open = true; });
    recolour();
    plots.forEach((p) => p.dataset.drawn && Plotly.Plots.resize(p));
  });
  addEventListener("afterprint", () => {
    paper = false;
    document.querySelectorAll("details").forEach((d) => { d.open = d.dataset.was === "open"; });
    recolour();
    plots.forEach((p) => p.dataset.drawn && Plotly.Plots.resize(p));
  });
  start();
})();
