// The gallery: choose which pairs are shown and in what order; the address keeps the choice, so that it can be cited.
(function () {
  "use strict";
  const list = document.getElementById("gallery");
  const tools = document.getElementById("gallery-tools");
  const names = ["why", "identity", "bin", "failure", "sort"];
  const control = {};
  names.forEach(function (name) { control[name] = document.getElementById("g-" + name); });
  const pairs = Array.from(list.children);

  function fits(pair) {
    const data = pair.dataset;
    const why = control.why.value;
    const failure = control.failure.value;
    if (why && !data.why.split(" ").includes(why)) return false;
    if (control.identity.value && ![data.identity, data.reference].includes(control.identity.value)) return false;
    if (control.bin && control.bin.value && data.bin !== control.bin.value) return false;
    if (failure === "none" && data.failure) return false;
    if (failure && failure !== "none" && data.failure !== failure) return false;
    return true;
  }
  function show() {
    const metric = control.sort.selectedIndex;
    const better = control.sort.options[metric].dataset.better;
    const sign = better === "higher" ? 1 : -1;
    pairs.sort(function (a, b) { return sign * (Number(a.dataset["m" + metric]) - Number(b.dataset["m" + metric])); });
    let shown = 0;
    pairs.forEach(function (pair) {
      pair.hidden = !fits(pair);
      shown += pair.hidden ? 0 : 1;
      list.appendChild(pair);
    });
    tools.querySelector(".count").textContent = shown + " of " + pairs.length + " pairs, worst first";
  }
  function keep() {
    const parts = names.filter(function (name) { return control[name] && control[name].value; })
      .map(function (name) { return name + "=" + encodeURIComponent(control[name].value); });
    try { history.replaceState(null, "", "#" + parts.join("&")); } catch (error) { /* a browser that forbids it on files */ }
  }
  function restore() {
    new URLSearchParams(location.hash.slice(1)).forEach(function (value, name) {
      if (control[name] && Array.from(control[name].options).some(function (option) { return option.value === value; })) {
        control[name].value = value;
      }
    });
  }
  tools.addEventListener("change", function () { show(); keep(); });
  restore();
  show();
})();
