"use strict";

// Theme: the system's until the button is used; the choice is kept where the browser allows it.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

function themed(button) {
  const dark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const label = () => (button.textContent = dark() ? "Light theme" : "Dark theme");
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("w2vbench-theme", root.dataset.theme); } catch { /* asked again next time */ }
    label();
  });
  system.addEventListener("change", label);
  label();
  button.hidden = false;
}

// Sorting: a heading sorts by data-sort, numbers by value, empty fields always last.
// The third press brings back the order of the report.
function compare(a, b, sign) {
  if (a === "" || b === "") return (a === "") - (b === "");
  const x = Number(a), y = Number(b);
  return sign * (Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en") : x - y);
}

function sortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const first = heading.classList.contains("num") && heading.dataset.key !== "rank" ? "descending" : "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    heading.querySelector("button").addEventListener("click", () => {
      const now = heading.getAttribute("aria-sort");
      const next = now === null ? first : now === first ? second : null;
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      if (next) heading.setAttribute("aria-sort", next);
      table.classList.toggle("sorted", next !== null);
      const sign = next === "descending" ? -1 : 1;
      const key = (row) => row.cells[column].dataset.sort;
      body.append(...(next ? [...original].sort((a, b) => compare(key(a), key(b), sign)) : original));
    });
  });
}

// Filtering: in all tables at once. Every word must occur somewhere in the row; a choice must match exactly.
function filterable(form) {
  const [count] = form.getElementsByTagName("output");
  const choices = [...form.querySelectorAll("select")];
  const tables = [...document.querySelectorAll("table.sortable")];
  const content = new Map(tables.flatMap((table) => [...table.tBodies[0].rows]).map((row) => [row, row.textContent.toLowerCase()]));
  const apply = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (row) => words.every((word) => content.get(row).includes(word))
      && choices.every((choice) => !choice.value || row.dataset[choice.name] === choice.value);
    let shown = 0, all = 0;
    for (const table of tables) {
      const rows = [...table.tBodies[0].rows];
      for (const row of rows) row.hidden = !matches(row);
      const left = rows.filter((row) => !row.hidden).length;
      table.closest(".scroll").hidden = left === 0;
      table.closest(".scroll").nextElementSibling.hidden = left > 0;
      if (table.classList.contains("headline")) [shown, all] = [shown + left, all + rows.length];
    }
    count.textContent = shown === all ? `${all} rows` : `${shown} of ${all} rows`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
}

document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll("form.filters").forEach(filterable);
document.querySelectorAll("#theme").forEach(themed);
