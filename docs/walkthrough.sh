#!/usr/bin/env bash
# Runs the walkthrough's experiments, and writes docs/walkthrough.md and docs/walkthrough.ko.md anew: their prose stands in
# docs/walkthrough/, the real output is put into it. Takes some ten minutes, most of them waiting, and should have the
# machine to itself. Needs a Rust toolchain, jq, python3 with venv, and three ports of the loopback address, 8230 to 8232;
# installs requests and aiohttp from PyPI into a folder that it removes.
#
#   docs/walkthrough.sh            runs everything
#   docs/walkthrough.sh lock both  runs these experiments, and keeps the stored output of all others
#   docs/walkthrough.sh --render   only puts the prose and the stored output together again
set -euo pipefail
cd "$(dirname "$0")/walkthrough"
prose=$PWD
output=$prose/output

# A page is its prose, in which a line {{NAME}} stands for output/NAME.txt, and {{NAME=MODEL}} within a line for how long MODEL
# took in the race that output/NAME.json holds. So the output is the same in all languages.
render() {
    local line name model seconds
    while IFS= read -r line; do
        if [[ $line =~ ^\{\{([a-z-]+)\}\}$ ]]; then
            cat "$output/${BASH_REMATCH[1]}.txt"
            continue
        fi
        while [[ $line =~ \{\{([a-z-]+)=([^}]*)\}\} ]]; do
            name=${BASH_REMATCH[1]} model=${BASH_REMATCH[2]}
            seconds=$(jq -r --arg model "$model" '.models[] | select(.name == $model) | .typical_s.estimate' \
                "$output/$name.json")
            line=${line/"{{$name=$model}}"/"$(LC_ALL=C printf '%.3g s' "$seconds")"}
        done
        printf '%s\n' "$line"
    done < "$1"
}

pages() {
    render en.md > ../walkthrough.md.new
    render ko.md > ../walkthrough.ko.md.new
    mv ../walkthrough.md.new ../walkthrough.md
    mv ../walkthrough.ko.md.new ../walkthrough.ko.md
}

if [ "${1:-}" = --render ]; then
    pages
    exit
fi

cargo build --release --quiet --package gaits-cli
gaits="$(cargo metadata --format-version 1 --no-deps | jq -r .target_directory)/release/gaits"
scratch=$(mktemp -d)
origins=()
trap 'kill "${origins[@]}" 2>/dev/null || true; rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet requests aiohttp
# The real interpreter comes first, not a wrapper of it.
export PATH="$scratch/venv/bin:$(dirname "$gaits"):$PATH"
cp ./*.py "$scratch"
mkdir -p "$output"
cd "$scratch"

# Starts an origin and waits until it has told its URL.
origin() {
    mkfifo "url.$1"
    gaits origin --port "$1" --quiet "${@:2}" > "url.$1" &
    origins+=($!)
    read -r url < "url.$1"
    echo "origin: $url"
}

only=" $* "

# Whether an experiment is to be run.
wanted() { [[ $only = "  " || $only = *" $1 "* ]]; }

# Runs a command, and keeps what it prints under a name. An exit code other than 0 is kept too.
show() {
    local name=$1 status=0
    wanted "$name" || return 0
    shift
    echo "+ $*"
    {
        printf '```console\n$ %s\n' "$*"
        COLUMNS=120 bash -c "$*" 2>&1 || status=$?
        [ "$status" = 0 ] || printf '(exit code %s)\n' "$status"
        printf '```\n'
    } > "$output/$name.txt"
}

# The same for a race, whose numbers are kept as well.
race() {
    local name=$1
    wanted "$name" || return 0
    shift
    show "$name" "$*"
    gaits report "$name" --json > "$output/$name.json"
}

origin 8230 --latency 230ms
origin 8231 --tls --ca-out ca.pem
origin 8232 --latency 100ms --capacity 20

slow=http://127.0.0.1:8230/uuid
tls=https://localhost:8231/uuid
queue=http://127.0.0.1:8232/uuid

show one-at-a-time "gaits fetch -m sequential $slow --count 20 -o loop.jsonl"
show new-sessions "gaits fetch -m sequential --session none --cacert ca.pem $tls --count 100 -o new.jsonl"
show one-session "gaits fetch -m sequential --cacert ca.pem $tls --count 100 -o kept.jsonl"
show session-for-all "gaits fetch -m async:100 --cacert ca.pem $tls --count 100 -o shared.jsonl"
show session-for-each "gaits fetch -m async:100 --session worker --cacert ca.pem $tls --count 100 -o apart.jsonl"
race four-ways "gaits compare http $slow --count 100 --models sequential,threads:10,processes:4,async:100 --budget 60s --save four-ways --svg four-ways.svg --html four-ways.html"
if wanted four-ways; then cp four-ways.svg four-ways.html "$output"; fi
race scripts "gaits compare --program 'python3 loop.py $slow 20' --program 'python3 threads.py $slow 20' --program 'python3 processes.py $slow 20' --program 'python3 coroutines.py $slow 20' --name loop --name threads --name processes --name coroutines --models sequential,threads:10,processes:4,async:20 http $slow --count 20 --budget 2min --save scripts"
race more-threads "gaits compare http $slow --count 100 --models threads:10,threads:100,async:100 --budget 20s --save more-threads"
race memory "gaits compare http $slow --count 1000 --models threads:1000,async:1000 --budget 20s --save memory"
show sweep "gaits sweep http $queue --count 200 --models threads --budget 40s"
show which-thread "gaits fetch -m processes:2/threads:2 $slow --count 8 --quiet | jq -c '[.index, .worker.pid, .worker.tid, .worker.slot]'"
show which-slot "gaits fetch -m async:8 $slow --count 8 --quiet | jq -c '[.index, .worker.pid, .worker.tid, .worker.slot]'"
show waits-in-turn "gaits run wait 3 2 1 -m sequential -o a.jsonl"
show waits-together "gaits run wait 3 2 1 -m async -o b.jsonl"
show waits-blocking "gaits run wait 3 2 1 -m async --blocking -o c.jsonl"
race blocking "gaits compare wait --blocking --for 200ms --count 10 --models async:10,async:10/threads:5,threads:5 --budget 20s --save blocking"
race computation "gaits compare cpu product --n 30 --count 40 --models sequential,threads:2,threads:10,processes:2,async:10 --budget 60s --save computation"
race lock "gaits compare --program 'python3 product.py loop 30 20' --program 'python3 product.py threads 30 20' --program 'python3 product.py processes 30 20' --name loop --name threads --name processes --budget 60s --save lock"
race both "gaits compare http $slow --count 400 --models async:100,processes:2/async:100,threads:2/async:100 --budget 20s --save both"
show field "gaits fetch $slow --count 2 --extract uuid=/uuid --quiet | jq -r .extract.uuid"
show dead "gaits fetch http://127.0.0.1:9/a http://127.0.0.1:9/b http://127.0.0.1:9/c --count 9 -o dead.jsonl"
show dead-record "head -n 1 dead.jsonl | jq -c '{item, outcome, error}'"
show dead-race "gaits compare http http://127.0.0.1:9/ --count 9 --models sequential,async --budget 5s"
show alone "gaits compare --seed 1"

cd "$prose"
pages
echo "wrote docs/walkthrough.md and docs/walkthrough.ko.md"
