// Scrolls a container to the top of the window, once for each moment: a longer page would leave it out of sight.
export default function ({ data, parentElement }) {
  if (parentElement.laserMoment === data.moment) return;
  parentElement.laserMoment = data.moment;
  document.querySelector(`.st-key-${CSS.escape(data.place)}`)?.scrollIntoView({ block: "start" });
}
