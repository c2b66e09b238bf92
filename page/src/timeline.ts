// The timeline: all runs of a view above each other on one time axis.

import { unpack, type Items, type RunData } from "./data";
import { h, rgb } from "./dom";
import { BINS, drawAxis, drawRun, EXPANDED, plotOf, ROW, type Layout, type Run } from "./draw";
import { describe, laneName, laneOf, search, slowestOf, type Found } from "./items";
import * as raster from "./raster";
import { count, duration, t } from "./text";

/** The height of all rows of a run at first: with few runs, and with so many that they would not fit on a screen. */
const COMPACT = 112;
const CROWDED = 84;
const CROWD = 4;
/** The height of the curve of items in flight. */
const STRIP = 30;
/** So many items are looked at one by one for a picture; where more are in sight, sums of time are. */
const ONE_BY_ONE = 60_000;
/** So many items of a run are listed below the picture. */
const LISTED = 10;
/** The shortest time that fills the picture, in microseconds. */
const SHORTEST = 20;

/** Runs that are unpacked, by their numbers: the page is built anew for another language. */
const unpacked = new Map<number, Promise<Items>>();

function once(timeline: number, make: () => Promise<Items>): Promise<Items> {
  const known = unpacked.get(timeline) ?? make();
  unpacked.set(timeline, known);
  return known;
}

/** The timeline of a view, and what has to be done when the page around it changes. */
export class Timeline {
  readonly element: HTMLElement;
  /** Settled when all runs are unpacked and drawn, or can't be. */
  readonly ready: Promise<void>;
  private readonly runs: Run[];
  private readonly axis = h("canvas", { class: "axis", "aria-hidden": "true" });
  private readonly lanes: HTMLElement;
  private readonly tip = h("div", { class: "tip", hidden: true });
  private readonly said = h("p", { class: "said", role: "status" }, t("selectedNone"));
  private readonly lists = h("div", { class: "lists" });
  private readonly finder = h("input", { type: "search", placeholder: t("findHow"), "aria-label": t("find") });
  private readonly foundText = h("span", { class: "found", role: "status" });
  private readonly total: number;
  private readonly compact: number;
  private from = 0;
  private to: number;
  private asked = false;
  /** The width of the pictures, in CSS pixels. */
  private across = 0;
  private pick: { run: Run; at: number } | null = null;
  private found: { run: Run; at: number }[] = [];
  private foundAt = -1;

  constructor(runs: RunData[], id: string) {
    this.total = Math.max(1, ...runs.map((run) => run.about.end_us), ...runs.map((run) => run.wall_us || 0)) * 1.01;
    this.to = this.total;
    this.compact = runs.length >= CROWD ? CROWDED : COMPACT;
    this.runs = runs.map((data) => this.makeRun(data));
    const button = (label: string, text: string, act: () => void) =>
      h("button", { type: "button", title: label, "aria-label": label, click: act }, text);
    const keys = `keys-${id}`;
    this.lanes = h(
      "div",
      { class: "lanes", tabindex: "0", role: "application", "aria-label": t("timeline"), "aria-describedby": keys },
      h("div", { class: "axis-row" }, this.axis),
      ...this.runs.map((run) => this.runElement(run)),
      this.tip,
    );
    const some = (part: string, text: string) => h("li", {}, h("i", { class: `part ${part}` }), text);
    this.element = h(
      "div",
      { class: "timeline" },
      h(
        "div",
        { class: "bar" },
        h(
          "ul",
          { class: "legend" },
          some("queued", t("queued")),
          some("connect", t("connect")),
          some("waiting", t("waiting")),
          some("receiving", t("receiving")),
          some("computing", t("computing")),
          some("failed", t("failed")),
        ),
        h(
          "div",
          { class: "tools" },
          button(t("zoomOut"), "−", () => this.zoom(2)),
          button(t("zoomIn"), "+", () => this.zoom(0.5)),
          h("button", { type: "button", click: () => this.show(0, this.total) }, t("whole")),
          this.finder,
          button(t("previous"), "‹", () => this.step(-1)),
          button(t("next"), "›", () => this.step(1)),
          this.foundText,
        ),
      ),
      this.lanes,
      h("p", { class: "how", id: keys }, t("timelineKeys")),
      this.said,
      this.lists,
    );
    this.listen();
    this.ready = this.load();
  }

  /** Draws it again soon: something has changed. */
  invalidate(): void {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.draw();
    });
  }

  private makeRun(data: RunData): Run {
    const { counts, drawn, lanes } = data.about;
    const label = t("timelineLabel", { n: count(drawn), m: count(lanes.length) });
    const canvas = h("canvas", { role: "img", "aria-label": `${data.model}: ${label}` });
    const hovered = h("div", { class: "hovered", hidden: true });
    const chosen = h("div", { class: "chosen", hidden: true });
    const spacer = h("div", { class: "spacer" }, canvas, hovered, chosen);
    const scroller = h("div", { class: "scroller", scroll: () => this.invalidate() }, spacer);
    const note = h("p", { class: "note" }, counts.records > 0 ? t("unpacking") : t("nothing"));
    return {
      data,
      items: null,
      slowest: [],
      failures: [],
      sums: null,
      expanded: false,
      canvas,
      scroller,
      spacer,
      hovered,
      chosen,
      note,
    };
  }

  private runElement(run: Run): HTMLElement {
    const { model, round, wall_us, about } = run.data;
    const facts = [
      round == null ? "" : t("round", { n: round }),
      wall_us > 0 ? duration(wall_us) : "",
      t("items", { n: count(about.counts.records) }),
      about.counts.failures > 0 ? `${count(about.counts.failures)} ${t("failed")}` : "",
    ];
    const more = h("button", { type: "button", class: "more", "aria-expanded": "false" }, t("show"));
    more.addEventListener("click", () => {
      run.expanded = !run.expanded;
      more.textContent = t(run.expanded ? "hide" : "show");
      more.setAttribute("aria-expanded", String(run.expanded));
      if (run.expanded) run.scroller.tabIndex = 0;
      else run.scroller.removeAttribute("tabindex");
      this.draw();
    });
    return h(
      "section",
      { class: "run", "aria-label": model },
      h(
        "div",
        { class: "head" },
        h("h4", {}, model),
        h("span", { class: "facts" }, facts.filter(Boolean).join(" · ")),
        about.lanes.length * ROW > this.compact && more,
      ),
      run.note,
      run.scroller,
    );
  }

  private async load(): Promise<void> {
    for (const run of this.runs) {
      const { about, timeline } = run.data;
      const text = document.getElementById(`timeline-${timeline}`)?.textContent ?? "";
      try {
        if (about.counts.records === 0) continue;
        if (typeof DecompressionStream === "undefined") {
          run.note.textContent = t("noUnpacking");
          continue;
        }
        run.items = await once(timeline, () => unpack(text, about));
        run.note.remove();
      } catch {
        run.note.textContent = t("brokenRun");
        run.note.classList.add("bad");
        run.scroller.hidden = true;
        continue;
      }
      this.failuresOf(run);
      const { rows } = this.layout(run);
      if (run.items.count > ONE_BY_ONE / this.runs.length) run.sums = raster.sumsOf(run.items, rows, about.end_us, BINS);
    }
    this.draw();
    setTimeout(() => this.fillLists(), 0);
  }

  private failuresOf(run: Run): void {
    const { kind } = run.items!;
    for (let i = 0; i < kind.length; i++) if (kind[i] !== 0) run.failures.push(i);
  }

  // What is in sight.

  private show(from: number, to: number): void {
    const length = Math.max(SHORTEST, Math.min(this.total, to - from));
    this.from = Math.max(0, Math.min(this.total - length, from));
    this.to = this.from + length;
    this.tip.hidden = true;
    this.invalidate();
  }

  /** Makes what is in sight `factor` times as long; `at` stays where it is. */
  private zoom(factor: number, at = (this.from + this.to) / 2): void {
    const length = Math.max(SHORTEST, Math.min(this.total, (this.to - this.from) * factor));
    const share = (at - this.from) / (this.to - this.from);
    this.show(at - share * length, at + (1 - share) * length);
  }

  private pan(share: number): void {
    const by = (this.to - this.from) * share;
    this.show(this.from + by, this.to + by);
  }

  // Events.

  private listen(): void {
    const pointers = new Map<number, { x: number; y: number }>();
    let moved = 0;
    const runAt = (event: Event) => this.runs.find((run) => run.scroller.contains(event.target as Node));
    const spread = () => {
      const [a, b] = [...pointers.values()];
      return { length: Math.abs(a.x - b.x) || 1, middle: (a.x + b.x) / 2 };
    };
    this.lanes.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !(event.target instanceof HTMLCanvasElement)) return;
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      moved = 0;
    });
    this.lanes.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) {
        const run = runAt(event);
        if (event.pointerType === "mouse") this.hover(run ?? null, event.clientX, event.clientY);
        return;
      }
      const { left, width } = this.plot();
      if (pointers.size === 2) {
        const was = spread();
        pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
        const is = spread();
        const share = (is.middle - this.lanes.getBoundingClientRect().left - left) / width;
        this.zoom(was.length / is.length, this.from + share * (this.to - this.from));
        moved = 100;
        return;
      }
      moved += Math.abs(event.clientX - before.x) + Math.abs(event.clientY - before.y);
      if (moved > 4) {
        if (!this.lanes.hasPointerCapture(event.pointerId)) this.lanes.setPointerCapture(event.pointerId);
        this.tip.hidden = true;
        this.pan((before.x - event.clientX) / width);
      }
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    });
    const up = (event: PointerEvent) => {
      if (!pointers.delete(event.pointerId) || moved > 4 || event.type === "pointercancel") return;
      const run = runAt(event);
      const at = run ? this.hit(run, event.clientX, event.clientY) : null;
      if (run && at != null) this.choose(run, at, false);
    };
    this.lanes.addEventListener("pointerup", up);
    this.lanes.addEventListener("pointercancel", up);
    this.lanes.addEventListener("pointerleave", () => this.hover(null, 0, 0));
    this.lanes.addEventListener("dblclick", (event) => this.zoom(0.25, this.timeAt(event.clientX)));
    this.lanes.addEventListener(
      "wheel",
      (event) => {
        if (event.ctrlKey || event.metaKey) {
          event.preventDefault();
          this.zoom(Math.exp(Math.max(-100, Math.min(100, event.deltaY)) * 0.008), this.timeAt(event.clientX));
        } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
          event.preventDefault();
          this.pan((event.deltaX || event.deltaY) / this.plot().width);
        }
      },
      { passive: false },
    );
    this.lanes.addEventListener("keydown", (event) => this.key(event));
    this.finder.addEventListener("input", () => this.find());
    this.finder.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
      if (event.key === "Escape") this.lanes.focus();
    });
    new ResizeObserver(() => this.draw()).observe(this.lanes);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.lanes) return;
    const acts: Record<string, () => void> = {
      ArrowLeft: () => this.pan(-0.15),
      ArrowRight: () => this.pan(0.15),
      "+": () => this.zoom(0.5),
      "=": () => this.zoom(0.5),
      "-": () => this.zoom(2),
      "0": () => this.show(0, this.total),
      Home: () => this.show(0, this.to - this.from),
      End: () => this.show(this.total - (this.to - this.from), this.total),
      "[": () => this.neighbour(-1),
      "]": () => this.neighbour(1),
      f: () => this.among((run) => run.failures, 1),
      F: () => this.among((run) => run.failures, -1),
      s: () => this.among((run) => run.slowest, 1),
      S: () => this.among((run) => run.slowest, -1),
      "/": () => this.finder.focus(),
      Escape: () => this.letGo(),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  // Choosing items.

  private letGo(): void {
    this.pick = null;
    this.said.textContent = t("selectedNone");
    this.invalidate();
  }

  /** Chooses an item, and goes to where it is if it can't be seen well. */
  private choose(run: Run, at: number, go: boolean): void {
    this.pick = { run, at };
    const { start, end } = run.items!;
    const length = end[at] - start[at];
    const scale = this.plot().width / (this.to - this.from);
    if (go && (start[at] > this.to || end[at] < this.from || length * scale < 6)) {
      const margin = Math.max(length * 4, SHORTEST);
      this.show(start[at] - margin, end[at] + margin);
    }
    if (run.expanded) this.scrollTo(run, at);
    const { title, facts } = describe(run.items!, run.data.about, at);
    this.said.replaceChildren(h("b", {}, `${run.data.model}: ${title}`), ` — ${facts.join(" · ")}`);
    this.invalidate();
  }

  private scrollTo(run: Run, at: number): void {
    const lane = laneOf(run.items!, at);
    const room = EXPANDED - ROW;
    const top = lane * ROW;
    if (top < run.scroller.scrollTop || top > run.scroller.scrollTop + room) run.scroller.scrollTop = top - room / 2;
  }

  private neighbour(by: number): void {
    const first = this.runs.find((run) => run.items && run.items.count > 0);
    if (!first) return;
    const { run, at } = this.pick ?? { run: first, at: -by };
    const next = this.pick ? at + by : 0;
    if (next >= 0 && next < run.items!.count) this.choose(run, next, true);
  }

  /** The next of some items of all runs, from the chosen one on, round and round. */
  private among(of: (run: Run) => number[], by: number): void {
    const all = this.runs.flatMap((run) => of(run).map((at) => ({ run, at })));
    if (all.length === 0) return;
    const now = all.findIndex((one) => one.run === this.pick?.run && one.at === this.pick.at);
    const next = all[now < 0 ? (by > 0 ? 0 : all.length - 1) : (now + by + all.length) % all.length];
    this.choose(next.run, next.at, true);
  }

  private find(): void {
    const query = this.finder.value.trim();
    this.foundAt = -1;
    this.found = [];
    if (query !== "") {
      for (const run of this.runs) {
        if (!run.items) continue;
        const all: Found = search(run.items, run.data.about, query);
        for (const at of all) this.found.push({ run, at });
      }
    }
    this.foundText.textContent =
      query === "" ? "" : this.found.length === 0 ? t("foundNone") : t("items", { n: count(this.found.length) });
  }

  private step(by: number): void {
    if (this.found.length === 0) return;
    this.foundAt = this.foundAt < 0 && by < 0 ? this.found.length - 1 : this.foundAt + by;
    this.foundAt = (this.foundAt + this.found.length) % this.found.length;
    const { run, at } = this.found[this.foundAt];
    this.foundText.textContent = t("found", { at: count(this.foundAt + 1), n: count(this.found.length) });
    this.choose(run, at, true);
  }

  private fillLists(): void {
    const list = (title: string, of: (run: Run) => number[], fact: number) => {
      const runs = this.runs.filter((run) => run.items && of(run).length > 0);
      if (runs.length === 0) return null;
      const parts = runs.map((run) => {
        const all = of(run);
        const rows = all.slice(0, LISTED).map((at) => {
          const { title, facts } = describe(run.items!, run.data.about, at);
          return h(
            "li",
            {},
            h("button", { type: "button", click: () => this.goTo(run, at) }, title),
            h("span", {}, facts[fact]),
          );
        });
        const left = all.length - rows.length;
        return h("div", {}, h("h5", {}, run.data.model), h("ol", {}, ...rows), left > 0 && h("p", {}, t("more", { n: count(left) })));
      });
      return h("details", {}, h("summary", {}, title), h("div", { class: "columns" }, ...parts));
    };
    for (const run of this.runs) if (run.items) run.slowest = slowestOf(run.items, LISTED);
    const made = [
      list(t("failedItems"), (run) => run.failures, 0),
      list(t("slowest"), (run) => run.slowest, 1),
    ];
    this.lists.replaceChildren(...made.filter((one) => one != null));
  }

  private goTo(run: Run, at: number): void {
    this.choose(run, at, true);
    this.lanes.scrollIntoView({ block: "nearest" });
    this.lanes.focus({ preventScroll: true });
  }

  // Where things are.

  private plot(): { left: number; width: number } {
    return plotOf(this.across);
  }

  private timeAt(clientX: number): number {
    const { left, width } = this.plot();
    const x = clientX - this.lanes.getBoundingClientRect().left - left;
    return this.from + (x / width) * (this.to - this.from);
  }

  private layout(run: Run): Layout {
    const { left, width } = this.plot();
    const lanes = run.data.about.lanes.length;
    const strip = lanes > 1 ? STRIP : 0;
    if (!run.expanded) {
      const height = Math.min(lanes * ROW, this.compact);
      const rows = raster.rowsOf(lanes, height / 2);
      return { left, width, top: strip, height, rows, rowHeight: height / Math.max(rows.length, 1) };
    }
    const first = Math.min(Math.max(0, lanes - 1), Math.floor(run.scroller.scrollTop / ROW));
    const shown = Math.min(lanes - first, Math.floor(EXPANDED / ROW));
    const rows = Array.from({ length: shown }, (_, row): [number, number] => [first + row, first + row + 1]);
    return { left, width, top: strip, height: shown * ROW, rows, rowHeight: ROW };
  }

  // Pointing.

  private hit(run: Run, clientX: number, clientY: number): number | null {
    const { items } = run;
    if (!items) return null;
    const box = run.canvas.getBoundingClientRect();
    const at = this.layout(run);
    const row = Math.floor((clientY - box.top - at.top) / at.rowHeight);
    if (row < 0 || row >= at.rows.length) return null;
    const time = this.timeAt(clientX);
    const slack = (3 * (this.to - this.from)) / at.width;
    let best: number | null = null;
    let nearest = Infinity;
    const [from, to] = at.rows[row];
    for (let lane = from; lane < Math.min(to, from + 500); lane++) {
      const end = items.lanes[lane + 1];
      let i = raster.firstAfter(items, items.lanes[lane], end, time - slack);
      // What took no time at all ends where it starts.
      while (i > items.lanes[lane] && items.end[i - 1] >= time - slack) i--;
      for (let seen = 0; i < end && items.start[i] <= time + slack && seen < 200; i++, seen++) {
        const away = Math.max(items.start[i] - time, time - items.end[i], 0);
        const distance = items.kind[i] !== 0 ? away - slack / 2 : away;
        if (distance < nearest) [best, nearest] = [i, distance];
      }
    }
    return best;
  }

  private hover(run: Run | null, clientX: number, clientY: number): void {
    const at = run ? this.hit(run, clientX, clientY) : null;
    for (const other of this.runs) if (other !== run || at == null) other.hovered.hidden = true;
    this.tip.hidden = at == null;
    if (!run || at == null) return;
    this.place(run, at, run.hovered);
    const { title, facts, failure } = describe(run.items!, run.data.about, at);
    this.tip.replaceChildren(
      h("b", {}, title),
      ...(failure == null ? [] : [h("div", { class: "bad" }, failure)]),
      ...facts.slice(failure == null ? 0 : 1).map((fact) => h("div", {}, fact)),
      h("div", { class: "who" }, laneName(run.data.about, laneOf(run.items!, at))),
    );
    const around = this.lanes.getBoundingClientRect();
    const right = clientX - around.left + 14 + this.tip.offsetWidth > around.width;
    this.tip.style.left = `${Math.max(0, clientX - around.left + (right ? -14 - this.tip.offsetWidth : 14))}px`;
    this.tip.style.top = `${clientY - around.top + 14}px`;
  }

  /** Puts a frame around an item. */
  private place(run: Run, at: number, frame: HTMLElement): void {
    const where = this.layout(run);
    const lane = laneOf(run.items!, at);
    const row = where.rows.findIndex(([from, to]) => lane >= from && lane < to);
    const scale = where.width / (this.to - this.from);
    const a = Math.max(0, (run.items!.start[at] - this.from) * scale);
    const b = Math.min(where.width, (run.items!.end[at] - this.from) * scale);
    frame.hidden = row < 0 || a > where.width || b < 0;
    if (frame.hidden) return;
    const height = Math.max(where.rowHeight, 6);
    frame.style.left = `${where.left + a - 2}px`;
    frame.style.width = `${Math.max(2, b - a) + 4}px`;
    const scrolled = run.expanded ? run.scroller.scrollTop : 0;
    frame.style.top = `${scrolled + where.top + (row + 0.5) * where.rowHeight - height / 2 - 1}px`;
    frame.style.height = `${height + 2}px`;
  }

  // Drawing.

  private draw(): void {
    const began = performance.now();
    // Asked once for each picture: after a change, the answer costs a layout.
    this.across = this.element.isConnected ? this.lanes.clientWidth : 0;
    if (this.across === 0) return;
    const palette: raster.Palette = {
      parts: ["connect", "waiting", "receiving", "computing", "queued"].map(rgb),
      failed: rgb("failed"),
    };
    // For whoever looks at the page from outside: what is in sight, in microseconds.
    this.lanes.dataset.from = String(this.from);
    this.lanes.dataset.to = String(this.to);
    const sight = { from: this.from, to: this.to, total: this.total, across: this.across };
    drawAxis(this.axis, sight);
    const drawn = this.runs.filter((run) => run.items);
    for (const run of drawn) {
      drawRun(run, this.layout(run), sight, palette, ONE_BY_ONE / drawn.length);
      run.hovered.hidden = true;
      if (this.pick?.run === run) this.place(run, this.pick.at, run.chosen);
      else run.chosen.hidden = true;
    }
    performance.measure("gaits:frame", { start: began, end: performance.now() });
    performance.clearMeasures("gaits:frame");
  }
}
