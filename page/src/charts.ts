// Curves: the distribution of latencies, and throughput against workers.

import uPlot from "uplot";
import type { Law, Sums, SweptModel } from "./data";
import { h, token } from "./dom";
import { duration, number, percent, t } from "./text";

/** Colours and dashes of several curves; the first is the accent. */
const DASHES = [[], [8, 3], [2, 3], [10, 3, 2, 3], [5, 5], [14, 4]];

function color(at: number): string {
  return token(`curve-${at % 6}`);
}

/** A chart that knows its width and its colours, and is built anew when they change. */
export class Chart {
  readonly element = h("div", { class: "chart" });
  private plot: uPlot | null = null;

  constructor(
    private readonly build: (width: number) => { options: uPlot.Options; data: uPlot.AlignedData },
    label: string,
  ) {
    this.element.setAttribute("role", "img");
    this.element.setAttribute("aria-label", label);
    let width = 0;
    new ResizeObserver(() => {
      const now = this.element.clientWidth;
      if (now === 0 || now === width) return;
      width = now;
      this.draw();
    }).observe(this.element);
  }

  /** Draws it anew, with the colours of now. */
  draw(): void {
    const width = this.element.clientWidth;
    if (width === 0) return;
    this.plot?.destroy();
    const { options, data } = this.build(width);
    this.plot = new uPlot(options, data, this.element);
  }
}

function axis(extra: uPlot.Axis): uPlot.Axis {
  return {
    stroke: token("quiet"),
    grid: { stroke: token("rule"), width: 1 },
    ticks: { stroke: token("line"), width: 1, size: 4 },
    font: `11px ${token("font")}`,
    labelFont: `11px ${token("font")}`,
    labelSize: 18,
    ...extra,
  };
}

/** Keeps every mark. */
const all = (_plot: uPlot, marks: number[]) => marks;

/** The marks of a logarithmic axis: 1, 2 and 5 of each power of ten, or only 1 where there are many. */
function logMarks(low: number, high: number): number[] {
  const marks = [];
  const wide = high / low > 2000;
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const one of wide ? [1] : [1, 2, 5]) {
      const mark = one * 10 ** power;
      if (mark >= low && mark <= high) marks.push(mark);
    }
  }
  return marks;
}

/** A model, and that its curve is of failures, if it is. */
function named({ model, of_failed }: Sums): string {
  return of_failed ? `${model} (${t("failed")})` : model;
}

/** The share of items that were done within each time. */
export function latency(models: Sums[]): Chart | null {
  const curves = models.filter((sums) => sums.latency.length > 0);
  if (curves.length === 0) return null;
  // All curves on one list of times, as the chart wants it: a step for each.
  const times = [...new Set(curves.flatMap((sums) => sums.latency.map(([us]) => Math.max(us, 1))))].sort((a, b) => a - b);
  const shares = curves.map((sums) => {
    let at = 0;
    let share: number | null = null;
    return times.map((time) => {
      while (at < sums.latency.length && Math.max(sums.latency[at][0], 1) <= time) share = sums.latency[at++][1];
      return share;
    });
  });
  const logarithmic = times[times.length - 1] / times[0] > 8;
  const said = curves.map((sums) => {
    const median = sums.latency.find(([, share]) => share >= 0.5);
    const p99 = sums.latency.find(([, share]) => share >= 0.99);
    return `${named(sums)}: p50 ${duration(median?.[0])}, p99 ${duration(p99?.[0])}`;
  });
  return new Chart(
    (width) => ({
      options: {
        width,
        height: width < 500 ? 240 : 300,
        padding: [8, 24, 0, 0],
        scales: { x: { time: false, distr: logarithmic ? 3 : 1, range: (_plot, low, high) => [low, high] }, y: { range: [0, 1] } },
        legend: { live: true },
        cursor: { points: { size: 6 }, drag: { x: false, y: false } },
        axes: [
          axis({
            label: t("latencyAxis"),
            size: 34,
            values: (_plot, marks) => marks.map((mark) => (mark == null ? "" : duration(mark))),
            space: 70,
            ...(logarithmic
              ? { splits: (_plot: uPlot, _axis: number, low: number, high: number) => logMarks(low, high), filter: all }
              : {}),
          }),
          axis({ label: t("shareAxis"), size: 48, values: (_plot, marks) => marks.map((mark) => percent(mark)) }),
        ],
        series: [
          { label: t("latencyAxis"), value: (_plot, value) => duration(value) },
          ...curves.map((sums, at) => ({
            label: named(sums),
            stroke: color(at),
            width: at === 0 ? 2.5 : 1.5,
            dash: DASHES[at % DASHES.length],
            paths: uPlot.paths.stepped!({ align: 1 }),
            points: { show: false },
            value: (_plot: uPlot, value: number | null) => (value == null ? "–" : percent(value)),
          })),
        ],
      },
      data: [times, ...shares],
    }),
    `${t("latency")}. ${said.join("; ")}`,
  );
}

/** What the law says of so many workers. */
export function lawAt({ gamma, alpha, beta }: Law, workers: number): number {
  return (gamma * workers) / (1 + alpha * (workers - 1) + beta * workers * (workers - 1));
}

/** Throughput against workers: points with their intervals, the law, and the number that is recommended. */
export function sweep(model: SweptModel): Chart | null {
  const points = model.points
    .filter((point) => Number.isFinite(point.throughput) && point.workers > 0)
    .sort((a, b) => a.workers - b.workers);
  if (points.length === 0) return null;
  const least = points[0].workers;
  const most = points[points.length - 1].workers;
  const beyond = Math.min(most * 2, Math.max(most * 1.25, (model.law?.peak_n ?? 0) * 1.2));
  const to = model.law ? beyond : most;
  const logarithmic = to / least > 24;
  const xs = new Set(points.map((point) => point.workers));
  if (model.law) {
    for (let part = 0; part <= 160; part++) {
      xs.add(logarithmic ? least * (to / least) ** (part / 160) : least + ((to - least) * part) / 160);
    }
  }
  const workers = [...xs].sort((a, b) => a - b);
  const measured = new Map(points.map((point) => [point.workers, point]));
  const { law } = model;
  const curve = (inside: boolean) =>
    workers.map((x) => (law && (inside ? x <= most : x >= most) ? lawAt(law, x) : null));
  const said = points.map((point) => `${number(point.workers)}: ${number(point.throughput)}`).join(", ");
  // What was measured is marked, as far as there is room.
  const marks = points.map((point) => point.workers).filter((_, at) => at % Math.ceil(points.length / 10) === 0);
  const highest = Math.max(...points.map((point) => point.high ?? point.throughput));
  return new Chart((width) => {
    const intervals = (plot: uPlot) => {
      const { ctx } = plot;
      const ratio = uPlot.pxRatio;
      ctx.save();
      ctx.setLineDash([]);
      ctx.strokeStyle = color(0);
      ctx.fillStyle = color(0);
      ctx.lineWidth = 1.5 * ratio;
      for (const point of points) {
        const x = plot.valToPos(point.workers, "x", true);
        if (point.low != null && point.high != null) {
          const [low, high] = [plot.valToPos(point.low, "y", true), plot.valToPos(point.high, "y", true)];
          ctx.beginPath();
          ctx.moveTo(x, low);
          ctx.lineTo(x, high);
          for (const y of [low, high]) {
            ctx.moveTo(x - 4 * ratio, y);
            ctx.lineTo(x + 4 * ratio, y);
          }
          ctx.stroke();
        }
        ctx.beginPath();
        ctx.arc(x, plot.valToPos(point.throughput, "y", true), 3.5 * ratio, 0, 2 * Math.PI);
        ctx.fill();
      }
      const right = model.recommended == null ? undefined : measured.get(model.recommended);
      if (right) {
        const x = plot.valToPos(right.workers, "x", true);
        const y = plot.valToPos(right.throughput, "y", true);
        const below = plot.valToPos(right.low ?? right.throughput, "y", true);
        ctx.strokeStyle = token("accent");
        ctx.lineWidth = 2.5 * ratio;
        ctx.beginPath();
        ctx.arc(x, y, 8 * ratio, 0, 2 * Math.PI);
        ctx.stroke();
        ctx.fillStyle = token("accent");
        ctx.font = `600 ${12 * ratio}px ${token("font")}`;
        const text = t("recommended", { n: number(right.workers) });
        const half = ctx.measureText(text).width / 2;
        const { left, width: inner } = plot.bbox;
        ctx.textAlign = "center";
        ctx.textBaseline = "top";
        ctx.fillText(text, Math.max(left + half, Math.min(left + inner - half, x)), Math.max(y + 14 * ratio, below + 8 * ratio));
      }
      ctx.restore();
    };
    return {
      options: {
        width,
        height: width < 500 ? 260 : 320,
        padding: [12, 16, 0, 0],
        scales: {
          x: {
            time: false,
            distr: logarithmic ? 3 : 1,
            ...(logarithmic ? { log: 2 as 10 } : {}),
            range: logarithmic ? [least / 1.08, to * 1.08] : [0, to * 1.02],
          },
          y: { range: (_plot, _low, high) => [0, Math.max(high, highest) * 1.08] },
        },
        cursor: { points: { show: false }, drag: { x: false, y: false } },
        axes: [
          axis({
            label: t("workers"),
            size: 34,
            space: 50,
            ...(logarithmic ? { splits: () => marks, filter: all } : {}),
            values: (_plot, marks) => marks.map((mark) => (mark == null ? "" : number(mark))),
          }),
          axis({ label: t("throughput"), size: 60, values: (_plot, marks) => marks.map((mark) => number(mark)) }),
        ],
        hooks: { draw: [intervals] },
        series: [
          { label: t("workers"), value: (_plot, value) => number(value) },
          {
            label: t("measured"),
            stroke: color(0),
            paths: () => null,
            points: { show: false },
            value: (_plot, value) => number(value),
          },
          ...(law
            ? [
                {
                  label: t("law"),
                  stroke: token("quiet"),
                  width: 1.5,
                  pxAlign: 0,
                  points: { show: false },
                  value: (_plot: uPlot, value: number | null) => number(value),
                },
                {
                  label: `${t("law")} >${number(most)}`,
                  stroke: token("quiet"),
                  width: 1.5,
                  dash: [5, 5],
                  pxAlign: 0,
                  points: { show: false },
                  value: (_plot: uPlot, value: number | null) => number(value),
                },
              ]
            : []),
        ],
      },
      data: [
        workers,
        workers.map((x) => measured.get(x)?.throughput ?? null),
        ...(law ? [curve(true), curve(false)] : []),
      ] as uPlot.AlignedData,
    };
  }, `${model.name}. ${t("sweep")}: ${said}`);
}
