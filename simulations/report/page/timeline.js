// timeline.js: everything that goes on over virtual time: plots one above the other with one axis of
// time and one cursor, faults as shaded spans in all of them.

/// Series of one plot and unit share a drawing.
function plotsOf(series) {
  const plots = new Map();
  series.forEach((one, index) => {
    const key = (one.plot || "\u0000" + index) + "\u0000" + one.unit;
    if (!plots.has(key)) plots.set(key, {title: one.plot || one.name, unit: one.unit, series: []});
    plots.get(key).series.push(one);
  });
  return [...plots.values()];
}

/// Steps joined so that there is about one for every one and a half pixels: means, smallest, largest.
/// A gap (null) stays one.
function thinned(values, parts) {
  const size = Math.max(1, Math.ceil(values.length / Math.max(1, parts)));
  const bins = [];
  for (let begin = 0; begin < values.length; begin += size) {
    const some = values.slice(begin, begin + size).filter((value) => value !== null);
    bins.push({
      middle: (begin + Math.min(begin + size, values.length)) / 2,
      mean: some.length ? some.reduce((sum, value) => sum + value, 0) / some.length : null,
      min: some.length ? Math.min(...some) : null,
      max: some.length ? Math.max(...some) : null,
    });
  }
  return {bins, size};
}

function linePath(points) {
  let path = "";
  let isDrawing = false;
  for (const [x, y] of points) {
    if (y === null) isDrawing = false;
    else {
      path += `${isDrawing ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      isDrawing = true;
    }
  }
  return path;
}

/// Between lower and upper, piece by piece where there are values.
function bandPath(points) {
  let path = "";
  let piece = [];
  for (const point of [...points, [0, null, null]]) {
    if (point[1] !== null) {
      piece.push(point);
      continue;
    }
    if (piece.length > 1) {
      path += linePath(piece.map(([x, upper]) => [x, upper])) + "L"
        + piece.reverse().map(([x, , lower]) => `${x.toFixed(1)} ${lower.toFixed(1)}`).join("L") + "Z";
    }
    piece = [];
  }
  return path;
}

/// How many faults are on in each stretch of the axis: [from_s, to_s, count], none overlapping.
function faultLevels(faults) {
  const edges = [];
  for (const fault of faults)
    if (fault.to_s > fault.from_s) edges.push([fault.from_s, 1], [fault.to_s, -1]);
  edges.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  const levels = [];
  let level = 0;
  for (let i = 0; i < edges.length; ++i) {
    level += edges[i][1];
    const next = i + 1 < edges.length ? edges[i + 1][0] : edges[i][0];
    if (level > 0 && next > edges[i][0]) levels.push([edges[i][0], next, level]);
  }
  return levels;
}

/// What the plots name: a fault each, or, where there are many of a kind ("node 12 killed", "node 13
/// killed"), all of that kind at once.
function namedFaults(faults) {
  const kinds = new Map();
  for (const fault of faults) {
    const kind = fault.what.replace(/\d+/g, "…");
    if (!kinds.has(kind)) kinds.set(kind, []);
    kinds.get(kind).push(fault);
  }
  const named = [];
  for (const [kind, members] of kinds) {
    if (faults.length <= faultsNamedMax || members.length <= 3) named.push(...members);
    else
      named.push({what: `${grouped(members.length)} × ${kind}`, from_s: Math.min(...members.map((fault) => fault.from_s)),
        to_s: Math.max(...members.map((fault) => fault.to_s))});
  }
  return named.sort((a, b) => b.to_s - b.from_s - (a.to_s - a.from_s));
}

/// How much of each of `columns` equal stretches of the axis is under faults: the mean number of them.
function faultDensity(faults, end, columns) {
  const density = new Float64Array(columns);
  for (const [from, to, level] of faultLevels(faults)) {
    const first = (from / end) * columns;
    const last = Math.min((to / end) * columns, columns);
    for (let i = Math.max(0, Math.floor(first)); i < last; ++i)
      density[i] += level * (Math.min(last, i + 1) - Math.max(first, i));
  }
  return density;
}

const faultLanes = 2;
const faultsNamedMax = 12;
const faultsDrawnMax = 60;

function shadeFaults(frame, data, x) {
  const {svg, inner} = frame;
  const shade = (left, width, opacity) => svg.append(shape("rect",
    {class: "fault", x: left, width, y: inner.top, height: inner.height, "fill-opacity": opacity.toFixed(3)}));
  if (data.faults.length > faultsDrawnMax) {
    const size = 3;
    const density = faultDensity(data.faults, data.virtual_s, Math.max(1, Math.floor(inner.width / size)));
    const most = Math.max(...density, 1);
    const step = inner.width / density.length;
    density.forEach((level, i) => level > 0 && shade(inner.left + i * step, step, 0.04 + (0.26 * level) / most));
    return;
  }
  for (const [from, to, level] of faultLevels(data.faults))
    shade(x(from), Math.max(1, x(to) - x(from)), Math.min(0.09 + 0.06 * level, 0.3));
  for (const fault of data.faults) {
    const at = Math.round(x(fault.from_s)) + 0.5;
    svg.append(shape("line", {class: "fault-edge", x1: at, x2: at, y1: inner.top, y2: inner.bottom}));
  }
}

/// The longest are named first; whoever finds no room is told by the cursor.
function nameFaults(frame, data, x) {
  const {svg, inner} = frame;
  const place = laneKeeper(faultLanes);
  for (const fault of namedFaults(data.faults).slice(0, 60)) {
    const at = x(fault.from_s);
    const label = textWithin(fault.what, Math.min(Math.max(x(fault.to_s) - at, 190), inner.width), 10.5);
    const width = textWidth(label, 10.5);
    const left = Math.max(inner.left, Math.min(at, inner.right - width));
    const lane = label ? place(left, width) : -1;
    if (lane >= 0) svg.append(shape("text", {class: "fault-name", x: left, y: inner.top - 5 - lane * 13}, label));
  }
}

function drawHealing(frame, data, x) {
  const at = data.fault_phase_ends_s;
  if (!(at > 0 && at < data.virtual_s)) return;
  const px = Math.round(x(at)) + 0.5;
  frame.svg.append(shape("line", {class: "healing", x1: px, x2: px, y1: frame.inner.top, y2: frame.inner.bottom}));
}

function drawTimeAxis(frame, data, x, named) {
  const {svg, inner} = frame;
  const {unit, ticks} = timeTicks(data.virtual_s, Math.max(3, Math.floor(inner.width / 58)));
  for (const tick of ticks) {
    const at = Math.round(x(tick.at)) + 0.5;
    svg.append(shape("line", {class: "grid", x1: at, x2: at, y1: inner.top, y2: inner.bottom}),
      shape("line", {class: "axis", x1: at, x2: at, y1: inner.bottom, y2: inner.bottom + 4}));
    if (named) svg.append(shape("text", {class: "tick", x: at, y: inner.bottom + 17, "text-anchor": "middle"}, tick.text));
  }
  if (named) {
    svg.append(shape("text", {class: "axis-name", x: inner.left + inner.width / 2, y: inner.bottom + 36, "text-anchor": "middle"},
      `virtual time (${unit})`));
    const at = data.fault_phase_ends_s;
    if (at > 0 && at < data.virtual_s) {
      const room = inner.right - x(at);
      const label = textWithin("healing", room, 10.5);
      if (label) svg.append(shape("text", {class: "healing-name", x: x(at) + 4, y: inner.bottom - 5}, label));
    }
  }
}

/// The legend above a plot; show(index) writes the values at a step, show(null) the means.
function legendOf(plot) {
  const values = plot.series.map(() => element("span", {class: "value"}));
  const means = plot.series.map((one) => {
    const some = one.values.filter((value) => value !== null);
    return some.length ? some.reduce((sum, value) => sum + value, 0) / some.length : null;
  });
  const row = element("div", {class: "legend"}, element("b", {}, plot.title),
    ...plot.series.map((one, i) => element("span", {class: "entry"}, element("i", {class: `swatch s${i % 8}`}),
      plot.series.length > 1 || one.name !== plot.title ? one.name + " " : "", values[i])));
  const show = (index) => plot.series.forEach((one, i) => {
    const value = index === null ? means[i] : one.values[Math.min(index, one.values.length - 1)] ?? null;
    values[i].textContent = (index === null ? "mean " : "") + inUnit(value, plot.unit);
  });
  show(null);
  return {row, show};
}

function drawPlot(plot, data, width, isLast) {
  const top = data.faults.length ? 10 + faultLanes * 13 : 24;
  const frame = plotFrame(width, (isLast ? 172 : 134) + top, {left: 52, right: 14, top, bottom: isLast ? 44 : 8},
    `${plot.title} over virtual time`);
  const {svg, inner} = frame;
  const x = (seconds) => inner.left + (inner.width * seconds) / data.virtual_s;
  const all = plot.series.map((one) => thinned(one.values, inner.width / 1.5));
  const isBytes = plot.unit.startsWith("B");
  let max = 0;
  for (const {bins} of all) for (const bin of bins) max = Math.max(max, bin.max ?? 0);
  // Bytes are told in the unit of the largest.
  const power = isBytes && max >= 1000 ? Math.min(4, Math.floor(Math.log10(max) / 3)) : 0;
  const scale = Math.pow(1000, power);
  const ticks = ticksUpTo(max / scale, 4);
  const y = (value) => inner.bottom - (inner.height * value) / ticks[ticks.length - 1];
  const at = (bin) => x(Math.min(bin.middle * data.step_s, data.virtual_s));

  shadeFaults(frame, data, x);
  drawTimeAxis(frame, data, x, isLast);
  drawUpAxis(frame, ticks, y, "");
  drawHealing(frame, data, x);
  nameFaults(frame, data, x);
  const unit = isBytes ? ["", "k", "M", "G", "T"][power] + plot.unit : plot.unit;
  if (unit) svg.append(shape("text", {class: "axis-name", x: inner.left - 7, y: inner.top - 11, "text-anchor": "end"}, unit));
  all.forEach(({bins, size}, i) => {
    const kind = `s${i % 8}`;
    const up = (value) => (value === null ? null : y(value / scale));
    if (size > 1)
      svg.append(shape("path", {class: `band ${kind}`, d: bandPath(bins.map((bin) => [at(bin), up(bin.max), up(bin.min)]))}));
    else if (all.length === 1)
      svg.append(shape("path", {class: `band ${kind}`, d: bandPath(bins.map((bin) => [at(bin), up(bin.mean), inner.bottom]))}));
    svg.append(shape("path", {class: `curve ${kind}`, d: linePath(bins.map((bin) => [at(bin), up(bin.mean)]))}));
  });
  const cursor = shape("line", {class: "cursor", y1: inner.top, y2: inner.bottom, visibility: "hidden"});
  svg.append(cursor);
  return {svg, inner, x, cursor};
}

/// What is on at `seconds`, or happened at once nearby.
function faultsAt(faults, seconds, near) {
  return faults.filter((fault) => (fault.to_s > fault.from_s
    ? seconds >= fault.from_s && seconds <= fault.to_s : Math.abs(seconds - fault.from_s) <= near));
}

function timelineOf(data) {
  if (!data.series.length || !(data.virtual_s > 0) || !(data.step_s > 0)) return null;
  const plots = plotsOf(data.series);
  const holders = plots.map((plot) => ({plot, legend: legendOf(plot), place: element("div", {class: "plot"})}));
  let drawn = [];
  let seconds = null;

  /// Moves the cursor of all plots; null takes it away.
  const point = (to) => {
    seconds = to === null ? null : Math.min(Math.max(to, 0), data.virtual_s);
    const index = seconds === null ? null : Math.floor(seconds / data.step_s);
    holders.forEach(({legend}) => legend.show(index));
    for (const {cursor, x} of drawn) {
      cursor.setAttribute("visibility", seconds === null ? "hidden" : "visible");
      if (seconds === null) continue;
      cursor.setAttribute("x1", x(seconds));
      cursor.setAttribute("x2", x(seconds));
    }
    if (seconds === null) tip.hide();
  };
  const tell = (clientX, clientY) => {
    const on = faultsAt(data.faults, seconds, (3 * data.virtual_s) / drawn[0].inner.width);
    const lines = [["at " + inSeconds(Math.floor(seconds / data.step_s) * data.step_s), "strong"]];
    on.slice(0, 5).forEach((fault) => lines.push([fault.what, "fault-line"]));
    if (on.length > 5) lines.push([`and ${on.length - 5} more faults`, "fault-line"]);
    if (!on.length && data.fault_phase_ends_s > 0 && seconds >= data.fault_phase_ends_s) lines.push(["healing", "remark"]);
    tip.show(clientX, clientY, lines);
  };
  const listen = (svg, inner) => {
    svg.addEventListener("pointermove", (event) => {
      const at = event.clientX - svg.getBoundingClientRect().left;
      if (at < inner.left - 4 || at > inner.right + 4) return point(null);
      point(((at - inner.left) / inner.width) * data.virtual_s);
      tell(event.clientX, event.clientY);
    });
    svg.addEventListener("pointerleave", () => point(null));
  };

  const section = card("Over time", data.faults.length
    ? "Shaded: faults. Point at a plot to read the values of all of them at that instant, or use the arrow keys."
    : "Point at a plot to read the values of all of them at that instant, or use the arrow keys.");
  const stack = element("div", {class: "stack", tabindex: "0"});
  holders.forEach(({legend, place}) => stack.append(legend.row, place));
  stack.addEventListener("keydown", (event) => {
    const step = Math.max(data.step_s, data.virtual_s / 200) * (event.shiftKey ? 10 : 1);
    if (event.key === "ArrowRight") point(seconds === null ? 0 : seconds + step);
    else if (event.key === "ArrowLeft") point(seconds === null ? data.virtual_s : seconds - step);
    else if (event.key === "Escape") return point(null);
    else return;
    event.preventDefault();
    const {svg, x} = drawn[0];
    const box = svg.getBoundingClientRect();
    tell(box.left + x(seconds), box.top + 30);
  });
  stack.addEventListener("blur", () => point(null));
  section.append(redrawn(stack, (width) => {
    drawn = holders.map(({plot, place}, i) => {
      const one = drawPlot(plot, data, width, i + 1 === holders.length);
      listen(one.svg, one.inner);
      place.replaceChildren(one.svg);
      return one;
    });
  }));
  const list = faultListOf(data);
  if (list) section.append(list);
  return section;
}
