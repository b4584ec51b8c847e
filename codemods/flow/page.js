// Without this script all is there: folded parts open by themselves, links lead to the source at the end of the page.
"use strict";
(() => {
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const form = document.getElementById("filter");
  const words = document.getElementById("words");
  const shown = document.getElementById("shown");
  const modules = all(".module");
  const sites = all(".site").map((node) => ({ node, text: node.textContent.toLowerCase() }));
  const before = 4, after = 7;

  function apply() {
    const verdicts = new Set(all("input:checked", form).map((box) => box.value));
    const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { node, text } of sites) {
      const fits = verdicts.has(node.dataset.verdict) && asked.every((word) => text.includes(word));
      node.hidden = !fits;
      count += fits;
    }
    for (const module of modules) module.hidden = !module.querySelector(".site:not([hidden])");
    shown.textContent = count === sites.length ? `${count} call sites` : `${count} of ${sites.length} call sites`;
  }

  function fold(open) {
    for (const node of all(".site:not([hidden])")) node.open = open;
  }

  function unpeek(way) {
    for (const box of all(".peek", way)) box.remove();
    for (const link of all("a[aria-expanded]", way)) link.removeAttribute("aria-expanded");
  }

  // Show the source below its chain. Text goes in as nodes that are there already: nothing is parsed again.
  function peek(link, line, way) {
    const rows = [...line.parentElement.children];
    const at = rows.indexOf(line);
    const box = document.createElement("div");
    const head = document.createElement("p");
    const name = document.createElement("code");
    const close = document.createElement("button");
    const pre = document.createElement("pre");
    const code = document.createElement("code");
    name.textContent = `${line.closest(".file").querySelector("summary").textContent}:${line.firstChild.textContent}`;
    name.className = "at";
    close.textContent = "Close";
    close.type = "button";
    close.addEventListener("click", () => { unpeek(way); link.focus(); });
    for (const row of rows.slice(Math.max(0, at - before), at + after + 1)) {
      const copy = row.cloneNode(true);
      copy.removeAttribute("id");
      copy.classList.toggle("here", row === line);
      code.append(copy);
    }
    box.className = "peek";
    pre.tabIndex = 0;
    pre.append(code);
    head.append(name, close);
    box.append(head, pre);
    way.append(box);
    link.setAttribute("aria-expanded", "true");
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.source");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const line = document.getElementById(link.hash.slice(1));
    const way = link.closest(".way, .site");
    if (!line || !way) return;
    event.preventDefault();
    const open = link.hasAttribute("aria-expanded");
    unpeek(way);
    if (!open) peek(link, line, way);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input")) {
      event.preventDefault();
      words.focus();
    }
    if (event.key === "Escape") {
      const way = event.target.closest(".way, .site");
      const link = way && way.querySelector("a[aria-expanded]");
      if (link) { unpeek(way); link.focus(); }
    }
  });
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("open").addEventListener("click", () => fold(true));
  document.getElementById("close").addEventListener("click", () => fold(false));

  function arrive() {
    const node = document.getElementById(location.hash.slice(1));
    if (node && node.classList.contains("site")) node.open = true;
  }
  window.addEventListener("hashchange", arrive);
  arrive();
  form.hidden = false;
  apply();
})();
