// tables.js: head, verdict, claims, promises, quantiles, totals, the list of faults.

function badge(kind, text) {
  return element("span", {class: "badge " + kind}, text);
}

function fact(name, value, remark) {
  return element("div", {class: "fact"}, element("dt", {}, name), element("dd", {}, value),
    remark ? element("dd", {class: "remark"}, remark) : null);
}

function copyButton(text) {
  const button = element("button", {type: "button", class: "copy"}, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {  // no clipboard for pages from file:// in some browsers
      const range = document.createRange();
      range.selectNodeContents(button.previousSibling);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  return button;
}

function headOf(data) {
  const tested = data.claims.length > 0 || data.promises.some((promise) => promise.kind !== "not_seen");
  const kind = !data.is_good ? "bad" : tested ? "good" : "unknown";
  const healing = data.fault_phase_ends_s > 0 && data.fault_phase_ends_s < data.virtual_s;
  const {wall_s: wall, peak_bytes: peak} = data.run;
  return element("section", {class: "head " + kind},
    element("p", {class: "kicker"}, "Starling simulation"),
    element("h1", {}, data.scenario || "Unnamed scenario"),
    element("p", {class: "verdict"}, badge(kind, {good: "Good", bad: "Not good", unknown: "Not tested"}[kind]), data.verdict),
    data.story ? element("p", {class: "story"}, data.story) : null,
    element("dl", {class: "facts"},
      fact("Nodes", grouped(data.nodes)),
      fact("Clients", grouped(data.clients)),
      fact("Virtual time", inSeconds(data.virtual_s), healing ? "healing from " + inSeconds(data.fault_phase_ends_s) : ""),
      fact("Real time", inSeconds(wall), wall > 0 ? inNumber(data.virtual_s / wall) + " × real time" : ""),
      peak > 0 ? fact("Memory", inBytes(peak), data.nodes ? inBytes(peak / data.nodes) + " a node" : "") : null,
      element("div", {class: data.seed.length > 10 ? "fact wide" : "fact"}, element("dt", {}, "Seed"), element("dd", {}, data.seed)),
      element("div", {class: "fact wide"}, element("dt", {}, "Digest of the trace"),
        element("dd", {class: "mono"}, data.digest || "–"))),
    data.replay
      ? element("div", {class: "replay"}, element("span", {}, "Replay"), element("code", {}, data.replay), copyButton(data.replay))
      : null);
}

function claimsOf(data) {
  if (!data.claims.length) return null;
  const rows = data.claims.map((claim) => element("tr", {},
    element("td", {}, claim.holds ? badge("good", "holds") : badge("bad", "fails")),
    element("td", {}, claim.claim),
    element("td", {class: "number"}, claim.measured)));
  return card("Claims", "What the scenario says its run must show.",
    element("table", {class: "verdicts"},
      element("thead", {}, element("tr", {}, element("th", {}, ""), element("th", {}, "Claim"),
        element("th", {class: "number"}, "Measured"))),
      element("tbody", {}, ...rows)));
}

function examplesOf(promise) {
  if (!promise.examples.length) return null;
  const items = promise.examples.map((example) =>
    element("li", {}, element("span", {class: "when"}, inExactSeconds(example.at_s)), " " + example.what));
  const shown = 3;
  const list = element("ul", {class: "examples"}, ...items.slice(0, shown));
  if (items.length <= shown) return list;
  return element("div", {}, list,
    element("details", {}, element("summary", {}, `${items.length - shown} more`),
      element("ul", {class: "examples"}, ...items.slice(shown))));
}

function promisesOf(data) {
  if (!data.promises.length) return null;
  const order = {broken: 0, kept: 1, not_seen: 2};
  const kindOf = (promise) => (promise.broken > 0 ? "broken" : promise.kind);
  const sorted = [...data.promises].sort((a, b) => order[kindOf(a)] - order[kindOf(b)]);
  const look = {broken: ["bad", "broken"], kept: ["good", "kept"], not_seen: ["unknown", "not seen"]};
  const rows = sorted.map((promise) => {
    const kind = kindOf(promise);
    return element("tr", {class: kind},
      element("td", {}, badge(...look[kind])),
      element("td", {}, element("b", {}, promise.name), element("span", {class: "sentence"}, promise.promise),
        promise.not_promised ? element("p", {class: "not-promised"}, element("i", {}, "Not promised today: "), promise.not_promised) : null,
        examplesOf(promise)),
      element("td", {class: "number", "data-name": "occasions"}, kind === "not_seen" ? "–" : grouped(promise.seen)),
      element("td", {class: "number", "data-name": "broken"}, promise.broken ? element("strong", {}, grouped(promise.broken)) : kind === "kept" ? "0" : "–"));
  });
  return card("Promises", "Watched from the first virtual second to the last. “Not seen”: this run gave no occasion to break it.",
    element("table", {class: "verdicts promises"},
      element("thead", {}, element("tr", {}, element("th", {}, ""), element("th", {}, "Promise"),
        element("th", {class: "number"}, "Occasions"), element("th", {class: "number"}, "Broken"))),
      element("tbody", {}, ...rows)));
}

function quantilesOf(data) {
  const kinds = [
    ["PUBLISH to delivery", data.delivery], ["over the mesh", data.delivery_over_mesh, true],
    ["first message of a pair", data.first_delivery, true], ["DHT lookup", data.lookup],
    ["to its first value", data.lookup_first_value, true]];
  const rows = kinds.filter(([, quantiles]) => quantiles.count > 0).map(([name, quantiles, part]) =>
    element("tr", {}, element("th", {scope: "row", class: part ? "part" : null}, name),
      element("td", {class: "number"}, grouped(quantiles.count)),
      ...["p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms"].map((field) =>
        element("td", {class: "number"}, inMilliseconds(quantiles[field])))));
  if (!rows.length) return null;
  return element("div", {class: "scrolls"}, element("table", {class: "quantiles"},
    element("thead", {}, element("tr", {}, element("th", {}, ""),
      ...["Count", "p50", "p90", "p99", "p99.9", "Max"].map((name) => element("th", {class: "number"}, name)))),
    element("tbody", {}, ...rows)));
}

function totalsOf(data) {
  if (!data.totals.length) return null;
  const rows = data.totals.map((total) => element("tr", {}, element("th", {scope: "row"}, total.name),
    element("td", {class: "number"}, inNumber(total.value))));
  return card("Totals", "", element("table", {class: "totals"}, element("tbody", {}, ...rows)));
}

function faultListOf(data) {
  if (!data.faults.length) return null;
  const shown = data.faults.slice(0, 500);
  const rows = shown.map((fault) => element("tr", {},
    element("td", {class: "number"}, inExactSeconds(fault.from_s)),
    element("td", {class: "number"}, fault.to_s > fault.from_s ? inSeconds(fault.to_s - fault.from_s) : "at once"),
    element("td", {}, fault.what)));
  const left = data.fault_count - shown.length;
  return element("details", {class: "fault-list"},
    element("summary", {}, `All faults (${grouped(data.fault_count)})`),
    element("table", {}, element("thead", {}, element("tr", {}, element("th", {class: "number"}, "At"),
      element("th", {class: "number"}, "For"), element("th", {}, "What"))), element("tbody", {}, ...rows)),
    left > 0 ? nothing(`${grouped(left)} more are in the JSON report.`) : null);
}
