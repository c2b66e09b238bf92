// Large runs: what a picture costs. Only time of the processor is held against a limit, since a busy machine can make
// anything wait.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { statSync } from "node:fs";
import { browser, open, pageOf, ready, records, scratch, text } from "./support.mjs";

const folder = scratch(after);
const chromium = await browser(after);

/** Processor time of the page's main thread so far, in milliseconds: in scripts, and in all. */
async function used(client) {
  const { metrics } = await client.send("Performance.getMetrics");
  const of = (name) => metrics.find((metric) => metric.name === name).value * 1000;
  return { script: of("ScriptDuration"), all: of("TaskDuration") };
}

/** The processor time of each of some pictures, in scripts, by moving through the run. */
async function frames(page, client, keys) {
  const costs = [];
  for (const key of keys) {
    const seen = await page.evaluate(() => window.measured.length);
    const before = await used(client);
    await page.keyboard.press(key);
    await page.waitForFunction((number) => window.measured.length > number, {}, seen);
    costs.push((await used(client)).script - before.script);
  }
  return costs;
}

async function measure(t, count, slots, { frame, first }) {
  const file = pageOf(folder, `items-${count}`, records(count, slots));
  const opened = await open(chromium, file);
  const cdp = await opened.createCDPSession();
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  await opened.reload();
  await ready(opened);
  const painted = await used(cdp);
  const measured = await opened.evaluate(() => window.measured);
  const verdict = measured.find(([name]) => name === "gaits:verdict")[1];
  const whole = measured.find(([name]) => name === "gaits:ready")[1];
  await opened.focus(".lanes");
  // The compiler of the browser is given the chance that a reader who moves about gives it.
  const moves = ["+", "ArrowRight", "-", "+", "+", "ArrowLeft", "+", "+", "-", "-", "-", "-"];
  await frames(opened, cdp, moves);
  const costs = await frames(opened, cdp, [...moves, ...moves]);
  const middle = [...costs].sort((a, b) => a - b)[Math.floor(costs.length / 2)];
  const most = Math.max(...costs);
  t.diagnostic(
    `${count} items, ${(statSync(file).size / 1e6).toFixed(1)} MB: verdict after ${verdict.toFixed(0)} ms, all drawn after ` +
      `${whole.toFixed(0)} ms (${painted.all.toFixed(0)} ms of the processor); a frame ${middle.toFixed(1)} ms, at most ` +
      `${most.toFixed(1)} ms`,
  );
  assert.ok(middle <= frame, `a frame takes ${middle} ms: ${costs}`);
  assert.ok(painted.all <= first, `the first picture takes ${painted.all} ms`);
  assert.deepEqual(opened.trouble, []);
  return opened;
}

test("100,000 items", async (t) => {
  const page = await measure(t, 100_000, 50, { frame: 8, first: 1000 });
  assert.match(await text(page, ".sentence"), /^100,000 items in /);
  await page.close();
});

test("1,000,000 items", async (t) => {
  const page = await measure(t, 1_000_000, 100, { frame: 50, first: 3000 });
  assert.match(await text(page, ".sentence"), /^1,000,000 items in .* 4,000 failed/);
  // All of them are there, and any is found.
  await page.type("input[type=search]", "#999999");
  await page.keyboard.press("Enter");
  assert.match(await text(page, ".said"), /item 999999 · https:\/\/example\.org\/things\/6999993 — /);
  await page.evaluate(() => (document.querySelector("input[type=search]").value = ""));
  await page.type("input[type=search]", "things/3500000");
  await page.keyboard.press("Enter");
  assert.match(await text(page, ".said"), /item 500000 · /);
  assert.deepEqual(page.trouble, []);
  await page.close();
});
