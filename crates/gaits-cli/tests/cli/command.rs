//! The work `command`: how programs get their items, what their records say, and that nothing of them is left behind.

use crate::harness::{
    Dir, Gaits, Running, children_of, eventually, gaits, is_gone, is_stopped, is_zombie,
    parse_file, spawn,
};
use gaits_core::{ErrorKind, Record, Value};
use gaits_work::command::CommandDetail;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, getsid, mkfifo};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Every form of model, with how many commands each has at work.
const MODELS: [(&str, usize); 8] = [
    ("sequential", 1),
    ("threads:3", 3),
    ("processes:3", 3),
    ("async:4", 4),
    ("threads:2/async:2", 4),
    ("processes:2/async:3", 6),
    ("processes:2/threads:2", 4),
    ("async:4/threads:2", 4),
];

/// Far beyond what anything takes on a machine that does ten other things.
const HANGS: Duration = Duration::from_mins(2);

fn command(options: &str, words: &[&str]) -> Gaits {
    gaits(&format!("run command -q {options} --")).args(words)
}

fn detail(record: &Record) -> CommandDetail {
    CommandDetail::of(record).unwrap_or_else(|| panic!("{record:?}"))
}

fn text(output: Option<Value>) -> String {
    match output {
        None => String::new(),
        Some(Value::String(text)) => text.into(),
        Some(other) => panic!("{other:?}"),
    }
}

/// What each has written to its standard output.
fn outputs(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| text(detail(record).stdout)).collect()
}

/// A pipe with a name, which commands hold open. It tells how many have begun, and when the last of all their processes is gone.
struct Held {
    path: PathBuf,
    begun: Receiver<()>,
}

impl Held {
    fn new(dir: &Dir, name: &str) -> Self {
        let path = dir.at(name);
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let (tell, begun) = channel();
        let pipe = path.clone();
        spawn("fifo", move || {
            for line in BufReader::new(File::open(pipe).unwrap()).lines() {
                if line.is_err() || tell.send(()).is_err() {
                    return;
                }
            }
        });
        Self { path, begun }
    }

    /// A script that holds it, with a child that does so as well, for longer than any test takes. It ignores SIGTERM.
    fn script(&self) -> String {
        let path = self.path.display();
        format!("trap '' TERM; exec 3>{path}; sleep 100000 & echo begun >&3; sleep 100000")
    }

    #[track_caller]
    fn wait_until_begun(&self, commands: usize) {
        for _ in 0..commands {
            self.begun.recv_timeout(HANGS).expect("all commands begin");
        }
    }

    /// Waits until no process is left that holds it, grandchildren among them.
    #[track_caller]
    fn wait_until_gone(&self) {
        while self.begun.recv_timeout(HANGS).map_err(|error| error.to_string()) == Ok(()) {}
        let ended = self.begun.try_recv();
        assert_eq!(ended, Err(std::sync::mpsc::TryRecvError::Disconnected), "some run on");
    }
}

/// A run with `in_flight` commands at work that will not end by themselves.
fn held_up(model: &str, in_flight: usize) -> (Dir, Held, Running) {
    let dir = Dir::new();
    let held = Held::new(&dir, "held");
    let run = gaits(&format!("run command -n 50 -m {model} -- sh -c")).arg(held.script());
    let running = run.start();
    held.wait_until_begun(in_flight);
    (dir, held, running)
}

/// The guard that a process has started, if it has started one.
fn guard_of(pid: u32) -> Option<u32> {
    children_of(pid).into_iter().find(|child| is_guard(*child))
}

fn is_guard(pid: u32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word == b"__guard"))
}

fn wait_until_gone(pids: &[u32]) {
    for pid in pids {
        eventually("a process is gone", || is_gone(*pid));
    }
}

#[test]
fn a_program_is_run_for_each_item_under_every_model() {
    let dir = Dir::new();
    let items = dir.file("items", "a\n\n# no item\nb  c\n$(d)\n-e\n'\n");
    for (model, _) in MODELS {
        let end = gaits(&format!("run command -q -m {model} -i"))
            .arg(&items)
            .args(["--", "printf", "<%s>", "{}"])
            .run()
            .expect_exit(0)
            .expect_stderr("");
        let records = end.records().expect_all_ok(5);
        assert_eq!(outputs(&records), ["<a>", "<b  c>", "<$(d)>", "<-e>", "<'>"], "{model}");
        for record in records.iter() {
            let detail = detail(record);
            assert_eq!((detail.exit, detail.signal, detail.truncated), (Some(0), None, false));
            assert_eq!(detail.stdout_bytes, text(detail.stdout).len() as u64);
            assert!(detail.pid > 1 && detail.pid != record.worker.unwrap().pid, "{record:?}");
        }
    }
}

#[test]
fn an_item_stands_where_it_is_wanted() {
    for (words, expected) in [
        (&["echo"][..], "a b\n"),
        (&["echo", "x"], "x a b\n"),
        (&["echo", "{}", "x{}y"], "a b xa by\n"),
        (&["--shell", "echo {}; echo \"<{}>\""], "a b\n<a b>\n"),
        (&["--shell", "printf %s,"], "a b,"),
        (&["--stdin", "cat"], "a b\n"),
        (&["--stdin", "sh", "-c", "read line; echo $line, {}"], "a b, a b\n"),
        (&["--env", "LEFT=x=y", "sh", "-c", "echo $LEFT"], "x=y\n"),
        (&["--cwd", "/", "pwd", "-P"], "/\n"),
    ] {
        let end = gaits("run command -q").args(words).stdin("a b\n").run();
        let records = end.records().expect_items(1);
        // What `pwd` thinks of an argument more is its own affair.
        if !words.contains(&"pwd") {
            end.expect_exit(0);
        }
        assert_eq!(outputs(&records), [expected], "{words:?}");
    }
}

#[test]
fn white_space_around_an_item_is_a_part_of_it() {
    let end = gaits("run command -q -- printf <%s>").stdin(" lead\ntrail \r\n \n\tboth\t\n").run();
    let records = end.records().expect_all_ok(3);
    assert_eq!(outputs(&records), ["< lead>", "<trail >", "<\tboth\t>"]);
    assert_eq!(records[0].item, *" lead");
}

#[test]
fn items_come_from_a_pipe_or_it_is_run_so_many_times() {
    let end = gaits("run command echo").stdin("a\nb\n").run().expect_exit(0);
    assert_eq!(outputs(&end.records().expect_all_ok(2)), ["a\n", "b\n"]);
    end.expect_stderr_contains("no items are given, so they are read from standard input");
    let end = command("-n 3", &["echo", "x"]).stdin("a\nb\n").run().expect_exit(0);
    let records = end.records().expect_all_ok(3);
    assert_eq!(outputs(&records), ["x\n", "x\n", "x\n"]);
    assert!(records.iter().all(|record| record.item == *"echo x"), "{records:?}");
    command("", &["echo"]).run().expect_refused("no items: give a file");
    command("-n 3", &["echo", "{}"]).run().expect_refused("no item for {}");
    gaits("run command -n 3").run().expect_refused("COMMAND");
    command("-n 3 -i list", &["echo"]).run().expect_refused("cannot be used with");
}

#[test]
fn how_it_exits_is_in_the_record() {
    let dir = Dir::new();
    let items =
        dir.file("items", "exit 0\nexit 3\nkill -9 $$\nkill -TERM $$\necho oops >&2; exit 255\n");
    for (model, _) in MODELS {
        let end = gaits(&format!("run command -q -m {model} -i")).arg(&items);
        let records = end.args(["--", "sh", "-c"]).run().expect_exit(1).records().expect_items(5);
        let ended: Vec<_> =
            records.iter().map(|record| (detail(record).exit, detail(record).signal)).collect();
        let exit = |code| (Some(code), None);
        let signal = |number| (None, Some(number));
        assert_eq!(ended, [exit(0), exit(3), signal(9), signal(15), exit(255)], "{model}");
        let messages: Vec<_> = records.iter().filter_map(Record::error).collect();
        let said: Vec<_> = messages.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "exited with status 3",
                "was killed by signal 9 (SIGKILL)",
                "was killed by signal 15 (SIGTERM)",
                "exited with status 255"
            ]
        );
        assert!(messages.iter().all(|error| error.kind == ErrorKind::Command));
        assert_eq!(text(detail(&records[4]).stderr), "oops\n");
    }
}

#[test]
fn signals_end_a_command_of_a_worker_process_as_they_do_without_one() {
    let mask_of = |starter: &[&OsStr], model: &str| {
        let run = command(&format!("-n 1 -m {model}"), &["grep", "SigIgn", "/proc/self/status"]);
        let run = if starter.is_empty() { run } else { run.started_by(starter) };
        let line = outputs(&run.run().expect_exit(0).records().expect_all_ok(1)).remove(0);
        u64::from_str_radix(line.trim_start_matches("SigIgn:").trim(), 16).unwrap()
    };
    for starter in [&[][..], &["nohup".as_ref()]] {
        let mask = mask_of(starter, "processes:1");
        assert_eq!(mask, mask_of(starter, "sequential"), "{starter:?}");
        let ignores = |signal: Signal| mask & (1 << (signal as u64 - 1)) != 0;
        assert!(!ignores(Signal::SIGTERM) && !ignores(Signal::SIGINT), "{starter:?}: {mask:x}");
        // What nohup is for is true of commands, too.
        assert!(starter.is_empty() || ignores(Signal::SIGHUP), "{mask:x}");
    }
}

#[test]
fn how_a_command_ends_is_known_also_where_the_end_of_children_is_ignored() {
    for model in ["sequential", "processes:1"] {
        let run = command(&format!("-n 1 -m {model}"), &["sh", "-c", "exit 3"]);
        let starter = ["sh", "-c", "trap '' CHLD; exec \"$@\"", "sh"].map(OsStr::new);
        let records = run.started_by(&starter).run().expect_exit(1).records().expect_items(1);
        assert_eq!(detail(&records[0]).exit, Some(3), "{model}");
    }
}

#[test]
fn a_time_out_ends_grandchildren_too() {
    for (model, in_flight) in MODELS {
        let dir = Dir::new();
        let held = Held::new(&dir, "held");
        let options = format!("-n {in_flight} -m {model} --timeout 100ms");
        let end = command(&options, &["sh", "-c", &held.script()]).run().expect_exit(1);
        held.wait_until_gone();
        let records = end.records().expect_items(in_flight);
        for record in records.iter() {
            let error = record.error().unwrap();
            assert_eq!(error.kind, ErrorKind::Timeout, "{model}");
            assert_eq!(error.message, "still at work after 100ms: its process group was ended");
            assert_eq!(detail(record).signal, Some(9), "it ignores SIGTERM");
        }
    }
    // One that does as it is told can end in good order.
    let script = "trap 'echo tidied; exit 4' TERM; sleep 100000 & wait";
    let end = command("-n 1 --timeout 100ms", &["sh", "-c", script]).run().expect_exit(1);
    let records = end.records();
    assert_eq!((detail(&records[0]).exit, &*outputs(&records)[0]), (Some(4), "tidied\n"));
}

#[test]
fn a_time_out_lets_grandchildren_end_in_good_order() {
    let dir = Dir::new();
    let tidied = dir.at("tidied");
    // The shell ends at SIGTERM, and only then does its child tidy up. It holds none of the pipes that are captured.
    let script = format!(
        "(trap 'until read stat </proc/'$$'/stat; case $stat in *\") Z \"*) ;; *) false; esac; do :; done
                echo tidied >{}; exit' TERM; sleep 100000 & wait) >/dev/null 2>&1 & sleep 100000",
        tidied.display()
    );
    let end = command("-n 1 --timeout 1s", &["sh", "-c", &script]).run().expect_exit(1);
    let records = end.records();
    assert_eq!(
        (records.kinds()[0], detail(&records[0]).signal),
        (Some(ErrorKind::Timeout), Some(15))
    );
    assert_eq!(std::fs::read_to_string(tidied).unwrap(), "tidied\n");
}

#[test]
fn what_a_program_leaves_in_its_group_ends_with_it() {
    let dir = Dir::new();
    let held = Held::new(&dir, "held");
    let ready = dir.at("ready");
    mkfifo(&ready, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    // The child holds none of the pipes that are captured, so nothing is waited for.
    let script = format!(
        "(exec 3>{}; echo begun >&3; echo >{1}; exec sleep 100000 >/dev/null 2>&1) & read line <{1}",
        held.path.display(),
        ready.display()
    );
    let end = command("-n 1", &["sh", "-c", &script]).run().expect_exit(0);
    end.records().expect_all_ok(1);
    held.wait_until_begun(1);
    held.wait_until_gone();
    // One that holds the output is waited for, but not for ever.
    let end = command("-n 1", &["sh", "-c", "echo said; sleep 100000 &"]).run().expect_exit(0);
    assert_eq!(outputs(&end.records()), ["said\n"]);
    // Not even if it writes without end.
    for model in ["async:2", "threads:2"] {
        let run = command(&format!("-n 2 -m {model}"), &["sh", "-c", "yes & yes >&2 & exit 0"]);
        run.run().expect_exit(0).records().expect_all_ok(2);
    }
    // What is written after the program's own end is not lost. The child goes on when the program has let go of the pipe.
    let script = format!("(read line; echo late) <{0} & exec 5>{0}", ready.display());
    let end = command("-n 1", &["sh", "-c", &script]).run().expect_exit(0);
    assert_eq!(outputs(&end.records()), ["late\n"]);
}

#[test]
fn a_flood_is_read_and_not_kept() {
    let script = "head -c 30000000 /dev/zero | tr '\\0' x; head -c 20000000 /dev/zero >&2";
    let end = command("-n 2 --capture 1kB -m async:2", &["sh", "-c", script]).run().expect_exit(0);
    let records = end.records().expect_all_ok(2);
    for record in records.iter() {
        let detail = detail(record);
        assert_eq!((detail.stdout_bytes, detail.stderr_bytes), (30_000_000, 20_000_000));
        assert!(detail.truncated);
        assert_eq!(text(detail.stdout), "x".repeat(1000));
        assert_eq!(text(detail.stderr), "\0".repeat(1000));
    }
    // Without an option, 64 KiB; a program that never ends its flood is ended by its time-out.
    let end = command("-n 1 --timeout 200ms", &["yes"]).run().expect_exit(1);
    let records = end.records();
    assert_eq!(records.kinds(), [Some(ErrorKind::Timeout)]);
    assert_eq!(text(detail(&records[0]).stdout).len(), 64 * 1024);
    command("-n 1 --capture 1GB", &["yes"]).run().expect_refused("at most 16777216 bytes");
}

#[test]
fn bytes_that_are_no_text_are_kept_as_bytes() {
    let end = command("-n 1", &["printf", r"\377\001"]).run().expect_exit(0);
    assert!(end.stdout.contains(r#""stdout":{"base64":"/wE="}"#), "{end:?}");
}

#[test]
fn a_program_that_is_not_there_is_told_before_anything_is_started() {
    let dir = Dir::new();
    let results = dir.at("results.jsonl");
    for (program, wanted) in [
        ("nosuchprogram", "there is no program `nosuchprogram` in the folders of PATH"),
        ("./nosuchprogram", "`./nosuchprogram`: there is no such program"),
        ("/etc", "`/etc`: it is a folder, not a program"),
        ("/etc/passwd", "`/etc/passwd`: it can't be executed"),
    ] {
        let run = gaits("run command -o").arg(&results).args(["-n", "1", "--", program]);
        run.run().expect_refused(wanted);
        assert!(!results.exists(), "{program}");
        gaits("compare command -n 1 --").arg(program).run().expect_refused(wanted);
    }
    let script = dir.file("script", "exit 0\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let end = command("-n 1", &[script.to_str().unwrap()]).run().expect_exit(1);
    let error = end.records().expect_items(1)[0].error().unwrap().clone();
    assert!(
        error.message.contains("a script needs a first line, such as #!/bin/sh: Exec"),
        "{error}"
    );
    command("-n 1 --cwd /nosuchfolder", &["true"]).run().expect_refused("no folder");
    command("-n 1 --env =x", &["true"]).run().expect_refused("LANG=C");
    // Where the item says which it is, only its own record can tell.
    let end = gaits("run command -q -- {}").stdin("true\nnosuchprogram\n").run().expect_exit(1);
    let records = end.records().expect_items(2);
    assert_eq!(records.kinds(), [None, Some(ErrorKind::Command)]);
    let error = records[1].error().unwrap();
    assert!(error.message.starts_with("`nosuchprogram` can't be started: No such file"), "{error}");
}

#[test]
fn an_item_that_can_be_no_argument_is_a_failed_record_and_the_others_go_on() {
    let end = gaits("run command -q -- echo").stdin("a\nb\0c\nd\n").run().expect_exit(1);
    let records = end.records().expect_items(3);
    assert_eq!(records.kinds(), [None, Some(ErrorKind::InvalidItem), None]);
    let error = records[1].error().unwrap();
    assert!(error.message.contains("stdin:2: an item with a NUL byte"), "{error}");
    let end = gaits("run command -q --stdin -- cat").stdin("b\0c\n").run().expect_exit(0);
    assert_eq!(outputs(&end.records().expect_all_ok(1)), ["b\0c\n"]);
}

#[test]
fn commands_end_with_a_run_that_is_killed() {
    for (model, in_flight) in MODELS {
        let (_dir, held, running) = held_up(model, in_flight);
        running.signal(Signal::SIGKILL);
        held.wait_until_gone();
        running.finish().expect_killed_by(Signal::SIGKILL);
    }
}

#[test]
fn commands_end_with_a_run_that_is_killed_while_it_is_stopped() {
    for model in ["async:4", "processes:4"] {
        let (_dir, held, running) = held_up(model, 4);
        running.ctrl_z();
        eventually("it is stopped", || is_stopped(running.pid()));
        running.signal(Signal::SIGKILL);
        held.wait_until_gone();
        running.finish().expect_killed_by(Signal::SIGKILL);
    }
}

#[test]
fn no_command_is_started_while_ctrl_z_waits_for_others_to_stop() {
    let dir = Dir::new();
    let held = Held::new(&dir, "held");
    let begin = format!("exec 3>{}; echo begun >&3", held.path.display());
    // The first one has to be made to stop. The second one ends instead, which makes room for the third.
    let scripts = [
        format!("trap '' TSTP; {begin}; sleep 100000"),
        format!("trap 'exit 0' TSTP; {begin}; sleep 100000 >/dev/null 2>&1 & wait"),
        format!("{begin}; sleep 100000"),
    ];
    let items = dir.file("items", scripts.join("\n"));
    let run = gaits("run command -q -m async:2 -i").arg(&items).args(["--", "sh", "-c"]);
    let running = run.start();
    held.wait_until_begun(2);
    running.ctrl_z();
    eventually("it is stopped", || is_stopped(running.pid()));
    let mut commands = children_of(running.pid());
    commands.retain(|pid| !is_guard(*pid));
    assert!(commands.len() <= 2, "the third one was started: {commands:?}");
    assert!(commands.iter().all(|pid| is_stopped(*pid) || is_zombie(*pid)), "{commands:?}");
    running.fg();
    held.wait_until_begun(1);
    for pid in commands {
        eventually("it goes on", || !is_stopped(pid));
    }
    running.signal(Signal::SIGKILL);
    held.wait_until_gone();
    running.finish().expect_killed_by(Signal::SIGKILL);
}

#[test]
fn commands_end_with_a_worker_process_that_is_killed_and_the_run_goes_on() {
    let dir = Dir::new();
    let held: Vec<_> = ["a", "b"].map(|name| Held::new(&dir, name)).into();
    let scripts = held.iter().fold(String::new(), |mut lines, held| {
        writeln!(lines, "{}", held.script()).unwrap();
        lines
    });
    // Two items for two workers; the others for whoever is free.
    let items = dir.file("items", scripts + "exit 0\nexit 0\n");
    let run = gaits("run command -q -m processes:2 -i").arg(&items);
    let running = run.args(["--", "sh", "-c"]).start();
    for held in &held {
        held.wait_until_begun(1);
    }
    let workers: Vec<_> = children_of(running.pid());
    assert_eq!(workers.len(), 2, "the guard is a child of the worker that was first");
    for worker in workers {
        kill(Pid::from_raw(worker.cast_signed()), Signal::SIGKILL).unwrap();
    }
    held.iter().for_each(Held::wait_until_gone);
    let records = running.finish().expect_exit(1).records().expect_items(4);
    let crashed = Some(ErrorKind::WorkerCrashed);
    assert_eq!(records.kinds(), [crashed, crashed, None, None]);
    let message = &records[0].error().unwrap().message;
    assert!(message.contains("may have been processed"), "{message}");
}

#[test]
fn commands_end_with_a_race_and_with_a_trial_that_is_killed() {
    for kills_trial in [true, false] {
        for model in ["async:2", "processes:2"] {
            let dir = Dir::new();
            let held = Held::new(&dir, "held");
            let race =
                gaits(&format!("compare command -q --rounds 6 -n 2 -m {model},sequential --"));
            let running = race.args(["sh", "-c", &held.script()]).start();
            held.wait_until_begun(1);
            let trial = children_of(running.pid());
            assert_eq!(trial.len(), 1, "{trial:?}");
            let killed = if kills_trial { trial[0] } else { running.pid() };
            kill(Pid::from_raw(killed.cast_signed()), Signal::SIGKILL).unwrap();
            held.wait_until_gone();
            wait_until_gone(&trial);
        }
    }
}

#[test]
fn a_run_that_is_killed_at_any_moment_leaves_nothing_behind() {
    // Programs that shed what they could be known by as soon as they are there.
    let script = "exec env -i sh -c 'exec >/dev/null 2>&1; echo begun >&3; exec sleep 100000'";
    for (round, model) in MODELS.iter().map(|(model, _)| model).cycle().take(32).enumerate() {
        let dir = Dir::new();
        let held = Held::new(&dir, "held");
        let script = format!("exec 3>{}; {script}", held.path.display());
        // Some have begun, others are about to.
        let commands = round % 7;
        let running = command(&format!("-n 64 -c 8 -m {model}"), &["sh", "-c", &script]);
        let running = match model.parse::<gaits_engine::plan::Model>().unwrap().layout().workers() {
            1 => command("-n 64 -m sequential", &["sh", "-c", &script]).start(),
            _ => running.start(),
        };
        held.wait_until_begun(commands.clamp(1, if *model == "sequential" { 1 } else { 7 }));
        running.signal(Signal::SIGKILL);
        running.finish().expect_killed_by(Signal::SIGKILL);
        held.wait_until_gone();
    }
}

#[test]
fn what_has_left_the_group_is_not_ended() {
    let dir = Dir::new();
    let (stays, leaves) = (Held::new(&dir, "stays"), Held::new(&dir, "leaves"));
    let left = dir.at("pid");
    let script = format!(
        "exec 4>{}; setsid sh -c 'exec 3>{}; echo $$ >{}; echo begun >&3; exec sleep 100000' 4>&- & echo begun >&4; wait",
        stays.path.display(),
        leaves.path.display(),
        left.display()
    );
    let running = command("-n 1", &["sh", "-c", &script]).start();
    stays.wait_until_begun(1);
    leaves.wait_until_begun(1);
    running.signal(Signal::SIGKILL);
    stays.wait_until_gone();
    running.finish().expect_killed_by(Signal::SIGKILL);
    let pid = std::fs::read_to_string(left).unwrap().trim().parse::<u32>().unwrap();
    assert!(!is_gone(pid), "a process of another session is not the run's");
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    leaves.wait_until_gone();
}

#[test]
fn one_guard_serves_a_run_and_ends_with_it() {
    for model in ["threads:3", "async:4", "processes:3", "processes:2/async:3"] {
        let in_flight = MODELS.iter().find(|(known, _)| *known == model).unwrap().1;
        let (_dir, held, running) = held_up(model, in_flight);
        let all = std::iter::once(running.pid()).chain(children_of(running.pid()));
        let guards: Vec<_> = all.filter_map(guard_of).collect();
        assert_eq!(guards.len(), 1, "{model}");
        // No key of a terminal reaches it.
        let session = |pid: u32| getsid(Some(Pid::from_raw(pid.cast_signed()))).unwrap();
        assert_ne!(session(guards[0]), session(running.pid()), "{model}");
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            kill(Pid::from_raw(guards[0].cast_signed()), signal).unwrap();
        }
        running.signal(Signal::SIGKILL);
        held.wait_until_gone();
        wait_until_gone(&guards);
        running.finish().expect_killed_by(Signal::SIGKILL);
    }
    // None is started for other work, nor where there is nothing to do.
    let running = gaits("run wait 0 1000 -q").start();
    running.wait_for_lines(1);
    assert_eq!(guard_of(running.pid()), None);
}

#[test]
fn a_guard_that_is_killed_is_replaced() {
    let dir = Dir::new();
    let held = Held::new(&dir, "held");
    let mut running = gaits("run command -q -m async:2 -- sh -c").stdin_open().start();
    running.say("exit 0\n");
    running.wait_for_lines(1);
    let first = guard_of(running.pid()).unwrap();
    kill(Pid::from_raw(first.cast_signed()), Signal::SIGKILL).unwrap();
    eventually("the guard is gone", || is_gone(first));
    running.say(&format!("{}\n", held.script()));
    held.wait_until_begun(1);
    let second = guard_of(running.pid()).unwrap();
    assert_ne!(first, second);
    running.signal(Signal::SIGKILL);
    held.wait_until_gone();
    wait_until_gone(&[second]);
}

#[test]
fn ctrl_c_lets_commands_finish_and_starts_nothing_more() {
    for (model, in_flight) in MODELS {
        let dir = Dir::new();
        let (begun, go_on) = (Held::new(&dir, "begun"), dir.at("go-on"));
        mkfifo(&go_on, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let script =
            format!("echo begun >{}; read x <{}; echo done", begun.path.display(), go_on.display());
        // The pipe has a reader for the whole time, so that none sees its end between two others.
        let keep = File::options().read(true).write(true).open(&begun.path).unwrap();
        let running = gaits(&format!("run command -n 50 -m {model} -- sh -c")).arg(&script).start();
        begun.wait_until_begun(in_flight);
        running.interrupt();
        running.wait_for_stderr("gaits: stopping; ");
        // Whoever opens it to read is let go on.
        let mut pipe = File::options().read(true).write(true).open(&go_on).unwrap();
        std::io::Write::write_all(&mut pipe, "x\n".repeat(50).as_bytes()).unwrap();
        let end = running.finish().expect_exit(130);
        drop(keep);
        let records = end.records();
        assert!(records.iter().all(|record| record.outcome.is_ok()), "{model}: {end:?}");
        assert!(records.len() >= in_flight && records.len() < 50, "{model}: {end:?}");
    }
}

#[test]
fn ctrl_c_twice_ends_commands() {
    for (model, in_flight) in MODELS {
        let (_dir, held, running) = held_up(model, in_flight);
        running.interrupt();
        running.wait_for_stderr("gaits: stopping; ");
        running.interrupt();
        running.finish().expect_exit(130).expect_stderr_lacks("panicked");
        held.wait_until_gone();
    }
}

#[test]
fn ctrl_z_stops_commands_and_fg_continues_them() {
    for (model, in_flight) in MODELS {
        let dir = Dir::new();
        let (begun, pids) = (Held::new(&dir, "begun"), dir.at("pids"));
        let script = format!(
            "echo $$ >>{}; echo begun >{}; exec sleep 1",
            pids.display(),
            begun.path.display()
        );
        let keep = File::options().read(true).write(true).open(&begun.path).unwrap();
        let words = ["sh", "-c", &script];
        let running = command(&format!("-n {in_flight} -m {model}"), &words).start();
        begun.wait_until_begun(in_flight);
        running.ctrl_z();
        eventually("it is stopped", || is_stopped(running.pid()));
        let pids = std::fs::read_to_string(pids).unwrap();
        for pid in pids.lines().map(|line| line.parse::<u32>().unwrap()) {
            // One that has ended before could not be stopped.
            assert!(is_stopped(pid) || is_gone(pid), "{model}: command {pid} runs on");
        }
        running.fg();
        running.finish().expect_exit(0).records().expect_all_ok(in_flight);
        drop(keep);
    }
}

#[test]
fn commands_that_have_ended_are_waited_for() {
    let dir = Dir::new();
    let held = Held::new(&dir, "held");
    let mut items = "exit 0\nsleep 100000 >/dev/null & exit 1\n".repeat(10);
    items.push_str(&held.script());
    items.push('\n');
    let items = dir.file("items", items);
    let running =
        gaits("run command -q -m async:4 -i").arg(&items).args(["--", "sh", "-c"]).start();
    held.wait_until_begun(1);
    running.wait_for_lines(20);
    let children = children_of(running.pid()).into_iter();
    assert_eq!(children.filter(|pid| is_zombie(*pid)).collect::<Vec<_>>(), [0; 0]);
    running.signal(Signal::SIGKILL);
    held.wait_until_gone();
}

#[test]
fn with_too_few_descriptors_all_is_done_once() {
    for model in ["async:50", "threads:20", "processes:2/async:30"] {
        let dir = Dir::new();
        let log = dir.at("log");
        let script = format!("echo x >>{}", log.display());
        let run = command(&format!("-n 200 -m {model}"), &["sh", "-c", &script]);
        run.descriptors(40).run().expect_exit(0).records().expect_all_ok(200);
        assert_eq!(std::fs::read_to_string(log).unwrap().lines().count(), 200, "{model}");
    }
}

/// Does the items `a`, `b` and `c` in `dir`, and writes each to a log; `script` is what is done with `b` as well.
fn three(dir: &Dir, options: &str, script: &str) -> Gaits {
    let script =
        format!("echo {{}} >>{}; [ {{}} != b ] || {{ {script}; }}", dir.at("log").display());
    let items = dir.file("items", "a\nb\nc\n");
    let run = gaits(&format!("run command -q -m sequential --shell {options} -i")).arg(items);
    run.arg("-o").arg(dir.at("results.jsonl")).arg("--").arg(script)
}

#[test]
fn a_run_that_was_killed_goes_on_and_does_no_command_twice_unasked() {
    for (first, then, kind, times) in [
        ("", "", ErrorKind::Cancelled, 1),
        ("--repeatable", "--repeatable", ErrorKind::Timeout, 2),
        ("", "--retry-non-idempotent", ErrorKind::Timeout, 2),
    ] {
        let dir = Dir::new();
        let held = Held::new(&dir, "held");
        let (script, results) = (held.script(), dir.at("results.jsonl"));
        let running = three(&dir, first, &script).start();
        held.wait_until_begun(1);
        // The second one may begin before the record of the first one is written.
        eventually("the first one has its record", || {
            std::fs::read_to_string(&results).is_ok_and(|text| text.ends_with('\n'))
        });
        running.signal(Signal::SIGKILL);
        running.finish().expect_killed_by(Signal::SIGKILL);
        held.wait_until_gone();
        assert_eq!(parse_file(&results).len(), 1);
        // Nobody reads the pipe any more, so it is a plain file from now on.
        std::fs::remove_file(&held.path).unwrap();
        let end = three(&dir, &format!("{then} --timeout 100ms"), &script).run().expect_exit(1);
        let records = parse_file(&results).expect_items(3);
        // The last one may have been handed out already, and is then as unsure as the one before it.
        assert_eq!(records.kinds()[..2], [None, Some(kind)], "{then}: {end:?}");
        let log = std::fs::read_to_string(dir.at("log")).unwrap();
        assert_eq!(log.matches('b').count(), times, "{then}");
    }
}

#[test]
fn another_command_does_not_go_on_with_the_records_of_one() {
    let dir = Dir::new();
    let (items, results) = (dir.file("items", "a\nb\n"), dir.at("results.jsonl"));
    let run = |words: &[&str]| {
        let run = gaits("run command -q -i").arg(&items).arg("-o").arg(&results);
        run.args(words.iter().copied()).run()
    };
    run(&["--", "echo", "hunter2"]).expect_exit(0);
    run(&["--timeout", "9s", "--capture", "9", "--", "echo", "hunter2"]).expect_exit(0);
    run(&["--", "echo", "other"]).expect_refused("arguments");
    run(&["--", "printf", "hunter2"]).expect_refused("command");
    run(&["--stdin", "--", "echo", "hunter2"]).expect_refused("item");
    let beside = std::fs::read_to_string(dir.at("results.jsonl.run")).unwrap();
    assert!(!beside.contains("hunter2") && beside.contains("echo"), "{beside}");
}

#[test]
fn a_command_that_may_be_repeated_is_tried_again() {
    let dir = Dir::new();
    let seen = dir.at("seen");
    let script = format!("[ -e {0} ] || {{ : >{0}; exit 7; }}", seen.display());
    let end = command("-n 1 --repeatable --retries 2", &["sh", "-c", &script]).run();
    let records = end.expect_exit(0).records().expect_all_ok(1);
    assert_eq!(records[0].attempts, 2);
    std::fs::remove_file(seen).unwrap();
    command("-n 1 --retries 2", &["sh", "-c", &script]).run().expect_refused("--repeatable");
}

#[test]
fn a_race_counts_what_commands_take_and_how_they_exit() {
    let dir = Dir::new();
    let script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit {}";
    let items = dir.file("items", "0\n3\n");
    let race =
        gaits("compare command --rounds 6 --json -q -m sequential,async:2,processes:2 --shell -i");
    let end = race.arg(&items).arg("--").arg(script).run().expect_exit(1);
    let json = end.json();
    let models = json["models"].as_array().unwrap_or_else(|| panic!("{json:#}"));
    assert_eq!(models.len(), 3);
    for model in models {
        assert_eq!(
            (&model["ok"], &model["failed"]["command"]),
            (&6.into(), &6.into()),
            "{model:#}"
        );
        // The loop of the shells, not that of gaits.
        assert!(model["cpu_s"].as_f64().unwrap() > 0.005, "{model:#}");
        assert_ne!(model["relation"], "not_ranked", "{model:#}");
    }
}
