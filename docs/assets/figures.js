// Draws the notebooks' Plotly figures, in the page's own colours, and again when the reader turns the theme.
(() => {
  const figures = document.querySelectorAll("div.figure");
  const draw = () => {
    const ink = getComputedStyle(document.body).getPropertyValue("--md-default-fg-color");
    figures.forEach((place) => {
      place.spec ??= JSON.parse(place.querySelector("script").textContent);
      const clear = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
      const layout = { ...place.spec.layout, ...clear, autosize: true, width: undefined };
      layout.font = { ...layout.font, color: ink };
      Plotly.react(place, place.spec.data, layout, { displaylogo: false, responsive: true });
    });
  };
  draw();
  new MutationObserver(draw).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
})();
