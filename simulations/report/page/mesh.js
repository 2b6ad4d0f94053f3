// mesh.js: the mesh as a picture, on a canvas: a thousand nodes and five thousand links stay fluent.
// The layout is computed in slices between frames.

const sliceMilliseconds = 10;
const linkBuckets = 5;

/// Links in buckets by bytes (the root of them), so that each width is one stroke.
function bucketsOf(links) {
  const most = Math.max(1, ...links.map((link) => link[2]));
  const buckets = Array.from({length: linkBuckets}, () => []);
  links.forEach((link) => buckets[Math.min(linkBuckets - 1, Math.floor(Math.sqrt(link[2] / most) * linkBuckets))].push(link));
  return buckets;
}

function meshLegend(graph, layout, lit) {
  const row = element("div", {class: "legend mesh-legend"});
  layout.names.slice(0, 24).forEach((name, g) => {
    const members = graph.nodes.filter((_, i) => layout.group[i] === g).reduce((sum, node) => sum + node.nodes, 0);
    const button = element("button", {type: "button", class: "entry", "aria-pressed": "false"},
      element("i", {class: `dot s${g < 8 ? g : "rest"}`}), `${name || "nodes"} `, element("span", {class: "value"}, grouped(members)));
    button.addEventListener("click", () => {
      const on = lit.group !== g;
      lit.group = on ? g : -1;
      row.querySelectorAll("button").forEach((other) => other.setAttribute("aria-pressed", "false"));
      button.setAttribute("aria-pressed", String(on));
      lit.redraw();
    });
    row.append(button);
  });
  row.append(element("span", {class: "entry"}, element("i", {class: "dot hollow"}), "down at the end"),
    element("span", {class: "entry"}, element("i", {class: "thick"}), "wider: more bytes"));
  return row;
}

/// How far a node's nearest neighbour is from it, for some of them: dots must not be larger.
function nearestMean(x, y) {
  const step = Math.max(1, Math.floor(x.length / 60));
  let sum = 0;
  let count = 0;
  for (let i = 0; i < x.length; i += step) {
    let nearest = Infinity;
    for (let j = 0; j < x.length; ++j)
      if (j !== i) nearest = Math.min(nearest, (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2);
    sum += Math.sqrt(nearest);
    ++count;
  }
  return x.length > 1 ? sum / count : 1e3;
}

/// The picture; everything that depends on theme, size and view.
class MeshPicture {
  constructor(graph, layout, canvas) {
    this.graph = graph;
    this.layout = layout;
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.buckets = bucketsOf(graph.links);
    this.neighbours = graph.nodes.map(() => []);
    graph.links.forEach((link) => {
      this.neighbours[link[0]].push(link);
      this.neighbours[link[1]].push(link);
    });
    this.zoom = 1;
    this.shiftX = this.shiftY = 0;
    this.pointed = -1;
    this.group = -1;
    this.readTheme();
  }

  readTheme() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    this.colours = Array.from({length: 8}, (_, i) => read(`--s${i}`));
    this.rest = read("--muted");
    this.surface = read("--surface");
    this.link = read("--link");
    this.text = read("--text");
  }

  colourOf(i) {
    return this.colours[this.layout.group[i]] ?? this.rest;
  }

  resize(width, height) {
    const ratio = Math.min(devicePixelRatio || 1, 3);
    this.width = width;
    this.height = height;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    this.canvas.style.height = height + "px";
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  radiusOf(node) {
    const base = this.graph.nodes.length > 600 ? 2.6 : this.graph.nodes.length > 150 ? 3.6 : 5.5;
    const weight = Math.min(Math.sqrt(node.clients) * 0.4 + Math.sqrt(node.nodes - 1) * 0.5, 6);
    const wanted = (base + weight) * Math.sqrt(Math.min(this.zoom, 4));
    return Math.max(1.8, Math.min(wanted, 0.6 * this.spacing * this.scale));
  }

  /// From the layout's plane to pixels: all of it in the middle, then as the reader has moved it.
  fit() {
    const {x, y} = this.layout;
    let left = Infinity, right = -Infinity, top = Infinity, bottom = -Infinity;
    for (let i = 0; i < x.length; ++i) {
      left = Math.min(left, x[i]);
      right = Math.max(right, x[i]);
      top = Math.min(top, y[i]);
      bottom = Math.max(bottom, y[i]);
    }
    const margin = 22;
    this.scale = Math.min((this.width - 2 * margin) / Math.max(right - left, 1), (this.height - 2 * margin) / Math.max(bottom - top, 1), 6)
      * this.zoom;
    this.offsetX = this.width / 2 - ((left + right) / 2) * this.scale + this.shiftX;
    this.offsetY = this.height / 2 - ((top + bottom) / 2) * this.scale + this.shiftY;
    this.spacing = nearestMean(x, y);
  }

  px(i) { return this.layout.x[i] * this.scale + this.offsetX; }
  py(i) { return this.layout.y[i] * this.scale + this.offsetY; }

  isLit(i) {
    if (this.pointed >= 0) return i === this.pointed || this.neighbours[this.pointed].some((link) => link[0] === i || link[1] === i);
    return this.group < 0 || this.layout.group[i] === this.group;
  }

  strokeLinks(links, width, alpha, colour) {
    this.pen.beginPath();
    for (const [from, to] of links) {
      this.pen.moveTo(this.px(from), this.py(from));
      this.pen.lineTo(this.px(to), this.py(to));
    }
    this.pen.lineWidth = width;
    this.pen.globalAlpha = alpha;
    this.pen.strokeStyle = colour;
    this.pen.stroke();
  }

  draw() {
    if (!this.width) return;
    this.fit();
    const {pen, graph} = this;
    pen.clearRect(0, 0, this.width, this.height);
    const isDim = this.pointed >= 0 || this.group >= 0;
    // Many links are drawn lightly: their sum is what is seen.
    const density = Math.min(1, 600 / Math.max(graph.links.length, 1));
    this.buckets.forEach((links, i) =>
      this.strokeLinks(links, 0.6 + i * (0.35 + 0.5 * density), (isDim ? 0.25 : 1) * (0.22 + 0.14 * i) * (0.4 + 0.6 * density),
        this.link));
    if (this.pointed >= 0) this.strokeLinks(this.neighbours[this.pointed], 1.8, 0.9, this.text);
    graph.nodes.forEach((node, i) => this.drawNode(node, i, isDim));
    pen.globalAlpha = 1;
  }

  drawNode(node, i, isDim) {
    const {pen} = this;
    const radius = this.radiusOf(node);
    pen.globalAlpha = isDim && !this.isLit(i) ? 0.15 : 1;
    pen.beginPath();
    pen.arc(this.px(i), this.py(i), radius, 0, 2 * Math.PI);
    pen.fillStyle = node.nodes_up === 0 ? this.surface : this.colourOf(i);
    pen.fill();
    if (node.nodes_up === 0) {
      pen.lineWidth = 1.6;
      pen.strokeStyle = this.colourOf(i);
    } else {
      pen.lineWidth = 1;
      pen.strokeStyle = this.surface;
    }
    pen.stroke();
    if (i === this.pointed) {
      pen.beginPath();
      pen.arc(this.px(i), this.py(i), radius + 3, 0, 2 * Math.PI);
      pen.lineWidth = 2;
      pen.strokeStyle = this.text;
      pen.stroke();
    }
  }

  nearest(x, y) {
    let best = -1;
    let bestSquared = 14 * 14;
    for (let i = 0; i < this.graph.nodes.length; ++i) {
      const squared = (this.px(i) - x) ** 2 + (this.py(i) - y) ** 2;
      if (squared < bestSquared) [best, bestSquared] = [i, squared];
    }
    return best;
  }

  describe(i) {
    const node = this.graph.nodes[i];
    const bytes = this.neighbours[i].reduce((sum, link) => sum + link[2], 0);
    const plural = (count, noun) => `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
    const name = node.nodes === 1 ? `node ${node.number}` : `${grouped(node.nodes)} nodes from ${node.number}`;
    const state = node.nodes > 1 ? `${grouped(node.nodes_up)} up` : node.nodes_up ? "up" : "down";
    return [[name + (node.group ? ` (${node.group})` : ""), "strong"],
      [`${state}, ${plural(node.clients, "client")}`, ""],
      [`${plural(this.neighbours[i].length, "link")}, ${inBytes(bytes)}`, "remark"]];
  }
}

/// Pointing, dragging, zooming. The wheel alone scrolls the page, as everywhere else.
function listenToMesh(canvas, picture) {
  let drag = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const pointAt = (event) => {
    const found = picture.nearest(...place(event));
    if (found !== picture.pointed) {
      picture.pointed = found;
      picture.redraw();
    }
    if (found >= 0) tip.show(event.clientX, event.clientY, picture.describe(found));
    else tip.hide();
  };
  canvas.addEventListener("pointerdown", (event) => {
    drag = {x: event.clientX - picture.shiftX, y: event.clientY - picture.shiftY};
    pointAt(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    const moves = drag && event.buttons && (picture.zoom > 1 || event.pointerType === "mouse");
    if (!moves) return pointAt(event);
    picture.shiftX = event.clientX - drag.x;
    picture.shiftY = event.clientY - drag.y;
    tip.hide();
    picture.redraw();
  });
  addEventListener("pointerup", () => (drag = null));
  canvas.addEventListener("pointerleave", () => {
    picture.pointed = -1;
    tip.hide();
    picture.redraw();
  });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    picture.zoomBy(Math.exp(-event.deltaY / 300), ...place(event));
  }, {passive: false});
}

function meshOf(data) {
  const {graph} = data;
  if (!graph.nodes.length) return null;
  const layout = forceLayout(graph.nodes, graph.links);
  const canvas = element("canvas", {class: "mesh", role: "img",
    "aria-label": `The mesh: ${data.nodes} nodes, drawn with their links`});
  const picture = new MeshPicture(graph, layout, canvas);
  let isAsked = false;
  picture.redraw = () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      picture.draw();
    });
  };
  picture.zoomBy = (factor, x = picture.width / 2, y = picture.height / 2) => {
    const zoom = Math.min(Math.max(picture.zoom * factor, 1), 30);
    const change = zoom / picture.zoom;
    picture.shiftX = (x - picture.width / 2) * (1 - change) + picture.shiftX * change;
    picture.shiftY = (y - picture.height / 2) * (1 - change) + picture.shiftY * change;
    if (zoom === 1) picture.shiftX = picture.shiftY = 0;
    picture.zoom = zoom;
    canvas.style.touchAction = zoom > 1 ? "none" : "pan-y";
    picture.redraw();
  };
  listenToMesh(canvas, picture);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    picture.readTheme();
    picture.redraw();
  });

  const work = () => {
    const end = performance.now() + sliceMilliseconds;
    let isMore = true;
    while (isMore && performance.now() < end) isMore = layout.step();
    if (!reduceMotion || !isMore) picture.draw();
    if (isMore) requestAnimationFrame(work);
  };
  requestAnimationFrame(work);

  const tool = (sign, name, action) => {
    const button = element("button", {type: "button", title: name, "aria-label": name}, sign);
    button.addEventListener("click", action);
    return button;
  };
  const members = graph.nodes.reduce((sum, node) => sum + node.nodes, 0);
  const clustered = members > graph.nodes.length;
  const remark = `${grouped(members)} nodes` + (clustered ? `, drawn as ${grouped(graph.nodes.length)} clusters` : "")
    + `, ${grouped(graph.links.length)} links` + (clustered ? " between them" : "")
    + (graph.links_left_out ? ` (the heaviest; ${grouped(graph.links_left_out)} are left out)` : "")
    + ". Point at a node for its links; choose a group to see it alone.";
  const holder = redrawn(element("div", {class: "mesh-holder"}, canvas), (width) => {
    picture.resize(width, Math.round(Math.max(320, Math.min(width * 0.62, 680))));
    picture.draw();
  });
  return card("The mesh", remark, meshLegend(graph, layout, picture), holder,
    element("div", {class: "tools"}, tool("+", "Zoom in", () => picture.zoomBy(1.5)),
      tool("−", "Zoom out", () => picture.zoomBy(1 / 1.5)), tool("⟲", "All of it", () => picture.zoomBy(1e-6))));
}
