// The page in a browser: what it shows against the records, and how it is used.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { browser, gaits, open, pageOf, plain, put, ready, records, scratch, text, withData } from "./support.mjs";

const folder = scratch(after);
const chromium = await browser(after);
const axeSource = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

const COUNT = 1000;
const SLOTS = 8;
const all = [...records(COUNT, SLOTS)];
const run = pageOf(folder, "run", all);
const total = Math.max(...all.map((record) => record.finished_us)) * 1.01;

/** Everything that must not have happened on a page. */
async function fine(page) {
  const words = await page.$eval("body", (body) => body.innerText);
  assert.ok(!/NaN|undefined|Infinity|\[object/.test(words), words);
  assert.deepEqual(page.trouble, []);
  await page.close();
}

/** No text of the page is left in English, but for names, commands, what servers say and the button for English. */
async function korean(page) {
  const lines = await page.evaluate(() => {
    document.querySelectorAll("details").forEach((one) => (one.open = true));
    const apart = "h1, .brand, .command, .lists, .bad, header button, .u-legend";
    const texts = [];
    const walker = document.createTreeWalker(document.getElementById("app"), NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (!node.parentElement.closest(apart)) texts.push(node.textContent);
    }
    for (const one of document.querySelectorAll("[aria-label], [title]")) {
      texts.push(one.getAttribute("aria-label") ?? "", one.getAttribute("title") ?? "");
    }
    return texts;
  });
  const said = lines.join("\n");
  assert.match(said, /[가-힣]{2}/);
  // Names of models and figures have no two words of small letters in a row.
  const left = lines.filter((line) => /(^|\s)[a-z]{2,} [a-z]{2,}/i.test(line.replace(/--[a-z-]+|\d min \d+ s|rate limit|CPU|GIL|https?:\S+|Intel.*|AMD.*/g, "·")));
  assert.deepEqual(left, []);
}

/** Where the middle of a record's bar is when all of the run is in sight, in the window. */
async function middleOf(page, record) {
  const box = await page.$eval(".run canvas", (canvas) => {
    canvas.scrollIntoView({ block: "center" });
    const { left, top, width } = canvas.getBoundingClientRect();
    return { left, top, width };
  });
  const view = await page.$eval(".lanes", ({ dataset }) => [Number(dataset.from), Number(dataset.to)]);
  const time = (record.started_us + record.finished_us) / 2;
  const x = box.left + 96 + ((time - view[0]) / (view[1] - view[0])) * (box.width - 104);
  return [x, box.top + 30 + (record.worker.slot + 0.5) * 14 - 1];
}

const view = (page) => page.$eval(".lanes", ({ dataset }) => ({ from: Number(dataset.from), to: Number(dataset.to) }));

/** Waits for a picture that shows something else than before. */
async function changed(page, act) {
  const before = await view(page);
  await act();
  await page.waitForFunction(
    ({ from, to }) => {
      const { dataset } = document.querySelector(".lanes");
      return Number(dataset.from) !== from || Number(dataset.to) !== to;
    },
    {},
    before,
  );
  return view(page);
}

describe("a run", () => {
  test("says what the records say", async () => {
    const page = await open(chromium, run);
    await ready(page);
    const ok = all.filter((record) => record.outcome === "ok");
    assert.equal(
      await text(page, ".sentence"),
      `1,000 items in ${(total / 1.01 / 1e6).toFixed(2)} s, ${Math.round(COUNT / (total / 1.01 / 1e6))} a second; 4 failed (http_status 4).`,
    );
    assert.match(await text(page, ".verdict .bad"), /http_status 4: 503 Service Unavailable/);
    const facts = Object.fromEntries(
      await page.$$eval("dl > div", (rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent))),
    );
    const times = ok.map((record) => record.finished_us - record.started_us).sort((a, b) => a - b);
    const close = (shown, us) => {
      assert.match(shown, / ms$/);
      assert.ok(Math.abs(Number.parseFloat(shown) * 1000 - us) <= us * 0.006, `${shown} for ${us} µs`);
    };
    close(facts.p50, times[Math.ceil(times.length * 0.5) - 1]);
    close(facts.p99, times[Math.ceil(times.length * 0.99) - 1]);
    close(facts.max, times.at(-1));
    assert.equal(facts["connections opened"], String(SLOTS));
    assert.equal(facts.received, `${(all.reduce((sum, record) => sum + record.http.bytes, 0) / 1e6).toFixed(2)} MB`);
    assert.equal(facts.model, "unknown model");
    assert.equal(await text(page, ".facts"), `${(total / 1.01 / 1e6).toFixed(2)} s · 1,000 items · 4 failed`);
    // Where the time went: of all items, to the microsecond.
    const sum = (of) => all.reduce((so, record) => so + of(record), 0);
    const whole = sum((record) => record.finished_us - record.started_us);
    const waiting = Math.round((sum((record) => record.http.first_byte_us) / whole) * 100);
    const label = await page.$eval(".stack", (stack) => stack.getAttribute("aria-label"));
    assert.ok(label.includes(`waiting ${waiting} %`), label);
    await fine(page);
  });

  test("draws each item where and when it was, in the colours of its phases", async () => {
    const page = await open(chromium, run);
    await ready(page);
    const colors = await page.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      return Object.fromEntries(["waiting", "failed"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    });
    const at = (x, y) =>
      page.$eval(
        ".run canvas",
        (canvas, px, py) => {
          const box = canvas.getBoundingClientRect();
          const [r, g, b] = canvas.getContext("2d").getImageData(Math.round(px - box.left), Math.round(py - box.top), 1, 1).data;
          return `#${[r, g, b].map((one) => one.toString(16).padStart(2, "0")).join("")}`;
        },
        x,
        y,
      );
    await page.focus(".lanes");
    for (const index of [113, 363, 100, 500, 999]) {
      const record = all[index];
      // So near that its bar is wide.
      for (let times = 0; times < 2; times++) {
        const [x, y] = await middleOf(page, record);
        await changed(page, () => page.mouse.click(x, y, { count: 2 }));
      }
      const [x, y] = await middleOf(page, record);
      // Beside the cross in the middle.
      assert.equal(await at(x + 12, y + 2), record.outcome === "ok" ? colors.waiting : colors.failed, `item ${index}`);
      await page.focus(".lanes");
      await changed(page, () => page.keyboard.press("0"));
    }
    // That is about how this test looks at pixels.
    page.trouble = page.trouble.filter((one) => !/willReadFrequently/.test(one));
    await fine(page);
  });

  test("tells of the item under the pointer", async () => {
    const page = await open(chromium, run);
    await ready(page);
    for (const index of [40, 363, 812]) {
      const record = all[index];
      const [x, y] = await middleOf(page, record);
      await page.mouse.move(x, y);
      await page.waitForSelector(".tip:not([hidden])");
      const said = await text(page, ".tip");
      const took = ((record.finished_us - record.started_us) / 1000).toPrecision(3);
      for (const part of [
        `item ${index} · ${record.item}`,
        `took ${took} ms`,
        `waiting ${(record.http.first_byte_us / 1000).toPrecision(3)} ms`,
        `slot ${record.worker.slot}`,
        `status ${record.http.status}`,
      ]) {
        assert.ok(said.includes(part), `${part}: ${said}`);
      }
      if (record.outcome === "failed") {
        assert.ok(said.includes("failed: http_status, 503 Service Unavailable"), said);
        assert.ok(said.includes("3 attempts"), said);
      }
    }
    await page.mouse.move(5, 5);
    await page.waitForSelector(".tip[hidden]");
    await fine(page);
  });

  test("is zoomed and moved by keys, buttons, wheel and drag, and never out of its bounds", async () => {
    const page = await open(chromium, run);
    await ready(page);
    const whole = await view(page);
    assert.deepEqual([whole.from, Math.round(whole.to)], [0, Math.round(total)]);
    await page.focus(".lanes");
    const near = (a, b) => assert.ok(Math.abs(a - b) < 1, `${a} and ${b}`);
    let now = await changed(page, () => page.keyboard.press("+"));
    near(now.to - now.from, total / 2);
    near((now.to + now.from) / 2, total / 2);
    now = await changed(page, () => page.keyboard.press("ArrowRight"));
    near(now.from, total / 4 + 0.15 * (total / 2));
    now = await changed(page, () => page.keyboard.press("End"));
    near(now.to, total);
    now = await changed(page, () => page.click("button[aria-label='Zoom out']"));
    near(now.to - now.from, total);
    // Around the pointer, what is under it stays.
    const [x, y] = await middleOf(page, all[500]);
    const time = (all[500].started_us + all[500].finished_us) / 2;
    await page.mouse.move(x, y);
    await page.keyboard.down("Control");
    now = await changed(page, () => page.mouse.wheel({ deltaY: -100 }));
    await page.keyboard.up("Control");
    assert.ok(now.to - now.from < total * 0.5);
    const share = (x - 96 - (await page.$eval(".run canvas", (canvas) => canvas.getBoundingClientRect().left))) / ((await page.$eval(".run canvas", (canvas) => canvas.clientWidth)) - 104);
    assert.ok(Math.abs(now.from + share * (now.to - now.from) - time) < (now.to - now.from) / 500);
    const length = now.to - now.from;
    await page.mouse.down();
    now = await changed(page, () => page.mouse.move(x + 200, y, { steps: 1 }));
    await page.mouse.up();
    near(now.to - now.from, length);
    for (let i = 0; i < 60; i++) await page.keyboard.press("+");
    for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowLeft");
    now = await view(page);
    await page.focus(".lanes");
    now = await changed(page, () => page.keyboard.press("0"));
    near(now.to - now.from, total);
    await fine(page);
  });

  test("is found by number, by text and by error, and read aloud", async () => {
    const page = await open(chromium, run);
    await ready(page);
    await page.focus(".lanes");
    await page.keyboard.press("/");
    await page.keyboard.type("things/2541");
    await page.keyboard.press("Enter");
    assert.equal(await text(page, ".found"), "1 of 1");
    assert.match(await text(page, ".said"), /item 363 · https:\/\/example\.org\/things\/2541 — failed: http_status, 503/);
    await page.evaluate(() => (document.querySelector("input[type=search]").value = ""));
    await page.type("input[type=search]", "HTTP_status");
    await page.keyboard.press("Enter");
    assert.equal(await text(page, ".found"), "1 of 4");
    await page.keyboard.down("Shift");
    await page.keyboard.press("Enter");
    await page.keyboard.up("Shift");
    assert.equal(await text(page, ".found"), "4 of 4");
    await page.evaluate(() => (document.querySelector("input[type=search]").value = ""));
    await page.type("input[type=search]", "nowhere");
    assert.equal(await text(page, ".found"), "nothing found");
    // Failures and slow items are a key away, and in lists.
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    assert.equal(await text(page, ".said"), "No item is chosen.");
    await page.waitForSelector(".lists details");
    await page.keyboard.press("f");
    assert.match(await text(page, ".said"), /failed: http_status/);
    await page.keyboard.press("s");
    const slowest = all.reduce((a, b) => (b.finished_us - b.started_us > a.finished_us - a.started_us ? b : a));
    assert.ok((await text(page, ".said")).includes(`item ${slowest.index} `));
    await page.click(".lists details:last-of-type summary");
    await page.click(".lists details:last-of-type li:nth-child(2) button");
    assert.ok((await text(page, ".said")).includes((await text(page, ".lists details:last-of-type li:nth-child(2) button")).trim()));
    await page.waitForSelector(".chosen:not([hidden])");
    await fine(page);
  });

  test("speaks Korean to whoever reads Korean, and to whoever asks", async () => {
    const page = await open(chromium, run, { languages: ["ko-KR", "en"] });
    await ready(page);
    assert.match(await text(page, ".sentence"), /^항목 1,000개를 .*4개가 실패했습니다\(http_status 4\)\.$/);
    assert.equal(await page.$eval("html", (html) => html.lang), "ko");
    await page.click("header button:last-child");
    assert.match(await text(page, ".sentence"), /^1,000 items in/);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "한국어");
    await page.click("header button:last-child");
    await korean(page);
    await fine(page);
  });

  test("is dark where the reader wants it dark", async () => {
    const page = await open(chromium, run, { scheme: "dark" });
    await ready(page);
    const ground = () => page.$eval("body", (body) => getComputedStyle(body).backgroundColor);
    assert.equal(await ground(), "rgb(16, 19, 23)");
    await page.click("header button");
    assert.equal(await ground(), "rgb(255, 255, 255)");
    await page.click("header button");
    assert.equal(await ground(), "rgb(16, 19, 23)");
    await fine(page);
  });

  test("fits a phone, and is moved by fingers", async () => {
    const page = await open(chromium, run, { width: 390, phone: true });
    await ready(page);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    await page.$eval(".run canvas", (canvas) => canvas.scrollIntoView({ block: "center" }));
    const box = await (await page.$(".run canvas")).boundingBox();
    const client = await page.createCDPSession();
    const touch = (type, points) =>
      client.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
    const y = box.y + 60;
    const now = await changed(page, async () => {
      await touch("touchStart", [[150, y], [230, y]]);
      await touch("touchMove", [[120, y], [260, y]]);
      await touch("touchMove", [[90, y], [290, y]]);
      await touch("touchEnd", []);
    });
    assert.ok(now.to - now.from < total * 0.9, `${now.to - now.from}`);
    await fine(page);
  });

  for (const [name, more] of Object.entries({
    light: {},
    dark: { scheme: "dark" },
    phone: { width: 390, phone: true },
    Korean: { languages: ["ko"] },
  })) {
    test(`has nothing that keeps anybody out: ${name}`, async () => {
      const page = await open(chromium, run, more);
      await ready(page);
      await page.waitForSelector(".lists details");
      await page.$$eval("details", (all) => all.forEach((one) => (one.open = true)));
      // The policy of the page allows no script but its own; the protocol may.
      await page.evaluate(axeSource);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      const bad = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
      assert.deepEqual(bad.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
      await fine(page);
    });
  }
});

describe("a race", () => {
  const saved = join(folder, "saved");
  const raced = join(folder, "raced.html");
  gaits(
    ["compare", "--models", "sequential,threads:2,async:4", "--rounds", "6", "--quiet", "--save", saved, "--html", raced, "wait", "--for", "2ms", "--count", "16"],
    folder,
  );
  const told = JSON.parse(gaits(["report", saved, "--json"], folder));

  test("says what the command says, and draws each of its models", async () => {
    const page = await open(chromium, raced);
    await ready(page);
    const said = await text(page, ".sentence");
    assert.equal(said.toLowerCase(), `${told.verdict.sentence}.`.toLowerCase());
    assert.equal((await text(page, ".why")).toLowerCase(), `${told.why.sentence}.`.toLowerCase());
    const names = told.models.map(({ name }) => name);
    assert.deepEqual(await page.$$eval(".race li .name", (all) => all.map((one) => one.textContent)), names);
    assert.deepEqual(await page.$$eval(".scroll tbody th", (all) => all.map((one) => one.textContent)), names);
    assert.deepEqual(await page.$$eval(".head h4", (all) => all.map((one) => one.textContent)), names);
    assert.equal(await page.$$eval(".race .dot", (all) => all.length), names.length * 6);
    for (const facts of await page.$$eval(".facts", (all) => all.map((one) => one.textContent))) {
      assert.match(facts, /^round [1-6] · .* · 16 items$/);
    }
    // The run that is drawn is the one nearest to the median.
    const shown = await page.$eval(".facts", (one) => Number(/round (\d)/.exec(one.textContent)[1]));
    const walls = told.models[0].walls_s;
    const median = [...walls].sort((a, b) => a - b)[2];
    const away = walls.map((wall) => Math.abs(wall - median));
    assert.equal(away[shown - 1], Math.min(...away));
    const command = await text(page, ".command code");
    assert.match(command, /^gaits compare --seed \d+ --models sequential,threads:2,async:4 --rounds 6 /);
    assert.ok(!command.includes("--save"), command);
    await fine(page);
  });

  test("says all of that in Korean, with the same numbers", async () => {
    const page = await open(chromium, raced, { languages: ["ko"] });
    await ready(page);
    await korean(page);
    const numbers = (text) => text.match(/\d[\d,.]*\d|\d/g)?.filter((one) => one !== "1").sort() ?? [];
    assert.deepEqual(numbers(await text(page, ".sentence")), numbers(told.verdict.sentence));
    assert.deepEqual(numbers(await text(page, ".why")), numbers(told.why.sentence));
    await fine(page);
  });

  test("with models that did other work says in Korean why they aren't ranked", async () => {
    const folderOf = join(folder, "unlike");
    gaits(["compare", "--models", "sequential,threads:2", "--program", "mkdir once", "--name", "once", "--rounds", "6", "--quiet", "--save", folderOf, "wait", "0.001"], folder, [0, 1]);
    gaits(["report", folderOf, "--html", "unlike.html"], folder);
    const page = await open(chromium, join(folder, "unlike.html"), { languages: ["ko"] });
    await ready(page);
    await korean(page);
    const details = await page.$$eval(".details li", (all) => all.map((one) => one.textContent));
    assert.ok(details.includes("once: 항목이 모두 실패했습니다."), details.join("\n"));
    await fine(page);
  });

  test("is the same page when it is made of what was saved", async () => {
    const again = join(folder, "again.html");
    gaits(["report", saved, "--html", again], folder);
    const data = (file) => JSON.parse(/id="data">([^]*?)<\/script>/.exec(readFileSync(file, "utf8"))[1]).views;
    assert.deepEqual(data(again), data(raced));
  });

  test("tells whose latencies are those of failures", async () => {
    const html = readFileSync(raced, "utf8");
    const data = JSON.parse(/id="data">([^]*?)<\/script>/.exec(html)[1]);
    data.views[0].more.find(({ model }) => model === "async:4").of_failed = true;
    const page = await open(chromium, put(folder, "failed.html", withData(html, data)));
    await ready(page);
    const notes = await page.$$eval(".note", (all) => all.map((one) => one.textContent));
    assert.ok(notes.includes("All items of async:4 failed: these latencies are of failures."), notes.join());
    const label = await page.$eval(".chart", (chart) => chart.getAttribute("aria-label"));
    assert.match(label, /async:4 \(failed\): p50 /);
    assert.match(label, /sequential: p50 /);
    assert.match(await text(page, ".chart .u-legend"), /async:4 \(failed\)/);
    await fine(page);
  });

  test("without its records has its figures, and says that its items are not drawn", async () => {
    const bare = join(folder, "bare");
    gaits(["compare", "--models", "sequential,async:4", "--rounds", "2", "--quiet", "--save", bare, "wait", "0.001"], folder);
    const { rmSync } = await import("node:fs");
    rmSync(join(bare, "records"), { recursive: true });
    gaits(["report", bare, "--html", "bare.html"], folder);
    const page = await open(chromium, join(folder, "bare.html"));
    await ready(page);
    assert.match(await text(page, ".note"), /^the items of .* are not drawn: can't read /);
    assert.match(await page.$eval("article", (one) => one.innerText), /There are no records of the runs/);
    assert.equal(await page.$$eval("canvas[role=img]", (all) => all.length), 0);
    await fine(page);
  });
});

describe("a sweep", () => {
  const sweep = JSON.parse(readFileSync(new URL("sweep.json", import.meta.url), "utf8"));
  const html = readFileSync(run, "utf8");
  const whole = JSON.parse(/id="data">([^]*?)<\/script>/.exec(html)[1]);

  test("shows points, intervals, the law and what is recommended", async () => {
    const file = put(folder, "sweep.html", withData(html, { ...whole, views: [sweep] }));
    const page = await open(chromium, file);
    await page.waitForSelector(".u-over");
    assert.equal(await text(page, ".sentence"), "32 workers are enough: with more, nothing is gained but waiting.");
    const rows = await page.$$eval("tbody tr:not(.u-series)", (all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
    assert.deepEqual(rows[5], ["32", "1,490", "1,400–1,580", "20.3 ms", "41.0 ms", "2"]);
    assert.equal(rows[6][4], "–");
    assert.equal(await text(page, "tr.best th"), "32");
    assert.equal(await text(page, ".details"), "The data show no peak.");
    assert.match(await page.$eval(".chart", (chart) => chart.getAttribute("aria-label")), /32: 1,490/);
    assert.deepEqual(
      (await page.$$eval(".u-legend .u-label", (all) => all.map((one) => one.textContent))),
      ["workers", "measured", "law", "law >64"],
    );
    await fine(page);
  });

  test("of real runs, and of points from elsewhere, is told in Korean", async () => {
    gaits(["sweep", "--workers", "1,2", "--duration", "1s", "--quiet", "--html", "real.html", "-m", "threads", "wait", "0.001"], folder);
    put(folder, "points.csv", "n,x\n1,955\n2,1878\n4,3548\n8,6531\n16,9897\n32,12000\n48,11000\n");
    gaits(["sweep", "--from", "points.csv", "--html", "points.html"], folder);
    for (const name of ["real.html", "points.html"]) {
      const page = await open(chromium, join(folder, name), { languages: ["ko"] });
      await page.waitForSelector(".u-over");
      await korean(page);
      assert.ok((await page.$$(".details li")).length > 0, name);
      await fine(page);
    }
  });

  test("without a law, an interval or a recommendation has its points", async () => {
    const [model] = sweep.models;
    const points = model.points.slice(0, 3).map((point) => ({ ...point, low: null, high: null, p50_us: null }));
    const views = [{ ...sweep, models: [{ ...model, points, law: null, recommended: null }, { ...model, points: [], law: null }] }];
    const page = await open(chromium, put(folder, "bare-sweep.html", withData(html, { ...whole, views })));
    await page.waitForSelector(".u-over");
    assert.match(await text(page, "article"), /There are no records/);
    await fine(page);
  });
});

describe("bad input", () => {
  test("no text of an item is ever anything but text", async () => {
    const evil = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'&amp;<!--`;
    const [first, second] = records(2, 1);
    first.item = evil;
    second.outcome = "failed";
    second.error = { kind: "panic", message: evil };
    const page = await open(chromium, pageOf(folder, "evil", [first, second]));
    await ready(page);
    await page.waitForSelector(".lists details");
    assert.ok((await text(page, ".verdict")).includes(evil));
    await page.focus(".lanes");
    await page.keyboard.press("]");
    assert.ok((await text(page, ".said")).includes(`item 0 · ${evil}`));
    await fine(page);
  });

  test("without records there is no picture, and no number that means nothing", async () => {
    for (const languages of [["en"], ["ko"]]) {
      const page = await open(chromium, pageOf(folder, "none", []), { languages });
      await ready(page);
      assert.equal(await page.$$eval("canvas", (all) => all.length), 0);
      await fine(page);
    }
  });

  test("a torn last line is left out, and records of an older form are drawn as far as they go", async () => {
    const old = [...records(20, 2)].map(({ index, item, outcome, error, attempts, queued_us, started_us, finished_us, cpu_us }) => ({
      index, item, outcome, error, attempts, queued_us, started_us, finished_us, cpu_us,
    }));
    const page = await open(chromium, pageOf(folder, "torn", old, `{"index":20,"item":"http://x/","outc`));
    await ready(page);
    assert.match(await text(page, ".sentence"), /^20 items in /);
    await page.focus(".lanes");
    await page.keyboard.press("]");
    assert.match(await text(page, ".said"), /item 0/);
    await fine(page);
  });

  test("times that can't be are told of and not drawn", async () => {
    const some = [...records(10, 2)];
    some[3].finished_us = 1;
    some[4].finished_us = 9e18;
    const page = await open(chromium, pageOf(folder, "impossible", some));
    await ready(page);
    assert.match(await page.$$eval(".note", (all) => all.map((one) => one.textContent).join()), /2 records have times that can't be/);
    assert.ok((await view(page)).to < 1e9);
    await fine(page);
  });

  test("a run with none but times that can't be is told of", async () => {
    const all = [...records(10, 2)].map((record) => ({ ...record, finished_us: 1 }));
    const page = await open(chromium, pageOf(folder, "none-possible", all));
    await ready(page);
    assert.match(await page.$$eval(".note", (all) => all.map((one) => one.textContent).join()), /10 records have times that can't be/);
    await fine(page);
  });

  test("a page that was cut off shows its sentence and no picture", async () => {
    const html = readFileSync(run, "utf8");
    const places = ["id=\"data\">", "id=\"timeline-0\">", "<script>"].map((mark) => html.lastIndexOf(mark) + 400);
    for (const place of [...places, html.length - 30]) {
      const page = await open(chromium, put(folder, "cut.html", html.slice(0, place)));
      assert.match(await text(page, "#app"), /1,000 items in/);
      assert.match(await text(page, "#app"), /If this line stays, scripts are switched off, or the file is incomplete/);
      assert.equal(await page.$$eval("canvas", (all) => all.length), 0);
      // A browser may say that a script is no whole one; that is all.
      page.trouble = page.trouble.filter((one) => !/Content Security Policy|SyntaxError/.test(one));
      await fine(page);
    }
  });

  test("damaged data is told of, and nothing is drawn of it", async () => {
    const html = readFileSync(run, "utf8");
    const packed = /id="timeline-0">([^]*?)<\/script>/.exec(html)[1];
    const damaged = [
      packed.slice(0, packed.length / 2),
      `${packed.slice(0, 400)}${"A".repeat(80)}${packed.slice(480)}`,
      "no base64!",
      "",
    ];
    for (const other of damaged) {
      const page = await open(chromium, put(folder, "damaged.html", html.replace(packed, other)));
      await ready(page);
      assert.equal(await text(page, ".run .note"), "The items of this run can't be shown: the data is incomplete or damaged.");
      assert.equal(await page.$eval(".scroller", (one) => one.checkVisibility()), false);
      await fine(page);
    }
    for (const data of ["{\"format\":2", "{\"format\":99,\"views\":[]}", "[]", "{\"format\":2,\"views\":[{\"kind\":\"race\"}]}"]) {
      const page = await open(chromium, put(folder, "foreign.html", html.replace(/(id="data">)[^]*?(<\/script>)/, (_all, a, b) => a + data + b)));
      assert.match(await text(page, "[role=alert]"), /incomplete or damaged, so no picture is drawn/);
      await fine(page);
    }
  });

  test("a browser that can't unpack says so", async () => {
    const page = await chromium.newPage();
    await page.evaluateOnNewDocument(() => delete window.DecompressionStream);
    await page.goto(`file://${run}`);
    await page.waitForFunction(() => /DecompressionStream/.test(document.querySelector(".run .note")?.textContent ?? ""));
    assert.match(plain(await page.$eval(".sentence", (one) => one.textContent)), /1,000 items/);
    await page.close();
  });
});
