// What a reader has to know about the items that are drawn.

import type { RunData } from "./data";
import { count, t } from "./text";

/** What a reader has to know about the items of these runs. */
export function remarks(runs: RunData[]): string[] {
  const said = new Set<string>();
  for (const { about } of runs) {
    const { counts, every, every_failure, without_text, offsets_us } = about;
    const records = count(counts.records);
    if (every_failure > 1) {
      said.add(t("decimatedFailures", { records, every: count(every), everyFailure: count(every_failure) }));
    } else if (every > 1) said.add(t("decimated", { records, every: count(every) }));
    if (without_text > 0) said.add(t("withoutText", { n: count(without_text) }));
    if (counts.impossible > 0) said.add(t("impossible", { n: count(counts.impossible) }));
    if (about.drawn > 20_000 && counts.failures > 200) {
      said.add(t("failuresWide", { failed: count(counts.failures), records }));
    }
    if (offsets_us.length > 1) said.add(t("severalRuns", { n: count(offsets_us.length) }));
  }
  return [...said];
}

