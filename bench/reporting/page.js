"use strict";

// Sorting: a click on a heading sorts by data-sort, numbers by value, empty fields always last.
// The third click brings back the order of the report.
function compare(a, b, sign) {
  if (a === "" || b === "") return (a === "") - (b === "");
  const x = Number(a), y = Number(b);
  return sign * (Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y);
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

// Filtering: every word must occur somewhere in the row; the status must match exactly.
function filterable(section) {
  const [text, status, count] = ["input", "select", "output"].map((tag) => section.querySelector(".filters " + tag));
  const rows = [...section.querySelector("table.sortable").tBodies[0].rows];
  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const content = row.textContent.toLowerCase();
      const match = words.every((word) => content.includes(word)) && (!status.value || row.dataset.status === status.value);
      row.hidden = !match;
      shown += match;
    }
    count.textContent = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
  };
  text.addEventListener("input", apply);
  status.addEventListener("change", apply);
}

document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll("section").forEach((section) => section.querySelector(".filters") && filterable(section));
