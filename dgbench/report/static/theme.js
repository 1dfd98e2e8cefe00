// The theme: automatic until the reader chooses, then remembered where the browser allows it.
(function () {
  "use strict";
  const order = ["auto", "light", "dark"];
  const root = document.documentElement;
  let now = "auto";
  try { now = localStorage.getItem("dgbench-theme") || "auto"; } catch (error) { now = "auto"; }
  function apply() {
    if (now === "auto") root.removeAttribute("data-theme"); else root.setAttribute("data-theme", now);
    const button = document.getElementById("theme");
    if (!button) return;
    button.setAttribute("aria-label", "Colour theme: " + (now === "auto" ? "automatic" : now));
    button.firstElementChild.textContent = { auto: "◐", light: "○", dark: "●" }[now];
  }
  apply();
  document.addEventListener("DOMContentLoaded", function () {
    apply();
    document.getElementById("theme").addEventListener("click", function () {
      now = order[(order.indexOf(now) + 1) % order.length];
      try { localStorage.setItem("dgbench-theme", now); } catch (error) { /* a private window: chosen for this page only */ }
      apply();
    });
  });
})();
