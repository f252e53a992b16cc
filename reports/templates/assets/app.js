// Brings the pages to life: draws charts in the colours of style.css, switches views, sorts and searches tables and gives
// them as CSV, and links the snapshots. Everything said here is also in the HTML; without JavaScript the tables remain.
(function () {
  "use strict";
  const root = document.documentElement;
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));

  // ── theme ──────────────────────────────────────────────────────────────────────────────────────────────────────
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const remember = {
    get() { try { return localStorage.getItem("perennial-theme"); } catch { return null; } },
    set(value) { try { localStorage.setItem("perennial-theme", value); } catch { /* a browser that keeps nothing */ } },
  };
  const theme = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  if (["light", "dark"].includes(remember.get())) root.dataset.theme = remember.get();

  function themeButton() {
    const button = document.querySelector("[data-theme-button]");
    if (!button) return;
    const show = () => { button.textContent = theme() === "dark" ? "Light" : "Dark"; };
    button.hidden = false;
    button.setAttribute("aria-label", "Switch between light and dark");
    button.addEventListener("click", () => {
      root.dataset.theme = theme() === "dark" ? "light" : "dark";
      remember.set(root.dataset.theme);
      show();
      drawAll();
    });
    dark.addEventListener("change", () => { show(); drawAll(); });
    show();
  }

  // ── charts ─────────────────────────────────────────────────────────────────────────────────────────────────────
  const config = { locale: "perennial", displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false, showTips: false };
  const charts = new Map();

  // Axes are written as the page's numbers are. Plotly lets a locale choose what stands around an amount of money and
  // not around a percentage, so percentages are drawn as amounts of "%".
  let separators = ".,";

  function writeNumbers() {
    separators = document.body.dataset.separators || separators;
    const format = { currency: JSON.parse(document.body.dataset.percent || '["", "%"]') };
    window.Plotly.register({ moduleType: "locale", name: config.locale, dictionary: {}, format });
  }

  function inLocale(layout) {
    layout.separators = separators;
    for (const axis of [layout.xaxis, layout.yaxis]) {
      if (axis && /%$/.test(axis.tickformat)) axis.tickformat = axis.tickformat.replace(/^([+(-]?)/, "$1$$");
    }
  }

  // Figures name colours as var(--…), because SVG made by Plotly cannot: it computes with them.
  function ofTheme(colour) {
    const pair = /^light-dark\((#\w+|rgba\([^)]*\)), (#\w+|rgba\([^)]*\))\)$/.exec(colour);
    return pair ? pair[theme() === "dark" ? 2 : 1] : colour;
  }

  function resolved(value, styles) {
    if (typeof value === "string") {
      const name = /^var\((--[\w-]+)\)$/.exec(value);
      return name ? ofTheme(styles.getPropertyValue(name[1]).trim()) : value;
    }
    if (Array.isArray(value)) return value.map((item) => resolved(item, styles));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item, styles)]));
    }
    return value;
  }

  // A key tells what the view draws: the trace of that name or, where no view has one, the colour.
  function isDrawn(entry, views, view) {
    const named = (each) => each.figure.data.some((trace) => trace.name === entry.dataset.name);
    if (views.some(named)) return named(view);
    const drawn = JSON.stringify(view.figure); // flows have a paler tone of the same name
    return [entry.dataset.colour, entry.dataset.colour.replace("--", "--flow-")].some((tone) => drawn.includes(tone));
  }

  // Names below an axis that would run into each other: only every second, third … is written, with the last.
  function thin(axis, width) {
    const texts = axis && axis.tickangle === 0 && (axis.ticktext || axis.tickvals);
    if (!texts) return;
    const letters = Math.max(...texts.flatMap((text) => String(text).split("<br>")).map((line) => line.length));
    const every = Math.ceil(texts.length * (letters * 6.5 + 8) / (width - 60));
    if (every < 2) return;
    const kept = texts.map((_, place) => (texts.length - 1 - place) % every === 0);
    for (const name of ["tickvals", "ticktext"]) if (axis[name]) axis[name] = axis[name].filter((_, place) => kept[place]);
  }

  // What stands below a chart is as wide as its bars on a phone: a title goes on more lines, numbers in many cells are small.
  function fitToPhone(layout) {
    const title = layout.xaxis && layout.xaxis.title;
    if (title && title.text) {
      const lines = title.text.match(/.{1,21}(?= |$)/g) || [title.text];
      title.text = lines.map((line) => line.trim()).join("<br>");
      layout.margin.b += 15 * (lines.length - 1);
    }
    const cells = layout.xaxis && layout.xaxis.tickvals ? layout.xaxis.tickvals.length : 0;
    for (const note of layout.annotations || []) note.font.size = cells > 8 ? 9 : 11;
  }

  // Names below cells are on two lines for a phone alone.
  function onOneLine(axis) {
    if (axis && axis.ticktext && axis.type !== "date") axis.ticktext = axis.ticktext.map((text) => text.replace(/-<br>/g, "-").replace(/<br>/g, " "));
  }

  // Two charts with their words go on a page; a row of bars needs its height.
  const onPaperHeight = (figure) => Math.max(300, ...figure.data.map((trace) => 60 + 26 * (trace.orientation === "h" ? trace.y.length : 0)));

  function draw(chart, onPaper) {
    const view = chart.views[chart.shown];
    const figure = resolved(view.figure, getComputedStyle(root));
    inLocale(figure.layout);
    const narrow = chart.plot.clientWidth < 480;
    if (narrow) {
      figure.layout.font.size = 11;
      fitToPhone(figure.layout);
      if (figure.layout.xaxis && figure.layout.xaxis.nticks) figure.layout.xaxis.nticks = 4;
      for (const trace of figure.data) if (trace.textfont) trace.textfont.size = 11;
    }
    if (onPaper) figure.layout.height = Math.min(figure.layout.height, onPaperHeight(figure));
    if (!narrow) onOneLine(figure.layout.xaxis);
    thin(figure.layout.xaxis, chart.plot.clientWidth);
    chart.sentence.textContent = view.sentence;
    chart.basis.textContent = view.basis;
    for (const part of chart.tables) part.hidden = part.dataset.view !== view.key;
    for (const entry of chart.legend) entry.hidden = !isDrawn(entry, chart.views, view);
    chart.plot.style.minHeight = figure.layout.height + "px";
    if (onPaper) window.Plotly.purge(chart.plot); // paper does not wait for a picture to fade over into the next
    return window.Plotly.react(chart.plot, figure.data, figure.layout, config);
  }

  function drawAll(onPaper) {
    if (!window.Plotly) return Promise.resolve();
    writeNumbers();
    return Promise.all(Array.from(charts.values(), (chart) => draw(chart, onPaper)));
  }

  function prepareCharts() {
    for (const figure of all("[data-chart]")) {
      const plot = figure.querySelector(".chart");
      charts.set(figure.dataset.chart, {
        plot,
        shown: 0,
        governedBy: figure.dataset.governedBy,
        sentence: figure.querySelector(".sentence"),
        basis: figure.querySelector("[data-basis]"),
        legend: all(".legend [data-name]", figure),
        tables: all("[data-view]", figure), // of a chart whose views have numbers of their own
        views: JSON.parse(figure.querySelector("script[type='application/json']").textContent),
      });
    }
    for (const set of all("[data-switch]")) {
      set.hidden = false;
      set.addEventListener("change", (event) => {
        for (const chart of charts.values()) {
          if (chart.governedBy !== set.dataset.switch) continue;
          chart.shown = Math.max(0, chart.views.findIndex((view) => view.key === event.target.value));
          draw(chart);
        }
      });
    }
  }

  function fitToPaper() {
    // Paper is white and about 700 px wide; what the screen shows comes back afterwards.
    let before;
    window.addEventListener("beforeprint", () => {
      before = root.dataset.theme;
      root.dataset.theme = "light";
      root.dataset.print = "";
      drawAll(true);
    });
    window.addEventListener("afterprint", () => {
      if (before) root.dataset.theme = before; else delete root.dataset.theme;
      delete root.dataset.print;
      drawAll();
    });
  }

  // ── tables as CSV ──────────────────────────────────────────────────────────────────────────────────────────────
  // As in the audiences: free text that a spreadsheet would run gets an apostrophe; numbers and ids stay what they are.
  const likeAFormula = /^[\s\p{Z}\p{Cf}]*[=+@＝＋－＠-]|^[\t\r\n\0]/u;
  const aNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

  function csvCell(text, isId) {
    const runs = likeAFormula.test(text) && !aNumber.test(text);
    const safe = runs && !isId ? "'" + text : text;
    return (runs && isId) || /[",\r\n]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
  }

  function csv(table) {
    const names = all("thead th", table).map((cell) => cell.dataset.name || cell.textContent.trim());
    const head = names.map((name) => csvCell(name, false));
    const body = all("tbody tr", table).map((row) => all("th, td", row).map((cell, place) => (
      csvCell("value" in cell.dataset ? cell.dataset.value : cell.textContent.trim(), /(^|_)id$/.test(names[place]))
    )));
    return [head, ...body].map((row) => row.join(",")).join("\r\n") + "\r\n";
  }

  function downloads() {
    for (const button of all("[data-download]")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        const table = document.getElementById(button.dataset.download).querySelector("[data-view]:not([hidden]) table, div:not([data-view]) > .scroll table");
        const view = table.closest("[data-view]");
        const name = ["perennial", document.body.dataset.snapshot, button.dataset.download, ...(view ? [view.dataset.view] : [])];
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob(["\ufeff", csv(table)], { type: "text/csv;charset=utf-8" }));
        link.download = name.join("-") + ".csv";
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 1000);
      });
    }
  }

  // ── tables ─────────────────────────────────────────────────────────────────────────────────────────────────────
  // Rows are sorted by their raw values, with what is not known last; long tables can be searched and begin short.
  const fewRows = 20;
  const inOrder = new Intl.Collator("en", { numeric: true }).compare;

  function made(name, attributes, text) {
    const element = Object.assign(document.createElement(name), attributes);
    if (text) element.textContent = text;
    return element;
  }

  function keyOf(row, place) {
    const cell = row.cells[place];
    const text = "value" in cell.dataset ? cell.dataset.value : cell.textContent.trim();
    return text === "" || text === "unknown" ? null : aNumber.test(text) ? Number(text) : text;
  }

  function compared(one, other) {
    return typeof one === "number" && typeof other === "number" ? one - other : inOrder(String(one), String(other));
  }

  function prepareTable(box) {
    const table = box.querySelector("table");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    if (rows.length < 2) return;
    const heads = Array.from(table.tHead.rows[0].cells);
    const said = made("p", { className: "hidden" });
    said.setAttribute("role", "status");
    box.after(said);
    let shown = rows;
    let isWhole = rows.length <= fewRows;

    function sort(place) {
      const head = heads[place];
      const sorted = head.getAttribute("aria-sort");
      const down = sorted ? sorted === "ascending" : head.classList.contains("number");
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keys = new Map(rows.map((row) => [row, keyOf(row, place)]));
      rows.sort((one, other) => {
        const [a, b] = [keys.get(one), keys.get(other)];
        if (a === null || b === null) return (a === null) - (b === null);
        return down ? compared(b, a) : compared(a, b);
      });
      body.append(...rows);
      said.textContent = `Sorted by ${head.textContent}, ${down ? "descending" : "ascending"}.`;
      show();
    }

    heads.forEach((head, place) => {
      const button = made("button", { type: "button", className: "sort" });
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(place));
      head.append(button);
    });

    const more = made("button", { type: "button", className: "quiet" });
    more.addEventListener("click", () => { isWhole = !isWhole; show(); });

    function show() {
      const listed = rows.filter((row) => shown.includes(row));
      const visible = new Set(isWhole ? listed : listed.slice(0, fewRows));
      for (const row of rows) row.hidden = !visible.has(row);
      more.hidden = listed.length <= fewRows;
      more.textContent = isWhole ? `Show ${fewRows} rows` : `Show all ${listed.length} rows`;
    }

    if (rows.length > fewRows) {
      const caption = table.caption ? table.caption.textContent : "the table";
      const search = made("input", { type: "search", autocomplete: "off", spellcheck: false, placeholder: "Search" });
      search.setAttribute("aria-label", "Search in " + caption);
      search.addEventListener("input", () => {
        const wanted = search.value.trim().toLowerCase();
        shown = rows.filter((row) => row.textContent.toLowerCase().includes(wanted));
        said.textContent = shown.length + (shown.length === 1 ? " row" : " rows");
        show();
      });
      const above = made("p", { className: "find" });
      above.append(search);
      box.before(above);
      box.after(more);
    }
    show();
  }

  // Of a table that does not fit in any case, cells are as wide as they need, or rows would be tall for what is cut off.
  function fade(box) {
    const look = () => {
      if (box.scrollWidth - box.clientWidth > 2) box.setAttribute("data-wide", "");
      box.toggleAttribute("data-more", box.scrollWidth - box.clientWidth - box.scrollLeft > 2);
    };
    box.addEventListener("scroll", look, { passive: true });
    new ResizeObserver(look).observe(box);
  }

  function prepareTables() {
    for (const box of all(".scroll")) { prepareTable(box); fade(box); }
  }

  // ── snapshots ──────────────────────────────────────────────────────────────────────────────────────────────────
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const written = (date) => {
    const [year, month, day] = date.split("-").map(Number);
    return `${day} ${months[month - 1]} ${year}`;
  };

  function snapshots() {
    const place = document.querySelector("[data-snapshots]");
    const dates = window.perennialSnapshots;
    if (!place || !Array.isArray(dates)) return;
    const here = document.body.dataset.snapshot;
    const page = document.body.dataset.page;
    const link = (date, text, label) => {
      const a = made("a", { href: "../" + date + "/" + page + ".html" }, text);
      if (label) a.setAttribute("aria-label", label);
      if (date === here) a.setAttribute("aria-current", "true");
      return a;
    };
    const earlier = dates.filter((date) => date < here).pop();
    const later = dates.find((date) => date > here);
    const fold = made("details");
    const summary = made("summary", {}, written(here));
    const list = made("ul");
    for (const date of dates.slice().reverse()) {
      const item = made("li");
      item.append(link(date, written(date)));
      list.append(item);
    }
    fold.append(summary, list);
    fold.addEventListener("keydown", (event) => { if (event.key === "Escape") { fold.open = false; summary.focus(); } });
    document.addEventListener("click", (event) => { if (!fold.contains(event.target)) fold.open = false; });
    place.replaceChildren(
      ...(earlier ? [link(earlier, "←", "Earlier snapshot, " + written(earlier))] : []),
      fold,
      ...(later ? [link(later, "→", "Later snapshot, " + written(later))] : []),
    );
    const newest = dates[dates.length - 1];
    const banner = document.querySelector("[data-newer]");
    if (banner && newest > here) {
      banner.append("There is a newer snapshot: ", link(newest, written(newest)), ".");
      banner.hidden = false;
    }
  }

  // ── definitions, data dictionary ───────────────────────────────────────────────────────────────────────────────
  const says = (element, wanted) => element !== null && element.textContent.toLowerCase().includes(wanted);

  function search() {
    const place = document.querySelector("[data-search]");
    if (!place) return;
    place.hidden = false;
    const found = place.querySelector("[data-found]");
    const unit = place.dataset.search;
    place.querySelector("input").addEventListener("input", (event) => {
      const wanted = event.target.value.trim().toLowerCase();
      let count = 0;
      for (const table of all("[data-table]")) {
        const isNamed = says(table.querySelector("summary code, summary h3, h2"), wanted); // then all of it is shown
        let here = 0;
        for (const column of all("[data-column]", table)) {
          column.hidden = !isNamed && !says(column, wanted);
          here += column.hidden ? 0 : 1;
        }
        table.hidden = here === 0;
        if (table.matches("details")) table.open = wanted !== "" && here > 0;
        count += here;
      }
      for (const chapter of all("[data-tables]")) chapter.hidden = !chapter.querySelector("[data-table]:not([hidden])");
      found.textContent = wanted ? count + " " + unit + (count === 1 ? "" : "s") : "";
    });
  }

  function openTarget() {
    // An entry that an address names is open.
    const entry = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const fold = entry && entry.closest("details");
    if (fold) { fold.open = true; entry.scrollIntoView(); }
  }

  function showCurrentPage() {
    // Where rooms or pages do not fit side by side, their list scrolls: the one that is open must be in sight.
    for (const list of all(".pages ul")) {
      const here = list.querySelector("[aria-current], .here");
      if (here) list.scrollLeft = here.offsetLeft - (list.clientWidth - here.offsetWidth) / 2;
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const entrance = document.body.dataset.entrance;
    if (entrance && !location.hash) { location.replace(entrance); return; }
    prepareCharts();
    themeButton();
    snapshots();
    showCurrentPage();
    downloads();
    prepareTables();
    search();
    openTarget();
    window.addEventListener("hashchange", openTarget);
    fitToPaper();
    drawAll().then(() => { root.dataset.drawn = ""; });
  });
})();
