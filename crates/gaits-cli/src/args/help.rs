//! The parts of the help that no single option says.

macro_rules! examples {
    () => {
        "\
Examples:
  gaits compare                                    race models on a local server
  gaits fetch -i urls.txt -o results.jsonl         fetch a list of URLs
  gaits fetch -m async:50 https://example.com/ --count 100
  gaits run cpu product --n 30 --count 100 -m processes
  gaits run wait 3 2 1 -m async"
    };
}

/// Shown under `-h`.
pub(super) const EXAMPLES: &str = examples!();

/// Shown under `--help`.
pub(super) const LONG: &str = concat!(
    "\
Models (-m, --models), how workers are laid out:
  sequential               one item at a time: one process, one thread
  threads:N                N kernel threads, one item each
  processes:N              N child processes, one item each
  async:N                  one event loop on one thread, up to N items in flight
  threads:T/async:N        T event loops in one process, up to N in flight on each
  processes:P/async:N      P processes, each with one event loop
  processes:P/threads:T    P processes, each with T threads
  async:N/threads:T        one event loop; blocking work is handed to T pool threads
Numbers may be left out. Plain threads are then min(32, cores + 4); processes, and threads
that each run an event loop, one for each core; in flight on an event loop, 100.

`fetch` and `run` write records as JSON Lines, to standard output or to the file given with -o.
`compare` prints its result on standard output, `origin` its URL. Everything else that is said
goes to standard error: how far a run has come (a line that is redrawn on a terminal, elsewhere
a line every 30 s), its summary, and the command that finishes what was left undone. Ctrl-Z
stops a run with its worker processes, and fg continues it.

Exit codes:
  0    every item went well
  1    all items are done, some failed
  2    the command line or the input is wrong; nothing was started
  3    the run could not go on; what was recorded is intact
  4    stopped early on purpose, with items left undone; run it again
  130  interrupted by Ctrl-C or SIGTERM: the first finishes what is in flight, the second
       stops at once

",
    examples!()
);
