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
  const { start, end, queue, kind, whole } = items;
  let free = from > items.lanes[lane] ? end[from - 1] : 0;
  for (let i = from; i < to; i++) {
    const begins = start[i];
    const x = (begins - time) * scale;
    const xEnd = (end[i] - time) * scale;
    // Where not all items are drawn, nobody knows whether the lane was free.
    const waited = whole ? Math.min(queue[i], begins - free) : 0;
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
export function addSums(out: Columns, of: Sums, row: number, time: number, scale: number): void {
  const { shares, seen } = out;
  const { bins } = of;
  const { sums, seen: seenBins } = of.rows[row];
  const width = seen.length;
  const perColumn = of.scale / scale;
  const first = time * of.scale;
  let begin = first < 0 ? 0 : first > bins ? bins : first;
  let b0 = 0;
  let b1 = 0;
  let b2 = 0;
  let b3 = 0;
  let b4 = 0;
  // The loop is written out: it runs for every pixel of every frame. Column -1 only finds where the first one begins.
  for (let x = -1; x < width; x++) {
    const ends = first + (x + 1) * perColumn;
    const end = ends < 0 ? 0 : ends > bins ? bins : ends;
    if (end <= begin && x >= 0) continue;
    let whole = Math.floor(end);
    if (whole === bins) whole--;
    const part = end - whole;
    const low = whole * PARTS;
    const s0 = sums[low] + part * (sums[low + 5] - sums[low]);
    const s1 = sums[low + 1] + part * (sums[low + 6] - sums[low + 1]);
    const s2 = sums[low + 2] + part * (sums[low + 7] - sums[low + 2]);
    const s3 = sums[low + 3] + part * (sums[low + 8] - sums[low + 3]);
    const s4 = sums[low + 4] + part * (sums[low + 9] - sums[low + 4]);
    if (x >= 0) {
      const at = x * PARTS;
      shares[at] = (s0 - b0) / perColumn;
      shares[at + 1] = (s1 - b1) / perColumn;
      shares[at + 2] = (s2 - b2) / perColumn;
      shares[at + 3] = (s3 - b3) / perColumn;
      shares[at + 4] = (s4 - b4) / perColumn;
      const last = end === whole ? whole - 1 : whole;
      for (let bin = Math.floor(begin); bin <= last; bin++) seen[x] |= seenBins[bin];
    }
    b0 = s0;
    b1 = s1;
    b2 = s2;
    b3 = s3;
    b4 = s4;
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

/** Writes a row of columns as pixels (opacity, blue, green, red: as canvases have them), for `lanes` lanes. */
export function paint(from: Columns, palette: Palette, lanes: number, pixels: Uint32Array, at: number): void {
  const { shares, seen } = from;
  const { parts, failed } = palette;
  const [[r0, g0, b0], [r1, g1, b1], [r2, g2, b2], [r3, g3, b3], [r4, g4, b4]] = parts;
  // Most columns are of one phase alone: its colour needs no mixing.
  const [w0, w1, w2, w3, w4] = parts.map((part) => pixel(part, 0));
  const bad = pixel(failed, 255);
  // What took no time that can be measured.
  const trace = pixel(parts[3], 255 * FAINTEST);
  const { length } = seen;
  for (let x = 0, i = 0; x < length; x++, i += PARTS) {
    if (seen[x] >= 2) {
      pixels[at + x] = bad;
      continue;
    }
    const s0 = shares[i];
    const s1 = shares[i + 1];
    const s2 = shares[i + 2];
    const s3 = shares[i + 3];
    const s4 = shares[i + 4];
    const sum = s0 + s1 + s2 + s3 + s4;
    if (sum <= 1e-6) {
      if (seen[x] !== 0) pixels[at + x] = trace;
      continue;
    }
    const full = sum / lanes;
    const opacity = 255 * (full > 1 ? 1 : full < FAINTEST ? FAINTEST : full);
    let color;
    if (s1 === sum) color = w1;
    else if (s3 === sum) color = w3;
    else if (s4 === sum) color = w4;
    else if (s2 === sum) color = w2;
    else if (s0 === sum) color = w0;
    else {
      const part = 1 / sum;
      const red = (s0 * r0 + s1 * r1 + s2 * r2 + s3 * r3 + s4 * r4) * part;
      const green = (s0 * g0 + s1 * g1 + s2 * g2 + s3 * g3 + s4 * g4) * part;
      const blue = (s0 * b0 + s1 * b1 + s2 * b2 + s3 * b3 + s4 * b4) * part;
      color = (blue << 16) | (green << 8) | red;
    }
    pixels[at + x] = (opacity << 24) | color;
  }
}

function pixel([red, green, blue]: Color, opacity: number): number {
  return (opacity << 24) | (blue << 16) | (green << 8) | red;
}

/** Divides `lanes` into at most `most` rows of neighbours. */
export function rowsOf(lanes: number, most: number): [number, number][] {
  const rows = lanes === 0 ? 0 : Math.max(1, Math.min(lanes, Math.floor(most)));
  const at = (row: number) => Math.floor((row * lanes) / rows);
  return Array.from({ length: rows }, (_, row) => [at(row), at(row + 1)]);
}
