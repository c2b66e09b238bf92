// What the tests share: the binary that writes pages, results files with known items, a browser.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync, openSync, writeSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const root = new URL("../../", import.meta.url).pathname;

/** The command under test: `GAITS`, or what cargo has built. */
export const gaitsBinary = (() => {
  const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
  const all = [process.env.GAITS, join(target, "release/gaits"), join(target, "debug/gaits")];
  const found = all.find((path) => path && existsSync(path));
  assert.ok(found, "build gaits first: cargo build -p gaits-cli");
  return found;
})();

/** Runs it and gives what it prints; it ends with one of `codes`. */
export function gaits(args, folder, codes = [0]) {
  const ran = spawnSync(gaitsBinary, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1e9 });
  assert.ok(codes.includes(ran.status), `gaits ${args.join(" ")}: ${ran.error ?? ran.status}\n${ran.stderr}`);
  return ran.stdout;
}

/** A folder that is gone when the tests are over. */
export function scratch(after) {
  const folder = mkdtempSync(join(tmpdir(), "gaits-page-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A browser that is closed when the tests are over. */
export async function browser(after) {
  const started = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    protocolTimeout: 120_000,
  });
  after(() => started.close());
  return started;
}

/** Opens a file, and keeps what must not happen: errors, and requests for anything but the file. */
export async function open(chromium, file, { languages = ["en"], scheme = "light", width = 1200, phone = false } = {}) {
  const page = await chromium.newPage();
  page.trouble = [];
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) page.trouble.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => page.trouble.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    page.trouble.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const url = pathToFileURL(file).href;
  page.on("request", (request) => {
    if (request.url() !== url) page.trouble.push(`request: ${request.url()}`);
  });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setViewport({ width, height: 900, deviceScaleFactor: phone ? 2 : 1, isMobile: phone, hasTouch: phone });
  await page.evaluateOnNewDocument((wanted) => {
    Object.defineProperty(navigator, "languages", { get: () => wanted });
    window.measured = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.measured.push([entry.name, entry.duration]);
    }).observe({ type: "measure" });
  }, languages);
  await page.goto(url);
  return page;
}

/** Waits until every run is unpacked and drawn, or can't be. */
export async function ready(page) {
  await page.waitForFunction(() => window.measured.some(([name]) => name === "gaits:ready"), { timeout: 60_000 });
}

/** The text of the first element that fits, as one reads it. */
export async function text(page, selector) {
  return plain(await page.$eval(selector, (element) => element.textContent));
}

/** A text without what only keeps lines together. */
export function plain(text) {
  return text.replaceAll("\u2060", "").replaceAll("\u00a0", " ");
}

/** Records of `count` items on `slots` slots of one event loop, always the same ones. */
export function* records(count, slots) {
  let seed = 12345;
  const random = (below) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
  const free = Array.from({ length: slots }, () => 1000);
  for (let index = 0; index < count; index++) {
    const slot = index % slots;
    const queued = Math.max(0, free[slot] - 400);
    const started = free[slot] + 20 + random(50);
    const connect = index < slots ? 2000 + random(1000) : 0;
    const waiting = 8000 + random(6000) + (index % 997 === 500 ? 60_000 : 0);
    const body = 300 + random(500);
    const finished = started + connect + waiting + body + 40;
    free[slot] = finished;
    const failed = index % 250 === 113;
    yield {
      index,
      item: `https://example.org/things/${index * 7}`,
      outcome: failed ? "failed" : "ok",
      ...(failed ? { error: { kind: "http_status", message: "503 Service Unavailable" } } : {}),
      attempts: failed ? 3 : 1,
      worker: { pid: 4000, tid: 4001, slot },
      queued_us: queued,
      started_us: started,
      finished_us: finished,
      cpu_us: 60,
      http: {
        status: failed ? 503 : 200,
        bytes: 1000 + index,
        reused: connect === 0,
        connect_us: connect,
        first_byte_us: waiting,
        body_us: body,
      },
    };
  }
}

/** Writes a results file and makes a page of it. */
export function pageOf(folder, name, all, more = "") {
  const results = join(folder, `${name}.jsonl`);
  const file = openSync(results, "w");
  let lines = [];
  const flush = () => {
    writeSync(file, lines.join(""));
    lines = [];
  };
  for (const record of all) {
    lines.push(`${typeof record === "string" ? record : JSON.stringify(record)}\n`);
    if (lines.length >= 10_000) flush();
  }
  flush();
  writeSync(file, more);
  closeSync(file);
  const page = join(folder, `${name}.html`);
  gaits(["report", results, "--html", page], folder);
  rmSync(results);
  return page;
}

/** The page with other data in it. */
export function withData(html, data) {
  const text = JSON.stringify(data).replaceAll("<", "\\u003c");
  return html.replace(/(id="data">)[^]*?(<\/script>)/, (_all, before, behind) => before + text + behind);
}

export function put(folder, name, html) {
  const file = join(folder, name);
  writeFileSync(file, html);
  return file;
}
