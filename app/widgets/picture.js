// A button that makes the figure's own toolbar save the figure as a picture, settings of the toolbar included.
export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  button.onclick = () => {
    const camera = document.querySelector(`.st-key-${CSS.escape(data.figure)} .modebar-btn[data-title*="png" i]`);
    if (camera) camera.click();
  };
}
