// Draws the small curves of a page: [[unix seconds, value], …] in data-chart.
(() => {
  "use strict";
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function draw(within) {
    for (const place of within.querySelectorAll("[data-chart]")) {
      const points = JSON.parse(place.dataset.chart);
      if (points.length < 2 || place.firstChild) continue;
      const chart = new uPlot(
        {
          width: place.clientWidth || 180,
          height: 48,
          legend: { show: false },
          cursor: { show: false },
          axes: [{ show: false }, { show: false }],
          scales: { y: { range: (_, least, most) => [0, Math.max(1, most)] } },
          series: [{}, { stroke: colour("--accent"), width: 1.5, points: { show: false } }],
        },
        [points.map((one) => one[0]), points.map((one) => one[1])],
        place,
      );
      place.dataset.width = String(chart.width);
    }
  }

  document.addEventListener("DOMContentLoaded", () => draw(document));
  document.addEventListener("htmx:afterSettle", () => draw(document));
  document.addEventListener("theme", () => {
    for (const place of document.querySelectorAll("[data-chart]")) place.replaceChildren();
    draw(document);
  });
})();
