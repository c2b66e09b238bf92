// Single items: what is said of one, and how they are found.

import { textOf, type About, type Items } from "./data";
import { bytes, duration, t } from "./text";

/** Items by their place in the columns. */
export type Found = number[];

/** No more are found than that. */
const MOST_FOUND = 5000;

/** An item in words. */
export interface Described {
  title: string;
  /** Why it failed, if it did; it is the first of the facts as well. */
  failure: string | null;
  facts: string[];
}

export function describe(items: Items, about: About, at: number): Described {
  const details = items.details();
  const text = textOf(items, at);
  const kind = items.kind[at];
  const message = details.message[at];
  const failure =
    kind === 0
      ? null
      : [`${t("failed")}: ${about.kinds[kind - 1] ?? "?"}`, about.messages[message - 1]].filter(Boolean).join(", ");
  const status = details.status[at] > 0 ? t("status", { n: details.status[at] }) : "";
  const spent = [t("connect"), t("waiting"), t("receiving"), t("computing")]
    .map((name, phase) => [name, items.phases[phase][at]] as const)
    .filter(([, us]) => us > 0)
    .map(([name, us]) => `${name} ${duration(us)}`);
  const tries = Math.floor(details.tries[at] / 2);
  const facts = [
    failure ?? [t("ok"), status].filter(Boolean).join(", "),
    t("takesTime", { t: duration(items.end[at] - items.start[at]) }),
    spent.join(", "),
    t("startedAt", { t: duration(items.start[at]) }),
    t("inQueue", { t: duration(items.queue[at]) }),
    details.late[at] > 1 ? t("lateBy", { t: duration(details.late[at] - 1) }) : "",
    details.cpu[at] > 0 ? t("cpuTime", { t: duration(details.cpu[at]) }) : "",
    failure != null ? status : "",
    details.bytes[at] > 0 ? t("received", { n: bytes(details.bytes[at]) }) : "",
    details.tries[at] % 2 === 1 ? t("reused") : "",
    tries > 1 ? t("attempts", { n: tries }) : "",
  ];
  return {
    title: [t("item", { n: items.index[at] }), text].filter(Boolean).join(" · "),
    failure,
    facts: facts.filter((fact) => fact !== ""),
  };
}

/** The lane of an item. */
export function laneOf({ lanes }: Items, at: number): number {
  let from = 0;
  let to = lanes.length - 1;
  while (from + 1 < to) {
    const middle = (from + to) >>> 1;
    if (lanes[middle] <= at) from = middle;
    else to = middle;
  }
  return from;
}

/** Who did the items of a lane: all of it, only its thread, or what tells it from its neighbours. */
export function laneName(about: About, lane: number, form: "whole" | "thread" | "short" = "whole"): string {
  const worker = about.lanes[lane]?.[1];
  if (!worker) return t("noWorker");
  const [pid, tid, slot] = worker;
  const slots = about.lanes.some(([, other]) => other && other[2] > 0);
  const threads = about.lanes.some(([, other]) => other && other[0] === pid && other[1] !== tid);
  if (form === "short" && slots) return t("slot", { n: slot });
  const who = threads ? t("thread", { n: tid }) : t("process", { n: pid });
  if (form !== "whole") return who;
  return [t("process", { n: pid }), t("thread", { n: tid }), slots ? t("slot", { n: slot }) : ""]
    .filter(Boolean)
    .join(", ");
}

/** The items that took longest at their workers, the longest first. */
export function slowestOf(items: Items, most: number): number[] {
  const found: number[] = [];
  const length = (at: number) => items.end[at] - items.start[at];
  let least = -1;
  for (let i = 0; i < items.count; i++) {
    if (found.length === most && length(i) <= least) continue;
    let place = found.length;
    while (place > 0 && length(found[place - 1]) < length(i)) place--;
    found.splice(place, 0, i);
    if (found.length > most) found.pop();
    least = length(found[found.length - 1]);
  }
  return found;
}

/** Items by their number in the input; where there is none, by a part of their text or by their kind of failure. */
export function search(items: Items, about: About, query: string): Found {
  const number = /^#?(\d+)$/.exec(query);
  if (number) {
    const wanted = Number(number[1]);
    const found: Found = [];
    for (let i = 0; i < items.count; i++) if (items.index[i] === wanted) found.push(i);
    if (found.length > 0) return found;
  }
  const kinds = new Set(about.kinds.flatMap((kind, at) => (kind.includes(query.toLowerCase()) ? [at + 1] : [])));
  const found = new Set<number>();
  if (kinds.size > 0) {
    for (let i = 0; i < items.count && found.size < MOST_FOUND; i++) if (kinds.has(items.kind[i])) found.add(i);
  }
  inTexts(items, query, found);
  return [...found].sort((a, b) => a - b);
}

/** Adds the items whose text holds `query`, whether its ASCII letters are large or small. */
function inTexts(items: Items, query: string, found: Set<number>): void {
  const { texts, textEnds } = items.details();
  const wanted = new TextEncoder().encode(query).map(small);
  const last = texts.length - wanted.length;
  let item = 0;
  for (let at = 0; at <= last && found.size < MOST_FOUND; at++) {
    if (small(texts[at]) !== wanted[0]) continue;
    let same = 1;
    while (same < wanted.length && small(texts[at + same]) === wanted[same]) same++;
    if (same < wanted.length) continue;
    while (textEnds[item] <= at) item++;
    if (at + wanted.length > textEnds[item]) continue;
    found.add(item);
    at = textEnds[item] - 1;
  }
}

function small(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

