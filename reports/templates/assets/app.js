// Brings the pages to life: draws charts in the colours of style.css, switches views, gives tables as CSV, and links the
// snapshots. Everything said here is also in the HTML; without JavaScript the tables remain.
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
  function resolved(value, styles) {
    if (typeof value === "string") {
      const name = /^var\((--[\w-]+)\)$/.exec(value);
      return name ? styles.getPropertyValue(name[1]).trim() : value;
    }
    if (Array.isArray(value)) return value.map((item) => resolved(item, styles));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item, styles)]));
    }
    return value;
  }

  function draw(chart, onPaper) {
    const view = chart.views[chart.shown];
    const figure = resolved(view.figure, getComputedStyle(root));
    inLocale(figure.layout);
    const narrow = chart.plot.clientWidth < 480;
    if (narrow) {
      figure.layout.font.size = 11;
      if (figure.layout.xaxis && figure.layout.xaxis.nticks) figure.layout.xaxis.nticks = 4;
      for (const trace of figure.data) if (trace.textfont) trace.textfont.size = 11;
    }
    chart.sentence.textContent = view.sentence;
    chart.basis.textContent = view.basis;
    for (const part of chart.tables) part.hidden = part.dataset.view !== view.key;
    const draws = (name) => (each) => each.figure.data.some((trace) => trace.name === name);
    for (const entry of chart.legend) {
      const drawn = draws(entry.dataset.name);
      entry.hidden = chart.views.some(drawn) && !drawn(view); // not that of a colour only other views have
    }
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
      const a = document.createElement("a");
      a.href = "../" + date + "/" + page + ".html";
      a.textContent = text;
      if (label) a.setAttribute("aria-label", label);
      if (date === here) a.setAttribute("aria-current", "true");
      return a;
    };
    const earlier = dates.filter((date) => date < here).pop();
    const later = dates.find((date) => date > here);
    const fold = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = written(here);
    const list = document.createElement("ul");
    for (const date of dates.slice().reverse()) {
      const item = document.createElement("li");
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

  // ── glossary ───────────────────────────────────────────────────────────────────────────────────────────────────
  function search() {
    const place = document.querySelector("[data-search]");
    if (!place) return;
    place.hidden = false;
    const found = place.querySelector("[data-found]");
    place.querySelector("input").addEventListener("input", (event) => {
      const wanted = event.target.value.trim().toLowerCase();
      let count = 0;
      for (const table of all("[data-table]")) {
        let here = 0;
        for (const column of all("[data-column]", table)) {
          column.hidden = !column.textContent.toLowerCase().includes(wanted);
          here += column.hidden ? 0 : 1;
        }
        table.hidden = here === 0;
        count += here;
      }
      found.textContent = wanted ? count + (count === 1 ? " column" : " columns") : "";
    });
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
    search();
    fitToPaper();
    drawAll().then(() => { root.dataset.drawn = ""; });
  });
})();
