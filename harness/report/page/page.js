"use strict";
// Pressing the head of a column sorts by it, pressing it again the other way round.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => sort(table, heads, column));
  });
}

function sort(table, heads, column) {
  const down = heads[column].getAttribute("aria-sort") === "ascending";
  heads.forEach((head) => head.setAttribute("aria-sort", "none"));
  heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [row, row.cells[column]]);
  rows.sort(([, a], [, b]) => rank(a) - rank(b) || (down ? -1 : 1) * compare(a, b));
  body.append(...rows.map(([row]) => row));
}

// Figures stand before words, and what is empty stands last whichever way it is sorted.
function rank(cell) {
  if (cell.dataset.order !== undefined) return 0;
  return cell.textContent ? 1 : 2;
}

function compare(a, b) {
  if (a.dataset.order !== undefined) return Number(a.dataset.order) - Number(b.dataset.order);
  return a.textContent.localeCompare(b.textContent, undefined, { numeric: true });
}

// Paper cannot be opened.
addEventListener("beforeprint", () => {
  for (const closed of document.querySelectorAll("details")) closed.open = true;
});
