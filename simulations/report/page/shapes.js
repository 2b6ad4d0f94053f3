// shapes.js: elements of the page and of its drawings. Text gets in as text only, never as HTML.

const reduceMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes))
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function shape(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http:" + "//www.w3.org/2000/svg", name), attributes, children);
}

/// A part of the page with a title, and a sentence in small print.
function card(title, remark, ...children) {
  const head = element("header", {}, element("h2", {}, title));
  if (remark) head.append(element("p", {class: "remark"}, remark));
  return element("section", {class: "card"}, head, ...children);
}

function nothing(text) {
  return element("p", {class: "nothing"}, text);
}

const measuring = document.createElement("canvas").getContext("2d");

function textWidth(text, pixels = 11) {
  measuring.font = `${pixels}px ${getComputedStyle(document.body).fontFamily}`;
  return measuring.measureText(text).width;
}

/// `text`, cut with "…" to at most `width` pixels; "" if hardly anything would be left.
function textWithin(text, width, pixels = 11) {
  if (textWidth(text, pixels) <= width) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (textWidth(text.slice(0, middle) + "…", pixels) <= width) low = middle;
    else high = middle - 1;
  }
  return low < 4 ? "" : text.slice(0, low).trimEnd() + "…";
}

/// Calls draw(width) now and whenever the width has changed: drawings are never scaled, so that their
/// text keeps its size.
function redrawn(holder, draw) {
  let last = 0;
  new ResizeObserver(() => {
    const width = Math.floor(holder.clientWidth);
    if (width > 0 && width !== last) draw((last = width));
  }).observe(holder);
  return holder;
}

/// The frame of a plot: the drawing, its inner rectangle, and a scale upwards.
function plotFrame(width, height, margin, label) {
  const svg = shape("svg", {width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label});
  const inner = {left: margin.left, top: margin.top, right: width - margin.right, bottom: height - margin.bottom};
  inner.width = Math.max(1, inner.right - inner.left);
  inner.height = Math.max(1, inner.bottom - inner.top);
  return {svg, inner};
}

/// Horizontal lines with their numbers, and the axis' name above them.
function drawUpAxis(frame, ticks, y, name) {
  const {svg, inner} = frame;
  for (const tick of ticks) {
    const at = Math.round(y(tick)) + 0.5;
    svg.append(
      shape("line", {class: tick === 0 ? "axis" : "grid", x1: inner.left, x2: inner.right, y1: at, y2: at}),
      shape("text", {class: "tick", x: inner.left - 7, y: at + 3.5, "text-anchor": "end"}, onAxis(tick)));
  }
  if (name) svg.append(shape("text", {class: "axis-name", x: 0, y: 11}, name));
}

/// Room above a plot for labels that must not overlap: the lane for one that begins at `left` and is
/// `width` wide, or -1.
function laneKeeper(lanes) {
  const taken = Array.from({length: lanes}, () => []);
  return (left, width, gap = 8) => {
    for (let lane = 0; lane < lanes; ++lane) {
      if (taken[lane].every(([from, to]) => left + width + gap <= from || left >= to + gap)) {
        taken[lane].push([left, left + width]);
        return lane;
      }
    }
    return -1;
  };
}

/// One small box that follows the pointer; lines: [text, class]...
const tip = {
  box: null,
  show(clientX, clientY, lines) {
    if (!this.box) {
      this.box = element("div", {class: "tip", role: "status"});
      document.body.append(this.box);
    }
    this.box.replaceChildren(...lines.map(([text, kind]) => element("div", {class: kind}, text)));
    this.box.hidden = false;
    const {width, height} = this.box.getBoundingClientRect();
    const left = clientX + 14 + width > innerWidth - 6 ? clientX - 14 - width : clientX + 14;
    const top = Math.max(6, Math.min(clientY + 14, innerHeight - height - 6));
    this.box.style.left = Math.max(6, left) + "px";
    this.box.style.top = top + "px";
  },
  hide() {
    if (this.box) this.box.hidden = true;
  },
};
