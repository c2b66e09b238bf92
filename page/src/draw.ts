// How the timeline is drawn: the axis, and the rows of a run.

import type { Items, RunData } from "./data";
import { token } from "./dom";
import { laneName, laneOf } from "./items";
import * as raster from "./raster";
import { duration, mark, number, t } from "./text";

/** The height of a row where every worker has one of its own, in CSS pixels. */
export const ROW = 14;
/** The height of all rows of a run when all its workers are shown. */
export const EXPANDED = 476;
/** So finely time is summed. */
export const BINS = 4096;
/** More crosses than that are only clutter: the colour tells. */
const MOST_CROSSES = 300;

/** What is in sight, in microseconds, and the width of the pictures, in CSS pixels. */
export interface Sight {
  from: number;
  to: number;
  total: number;
  across: number;
}

/** One run and what is drawn of it. */
export interface Run {
  data: RunData;
  items: Items | null;
  slowest: number[];
  failures: number[];
  sums: raster.Sums | null;
  expanded: boolean;
  canvas: HTMLCanvasElement;
  scroller: HTMLElement;
  spacer: HTMLElement;
  hovered: HTMLElement;
  chosen: HTMLElement;
  note: HTMLElement;
}

/** What is where in the canvas of a run, in CSS pixels. */
export interface Layout {
  left: number;
  width: number;
  top: number;
  height: number;
  rows: [number, number][];
  rowHeight: number;
}

/** Where time is drawn in a picture that is `across` wide: beside the names of workers, if there is room for them. */
export function plotOf(across: number): { left: number; width: number } {
  const left = across < 560 ? 8 : 96;
  return { left, width: Math.max(1, across - left - 8) };
}

/** Holds the rows of a run before they are stretched to their heights. */
const off = document.createElement("canvas");

function prepare(canvas: HTMLCanvasElement, sight: Sight, height: number): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio || 1;
  const width = sight.across;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d")!;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, across, down);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = `11px ${token("font")}`;
  return context;
}

function ticks(sight: Sight, width: number): { step: number; first: number } {
  const wanted = ((sight.to - sight.from) / width) * 90;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= wanted)!;
  return { step, first: Math.ceil(sight.from / step) * step };
}

/** The marks of the time axis. */
export function drawAxis(canvas: HTMLCanvasElement, sight: Sight): void {
  const context = prepare(canvas, sight, 24);
  const { left, width } = plotOf(sight.across);
  const scale = width / (sight.to - sight.from);
  const { step, first } = ticks(sight, width);
  context.fillStyle = token("quiet");
  context.strokeStyle = token("line");
  context.textBaseline = "middle";
  context.textAlign = "center";
  for (let time = first; time <= sight.to; time += step) {
    const x = left + (time - sight.from) * scale;
    const text = mark(Math.round(time / step) * step, step);
    const half = context.measureText(text).width / 2;
    context.fillText(text, Math.max(half, Math.min(left + width + 8 - half, x)), 11);
    context.fillRect(Math.round(x), 20, 1, 4);
  }
}

/** One run. Where more than `oneByOne` of its items are in sight, they are drawn from sums of time. */
export function drawRun(run: Run, at: Layout, sight: Sight, palette: raster.Palette, oneByOne: number): void {
  const items = run.items!;
  const { about } = run.data;
  const context = prepare(run.canvas, sight, at.top + at.height + 2);
  run.scroller.style.maxHeight = run.expanded ? `${at.top + EXPANDED + 2}px` : "";
  const all = about.lanes.length * ROW;
  run.spacer.style.height = run.expanded && all > EXPANDED ? `${at.top + all + 2}px` : "";
  const ratio = window.devicePixelRatio || 1;
  const across = Math.max(1, Math.round(at.width * ratio));
  const scale = across / (sight.to - sight.from);
  drawGrid(context, at, sight);
  if (at.top > 0) drawStrip(context, run, at, sight);
  // All rows as an image of one line each, which is stretched to their heights.
  const { rows } = at;
  const useSums = inSight(items, rows, sight) > oneByOne && !(run.expanded && about.lanes.length > rows.length);
  if (useSums && run.sums?.rows.length !== rows.length) {
    run.sums = raster.sumsOf(items, rows, about.end_us, BINS);
  }
  if (rows.length > 0) {
    const pixels = new ImageData(across, rows.length);
    const words = new Uint32Array(pixels.data.buffer);
    const columns = raster.columns(across);
    rows.forEach(([from, to], row) => {
      columns.shares.fill(0);
      columns.seen.fill(0);
      if (useSums) raster.addSums(columns, run.sums!, row, sight.from, scale);
      else {
        for (let lane = from; lane < to; lane++) {
          const end = items.lanes[lane + 1];
          const first = raster.firstAfter(items, items.lanes[lane], end, sight.from);
          raster.addLane(columns, items, lane, first, end, sight.from, scale, to - from === 1 ? ratio : 0);
        }
      }
      raster.paint(columns, palette, to - from, words, row * across);
    });
    off.width = across;
    off.height = rows.length;
    off.getContext("2d")!.putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(off, 0, 0, across, rows.length, at.left, at.top, at.width, at.height);
  }
  if (at.rowHeight >= 4) {
    context.fillStyle = token("ground");
    for (let row = 1; row <= rows.length; row++) {
      const gap = at.rowHeight >= 8 ? 2 : 1;
      context.fillRect(at.left, at.top + row * at.rowHeight - gap, at.width, gap);
    }
  }
  drawNames(context, run, at);
  drawEnds(context, run, at, sight);
  if (at.rowHeight >= 6) drawCrosses(context, run, at, sight);
}

/** About how many items are in sight. */
function inSight(items: Items, rows: [number, number][], sight: Sight): number {
  if (rows.length === 0) return 0;
  const [from, to] = [rows[0][0], rows[rows.length - 1][1]];
  if (to - from > 2000) return (items.count * (sight.to - sight.from)) / sight.total;
  let sum = 0;
  for (let lane = from; lane < to; lane++) {
    const [begin, end] = [items.lanes[lane], items.lanes[lane + 1]];
    sum += raster.firstFrom(items, begin, end, sight.to) - raster.firstAfter(items, begin, end, sight.from);
  }
  return sum;
}

function drawGrid(context: CanvasRenderingContext2D, at: Layout, sight: Sight): void {
  const { step, first } = ticks(sight, at.width);
  const scale = at.width / (sight.to - sight.from);
  context.fillStyle = token("rule");
  for (let time = first; time <= sight.to; time += step) {
    context.fillRect(Math.round(at.left + (time - sight.from) * scale), 0, 1, at.top + at.height);
  }
}

/** How many items were in flight: of all records, also of those that are not drawn. */
function drawStrip(context: CanvasRenderingContext2D, run: Run, at: Layout, sight: Sight): void {
  const { bins, bin_us } = run.data.about;
  const heights = bins.map((bin) => (bin[0] + bin[1] + bin[2] + bin[3]) / bin_us);
  const most = Math.max(1e-9, ...heights);
  const scale = at.width / (sight.to - sight.from);
  const floor = at.top - 6;
  const first = Math.max(0, Math.floor(sight.from / bin_us));
  const last = Math.min(bins.length, Math.ceil(sight.to / bin_us));
  context.save();
  context.beginPath();
  context.rect(at.left, 0, at.width, at.top);
  context.clip();
  context.beginPath();
  context.moveTo(at.left + (first * bin_us - sight.from) * scale, floor);
  for (let bin = first; bin < last; bin++) {
    const y = floor - (heights[bin] / most) * (floor - 2);
    context.lineTo(at.left + (bin * bin_us - sight.from) * scale, y);
    context.lineTo(at.left + ((bin + 1) * bin_us - sight.from) * scale, y);
  }
  context.lineTo(at.left + (last * bin_us - sight.from) * scale, floor);
  context.closePath();
  context.fillStyle = token("strip");
  context.fill();
  context.restore();
  if (at.left > 20) {
    context.fillStyle = token("quiet");
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillText(t("inFlight", { n: number(most < 10 ? Math.round(most * 10) / 10 : Math.round(most)) }), at.left - 8, floor / 2 + 2, at.left - 10);
  }
}

/** Processes and threads beside their rows, as far as there is room. */
function drawNames(context: CanvasRenderingContext2D, run: Run, at: Layout): void {
  if (at.left <= 20) return;
  const { lanes } = run.data.about;
  const slots = lanes.some(([, worker]) => worker != null && worker[2] > 0);
  context.fillStyle = token("quiet");
  context.textAlign = "right";
  context.textBaseline = "middle";
  let row = 0;
  while (row < at.rows.length) {
    const own = at.rowHeight >= 11 && at.rows[row][1] - at.rows[row][0] === 1;
    const key = (lane: number) => (own ? lane : `${lanes[lane][0]}/${lanes[lane][1]?.slice(0, 2).join("/")}`);
    const begins = row;
    const first = key(at.rows[row][0]);
    while (row < at.rows.length && key(at.rows[row][0]) === first) row++;
    const height = (row - begins) * at.rowHeight;
    const lane = at.rows[begins][0];
    const y = at.top + begins * at.rowHeight;
    if (height >= 11) {
      const name = laneName(run.data.about, lane, own ? "short" : "thread");
      context.fillText(name, at.left - 8, y + height / 2 - (own ? 1 : 0), at.left - 10);
    }
    const other = begins > 0 && lanes[at.rows[begins - 1][0]][1]?.[1] !== lanes[lane][1]?.[1];
    if (other && slots) {
      context.fillStyle = token("line");
      context.fillRect(at.left - 8, Math.round(y) - 1, at.width + 8, 1);
      context.fillStyle = token("quiet");
    }
  }
}

/** Where the run was over, and where one of several runs in a file begins. */
function drawEnds(context: CanvasRenderingContext2D, run: Run, at: Layout, sight: Sight): void {
  const scale = at.width / (sight.to - sight.from);
  const { offsets_us } = run.data.about;
  context.fillStyle = token("quiet");
  const times = offsets_us.length > 1 ? offsets_us.slice(1) : run.data.wall_us > 0 ? [run.data.wall_us] : [];
  for (const time of times) {
    const x = at.left + (time - sight.from) * scale;
    if (x < at.left || x > at.left + at.width) continue;
    for (let y = 0; y < at.top + at.height; y += 4) context.fillRect(Math.round(x), y, 1, 2);
  }
  const over = at.left + (times[0] - sight.from) * scale + 5;
  const text = duration(run.data.wall_us);
  if (offsets_us.length === 1 && over > at.left && over + context.measureText(text).width < at.left + at.width) {
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillText(text, over, at.top + Math.min(at.height / 2, ROW / 2));
  }
}

/** Failures have a cross besides their colour, where it can be told apart. */
function drawCrosses(context: CanvasRenderingContext2D, run: Run, at: Layout, sight: Sight): void {
  const items = run.items!;
  const scale = at.width / (sight.to - sight.from);
  const seen: [number, number][] = [];
  for (const one of run.failures) {
    if (items.end[one] < sight.from || items.start[one] > sight.to) continue;
    const lane = laneOf(items, one);
    const row = at.rows.findIndex(([from, to]) => lane >= from && lane < to);
    if (row < 0) continue;
    const middle = (Math.max(items.start[one], sight.from) + Math.min(items.end[one], sight.to)) / 2;
    seen.push([at.left + (middle - sight.from) * scale, at.top + (row + 0.5) * at.rowHeight - 1]);
    if (seen.length > MOST_CROSSES) return;
  }
  const size = Math.min(3.5, at.rowHeight / 4);
  const cross = (x: number, y: number) => {
    context.moveTo(x - size, y - size);
    context.lineTo(x + size, y + size);
    context.moveTo(x + size, y - size);
    context.lineTo(x - size, y + size);
  };
  context.beginPath();
  for (const [x, y] of seen) cross(x, y);
  context.lineCap = "round";
  context.strokeStyle = token("failed");
  context.lineWidth = 3.5;
  context.stroke();
  context.strokeStyle = token("ground");
  context.lineWidth = 1.5;
  context.stroke();
}
