// What stands above and below the timeline of a race: the race itself, where the time went, all figures.

import type { RaceView, Row, Sums } from "./data";
import { h } from "./dom";
import { bytes, count, duration, NOTHING, number, percent, ratio, t } from "./text";

/** Models of which one takes more than so many times as long as another need a logarithmic scale. */
const LOGARITHMIC = 8;

/** A scale from seconds to a share of the width. */
interface Scale {
  at: (seconds: number) => number;
  marks: number[];
  logarithmic: boolean;
}

function scaleOf(values: number[]): Scale {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  if (positive.length === 0) return { at: () => 0, marks: [], logarithmic: false };
  const low = Math.min(...positive);
  const high = Math.max(...positive);
  if (high / low > LOGARITHMIC) {
    const [from, to] = [Math.log(low / 1.15), Math.log(high * 1.15)];
    const marks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const one of high / low > 200 ? [1] : [1, 3]) {
        const mark = one * 10 ** power;
        if (Math.log(mark) >= from && Math.log(mark) <= to) marks.push(mark);
      }
    }
    return { at: (seconds) => (Math.log(Math.max(seconds, low / 1.15)) - from) / (to - from), marks, logarithmic: true };
  }
  const to = high * 1.06;
  const power = 10 ** Math.floor(Math.log10(to / 4));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => to / one <= 5)!;
  const marks = [];
  for (let mark = 0; mark <= to; mark += step) marks.push(mark);
  return { at: (seconds) => seconds / to, marks, logarithmic: false };
}

/** How a model stands to the best, in words and numbers. */
function relation(row: Row): string {
  if (row.relation === "not_ranked") return t("notRanked");
  return ratio(row);
}

/** What the sign before a ratio means. */
function sign(row: Row, margin: number): string | null {
  if (row.relation === "undecided") return t("undecided");
  if (row.relation === "equal") return t("equal", { margin: percent(margin) });
  return null;
}

/** The race: every round as a dot, the interval as a bar. */
export function race({ comparison }: RaceView): HTMLElement {
  const { models, margin, confidence, verdict } = comparison;
  const scale = scaleOf(models.flatMap((row) => [...row.walls_s, ...(row.typical_s ? [row.typical_s.low, row.typical_s.high] : [])]));
  const place = (element: HTMLElement, from: number, to?: number) => {
    element.style.left = `${Math.max(0, Math.min(1, from)) * 100}%`;
    if (to != null) element.style.width = `${(Math.min(1, to) - Math.max(0, from)) * 100}%`;
    return element;
  };
  const rows = models.map((row) => {
    const plot = h("div", { class: "plot", "aria-hidden": "true" });
    for (const mark of scale.marks) plot.append(place(h("i", { class: "rule" }), scale.at(mark)));
    for (const wall of row.walls_s.slice(0, 400)) plot.append(place(h("i", { class: "dot" }), scale.at(wall)));
    const typical = row.typical_s;
    if (typical) {
      plot.append(place(h("i", { class: "interval" }), scale.at(typical.low), scale.at(typical.high)));
      plot.append(place(h("i", { class: "estimate" }), scale.at(typical.estimate)));
    }
    const best = verdict.best.includes(row.name);
    const takes = typical?.estimate ?? row.wall_s?.median;
    return h(
      "li",
      best ? { class: "best" } : {},
      h("span", { class: "name" }, row.name),
      h("span", { class: "takes" }, duration(takes == null ? null : takes * 1e6)),
      plot,
      h("span", { class: "ratio", title: sign(row, margin) ?? "" }, relation(row), sign(row, margin) && h("small", {}, ` ${sign(row, margin)}`)),
    );
  });
  const axis = h("div", { class: "plot marks", "aria-hidden": "true" });
  for (const mark of scale.marks) axis.append(place(h("span", {}, mark === 0 ? "0" : duration(mark * 1e6)), scale.at(mark)));
  return h(
    "section",
    { class: "part" },
    h("h3", {}, t("race")),
    h("p", { class: "how" }, t("raceHow", { confidence: percent(confidence) }), scale.logarithmic && t("raceHowLog")),
    h("ol", { class: "race" }, ...rows, h("li", { class: "axis-line", "aria-hidden": "true" }, axis)),
  );
}

/** What a model's items spent their time on, in microseconds. */
export function shares(sums: Sums, isHttp: boolean): [part: string, us: number][] {
  const known = sums.connect_us + sums.waiting_us + sums.receiving_us;
  if (isHttp) {
    return [
      ["connect", sums.connect_us],
      ["waiting", sums.waiting_us],
      ["receiving", sums.receiving_us],
      ["computing", Math.max(0, sums.at_work_us - known)],
    ];
  }
  const computing = Math.min(sums.cpu_us, sums.at_work_us);
  return [
    ["waiting", sums.at_work_us - computing],
    ["computing", computing],
  ];
}

/** Where the time of the items went. */
export function where(all: Sums[], isHttp: boolean, items: (model: string) => number): HTMLElement | null {
  const rows = all.filter((sums) => sums.at_work_us > 0);
  if (rows.length === 0) return null;
  const names: Record<string, string> = {
    connect: t("connect"),
    waiting: t("waiting"),
    receiving: t("receiving"),
    computing: t("computing"),
  };
  const present = new Set<string>();
  const list = rows.map((sums) => {
    const parts = shares(sums, isHttp);
    const whole = parts.reduce((sum, [, us]) => sum + us, 0) || 1;
    const said = parts.map(([part, us]) => `${names[part]} ${percent(us / whole)}`).join(", ");
    const bar = h("div", { class: "stack", role: "img", "aria-label": `${sums.model}: ${said}` });
    for (const [part, us] of parts) {
      const share = us / whole;
      if (share <= 0) continue;
      present.add(part);
      const piece = h("i", { class: `part ${part}`, title: `${names[part]} ${percent(share)}` });
      piece.style.width = `${share * 100}%`;
      if (share >= 0.12) piece.append(h("span", {}, percent(share)));
      bar.append(piece);
    }
    const number = items(sums.model);
    return h(
      "li",
      {},
      h("span", { class: "name" }, sums.model),
      bar,
      h("span", { class: "per" }, number > 0 ? t("perItem", { t: duration(sums.at_work_us / number) }) : ""),
    );
  });
  const legend = ["connect", "waiting", "receiving", "computing"]
    .filter((part) => present.has(part))
    .map((part) => h("li", {}, h("i", { class: `part ${part}` }), names[part]));
  return h(
    "section",
    { class: "part" },
    h("h3", {}, t("where")),
    h("p", { class: "how" }, t("whereHow")),
    h("ul", { class: "legend" }, ...legend),
    h("ul", { class: "where" }, ...list),
  );
}

/** All figures of a race. */
export function table({ comparison }: RaceView): HTMLElement {
  const { models, margin, verdict } = comparison;
  const us = (seconds: number | null) => (seconds == null ? NOTHING : duration(seconds * 1e6));
  const heads = [t("model"), t("takes"), t("against"), t("rate"), "p50", "p99", t("cpu"), t("memory"), t("failures")];
  const rows = models.map((row) => {
    const failed = Object.entries(row.failed).map(([kind, number]) => `${kind} ${count(number)}`);
    const typical = row.typical_s?.estimate ?? row.wall_s?.median ?? null;
    const ran = row.walls_s.length > 0;
    const cells = [
      us(typical),
      `${relation(row)}${row.relation === "undecided" ? " ?" : row.relation === "equal" ? " =" : ""}`,
      number(row.items_per_second),
      us(row.latency_s.p50),
      us(row.latency_s.p99),
      ran ? us(row.cpu_s) : NOTHING,
      ran ? bytes(row.peak_memory_bytes) : NOTHING,
      ran ? failed.join(", ") || "0" : NOTHING,
    ];
    return h(
      "tr",
      verdict.best.includes(row.name) ? { class: "best" } : {},
      h("th", { scope: "row" }, row.name),
      ...cells.map((cell) => h("td", {}, cell)),
    );
  });
  const signs = [
    models.some((row) => row.relation === "equal") && `= ${t("equal", { margin: percent(margin) })}`,
    models.some((row) => row.relation === "undecided") && `? ${t("undecided")}`,
  ].filter(Boolean);
  return h(
    "section",
    { class: "part" },
    h("h3", {}, t("table")),
    h("p", { class: "how" }, [t("tableHow"), ...signs].join(" · ")),
    tableOf(heads, rows, t("table")),
  );
}

/** A table that scrolls sideways where it is too wide. */
export function tableOf(heads: string[], rows: HTMLElement[], label: string): HTMLElement {
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    h("table", {}, h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, ...rows)),
  );
}
