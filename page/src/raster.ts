// From items to pixels, without a canvas: shares of time by column, sums of them for large runs, colours.

import { PHASES, type Items } from "./data";

/** The phases, and the time in the queue while the lane was free. */
export const PARTS = PHASES + 1;
const QUEUED = PHASES;

/** What a row of columns shows. */
export interface Columns {
  /** For each column and part, the share of its time, summed over the lanes of the row. */
  shares: Float32Array;
  /** 1 if an item that went well is in the column, 2 if one that failed is. */
  seen: Uint8Array;
}

export function columns(width: number): Columns {
  return { shares: new Float32Array(width * PARTS), seen: new Uint8Array(width) };
}

/** The first of the items `from..to` of a lane that ends after `time`. */
export function firstAfter(items: Items, from: number, to: number, time: number): number {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (items.end[middle] > time) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** The first of the items `from..to` of a lane that starts at `time` or later. */
export function firstFrom(items: Items, from: number, to: number, time: number): number {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (items.start[middle] >= time) to = middle;
    else from = middle + 1;
  }
  return from;
}

/**
 * Adds the items `from..to` of a lane to columns that begin at `time` and have `scale` columns a microsecond. Bars that
 * are wide enough end `gap` columns early, so that neighbours can be told apart.
 */
export function addLane(
  out: Columns,
  items: Items,
  lane: number,
  from: number,
  to: number,
  time: number,
  scale: number,
  gap: number,
): void {
  const { shares, seen } = out;
  const width = seen.length;
  const [p0, p1, p2, p3] = items.phases;
  const { start, end, queue, kind } = items;
  let free = from > items.lanes[lane] ? end[from - 1] : 0;
  for (let i = from; i < to; i++) {
    const begins = start[i];
    const x = (begins - time) * scale;
    const xEnd = (end[i] - time) * scale;
    const waited = Math.min(queue[i], begins - free);
    free = end[i];
    if (waited > 0) span(shares, QUEUED, x - waited * scale, x, width);
    if (x >= width) break;
    const first = Math.floor(x);
    if (x >= 0 && xEnd < first + 1) {
      const at = first * PARTS;
      shares[at] += p0[i] * scale;
      shares[at + 1] += p1[i] * scale;
      shares[at + 2] += p2[i] * scale;
      shares[at + 3] += p3[i] * scale;
      seen[first] |= kind[i] === 0 ? 1 : 2;
      continue;
    }
    const cut = xEnd - x > 4 * gap ? xEnd - gap : xEnd;
    let a = x;
    let b = a + p0[i] * scale;
    if (b > a) span(shares, 0, a, Math.min(b, cut), width);
    a = b;
    b = a + p1[i] * scale;
    if (b > a) span(shares, 1, a, Math.min(b, cut), width);
    a = b;
    b = a + p2[i] * scale;
    if (b > a) span(shares, 2, a, Math.min(b, cut), width);
    a = b;
    if (cut > a) span(shares, 3, a, cut, width);
    if (kind[i] !== 0) {
      // Its whole bar is marked; a gap stays a gap.
      const last = Math.min(width - 1, Math.ceil(cut) - 1);
      for (let at = Math.max(0, first); at <= last; at++) seen[at] |= 2;
    }
  }
}

function span(shares: Float32Array, part: number, from: number, to: number, width: number): void {
  const a = from < 0 ? 0 : from;
  const b = to > width ? width : to;
  if (b <= a) return;
  const first = Math.floor(a);
  const last = Math.ceil(b) - 1;
  if (first === last) {
    shares[first * PARTS + part] += b - a;
    return;
  }
  shares[first * PARTS + part] += first + 1 - a;
  for (let at = first + 1; at < last; at++) shares[at * PARTS + part] += 1;
  shares[last * PARTS + part] += b - last;
}

/** The sums of the shares of rows from the beginning on, so that any range of time is one subtraction. */
export interface Sums {
  bins: number;
  /** Bins a microsecond. */
  scale: number;
  rows: { sums: Float32Array; seen: Uint8Array }[];
}

/** Sums for `rows`, each of which holds the lanes from one number up to another. */
export function sumsOf(items: Items, rows: [number, number][], endUs: number, bins: number): Sums {
  const scale = bins / Math.max(endUs, 1);
  return {
    bins,
    scale,
    rows: rows.map(([from, to]) => {
      const one = columns(bins);
      for (let lane = from; lane < to; lane++) {
        addLane(one, items, lane, items.lanes[lane], items.lanes[lane + 1], 0, scale, 0);
      }
      const sums = new Float32Array((bins + 1) * PARTS);
      const so = new Float64Array(PARTS);
      for (let bin = 0; bin < bins; bin++) {
        for (let part = 0; part < PARTS; part++) {
          so[part] += one.shares[bin * PARTS + part];
          sums[(bin + 1) * PARTS + part] = so[part];
        }
      }
      return { sums, seen: one.seen };
    }),
  };
}

/** The columns of a row from its sums. */
export function addSums(out: Columns, sums: Sums, row: number, time: number, scale: number): void {
  const { shares, seen } = out;
  const { bins } = sums;
  const of = sums.rows[row];
  const width = seen.length;
  const binsPerColumn = sums.scale / scale;
  const at = (bin: number, part: number): number => {
    const whole = Math.min(Math.floor(bin), bins - 1);
    const low = of.sums[whole * PARTS + part];
    return low + (bin - whole) * (of.sums[(whole + 1) * PARTS + part] - low);
  };
  const before = new Float64Array(PARTS);
  let begin = Math.max(0, Math.min(bins, time * sums.scale));
  for (let part = 0; part < PARTS; part++) before[part] = at(begin, part);
  for (let x = 0; x < width; x++) {
    const end = Math.max(0, Math.min(bins, time * sums.scale + (x + 1) * binsPerColumn));
    if (end <= begin) continue;
    for (let part = 0; part < PARTS; part++) {
      const now = at(end, part);
      shares[x * PARTS + part] = (now - before[part]) / binsPerColumn;
      before[part] = now;
    }
    const last = Math.min(bins - 1, Math.ceil(end) - 1);
    for (let bin = Math.floor(begin); bin <= last; bin++) seen[x] |= of.seen[bin];
    begin = end;
  }
}

export type Color = [red: number, green: number, blue: number];

/** The colours of the parts, and of failures. */
export interface Palette {
  parts: Color[];
  failed: Color;
}

/** The least that is seen of a column in which something is, as a share of full colour. */
const FAINTEST = 0.2;

/** Writes a row of columns as pixels (red, green, blue, opacity), for `lanes` lanes. */
export function paint(from: Columns, palette: Palette, lanes: number, pixels: Uint8ClampedArray, at: number): void {
  const { shares, seen } = from;
  const { parts, failed } = palette;
  for (let x = 0; x < seen.length; x++, at += 4) {
    if (seen[x] >= 2) {
      pixels[at] = failed[0];
      pixels[at + 1] = failed[1];
      pixels[at + 2] = failed[2];
      pixels[at + 3] = 255;
      continue;
    }
    let sum = 0;
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let part = 0; part < PARTS; part++) {
      const share = shares[x * PARTS + part];
      if (share <= 0) continue;
      const color = parts[part];
      sum += share;
      red += share * color[0];
      green += share * color[1];
      blue += share * color[2];
    }
    if (sum <= 1e-6) {
      if (seen[x] === 0) continue;
      [red, green, blue] = parts[3];
      sum = 1e-6;
      pixels[at] = red;
      pixels[at + 1] = green;
      pixels[at + 2] = blue;
      pixels[at + 3] = 255 * FAINTEST;
      continue;
    }
    pixels[at] = red / sum;
    pixels[at + 1] = green / sum;
    pixels[at + 2] = blue / sum;
    const full = sum / lanes;
    pixels[at + 3] = 255 * (full > 1 ? 1 : full < FAINTEST ? FAINTEST : full);
  }
}

/** Divides `lanes` into at most `most` rows of neighbours. */
export function rowsOf(lanes: number, most: number): [number, number][] {
  const rows = Math.max(1, Math.min(lanes, Math.floor(most)));
  const at = (row: number) => Math.floor((row * lanes) / rows);
  return Array.from({ length: rows }, (_, row) => [at(row), at(row + 1)]);
}
