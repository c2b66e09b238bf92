#!/usr/bin/env bash
# Runs the walkthrough's experiments and writes docs/walkthrough.md anew, with their real output. It takes some five
# minutes, most of them waiting. Needs nothing but a Rust toolchain; three ports of the loopback
# address, 8230 to 8232.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --quiet --package gaits-cli
gaits="$PWD/target/release/gaits"
page="$PWD/docs/walkthrough.md"
scratch=$(mktemp -d)
cd "$scratch"
origins=()
trap 'kill "${origins[@]}" 2>/dev/null || true; rm -rf "$scratch"' EXIT

# Starts an origin and waits until it has told its URL.
origin() {
    mkfifo "url.$1"
    "$gaits" origin --port "$1" --quiet "${@:2}" > "url.$1" &
    origins+=($!)
    read -r url < "url.$1"
    echo "origin: $url"
}

say() { cat >> next.md; }

# Shows a command and what it prints. An exit code other than 0 is shown too.
show() {
    echo "+ $*"
    {
        printf '\n```console\n$ %s\n' "$*"
        status=0
        PATH="$(dirname "$gaits"):$PATH" bash -c "$*" 2>&1 || status=$?
        [ "$status" = 0 ] || printf '(exit code %s)\n' "$status"
        printf '```\n'
    } >> next.md
}

origin 8230 --latency 230ms
origin 8231 --tls --ca-out ca.pem
origin 8232 --latency 100ms --capacity 20

say <<'END'
# A walkthrough: the tutorials' experiments, done again

Tutorials on concurrency run the same few programs: a hundred requests one at a time, on threads, on processes, with an
event loop; a computation; a few waits. Here is each of them as one `gaits` command, with what it printed. Nothing in the
output is edited; `docs/walkthrough.sh` writes this page anew.

The servers are three `gaits origin` on the loopback address. The first takes 230 ms for each request, about what the
tutorials' servers took over the internet. The second answers at once, over TLS. The third takes 100 ms, and serves at most
twenty requests at the same time:

```console
$ gaits origin --port 8230 --latency 230ms &
$ gaits origin --port 8231 --tls --ca-out ca.pem &
$ gaits origin --port 8232 --latency 100ms --capacity 20 &
```

## One at a time

The loop that everybody starts with. It waits for each answer before it asks the next question.
END
show "gaits fetch -m sequential http://127.0.0.1:8230/uuid --count 20 -o loop.jsonl"
say <<'END'

Twenty requests take twenty times 230 ms. Nearly all of this time is waiting. The other ways on this page are faster because
they wait for many requests at the same time.

## A new session each time, or one session

`requests.get` opens a connection for each request, `requests.Session` keeps one. `gaits` keeps one, too, unless `--session
none` says otherwise. Over TLS, with the server that answers at once:
END
show "gaits fetch -m sequential --session none --cacert ca.pem https://localhost:8231/uuid --count 100 -o new.jsonl"
show "gaits fetch -m sequential --cacert ca.pem https://localhost:8231/uuid --count 100 -o kept.jsonl"
say <<'END'

The difference is the handshake: a hundred of them, or one. On the loopback address a handshake costs little more than its
cryptography. Over a real distance it also costs two or three round trips.

## One session for all, or one for each worker

On an event loop, all workers share one session, as all coroutines share one `ClientSession` in aiohttp. Over HTTP/2 one
connection carries many requests at the same time, so a hundred requests in flight need only one connection. (Over HTTP/1.1 a
connection carries one request at a time, so each request in flight needs a connection of its own.)
END
show "gaits fetch -m async:100 --cacert ca.pem https://localhost:8231/uuid --count 100 -o shared.jsonl"
say <<'END'

With `--session worker` each of the hundred workers has connections and cookies of its own:
END
show "gaits fetch -m async:100 --session worker --cacert ca.pem https://localhost:8231/uuid --count 100 -o apart.jsonl"
say <<'END'

Only a worker that got a second request could use its connection again. Separate sessions are for work where workers must
not share anything: for example, if each of them stands for another visitor, with cookies of its own.

## A hundred requests, four ways
END
show "gaits compare http http://127.0.0.1:8230/uuid --count 100 --models sequential,threads:10,processes:4,async:100 --budget 60s"
say <<'END'

Six rounds of a hundred requests one at a time would take more than two minutes, so all ways raced on the first requests of the list. No
way can be faster than 230 ms, the time of one request. `async:100` sends all of them at once and comes close to it. Ten threads send
ten at a time, four processes four at a time. Only the number of requests in flight matters here. A waiting thread does no more
than a waiting task; it just uses more memory.

## Ten threads, or a hundred
END
show "gaits compare http http://127.0.0.1:8230/uuid --count 100 --models threads:10,threads:100,async:100 --budget 20s"
say <<'END'

A hundred threads take about as long as one event loop. They use more CPU time and memory for it, as the columns show.

## More threads, until it gets no faster

"Use a suitable number", the tutorials say. The right number depends on the server. This one serves twenty requests at once,
and the rest queue:
END
show "gaits compare http http://127.0.0.1:8232/uuid --count 200 --models threads:5,threads:10,threads:20,threads:40,threads:80 --budget 60s"
say <<'END'

Up to twenty, twice as many threads are twice as fast. More than twenty are no faster: their requests only wait in the
server's queue, so each takes longer, as p50 and p99 show. The right number is twenty. No rule of thumb would have found it.

## Which process and which thread did what
END
show "gaits fetch -m processes:2/threads:2 http://127.0.0.1:8230/uuid --count 8 --quiet | grep -o '\"index\":[0-9]*\\|\"worker\":{[^}]*}' | paste - -"
show "gaits fetch -m async:8 http://127.0.0.1:8230/uuid --count 8 --quiet | grep -o '\"index\":[0-9]*\\|\"worker\":{[^}]*}' | paste - -"
say <<'END'

The first run had four workers: two processes with two threads each. In the second run one thread did all eight requests at
the same time, each in a slot of its event loop. Every record has such a `worker`: its process, its thread and its slot.

## Waits: a timer and a sleep
END
show "gaits run wait 3 2 1 -m sequential -o a.jsonl"
show "gaits run wait 3 2 1 -m async -o b.jsonl"
show "gaits run wait 3 2 1 -m async --blocking -o c.jsonl"
say <<'END'

One after the other takes six seconds, all together three. It takes six again when async code calls a function that blocks:
then the event loop's only thread sleeps, and all other items have to wait for it. It is a common mistake in async programs.

## A blocking function under an event loop

The cure is a pool of threads that the loop hands such calls to, `run_in_executor` in Python:
END
show "gaits compare wait --blocking --for 200ms --count 10 --models async:10,async:10/threads:5,threads:5 --budget 20s"
say <<'END'

Five threads sleep five at a time, with or without a loop before them.

## A computation
END
show "gaits compare cpu product --n 30 --count 40 --models sequential,threads:2,threads:10,processes:2,async:10 --budget 60s"
say <<'END'

There is no interpreter lock here, so threads use the cores as well as processes do. The machine has two cores; more workers
than cores add nothing. An event loop does not help at all: a computation never waits, so the loop has no time to fill.

## Both at once: processes, each with an event loop
END
show "gaits compare http http://127.0.0.1:8230/uuid --count 400 --models async:100,processes:2/async:100,threads:2/async:100 --budget 20s"
say <<'END'

Two loops have twice as many requests in flight, and take half as long. One loop with two hundred in flight would do the same.
A second process helps only when the *client's* CPU is the limit, and 400 small requests need very little of it.

## A field of the answer
END
show "gaits fetch http://127.0.0.1:8230/uuid --count 2 --extract uuid=/uuid --quiet"
say <<'END'

Often the task is to collect data. The record has the field, the size, the status, and a hash of the body.

## Nine requests to a dead host

One tutorial reports nine downloads in 0.003 s. All nine had failed, and its program ignored the errors. Here is the same with
`gaits`:
END
show "gaits fetch http://127.0.0.1:9/a http://127.0.0.1:9/b http://127.0.0.1:9/c --count 9 -o dead.jsonl"
show "head -n 1 dead.jsonl"
show "gaits compare http http://127.0.0.1:9/ --count 9 --models sequential,async --budget 5s"
say <<'END'

The summary begins with the nine failures, and a script can see them in the exit code. In a race where everything fails nobody is
fast, however quick it was.

## One run proves little

Every comparison on this page ran each model in a process of its own, in six rounds or more, each round in another order drawn from the
seed it prints, after one round to warm up. A ratio comes with the interval in which it lies. What can't be told from so many
rounds is called undecided, with how many more would tell. `gaits compare` alone answers two questions on a server of its own: which
of the usual ways is fastest, and whether the way matters at all if all have equally many requests in flight.
END
show "gaits compare --seed 1"

mv next.md "$page"
echo "wrote docs/walkthrough.md"
