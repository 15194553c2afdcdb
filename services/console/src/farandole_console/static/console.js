// Keys, colours and the help. Every page works without it.
(() => {
  "use strict";
  const root = document.documentElement;
  const help = document.getElementById("help");

  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

  function toggleTheme() {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // It holds for this page, then.
    }
    document.dispatchEvent(new CustomEvent("theme"));
  }

  function showHelp() {
    if (help && !help.open) help.showModal();
  }

  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.hidden = false;
    button.addEventListener("click", toggleTheme);
  }
  for (const button of document.querySelectorAll("[data-help]")) {
    button.hidden = false;
    button.addEventListener("click", showHelp);
  }

  // The keys of the places are those that the help shows.
  const places = new Map();
  for (const key of document.querySelectorAll("[data-key]")) {
    const letter = key.dataset.letter;
    if (!places.has(letter)) places.set(letter, key.dataset.key);
  }

  const writes = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;
  let going = 0;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target instanceof Element && writes(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (Date.now() - going < 1500 && places.has(event.key)) {
      going = 0;
      location.href = places.get(event.key);
      return;
    }
    going = 0;
    if (event.key === "g") going = Date.now();
    else if (event.key === "t") toggleTheme();
    else if (event.key === "?") showHelp();
    else if (event.key === "/") {
      const search = document.getElementById("search");
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    }
  });
})();

// The command beside a form says the reason that is typed, quoted as a shell wants it. What is sent is the form.
(() => {
  "use strict";
  const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-act]");
    const shown = form?.querySelector("[data-command]");
    if (!shown) return;
    const reason = form.querySelector("[data-reason]").value.trim();
    const set = [...form.querySelectorAll("[data-set]")]
      .filter((one) => one.value !== one.defaultValue)
      .map((one) => ` --set ${quoted(`${one.dataset.set}=${one.value}`)}`);
    const text = `${shown.dataset.command.replace(/ --reason$/, `${set.join("")} --reason`)} ${reason ? quoted(reason) : '"…"'}`;
    shown.querySelector("code").textContent = text;
  });
  // A form that ends something goes with what it would end.
  document.addEventListener("htmx:afterSettle", () => {
    for (const one of document.querySelectorAll("[data-live-while]")) {
      one.hidden = !document.querySelector(one.dataset.liveWhile);
    }
  });
})();

// A page that nobody looks at asks for nothing.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.matches("[hx-trigger^='every']")) event.preventDefault();
});
