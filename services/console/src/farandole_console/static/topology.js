// Draws who hears and writes what. The table below it says the same in words.
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";

  function element(name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function draw(place) {
    const { nodes, edges } = JSON.parse(place.dataset.graph);
    const graph = new dagre.graphlib.Graph({ multigraph: true });
    graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 60, marginx: 12, marginy: 12 });
    graph.setDefaultEdgeLabel(() => ({}));
    for (const one of nodes) graph.setNode(one.id, { ...one, width: one.name.length * 7.6 + 26, height: 32 });
    edges.forEach((one, at) => graph.setEdge(one.from, one.to, one, String(at)));
    dagre.layout(graph);
    const { width, height } = graph.graph();
    const picture = element("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": "Services and topics; the table below says the same" });
    const tips = element("defs", {});
    const tip = element("marker", { id: "tip", viewBox: "0 0 8 8", refX: "7", refY: "4", markerWidth: "7", markerHeight: "7", orient: "auto" });
    tip.append(element("path", { d: "M0 0 L8 4 L0 8 z", class: "tip" }));
    tips.append(tip);
    picture.append(tips);
    for (const at of graph.edges()) {
      const edge = graph.edge(at);
      const path = edge.points.map((one, nth) => `${nth ? "L" : "M"}${one.x} ${one.y}`).join(" ");
      picture.append(element("path", { d: path, class: edge.lag ? "edge behind" : "edge", "marker-end": "url(#tip)" }));
    }
    for (const id of graph.nodes()) {
      const node = graph.node(id);
      const group = element("g", { class: `node ${node.kind}${node.bad ? " down" : ""}` });
      group.append(element("rect", { x: node.x - node.width / 2, y: node.y - node.height / 2, width: node.width, height: node.height, rx: node.kind === "topic" ? 16 : 6 }));
      group.append(element("text", { x: node.x, y: node.y, "text-anchor": "middle", "dominant-baseline": "central" }, node.name));
      if (node.kind === "service") {
        const link = element("a", { href: `/services/${encodeURIComponent(node.name)}` });
        link.append(group);
        picture.append(link);
      } else picture.append(group);
    }
    place.replaceChildren(picture);
    place.hidden = false;
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const place of document.querySelectorAll("[data-graph]")) draw(place);
  });
})();
