// Words and numbers, in English and Korean.

import type { Comparison, Row, Said } from "./data";

export type Language = "en" | "ko";

const english = {
  race: "The race",
  raceHow:
    "Each dot is one round. The bar is where the typical time lies, with {confidence} confidence; the line in it is the estimate. Further left is faster.",
  raceHowLog: " The scale is logarithmic: each step to the right is so many times as long.",
  timeline: "Timeline",
  timelineHow:
    "Each row is a worker: a process, a thread, or a slot of an event loop. Each bar is an item, coloured by what its time went into. All models share one time axis. The curve above the rows is how many items were in flight.",
  timelineKeys:
    "Drag to move, Ctrl + wheel or pinch to zoom. Keys: ← → move, + − zoom, 0 all, [ ] previous and next item, F next failure, S next slow item, / find, Esc let go.",
  onlyCpu:
    " Of these items only the CPU time is known: it is drawn at the end of each bar, behind all waits, those for a core among them.",
  latency: "Latency",
  latencyHow:
    "At each height, the share of items that were done within the time below it. A curve further left is faster; a long way to the right at the top is a slow tail.",
  latencyFailed: "All items of {models} failed: these latencies are of failures.",
  where: "Where the time went",
  whereHow:
    "The time of all items at their workers, by phase. What is long here is what to look at; the time in the queue before that is not part of it.",
  table: "All figures",
  tableHow: "Medians over the rounds; percentiles over all items of all rounds.",
  sweep: "Throughput against workers",
  sweepHow:
    "Each dot is what was measured with so many workers; the line through it is its interval. The curve is the law that fits best: solid where it was measured, dashed where it is a guess.",
  repeat: "Repeat it",
  repeatHow: "This command runs the same again.",
  runBy: "How it was run",
  runByHow: "Items of the command line and secrets are left out.",
  copy: "Copy",
  copied: "Copied",
  run: "The run",
  queued: "queued",
  connect: "connecting",
  waiting: "waiting",
  receiving: "receiving",
  computing: "computing",
  failed: "failed",
  ok: "ok",
  model: "model",
  takes: "takes",
  against: "against the best",
  rate: "items/s",
  cpu: "CPU",
  memory: "memory",
  failures: "failed",
  notRanked: "not ranked",
  undecided: "too few rounds to tell",
  equal: "equal within {margin}",
  workers: "workers",
  throughput: "items a second",
  errors: "failed",
  recommended: "recommended: {n}",
  measured: "measured",
  law: "law",
  interval: "interval",
  round: "round {n}",
  items: "{n} items",
  item: "item {n}",
  inFlight: "up to {n} in flight",
  show: "Show every worker",
  hide: "Fewer rows",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  whole: "Show all",
  find: "Find an item",
  findHow: "number, text or error",
  found: "{at} of {n}",
  foundNone: "nothing found",
  next: "Next",
  previous: "Previous",
  slowest: "The slowest items",
  failedItems: "Items that failed",
  more: "{n} more",
  process: "process {n}",
  thread: "thread {n}",
  slot: "slot {n}",
  noWorker: "no worker saw it",
  takesTime: "took {t}",
  startedAt: "started at {t}",
  inQueue: "{t} in the queue",
  lateBy: "started {t} late",
  cpuTime: "{t} of CPU time",
  attempts: "{n} attempts",
  status: "status {n}",
  reused: "connection reused",
  received: "{n} received",
  dark: "Dark",
  light: "Light",
  otherLanguage: "한국어",
  broken: "The data in this page is incomplete or damaged, so no picture is drawn. Write the page again.",
  brokenRun: "The items of this run can't be shown: the data is incomplete or damaged.",
  noUnpacking: "This browser can't unpack the timeline (it has no DecompressionStream). A newer one can.",
  unpacking: "Unpacking the items…",
  nothing: "There are no records, so there is nothing to draw.",
  noRuns: "There are no records of the runs, so their items can't be drawn.",
  decimated:
    "{records} items are too many for a page: of those that went well, one of {every} is drawn, so rows look emptier than they were, and no time in the queue is drawn. Everything that failed and the slowest are drawn, and the curve counts all.",
  decimatedFailures:
    "{records} items are too many for a page: one of {every} that went well and one of {everyFailure} that failed are drawn, so rows look emptier than they were, and no time in the queue is drawn. The curve counts all.",
  withoutText: "The texts of {n} items are left out, to keep the page small.",
  impossible: "{n} records have times that can't be, and are not drawn.",
  unknownModel: "unknown model",
  failuresWide:
    "A failure is at least one pixel wide and hides what is beside it, so {failed} of {records} look like more than they are.",
  severalRuns: "The file holds {n} runs. They are drawn one behind the other; the time between them is left out.",
  outlier: "Round {round} of {model} took {times} times as long as its others. It counts all the same.",
  shortened: "All models raced on the first {n} of {all} items.",
  remarks: "{n} remarks on what was measured",
  about: "{items} items, {rounds} rounds, seed {seed}",
  perItem: "{t} an item",
  wall: "wall time",
  layout: "workers",
  bytes: "received",
  connections: "connections opened",
  mean: "in flight on average",
  seenIn: "{p} processes, {t} threads",
  retries: "tries that failed and were followed by another",
  pauses: "hosts asked to be left alone",
  latencyAxis: "latency",
  shareAxis: "share of items",
  timelineLabel: "Timeline of {n} items in {m} rows",
  selectedNone: "No item is chosen.",
  written: "Measured {when} with gaits {version}.",
};

export type Key = keyof typeof english;

const korean: Record<Key, string> = {
  race: "경주",
  raceHow:
    "점 하나가 한 라운드입니다. 막대는 보통 걸리는 시간이 있는 구간(신뢰도 {confidence})이고, 그 안의 선이 추정값입니다. 왼쪽일수록 빠릅니다.",
  raceHowLog: " 눈금은 로그 눈금입니다. 오른쪽으로 한 칸마다 몇 배씩 길어집니다.",
  timeline: "타임라인",
  timelineHow:
    "한 줄이 워커 하나(프로세스, 스레드, 또는 이벤트 루프의 슬롯)입니다. 막대 하나가 항목 하나이고, 색은 시간을 어디에 썼는지를 나타냅니다. 모든 모델이 같은 시간축을 씁니다. 줄 위의 곡선은 동시에 진행 중인 항목 수입니다.",
  timelineKeys:
    "끌면 이동하고, Ctrl + 휠이나 두 손가락으로 확대합니다. 키: ← → 이동, + − 확대·축소, 0 전체, [ ] 이전·다음 항목, F 다음 실패, S 다음 느린 항목, / 찾기, Esc 선택 해제.",
  onlyCpu:
    " 이 항목들은 CPU 시간만 알 수 있습니다. CPU 시간은 막대의 끝에, 코어를 기다린 시간을 포함한 모든 기다림 뒤에 그립니다.",
  latency: "지연 시간",
  latencyHow:
    "높이마다, 아래 시간 안에 끝난 항목의 비율입니다. 곡선이 왼쪽에 있을수록 빠르고, 맨 위에서 오른쪽으로 길게 뻗으면 느린 꼬리가 있는 것입니다.",
  latencyFailed: "{models}: 모든 항목이 실패했습니다. 실패한 항목의 지연 시간입니다.",
  where: "시간을 어디에 썼나",
  whereHow:
    "모든 항목이 워커에서 보낸 시간을 단계별로 나눈 것입니다. 가장 긴 부분부터 살펴보세요. 그 전에 대기열에서 기다린 시간은 들어 있지 않습니다.",
  table: "모든 수치",
  tableHow: "라운드들의 중앙값입니다. 백분위수는 모든 라운드의 모든 항목에서 구했습니다.",
  sweep: "워커 수에 따른 처리량",
  sweepHow:
    "점은 그 워커 수로 측정한 값이고, 점을 지나는 세로선은 구간입니다. 곡선은 가장 잘 맞는 법칙이며, 측정한 범위는 실선, 그 너머의 추측은 점선입니다.",
  repeat: "다시 해 보기",
  repeatHow: "이 명령이 같은 것을 다시 실행합니다.",
  runBy: "실행한 명령",
  runByHow: "명령줄의 항목과 비밀은 뺐습니다.",
  copy: "복사",
  copied: "복사했습니다",
  run: "실행",
  queued: "대기열",
  connect: "연결",
  waiting: "기다림",
  receiving: "수신",
  computing: "계산",
  failed: "실패",
  ok: "성공",
  model: "모델",
  takes: "걸린 시간",
  against: "가장 빠른 것 대비",
  rate: "항목/초",
  cpu: "CPU",
  memory: "메모리",
  failures: "실패",
  notRanked: "순위 없음",
  undecided: "라운드가 모자라 알 수 없음",
  equal: "{margin} 안에서 같음",
  workers: "워커",
  throughput: "초당 항목",
  errors: "실패",
  recommended: "추천: {n}",
  measured: "측정",
  law: "법칙",
  interval: "구간",
  round: "라운드 {n}",
  items: "항목 {n}개",
  item: "항목 {n}",
  inFlight: "동시에 최대 {n}개",
  show: "모든 워커 보기",
  hide: "줄 줄이기",
  zoomIn: "확대",
  zoomOut: "축소",
  whole: "전체 보기",
  find: "항목 찾기",
  findHow: "번호, 글자 또는 오류",
  found: "{n}개 중 {at}번째",
  foundNone: "찾지 못했습니다",
  next: "다음",
  previous: "이전",
  slowest: "가장 느린 항목",
  failedItems: "실패한 항목",
  more: "외 {n}개",
  process: "프로세스 {n}",
  thread: "스레드 {n}",
  slot: "슬롯 {n}",
  noWorker: "어느 워커도 받지 않음",
  takesTime: "{t} 걸림",
  startedAt: "{t}에 시작",
  inQueue: "대기열에서 {t}",
  lateBy: "{t} 늦게 시작",
  cpuTime: "CPU 시간 {t}",
  attempts: "{n}번 시도",
  status: "상태 {n}",
  reused: "연결 재사용",
  received: "{n} 수신",
  dark: "어둡게",
  light: "밝게",
  otherLanguage: "English",
  broken: "이 페이지의 데이터가 불완전하거나 손상되어 그림을 그리지 않습니다. 페이지를 다시 만드세요.",
  brokenRun: "이 실행의 항목을 보일 수 없습니다. 데이터가 불완전하거나 손상되었습니다.",
  noUnpacking: "이 브라우저에는 DecompressionStream이 없어 타임라인을 풀 수 없습니다. 더 새로운 브라우저를 쓰세요.",
  unpacking: "항목을 푸는 중…",
  nothing: "기록이 없어 그릴 것이 없습니다.",
  noRuns: "실행의 기록이 없어 항목을 그릴 수 없습니다.",
  decimated:
    "항목 {records}개는 한 페이지에 너무 많습니다. 성공한 항목은 {every}개 중 하나만 그리므로 줄이 실제보다 비어 보이고, 대기열에서 보낸 시간은 그리지 않습니다. 실패한 항목과 가장 느린 항목은 모두 그리고, 곡선은 전부를 셉니다.",
  decimatedFailures:
    "항목 {records}개는 한 페이지에 너무 많습니다. 성공은 {every}개 중 하나, 실패는 {everyFailure}개 중 하나만 그리므로 줄이 실제보다 비어 보이고, 대기열에서 보낸 시간은 그리지 않습니다. 곡선은 전부를 셉니다.",
  withoutText: "페이지를 작게 하려고 항목 {n}개의 글자를 뺐습니다.",
  impossible: "기록 {n}개는 시간이 있을 수 없는 값이라 그리지 않았습니다.",
  unknownModel: "모델 알 수 없음",
  failuresWide:
    "실패는 적어도 1픽셀로 그려 옆의 것을 가리므로, {records}개 중 {failed}개가 실제보다 많아 보입니다.",
  severalRuns: "파일에 실행이 {n}개 있습니다. 차례로 이어서 그리고, 그 사이의 시간은 뺐습니다.",
  outlier: "{model}의 라운드 {round}은(는) 다른 라운드보다 {times}배 오래 걸렸습니다. 그래도 함께 셉니다.",
  shortened: "모든 모델이 항목 {all}개 중 처음 {n}개로 경주했습니다.",
  remarks: "측정에 대해 알아 둘 점 {n}가지",
  about: "항목 {items}개, 라운드 {rounds}번, 시드 {seed}",
  perItem: "항목당 {t}",
  wall: "전체 시간",
  layout: "워커 배치",
  bytes: "수신",
  connections: "새로 연 연결",
  mean: "동시에 진행 중(평균)",
  seenIn: "프로세스 {p}개, 스레드 {t}개",
  retries: "실패해서 다시 한 시도",
  pauses: "호스트가 쉬어 달라고 한 횟수",
  latencyAxis: "지연 시간",
  shareAxis: "항목 비율",
  timelineLabel: "항목 {n}개를 {m}줄에 그린 타임라인",
  selectedNone: "선택한 항목이 없습니다.",
  written: "{when}에 gaits {version}(으)로 측정했습니다.",
};

const words = { en: english, ko: korean };

let language: Language = "en";

/** The reader's language, as far as this page knows it. */
export function preferred(languages: readonly string[]): Language {
  const first = languages.find((one) => /^(en|ko)\b/i.test(one));
  return first && /^ko/i.test(first) ? "ko" : "en";
}

export function speak(chosen: Language): void {
  language = chosen;
}

export function spoken(): Language {
  return language;
}

/** A text in the chosen language, with its gaps filled. */
export function t(key: Key, gaps: Record<string, string | number> = {}): string {
  return words[language][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in gaps ? String(gaps[name]) : whole,
  );
}

/** What stands in place of what is not known. */
export const NOTHING = "–";

/** Three digits, without an exponent. */
export function number(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  if (value === 0) return "0";
  const digits = Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toLocaleString("en", { minimumFractionDigits: 0, maximumFractionDigits: digits });
}

export function count(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  return Math.round(value).toLocaleString("en");
}

function fixed(value: number): string {
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return value.toFixed(digits);
}

/** A time, given in microseconds. */
export function duration(us: number | null | undefined): string {
  if (us == null || !Number.isFinite(us)) return NOTHING;
  if (us < 0) return `−${duration(-us)}`;
  if (us < 999.5) return `${us < 9.995 && us % 1 !== 0 ? us.toFixed(1) : Math.round(us)} µs`;
  if (us < 999_500) return `${fixed(us / 1e3)} ms`;
  if (us < 59_995_000) return `${fixed(us / 1e6)} s`;
  const seconds = Math.round(us / 1e6);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${count(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** A time as a mark on an axis: as many digits as the step between marks needs. */
export function mark(us: number, step: number): string {
  const [unit, size] = step >= 1e6 || us >= 60e6 ? ["s", 1e6] : step >= 1e3 || us >= 100e3 ? ["ms", 1e3] : ["µs", 1];
  if (us === 0) return "0";
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step / size) - 1e-9)));
  return `${(us / size).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`;
}

export function bytes(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return `${at === 0 ? value : fixed(value)} ${units[at]}`;
}

export function percent(share: number): string {
  if (!Number.isFinite(share)) return NOTHING;
  const value = share * 100;
  if (value > 0 && value < 1) return "<1 %";
  return `${number(value >= 10 ? Math.round(value) : value)} %`;
}

function times(value: number | null): string {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  return value >= 9.95 ? number(Math.round(value)) : value >= 1.995 ? value.toFixed(1) : value.toFixed(2);
}

/** How many times as long as the best: `1.19× (1.15–1.23)`. */
export function ratio(row: Row): string {
  const bounds = row.ratio_to_best;
  if (!bounds) return NOTHING;
  return `${times(bounds.estimate)}× (${times(bounds.low)}–${times(bounds.high)})`;
}

/** A text of the data in the chosen language. */
export function said(text: Said): string {
  return text[language];
}

/** A sentence of the data in the chosen language: it begins with a capital letter, unless it begins with a name, and ends with a full stop. */
export function sentence(text: Said, comparison?: Comparison): string {
  const words = said(text);
  const named = comparison?.models.some((row) => words.startsWith(row.name));
  const begun = named ? words : words.slice(0, 1).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(begun) || begun === "" ? begun : `${begun}.`;
}

/** A text whose intervals and units are not broken into lines. */
export function whole(text: string): string {
  return text.replace(/(\d)–(\d)/g, "$1\u2060–\u2060$2").replace(/(\d) (µs|ms|s|%|kB|MB|GB)(?=\W|$)/g, "$1\u00a0$2");
}
