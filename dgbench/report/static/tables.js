// Tables: a click or Enter on a column's name sorts; filters hide rows and say how many are left.
(function () {
  "use strict";
  function key(cell, numeric) {
    const raw = cell.dataset.v !== undefined ? cell.dataset.v : cell.textContent.trim();
    if (!numeric) return raw.toLowerCase();
    const value = raw === "" ? NaN : Number(raw);
    return value;
  }
  function sort(table, header) {
    const headers = Array.from(header.parentElement.children);
    const column = headers.indexOf(header);
    const numeric = header.dataset.sort === "number";
    const first = header.dataset.better === "higher" ? "descending" : "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const direction = header.getAttribute("aria-sort") === first ? second : first;
    const sign = direction === "ascending" ? 1 : -1;
    const body = table.tBodies[0];
    const rows = Array.from(body.rows).map(function (row, index) {
      if (row.dataset.order === undefined) row.dataset.order = index;
      return { row: row, key: key(row.cells[column], numeric), order: Number(row.dataset.order) };
    });
    rows.sort(function (a, b) {
      if (numeric) {
        const lost = Number(Number.isNaN(a.key)) - Number(Number.isNaN(b.key));
        if (lost !== 0) return lost;
        if (!Number.isNaN(a.key) && a.key !== b.key) return sign * (a.key - b.key);
      } else if (a.key !== b.key) {
        return a.key < b.key ? -sign : sign;
      }
      return a.order - b.order;
    });
    rows.forEach(function (entry) { body.appendChild(entry.row); });
    headers.forEach(function (other) { other.removeAttribute("aria-sort"); });
    header.setAttribute("aria-sort", direction);
  }
  function filter(tools) {
    const control = tools.querySelector("[data-for]");
    if (!control) return;
    const place = document.getElementById(control.dataset.for);
    const table = place.tagName === "TABLE" ? place : place.querySelector("table");
    const text = tools.querySelector(".filter");
    const ranked = tools.querySelector(".only-ranked");
    const apart = tools.querySelector(".no-overlap");
    const words = text ? text.value.toLowerCase().split(/\s+/).filter(Boolean) : [];
    let shown = 0;
    Array.from(table.tBodies[0].rows).forEach(function (row) {
      const content = row.textContent.toLowerCase();
      const keep = words.every(function (word) { return content.includes(word); }) &&
        !(ranked && ranked.checked && !row.classList.contains("ranked")) &&
        !(apart && apart.checked && !["other data", "none declared"].includes(row.dataset.overlap));
      row.hidden = !keep;
      shown += keep ? 1 : 0;
    });
    const all = table.tBodies[0].rows.length;
    tools.querySelector(".count").textContent = shown === all ? "" : shown + " of " + all + " rows";
  }
  document.addEventListener("click", function (event) {
    const header = event.target.closest("th[data-sort]");
    if (header && event.target.closest("button")) sort(header.closest("table"), header);
  });
  ["input", "change"].forEach(function (kind) {
    document.addEventListener(kind, function (event) {
      const tools = event.target.closest(".tools");
      if (tools && event.target.dataset.for) filter(tools);
    });
  });
  // A browser that restores a form after "back" must also restore what the form hides.
  window.addEventListener("pageshow", function () { document.querySelectorAll(".tools").forEach(filter); });
})();
