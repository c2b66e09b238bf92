// The data of a page: what docs/design/page.md describes, checked and unpacked.

export interface Interval {
  estimate: number;
  low: number;
  high: number;
}

/** A text in each language of the page. */
export interface Said {
  en: string;
  ko: string;
}

export interface Row {
  name: string;
  relation: "best" | "equal" | "slower" | "undecided" | "not_ranked";
  reason: string | null;
  ratio_to_best: Interval | null;
  more_rounds: number | null;
  wall_s: { median: number; low: number | null; high: number | null } | null;
  typical_s: Interval | null;
  walls_s: number[];
  cpu_s: number;
  peak_memory_bytes: number;
  items_per_second: number | null;
  mean_in_flight: number | null;
  latency_s: { p50: number | null; p99: number | null; max: number | null };
  items: number;
  ok: number;
  failed: Record<string, number>;
}

export interface Comparison {
  work: string;
  items: number;
  all_items: number;
  rounds: number;
  seed: number;
  margin: number;
  confidence: number;
  models: Row[];
  outliers: { model: string; round: number; times: number }[];
  verdict: { best: string[] };
}

export interface Sums {
  model: string;
  latency: [number, number][];
  latencies: number;
  of_failed: boolean;
  at_work_us: number;
  cpu_us: number;
  queued_us: number;
  connect_us: number;
  waiting_us: number;
  receiving_us: number;
}

export type Lane = [run: number, worker: [pid: number, tid: number, slot: number] | null];

export interface About {
  counts: { records: number; failures: number; impossible: number };
  drawn: number;
  every: number;
  every_failure: number;
  without_text: number;
  end_us: number;
  offsets_us: number[];
  lanes: Lane[];
  kinds: string[];
  messages: string[];
  bin_us: number;
  bins: [number, number, number, number][];
}

export interface RunData {
  model: string;
  round: number | null;
  wall_us: number;
  about: About;
  timeline: number;
}

export interface Summary {
  model: string;
  layout: string;
  items: number;
  ok: number;
  failed: [kind: string, count: number, message: string][];
  wall_us: number;
  bytes: number;
  retries: number;
  pauses: number;
  p50_us: number | null;
  p90_us: number | null;
  p99_us: number | null;
  max_us: number | null;
  mean_in_flight: number | null;
  items_per_second: number | null;
  connections_opened: number;
  processes: number;
  threads: number;
}

export interface SweptPoint {
  workers: number;
  in_flight: number | null;
  throughput: number;
  low: number | null;
  high: number | null;
  p50_us: number | null;
  p99_us: number | null;
  errors: number;
}

export interface Law {
  gamma: number;
  alpha: number;
  beta: number;
  peak_n: number | null;
  peak_x: number | null;
}

export interface SweptModel {
  name: string;
  points: SweptPoint[];
  law: Law | null;
  recommended: number | null;
  remarks: Said[];
}

export interface RaceView {
  kind: "race";
  question: Said | null;
  comparison: Comparison;
  said: { verdict: Said; why: Said; remarks: Said[] };
  is_http: boolean;
  more: Sums[];
  runs: RunData[];
}

export interface RunView {
  kind: "run";
  name: string;
  sentence: Said;
  summary: Summary;
  more: Sums[];
  runs: RunData[];
}

export interface SweepView {
  kind: "sweep";
  models: SweptModel[];
  sentence: Said;
}

export type View = RaceView | RunView | SweepView;

export interface PageData {
  format: number;
  command: string | null;
  run_by: string | null;
  measured: string | null;
  gaits: string | null;
  machine: Said[];
  notices: Said[];
  views: View[];
}

/** The form of data that this program reads. */
const FORMAT = 2;

/** What stands in the page; throws if that is cut off or of another form. */
export function readPage(text: string): PageData {
  const data = JSON.parse(text) as PageData;
  if (data.format !== FORMAT || !Array.isArray(data.views)) throw new Error("another form");
  return data;
}

/** The phases of an item at its worker, in order. */
export const PHASES = 4;

/** The items of a run, by lane and then by time. Times are in microseconds. */
export interface Items {
  count: number;
  /** Whether these are all items that have possible times. */
  whole: boolean;
  index: Float64Array;
  /** Where the items of each lane begin, and the end of the last. */
  lanes: Uint32Array;
  start: Float64Array;
  end: Float64Array;
  phases: Float32Array[];
  queue: Float32Array;
  /** 0 for those that went well. */
  kind: Uint8Array;
  /** What only a single item is asked for. */
  details: () => Details;
}

export interface Details {
  /** 0, or one more than how late it was started. */
  late: Float64Array;
  cpu: Float64Array;
  message: Float64Array;
  status: Float64Array;
  bytes: Float64Array;
  tries: Float64Array;
  textEnds: Uint32Array;
  texts: Uint8Array;
}

/** Bytes from base64; throws if it is none. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = Uint8Array as unknown as {
    fromBase64?: (text: string) => Uint8Array<ArrayBuffer>;
  };
  if (native.fromBase64) return native.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

/** The columns as they stand behind their lengths. */
export function split(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const columns = [];
  let at = 0;
  while (at < bytes.length) {
    const end = at + 4 + view.getUint32(at, true);
    if (end > bytes.length) throw new Error("cut off");
    columns.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return columns;
}

/** Reads as many numbers as `out` has room for; throws if there are not just as many. */
export function numbers<A extends { length: number; [at: number]: number }>(column: Uint8Array, out: A): A {
  let at = 0;
  const end = column.length;
  for (let i = 0; i < out.length; i++) {
    if (at >= end) throw new Error("cut off");
    let byte = column[at++];
    let number = byte & 0x7f;
    // Shifts would cut a number to 32 bits.
    let scale = 128;
    while (byte >= 0x80) {
      byte = column[at++];
      number += (byte & 0x7f) * scale;
      scale *= 128;
    }
    out[i] = number;
  }
  if (at !== end) throw new Error("too long");
  return out;
}

/** Sums up steps, which stand there in zigzag. */
export function steps(column: Uint8Array, out: Float64Array): Float64Array {
  numbers(column, out);
  let sum = 0;
  for (let i = 0; i < out.length; i++) {
    const step = out[i];
    sum += step % 2 === 1 ? -(step + 1) / 2 : step / 2;
    out[i] = sum;
  }
  return out;
}

/** The items in unpacked bytes; throws if they aren't what `about` says. */
export function itemsOf(bytes: Uint8Array, about: About): Items {
  const columns = split(bytes);
  if (columns.length !== 17) throw new Error("another form");
  const count = about.drawn;
  const laneSteps = numbers(columns[1], new Float64Array(count));
  const lanes = new Uint32Array(about.lanes.length + 1);
  let lane = 0;
  for (let i = 0; i < count; i++) {
    for (let step = laneSteps[i]; step > 0; step--) lanes[++lane] = i;
  }
  while (lane < about.lanes.length) lanes[++lane] = count;
  if (lanes[about.lanes.length] !== count) throw new Error("more lanes than there are");
  const start = steps(columns[2], new Float64Array(count));
  const phases = [3, 4, 5, 6].map((at) => numbers(columns[at], new Float32Array(count)));
  const end = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    end[i] = start[i] + phases[0][i] + phases[1][i] + phases[2][i] + phases[3][i];
  }
  let details: Details | null = null;
  const column = (at: number) => numbers(columns[at], new Float64Array(count));
  return {
    count,
    whole: about.every === 1 && about.every_failure === 1,
    index: steps(columns[0], new Float64Array(count)),
    lanes,
    start,
    end,
    phases,
    queue: numbers(columns[7], new Float32Array(count)),
    kind: numbers(columns[10], new Uint8Array(count)),
    details: () => {
      if (details) return details;
      const lengths = column(15);
      const textEnds = new Uint32Array(count);
      let sum = 0;
      for (let i = 0; i < count; i++) textEnds[i] = sum += lengths[i];
      return (details = {
        late: column(8),
        cpu: column(9),
        message: column(11),
        status: column(12),
        bytes: column(13),
        tries: column(14),
        textEnds,
        texts: columns[16],
      });
    },
  };
}

/** Unpacks what the element of a run holds. */
export async function unpack(text: string, about: About): Promise<Items> {
  return itemsOf(await gunzip(fromBase64(text)), about);
}

/** The text of an item; empty if it was left out. */
export function textOf(items: Items, at: number): string {
  const { textEnds, texts } = items.details();
  return new TextDecoder().decode(texts.subarray(at === 0 ? 0 : textEnds[at - 1], textEnds[at]));
}
