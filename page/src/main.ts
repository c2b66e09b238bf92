// The page: the verdict first, then the pictures, then the figures.

import { latency, sweep, type Chart } from "./charts";
import { readPage, type PageData, type RaceView, type RunData, type RunView, type Sums, type SweepView, type View } from "./data";
import { h } from "./dom";
import { race, table, tableOf, where } from "./race";
import { bytes, count, duration, number, preferred, said, sentence, speak, spoken, t, whole } from "./text";
import { remarks } from "./remarks";
import { Timeline } from "./timeline";

const app = document.getElementById("app")!;

/** What has to be drawn again when colours change. */
let drawn: { timelines: Timeline[]; charts: Chart[] } = { timelines: [], charts: [] };

function main(): void {
  speak(preferred(navigator.languages));
  try {
    build(readPage(document.getElementById("data")?.textContent ?? ""));
  } catch {
    // The sentences still stand there: they are replaced by what is whole.
    app.append(h("p", { class: "note bad", role: "alert" }, t("broken")));
    return;
  }
  performance.measure("gaits:verdict", { start: 0, end: performance.now() });
  void Promise.all(drawn.timelines.map((timeline) => timeline.ready)).then(() => {
    performance.measure("gaits:ready", { start: 0, end: performance.now() });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

function redraw(): void {
  for (const timeline of drawn.timelines) timeline.invalidate();
  for (const chart of drawn.charts) chart.draw();
}

/** Builds all of it, in the chosen language. */
function build(data: PageData): void {
  drawn = { timelines: [], charts: [] };
  document.documentElement.lang = spoken();
  const views = data.views.map((view, at) => part(view, at, data.views.length > 1));
  app.replaceChildren(
    header(data),
    ...data.notices.map((notice) => h("p", { class: "note" }, said(notice))),
    ...views,
    ...footer(data),
  );
}

function header(data: PageData): HTMLElement {
  const work = data.views.map((view) => (view.kind === "race" ? view.comparison.work : view.kind === "run" ? view.name : ""))[0];
  const isDark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const theme = h("button", { type: "button" }, t(isDark() ? "light" : "dark"));
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    theme.textContent = t(isDark() ? "light" : "dark");
    redraw();
  });
  const language = h("button", { type: "button", lang: spoken() === "en" ? "ko" : "en" }, t("otherLanguage"));
  language.addEventListener("click", () => {
    speak(spoken() === "en" ? "ko" : "en");
    build(data);
    app.querySelector<HTMLElement>("header button:last-child")?.focus();
  });
  return h(
    "header",
    {},
    h("span", { class: "brand" }, "gaits"),
    h("h1", {}, work || t("sweep")),
    h("div", { class: "choices" }, theme, language),
  );
}

function footer(data: PageData): HTMLElement[] {
  const parts = [];
  const command = data.command ?? data.run_by;
  if (command != null) {
    const code = h("code", {}, command);
    const copy = h("button", { type: "button" }, t("copy"));
    copy.addEventListener("click", () => void copied(code, copy));
    parts.push(
      h(
        "section",
        { class: "part repeat" },
        h("h2", {}, t(data.command != null ? "repeat" : "runBy")),
        h("p", { class: "how" }, t(data.command != null ? "repeatHow" : "runByHow")),
        h("div", { class: "command" }, h("pre", { tabindex: "0" }, code), copy),
      ),
    );
  }
  const measured = data.measured && t("written", { when: data.measured, version: data.gaits ?? "?" });
  const facts = [measured, ...data.machine.map(said)].filter(Boolean);
  if (facts.length > 0) parts.push(h("footer", {}, facts.join(" · ")));
  return parts;
}

async function copied(code: HTMLElement, button: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
  } catch {
    // Without leave to write, what is selected can be copied by the reader.
    getSelection()?.selectAllChildren(code);
    return;
  }
  button.textContent = t("copied");
  setTimeout(() => (button.textContent = t("copy")), 2000);
}

function part(view: View, at: number, several: boolean): HTMLElement {
  const id = String(at);
  if (view.kind === "race") return raceView(view, id, several);
  return view.kind === "run" ? runView(view, id) : sweepView(view);
}

function chartPart(title: string, how: string, chart: Chart, note?: string): HTMLElement {
  drawn.charts.push(chart);
  return h("section", { class: "part" }, h("h3", {}, title), h("p", { class: "how" }, how), note != null && h("p", { class: "note" }, note), chart.element);
}

function timelinePart(runs: RunData[], id: string, isHttp: boolean): HTMLElement {
  const body: HTMLElement[] = [];
  if (runs.length === 0) body.push(h("p", { class: "note" }, t("noRuns")));
  else {
    const timeline = new Timeline(runs, id);
    drawn.timelines.push(timeline);
    body.push(...remarks(runs).map((remark) => h("p", { class: "note" }, remark)), timeline.element);
  }
  return h("section", { class: "part" }, h("h3", {}, t("timeline")), h("p", { class: "how" }, t("timelineHow"), !isHttp && t("onlyCpu")), ...body);
}

function latencyPart(all: Sums[]): HTMLElement | null {
  const chart = latency(all);
  const failed = all.filter((sums) => sums.of_failed).map((sums) => sums.model);
  const note = failed.length === 0 ? undefined : t("latencyFailed", { models: failed.join(", ") });
  return chart && chartPart(t("latency"), t("latencyHow"), chart, note);
}

function raceView(view: RaceView, id: string, several: boolean): HTMLElement {
  const { comparison, question, runs, more } = view;
  const { items, all_items, rounds, seed, outliers, models } = comparison;
  const details = [
    ...view.said.remarks.map((remark) => sentence(remark, comparison)),
    ...outliers.map((one) => t("outlier", { model: one.model, round: one.round, times: number(one.times) })),
    ...(items < all_items ? [t("shortened", { n: count(items), all: count(all_items) })] : []),
  ];
  const ran = items > 0 && models.some((row) => row.walls_s.length > 0);
  const order = new Map(models.map((row, at) => [row.name, at]));
  const sorted = [...runs].sort((a, b) => (order.get(a.model) ?? 0) - (order.get(b.model) ?? 0));
  return h(
    "article",
    {},
    question != null && h("h2", { class: "question" }, said(question)),
    several && question == null && h("h2", { class: "question" }, comparison.work),
    h(
      "div",
      { class: "verdict" },
      h("p", { class: "sentence" }, whole(sentence(view.said.verdict, comparison))),
      h("p", { class: "why" }, whole(sentence(view.said.why))),
      details.length > 0 &&
        h(
          "details",
          {},
          h("summary", {}, t("remarks", { n: count(details.length) })),
          h("ul", { class: "details" }, ...details.map((text) => h("li", {}, text))),
        ),
      h("p", { class: "about" }, t("about", { items: count(items), rounds: count(rounds), seed: String(seed) })),
    ),
    ran && race(view),
    ran && timelinePart(sorted, id, view.is_http),
    where(more, view.is_http, (model) => models.find((row) => row.name === model)?.items ?? 0),
    latencyPart(more),
    table(view),
  );
}

function runView(view: RunView, id: string): HTMLElement {
  const { summary } = view;
  const named = <T extends { model: string }>(all: T[]): T[] =>
    all.map((one) => (one.model === "unknown" ? { ...one, model: t("unknownModel") } : one));
  const [more, runs] = [named(view.more), named(view.runs)];
  const isHttp = more.some((sums) => sums.connect_us + sums.waiting_us + sums.receiving_us > 0);
  const known = summary.model !== "unknown";
  const facts: [string, string][] = [
    [t("model"), known ? summary.model : t("unknownModel")],
    // Without the model, how its workers were laid out isn't known either.
    [t("layout"), known ? summary.layout : t("seenIn", { p: count(summary.processes), t: count(summary.threads) })],
    [t("wall"), duration(summary.wall_us)],
    [t("rate"), number(summary.items_per_second)],
    ["p50", duration(summary.p50_us)],
    ["p90", duration(summary.p90_us)],
    ["p99", duration(summary.p99_us)],
    ["max", duration(summary.max_us)],
    [t("mean"), number(summary.mean_in_flight)],
  ];
  if (summary.bytes > 0) facts.push([t("bytes"), bytes(summary.bytes)]);
  if (summary.connections_opened > 0) facts.push([t("connections"), count(summary.connections_opened)]);
  if (summary.retries > 0) facts.push([t("retries"), count(summary.retries)]);
  if (summary.pauses > 0) facts.push([t("pauses"), count(summary.pauses)]);
  const failed = summary.failed.map(([kind, number, message]) => h("li", {}, h("b", {}, `${kind} ${count(number)}`), `: ${message}`));
  return h(
    "article",
    {},
    h(
      "div",
      { class: "verdict" },
      h("p", { class: "sentence" }, whole(sentence(view.sentence))),
      failed.length > 0 && h("ul", { class: "details bad" }, ...failed),
    ),
    summary.items === 0 ? h("p", { class: "note" }, t("nothing")) : timelinePart(runs, id, isHttp),
    where(more, isHttp, () => summary.items),
    latencyPart(more),
    summary.items > 0 && h("section", { class: "part" }, h("h3", {}, t("table")), h("dl", {}, ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))))),
  );
}

function sweepView(view: SweepView): HTMLElement {
  const parts = view.models.map((model) => {
    const chart = sweep(model);
    const heads = [t("workers"), t("throughput"), t("interval"), "p50", "p99", t("errors")];
    const rows = model.points.map((point) =>
      h(
        "tr",
        point.workers === model.recommended ? { class: "best" } : {},
        h("th", { scope: "row" }, number(point.workers)),
        h("td", {}, number(point.throughput)),
        h("td", {}, point.low == null ? "–" : `${number(point.low)}–${number(point.high)}`),
        h("td", {}, duration(point.p50_us)),
        h("td", {}, duration(point.p99_us)),
        h("td", {}, count(point.errors)),
      ),
    );
    return h(
      "div",
      {},
      chart ? chartPart(`${t("sweep")}: ${model.name}`, t("sweepHow"), chart) : h("p", { class: "note" }, t("nothing")),
      model.remarks.length > 0 && h("ul", { class: "details" }, ...model.remarks.map((remark) => h("li", {}, whole(sentence(remark))))),
      h("section", { class: "part" }, h("h3", {}, t("table")), tableOf(heads, rows, `${t("table")}: ${model.name}`)),
    );
  });
  return h("article", {}, h("div", { class: "verdict" }, h("p", { class: "sentence" }, whole(sentence(view.sentence)))), ...parts);
}

main();
