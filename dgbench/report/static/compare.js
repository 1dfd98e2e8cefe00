// The difference of two methods: every number was made by dgbench; this script only looks them up and draws them.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("c-data").textContent);
  const first = document.getElementById("c-a");
  const second = document.getElementById("c-b");
  const count = data.methods.length;
  const NS = "http://www.w3.org/2000/svg";

  function element(name, attributes, text) {
    const made = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) { made.setAttribute(key, attributes[key]); });
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function svg(name, attributes, text) {
    const made = document.createElementNS(NS, name);
    Object.keys(attributes || {}).forEach(function (key) { made.setAttribute(key, attributes[key]); });
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function number(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    const text = value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4);
    return (Number(text) === 0 ? "0" : text).replace("-", "−");
  }
  // Differences are stored once for i < j; the other way round every sign turns.
  function difference(metric, a, b) {
    if (a === b) return { d: 0, low: 0, high: 0, won: 0 };
    const i = Math.min(a, b), j = Math.max(a, b);
    const place = 4 * (i * (2 * count - i - 1) / 2 + (j - i - 1));
    const entry = metric.diff.slice(place, place + 4);
    const end = function (steps, sign) { return steps === null ? null : sign * steps * metric.step; };
    const d = metric.mean[a] - metric.mean[b];
    if (a < b) return { d: d, low: end(entry[0], 1), high: end(entry[1], 1), won: entry[2] / 100 };
    return { d: d, low: end(entry[1], -1), high: end(entry[0], -1), won: entry[3] / 100 };
  }
  function winner(metric, found) {
    if (found.low === null || (found.low <= 0 && found.high >= 0)) return "";
    return (found.d > 0) === (metric.better === "higher") ? "a" : "b";
  }
  function bar(metric, found) {
    const reach = Math.max(Math.abs(found.low === null ? found.d : found.low), Math.abs(found.high === null ? found.d : found.high), 1e-12);
    const place = function (value) { return 50 + 46 * value / reach; };
    const box = element("span", { class: "diff " + winner(metric, found), "aria-hidden": "true" });
    box.appendChild(element("span", { class: "zero" }));
    if (found.low !== null) {
      box.appendChild(element("span", { class: "span", style: "left:" + place(found.low) + "%;right:" + (100 - place(found.high)) + "%" }));
    }
    box.appendChild(element("span", { class: "dot", style: "left:" + place(found.d) + "%" }));
    return box;
  }
  function table(a, b) {
    const body = document.querySelector("#c-table tbody");
    body.textContent = "";
    data.metrics.forEach(function (metric) {
      const found = difference(metric, a, b);
      const row = element("tr");
      const head = element("th", { scope: "row", title: metric.title }, metric.name + (metric.better === "higher" ? " ↑" : " ↓"));
      row.appendChild(head);
      [metric.mean[a], metric.mean[b], found.d].forEach(function (value) { row.appendChild(element("td", { class: "num left" }, number(value))); });
      row.appendChild(element("td", { class: "num left" }, found.low === null ? "too few people" : "[" + number(found.low) + ", " + number(found.high) + "]"));
      const cell = element("td");
      cell.appendChild(bar(metric, found));
      row.appendChild(cell);
      row.appendChild(element("td", {}, a === b ? "–" : Math.round(100 * found.won) + " % of pairs"));
      body.appendChild(row);
    });
  }
  function dots(place, groups, a, b, sorted) {
    place.textContent = "";
    const rows = groups.map(function (group) { return { name: group.name, n: group.n, d: group.mean[a] - group.mean[b] }; });
    if (sorted) rows.sort(function (x, y) { return x.d - y.d; });
    if (!rows.length) { place.appendChild(element("p", { class: "muted" }, "One group only.")); return; }
    const width = 640, left = 90, right = 24, many = rows.length > 24;
    const step = many ? Math.max(5, Math.min(18, 420 / rows.length)) : 18;
    const height = 12 + step * rows.length + 24;
    const reach = Math.max.apply(null, rows.map(function (row) { return Math.abs(row.d); }).concat([1e-9]));
    const x = function (value) { return left + (width - left - right) * (0.5 + 0.48 * value / reach); };
    const better = data.metrics[0].better === "higher" ? 1 : -1;
    const drawing = svg("svg", { class: "plot", viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": "Difference of " + data.metrics[0].name + " for " + rows.length + " groups; right of the middle the first method is larger" });
    drawing.appendChild(svg("path", { class: "grid", d: "M" + x(0) + " 6V" + (height - 22) }));
    rows.forEach(function (row, index) {
      const y = 12 + step * (index + 0.5);
      const side = better * row.d >= 0 ? "a" : "b";
      const group = svg("g", {});
      group.appendChild(svg("title", {}, row.name + " (n=" + row.n + "): " + number(row.d)));
      if (!many) group.appendChild(svg("text", { class: "tick", x: left - 8, y: y + 4, "text-anchor": "end" }, row.name + " · n=" + row.n));
      group.appendChild(svg("path", { class: "grid", d: "M" + x(0) + " " + y + "H" + x(row.d) }));
      group.appendChild(svg("circle", { class: "dot-" + side, cx: x(row.d), cy: y, r: many ? 2.6 : 4 }));
      drawing.appendChild(group);
    });
    [-reach, 0, reach].forEach(function (tick) {
      drawing.appendChild(svg("text", { class: "tick", x: x(tick), y: height - 4, "text-anchor": "middle" }, tick === 0 ? "0" : number(tick)));
    });
    place.appendChild(drawing);
  }
  function picture(name, alt) {
    return name ? element("img", { src: "../" + name, alt: alt, width: 104, height: 104, loading: "lazy" }) : element("div", { class: "missing" }, "no image");
  }
  function strip(a, b) {
    const body = document.getElementById("c-strip");
    body.textContent = "";
    let any = false;
    (data.strip || []).forEach(function (pair) {
      const images = [pair.source, pair.reference, pair.generated[a], pair.generated[b], pair.target];
      const names = ["Source", "Reference", data.methods[a], data.methods[b], "Target"];
      any = any || images[2] !== null || images[3] !== null;
      const row = element("tr");
      images.forEach(function (name, index) {
        const cell = element("td", index === 2 || index === 4 ? { class: "apart" } : {});
        cell.appendChild(picture(name, names[index] + " of pair " + pair.pair_id));
        const score = index === 2 ? pair.scores[a] : index === 3 ? pair.scores[b] : null;
        if (score !== null) cell.appendChild(element("small", {}, number(score)));
        row.appendChild(cell);
      });
      body.appendChild(row);
    });
    document.getElementById("c-images").hidden = !any;
  }
  function show() {
    const a = Number(first.value), b = Number(second.value);
    const names = [data.methods[a], data.methods[b]];
    ["c-name-", "c-head-"].forEach(function (prefix) {
      document.getElementById(prefix + "a").textContent = names[0];
      document.getElementById(prefix + "b").textContent = names[1];
    });
    const main = data.metrics[0];
    const side = winner(main, difference(main, a, b));
    document.getElementById("c-verdict").textContent = a === b ? "Choose two methods." :
      side === "a" ? names[0] + " is better than " + names[1] + " on " + main.name + "." :
      side === "b" ? names[1] + " is better than " + names[0] + " on " + main.name + "." :
      "On " + main.name + " these pairs do not tell " + names[0] + " and " + names[1] + " apart.";
    document.getElementById("c-people-note").textContent = main.name + ", first minus second, source person";
    document.getElementById("c-bins-note").textContent = main.name + ", first minus second";
    table(a, b);
    dots(document.getElementById("c-people"), data.people, a, b, true);
    document.getElementById("c-bins-figure").hidden = !main.bins.length;
    dots(document.getElementById("c-bins"), main.bins, a, b, false);
    strip(a, b);
    try { history.replaceState(null, "", "#a=" + encodeURIComponent(names[0]) + "&b=" + encodeURIComponent(names[1])); } catch (error) { /* a browser that forbids it on files */ }
  }
  const asked = new URLSearchParams(location.hash.slice(1));
  [[first, "a", 0], [second, "b", 1]].forEach(function (entry) {
    const index = data.methods.indexOf(asked.get(entry[1]));
    entry[0].value = String(index >= 0 ? index : Math.min(entry[2], count - 1));
    entry[0].addEventListener("change", show);
  });
  document.getElementById("c-swap").addEventListener("click", function () {
    const kept = first.value;
    first.value = second.value;
    second.value = kept;
    show();
  });
  show();
})();
