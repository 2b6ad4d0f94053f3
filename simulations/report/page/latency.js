// latency.js: the distribution of delivery times on a logarithmic axis, and the links messages crossed.

/// Draws the bars; returns what the pointer needs to find them again.
function drawBars(frame, bars, x, y) {
  return bars.map((bar) => {
    const left = x(bar.from);
    const width = Math.max(1, x(bar.to_ms) - left - 1);
    const top = Math.min(y(bar.count), frame.inner.bottom - (bar.count > 0 ? 1 : 0));
    const rect = shape("rect", {class: "bar", x: left, y: top, width, height: Math.max(0, frame.inner.bottom - top)});
    frame.svg.append(rect);
    return rect;
  });
}

/// The marks' lines, and their names to the right of them in lanes above the plot. From right to left,
/// so that a line that comes from a higher lane passes left of the names below.
function drawMarks(frame, marks, x, lanes) {
  const place = laneKeeper(lanes);
  const names = [];
  for (const {name, ms} of [...marks].sort((a, b) => b.ms - a.ms)) {
    const at = Math.round(x(ms)) + 0.5;
    const text = `${name} ${inMilliseconds(ms)}`;
    const width = textWidth(text, 12);
    const left = Math.min(at - 2, frame.inner.right - width);
    const lane = Math.max(0, place(left, width, 12));
    const bottom = frame.inner.top - 8 - lane * 15;
    frame.svg.append(shape("line", {class: "mark", x1: at, x2: at, y1: bottom + 4, y2: frame.inner.bottom}));
    names.push(shape("text", {class: "mark-name", x: left, y: bottom}, text));
  }
  frame.svg.append(...names);
}

function histogramOf(data) {
  const filled = data.delivery_histogram.filter((bar) => bar.count > 0 && bar.to_ms > 0);
  if (!filled.length) return nothing("No message was delivered.");
  const first = data.delivery_histogram.indexOf(filled[0]);
  const last = data.delivery_histogram.indexOf(filled[filled.length - 1]);
  // A bar from 0 has no left end on this axis: it gets the width of its neighbours.
  const whole = data.delivery_histogram.find((bar) => bar.from_ms > 0);
  const factor = whole ? whole.to_ms / whole.from_ms : 2;
  const bars = data.delivery_histogram.slice(first, last + 1).filter((bar) => bar.to_ms > 0)
    .map((bar) => ({...bar, from: bar.from_ms > 0 ? bar.from_ms : bar.to_ms / factor}));
  const all = bars.reduce((sum, bar) => sum + bar.count, 0);
  const marks = [["p50", "p50_ms"], ["p90", "p90_ms"], ["p99", "p99_ms"]]
    .map(([name, field]) => ({name, ms: data.delivery[field]}))
    .filter((mark) => data.delivery.count > 0 && mark.ms > 0);
  const from = Math.min(bars[0].from, ...marks.map((mark) => mark.ms));
  const to = Math.max(bars[bars.length - 1].to_ms, ...marks.map((mark) => mark.ms));

  const holder = element("div", {class: "plot"});
  return redrawn(holder, (width) => {
    const lanes = 3;
    const frame = plotFrame(width, 300, {left: 52, right: 14, top: 26 + lanes * 15, bottom: 44}, "Histogram of delivery latency");
    const {svg, inner} = frame;
    const ticks = ticksUpTo(Math.max(...bars.map((bar) => bar.count)), 5, true);
    const x = (ms) => inner.left + (inner.width * Math.log(ms / from)) / Math.log(to / from);
    const y = (count) => inner.bottom - (inner.height * count) / ticks[ticks.length - 1];
    drawUpAxis(frame, ticks, y, "deliveries");
    const rects = drawBars(frame, bars, x, y);
    const perDecade = inner.width / Math.log10(to / from);
    for (const tick of logTicks(from, to, perDecade > 150)) {
      const at = Math.round(x(tick.at)) + 0.5;
      svg.append(shape("line", {class: "axis", x1: at, x2: at, y1: inner.bottom, y2: inner.bottom + (tick.text ? 6 : 3)}));
      if (tick.text) svg.append(shape("text", {class: "tick", x: at, y: inner.bottom + 19, "text-anchor": "middle"}, tick.text));
    }
    svg.append(shape("text", {class: "axis-name", x: inner.left + inner.width / 2, y: 296, "text-anchor": "middle"},
      width < 520 ? "PUBLISH to delivery (log scale)" : "time from PUBLISH to delivery (log scale)"));
    drawMarks(frame, marks, x, lanes);

    svg.addEventListener("pointermove", (event) => {
      const at = event.clientX - svg.getBoundingClientRect().left;
      const index = bars.findIndex((bar) => at >= x(bar.from) && at < x(bar.to_ms));
      rects.forEach((rect, i) => rect.classList.toggle("lit", i === index));
      if (index < 0) return tip.hide();
      const bar = bars[index];
      const upTo = bars.slice(0, index + 1).reduce((sum, other) => sum + other.count, 0);
      tip.show(event.clientX, event.clientY, [
        [`${inMilliseconds(bar.from_ms)} to ${inMilliseconds(bar.to_ms)}`, "strong"],
        [`${grouped(bar.count)} deliveries (${inPercent(bar.count / all)})`, ""],
        [`${inPercent(upTo / all)} took less than ${inMilliseconds(bar.to_ms)}`, "remark"]]);
    });
    svg.addEventListener("pointerleave", () => {
      rects.forEach((rect) => rect.classList.remove("lit"));
      tip.hide();
    });
    holder.replaceChildren(svg);
  });
}

function latencyOf(data) {
  return card("Delivery latency", "From the instant a client hands a message to its node to the instant a subscriber has it.",
    histogramOf(data), quantilesOf(data));
}

/// Lying bars: few kinds, long names.
function hopsOf(data) {
  const all = data.hops.reduce((sum, hop) => sum + hop.count, 0);
  if (!all) return null;
  const sorted = [...data.hops].sort((a, b) => a.links - b.links);
  const shown = sorted.slice(0, 11);
  const rest = sorted.slice(11).reduce((sum, hop) => sum + hop.count, 0);
  const rows = shown.map((hop) => [hop.links === 0 ? "same node" : hop.links === 1 ? "1 link" : `${hop.links} links`, hop.count]);
  if (rest) rows.push(["more", rest]);
  const most = Math.max(...rows.map(([, count]) => count));
  return card("Links crossed", "By delivered messages, from publisher’s to subscriber’s node.",
    element("table", {class: "lying"}, element("tbody", {}, ...rows.map(([name, count]) => {
      const bar = element("div", {class: "lying-bar"});
      bar.style.width = (100 * count) / most + "%";
      return element("tr", {}, element("th", {scope: "row"}, name), element("td", {class: "track"}, bar),
        element("td", {class: "number"}, grouped(count)), element("td", {class: "number remark"}, inPercent(count / all)));
    }))));
}
