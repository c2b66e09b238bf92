// The parts that need no browser.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { build } from "esbuild";
import { join } from "node:path";
import { scratch } from "./support.mjs";

const folder = scratch(after);

async function load(name) {
  const outfile = join(folder, `${name}.mjs`);
  const entry = new URL(`../src/${name}.ts`, import.meta.url).pathname;
  await build({ entryPoints: [entry], bundle: true, format: "esm", outfile, logLevel: "error" });
  return import(outfile);
}

const raster = await load("raster");
const data = await load("data");
const words = await load("text");

/** Items one behind the other on each of some lanes; times in phases as given. */
function items(lanes) {
  const all = lanes.flat();
  const count = all.length;
  const column = (of, Kind = Float64Array) => Kind.from(all, of);
  const starts = [0];
  for (const lane of lanes) starts.push(starts.at(-1) + lane.length);
  return {
    count,
    whole: true,
    index: column((_, at) => at),
    lanes: Uint32Array.from(starts),
    start: column((item) => item.start),
    end: column((item) => item.start + item.phases.reduce((sum, us) => sum + us, 0)),
    phases: [0, 1, 2, 3].map((phase) => column((item) => item.phases[phase], Float32Array)),
    queue: column((item) => item.queue ?? 0, Float32Array),
    kind: column((item) => item.kind ?? 0, Uint8Array),
  };
}

function drawn(all, from, to, width) {
  const columns = raster.columns(width);
  for (let lane = 0; lane + 1 < all.lanes.length; lane++) {
    const end = all.lanes[lane + 1];
    const first = raster.firstAfter(all, all.lanes[lane], end, from);
    raster.addLane(columns, all, lane, first, end, from, width / (to - from), 0);
  }
  return columns;
}

/** A lane of `count` items with pauses between them. */
function lane(count, seed) {
  let time = seed * 3;
  return Array.from({ length: count }, (_, at) => {
    const phases = [at % 7, 5 + ((at * seed) % 11), at % 3, 1];
    const item = { start: time, phases, queue: at % 5, kind: at % 40 === 39 ? 1 : 0 };
    time += phases.reduce((sum, us) => sum + us, 0) + (at % 4);
    return item;
  });
}

test("each column has the share of its time that items spent in a phase", () => {
  const all = items([[{ start: 10, phases: [10, 20, 0, 10], queue: 99 }]]);
  const { shares, seen } = drawn(all, 0, 100, 10);
  const part = (number) => Array.from({ length: 10 }, (_, x) => shares[x * raster.PARTS + number]);
  const close = (a, b) => a.forEach((value, at) => assert.ok(Math.abs(value - b[at]) < 1e-5, `${a}`));
  close(part(0), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  close(part(1), [0, 0, 1, 1, 0, 0, 0, 0, 0, 0]);
  close(part(3), [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
  // It was in the queue for longer than the run goes on; only the time in which the lane was free is drawn.
  close(part(4), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...seen], Array(10).fill(0));
});

test("where not all items are drawn, no time in the queue is", () => {
  const all = { ...items([[{ start: 50, phases: [0, 10, 0, 0], queue: 40 }]]), whole: false };
  const { shares } = drawn(all, 0, 100, 10);
  assert.deepEqual([...shares].filter((share) => share > 0).length, 1);
});

test("no time is lost or counted twice, however far the picture is zoomed", () => {
  const all = items([lane(300, 1), lane(200, 2)]);
  const end = Math.max(...all.end);
  for (const [from, to, width] of [[0, end, 37], [0, end, 4000], [101.5, 777.25, 64], [-50, end * 2, 100]]) {
    const { shares } = drawn(all, from, to, width);
    for (let phase = 0; phase < 4; phase++) {
      let expected = 0;
      for (let i = 0; i < all.count; i++) {
        let a = all.start[i];
        for (let before = 0; before < phase; before++) a += all.phases[before][i];
        expected += Math.max(0, Math.min(to, a + all.phases[phase][i]) - Math.max(from, a));
      }
      let sum = 0;
      for (let x = 0; x < width; x++) sum += shares[x * raster.PARTS + phase];
      sum *= (to - from) / width;
      assert.ok(Math.abs(sum - expected) < 1e-3 * (1 + expected), `${phase}: ${sum} and ${expected}`);
    }
  }
});

test("sums of time give the same picture as the items one by one", () => {
  const all = items([lane(400, 1), lane(400, 3)]);
  const end = Math.max(...all.end);
  const sums = raster.sumsOf(all, [[0, 2]], end, 4096);
  for (const [from, to] of [[0, end], [end / 4, end / 2], [-end / 3, end * 1.2]]) {
    const width = 50;
    const one = drawn(all, from, to, width);
    const other = raster.columns(width);
    raster.addSums(other, sums, 0, from, width / (to - from));
    one.shares.forEach((share, at) => {
      assert.ok(Math.abs(share - other.shares[at]) < 0.05, `${at}: ${share} and ${other.shares[at]}`);
    });
    // Each failure that is in the one is in the other, or next to it.
    one.seen.forEach((seen, x) => {
      if (seen < 2) return;
      assert.ok([x - 1, x, x + 1].some((near) => other.seen[near] >= 2), `column ${x}`);
    });
  }
});

test("failures are painted in full, and traces are never invisible", () => {
  const all = items([[{ start: 0, phases: [0, 1, 0, 0] }, { start: 500, phases: [0, 0, 0, 0], kind: 1 }]]);
  const columns = drawn(all, 0, 1000, 10);
  const palette = { parts: [[1, 1, 1], [10, 20, 30], [1, 1, 1], [1, 1, 1], [1, 1, 1]], failed: [200, 1, 2] };
  const pixels = new Uint32Array(10);
  raster.paint(columns, palette, 1, pixels, 0);
  const bytes = new Uint8Array(pixels.buffer);
  assert.deepEqual([...bytes.subarray(0, 4)], [10, 20, 30, 51]);
  assert.deepEqual([...bytes.subarray(20, 24)], [200, 1, 2, 255]);
  assert.deepEqual([...pixels].map((pixel) => pixel !== 0), [true, false, false, false, false, true, false, false, false, false]);
});

test("every lane is in just one row", () => {
  for (const [lanes, most] of [[1, 50], [7, 3], [100, 56], [10_000, 56], [3, 1]]) {
    const rows = raster.rowsOf(lanes, most);
    assert.ok(rows.length <= most && rows[0][0] === 0 && rows.at(-1)[1] === lanes);
    rows.slice(1).forEach(([from], at) => assert.equal(from, rows[at][1]));
  }
  assert.deepEqual(raster.rowsOf(0, 0), []);
});

test("numbers of any size are read, and what is cut off is refused", () => {
  const bytes = Uint8Array.from([0, 0x7f, 0x80, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  assert.deepEqual([...data.numbers(bytes, new Float64Array(4))], [0, 127, 128, 2 ** 53 - 1]);
  assert.throws(() => data.numbers(bytes.subarray(0, 8), new Float64Array(4)));
  assert.throws(() => data.numbers(bytes, new Float64Array(3)));
  assert.deepEqual([...data.steps(Uint8Array.from([10, 110, 109]), new Float64Array(3))], [5, 60, 5]);
  assert.throws(() => data.split(Uint8Array.from([9, 0, 0, 0, 1])));
});

test("numbers read as the terminal shows them, and nothing is NaN", () => {
  const { duration, bytes, number, percent, count, mark } = words;
  assert.deepEqual(
    [0, 7, 870, 22_900, 231_000, 1_152_000, 12_340_000, 65_000_000, 3_700_000_000].map(duration),
    ["0 µs", "7 µs", "870 µs", "22.9 ms", "231 ms", "1.15 s", "12.3 s", "1 min 5 s", "1 h 2 min"],
  );
  assert.deepEqual([999.6, 999_600, 59_999_000].map(duration), ["1.00 ms", "1.00 s", "1 min 0 s"]);
  for (const nothing of [NaN, Infinity, null, undefined]) {
    assert.deepEqual([duration, bytes, number, count].map((of) => of(nothing)), ["–", "–", "–", "–"]);
  }
  assert.deepEqual([percent(NaN), percent(0.994), percent(0.0001), percent(0)], ["–", "99 %", "<1 %", "0 %"]);
  assert.deepEqual([number(4366.2), number(86.61), number(1.2345)], ["4,366", "86.6", "1.23"]);
  assert.deepEqual([bytes(512), bytes(9_710_000)], ["512 B", "9.71 MB"]);
  assert.deepEqual([mark(1_500_000, 500_000), mark(200_000, 50_000), mark(40, 20)], ["1,500 ms", "200 ms", "40 µs"]);
});

test("a sentence is told in the chosen language, begins with a capital letter and ends with a full stop", () => {
  const race = { models: [{ name: "async:8" }] };
  const fast = { en: "async:8 is fastest", ko: "가장 빠른 모델은 async:8입니다" };
  const none = { en: "no round was complete", ko: "끝까지 마친 라운드가 없습니다" };
  assert.equal(words.sentence(fast, race), "async:8 is fastest.");
  assert.equal(words.sentence(none, race), "No round was complete.");
  words.speak("ko");
  assert.equal(words.sentence(fast, race), "가장 빠른 모델은 async:8입니다.");
  assert.equal(words.sentence(none, race), "끝까지 마친 라운드가 없습니다.");
  words.speak("en");
});

test("the reader's language is the first of those that the page knows", () => {
  assert.equal(words.preferred(["de-DE", "ko-KR", "en"]), "ko");
  assert.equal(words.preferred(["en-US", "ko"]), "en");
  assert.equal(words.preferred(["fr"]), "en");
});
