#!/usr/bin/env bash
# Runs the walkthrough's experiments and writes docs/walkthrough.md anew, with their real output. It takes some five
# minutes, most of them waiting. Needs nothing but a Rust toolchain; two ports of the loopback address, 8230 and 8231.
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

say <<'END'
# A walkthrough: the tutorials' experiments, done again

Tutorials on concurrency run the same few programs: a hundred requests one at a time, on threads, on processes, with an
event loop; a computation; a few waits. Here is each of them as one `gaits` command, with what it printed. Nothing in the
output is edited; `docs/walkthrough.sh` writes this page anew.

The server is a `gaits origin` on the loopback address that takes 230 ms for each request, about what the tutorials' servers
took over the internet:

```console
$ gaits origin --port 8230 --latency 230ms &
$ gaits origin --port 8231 --tls --ca-out ca.pem &
```

## One at a time

The loop that everybody starts with. It waits for each answer before it asks the next question.
END
show "gaits fetch -m sequential http://127.0.0.1:8230/uuid --count 20 -o loop.jsonl"
say <<'END'

Twenty requests, twenty times 230 ms, and next to no CPU time: all of it is waiting. That is what every other way on this
page makes use of.

## A new session each time, or one session

`requests.get` opens a connection for each request, `requests.Session` keeps one. Over TLS, with a server that
answers at once:
END
show "gaits fetch -m sequential --session none --cacert ca.pem https://localhost:8231/uuid --count 100 -o new.jsonl"
show "gaits fetch -m sequential --session worker --cacert ca.pem https://localhost:8231/uuid --count 100 -o kept.jsonl"
say <<'END'

The difference is the handshake, paid a hundred times or once. On the loopback address it is the cryptography alone; over a
real distance each handshake also costs two or three round trips.

## A hundred requests, four ways
END
show "gaits compare http http://127.0.0.1:8230/uuid --count 100 --models sequential,threads:10,processes:4,async:100 --rounds 2"
say <<'END'

The limit is 230 ms, the time of one request: `async:100` asks all hundred at once and is nearly there. Ten threads wait ten
at a time, so they take ten times as long; four processes four at a time. How many are waited for at once is what counts here,
not what waits: a thread that waits is no better than an entry in an event loop's list, only larger.

## Ten threads, or a hundred
END
show "gaits compare http http://127.0.0.1:8230/uuid --count 100 --models threads:10,threads:100,async:100 --rounds 3"
say <<'END'

A hundred threads do what one event loop does. What they cost beyond it is in the column CPU.

## More threads, until it gets no faster

"Use a suitable number", the tutorials say. Which number that is, is the server's to say. This one serves twenty requests at
once, and the rest queue:
END
origin 8232 --latency 100ms --capacity 20
show "gaits compare http http://127.0.0.1:8232/uuid --count 200 --models threads:5,threads:10,threads:20,threads:40,threads:80 --rounds 3"
say <<'END'

Twice as fast with twice as many, up to twenty; beyond that, requests only wait in the server's queue instead of here, which
p50 and p99 show. The suitable number is twenty, and no rule of thumb would have found it.

## Which process and which thread did what
END
show "gaits fetch -m processes:2/threads:2 http://127.0.0.1:8230/uuid --count 8 --quiet | grep -o '\"index\":[0-9]*\\|\"worker\":{[^}]*}' | paste - -"
show "gaits fetch -m async:8 http://127.0.0.1:8230/uuid --count 8 --quiet | grep -o '\"index\":[0-9]*\\|\"worker\":{[^}]*}' | paste - -"
say <<'END'

Two processes with two threads each, four workers; and one thread that did all eight, none of them in sequence. Every
record says so: `worker` is part of it.

## Waits: a timer and a sleep
END
show "gaits run wait 3 2 1 -m sequential -o a.jsonl"
show "gaits run wait 3 2 1 -m async -o b.jsonl"
show "gaits run wait 3 2 1 -m async --blocking -o c.jsonl"
say <<'END'

Six seconds one after the other, three together. And six again when async code calls a function that blocks: it is the event
loop's one thread that sleeps, and everybody else with it. This is the mistake behind most slow async programs.

## A blocking function under an event loop

The cure is a pool of threads that the loop hands such calls to, `run_in_executor` in Python:
END
show "gaits compare wait --blocking --for 200ms --count 10 --models async:10,async:10/threads:5,threads:5 --rounds 2"
say <<'END'

Five threads sleep five at a time, with or without a loop before them.

## A computation
END
show "gaits compare cpu product --n 30 --count 40 --models sequential,threads:2,threads:10,processes:2,async:10 --rounds 3"
say <<'END'

There is no interpreter lock here, so threads use the cores as processes do, and more workers than cores add nothing.
Putting it on an event loop changes nothing at all: a computation never waits, so there is nothing to fill.

## Both at once: processes, each with an event loop
END
show "gaits compare http http://127.0.0.1:8230/uuid --count 400 --models async:100,processes:2/async:100,threads:2/async:100 --rounds 3"
say <<'END'

Twice as many in flight, in two loops, and half as long. One loop with two hundred in flight would do the same: a second
process pays when the *client's* CPU is the limit, which 400 small requests do not come near.

## A field of the answer
END
show "gaits fetch http://127.0.0.1:8230/uuid --count 2 --extract uuid=/uuid --quiet"
say <<'END'

The job is collecting data. The record has the field, the size, the status, and a hash of the body.

## Nine requests to a dead host

One tutorial reports nine downloads in 0.003 s, since all nine had failed and the errors were swallowed:
END
show "gaits fetch http://127.0.0.1:9/a http://127.0.0.1:9/b http://127.0.0.1:9/c --count 9 -o dead.jsonl"
show "head -n 1 dead.jsonl"
show "gaits compare http http://127.0.0.1:9/ --count 9 --models sequential,async --rounds 2"
say <<'END'

Nine failures, said first; an exit code that a script notices; and in a race, a model that failed is not ranked, however
quick it was.

## One run proves little

Every comparison on this page ran each model several times, in rounds, each round in another order drawn from the seed it
prints, after one round to warm up. `gaits compare` alone races all the models on a server of its own:
END
show "gaits compare --seed 1"

mv next.md "$page"
echo "wrote docs/walkthrough.md"
