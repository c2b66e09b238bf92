//! On a terminal: the bar, colours, and where both are left out.

use crate::harness::{Dir, eventually, gaits, is_stopped, spawn};
use crate::held::Held;
use crate::interrupts::listens;
use gaits_origin::{Config, Origin};
use nix::pty::{OpenptyResult, openpty};
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::mpsc::channel;

/// A terminal: what a program writes to, and what is to be seen on it.
fn terminal() -> (OwnedFd, File) {
    terminal_of(100)
}

/// The same, with so many columns.
fn terminal_of(columns: u16) -> (OwnedFd, File) {
    let size = nix::pty::Winsize { ws_row: 25, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
    (slave, master.into())
}

/// All that comes up on a screen, once nobody writes to it any more; `seen` is told of it as it comes.
fn watch(
    mut screen: File,
    seen: impl Fn(&str) + Send + 'static,
) -> std::sync::mpsc::Receiver<String> {
    let (sender, receiver) = channel();
    spawn("screen", move || {
        let mut text = String::new();
        let mut chunk = [0; 4096];
        // A terminal that nobody has open any more gives an error, not an end.
        while let Ok(read @ 1..) = screen.read(&mut chunk) {
            text.push_str(&String::from_utf8_lossy(&chunk[..read]));
            seen(&text);
        }
        let _ = sender.send(text);
    });
    receiver
}

const COLOUR: &str = "\u{1b}[3";
const RED: &str = "\u{1b}[1;31m";

#[test]
fn a_terminal_gets_a_bar_and_a_coloured_summary() {
    let server = Held::after(3);
    let (terminal, screen) = terminal();
    let command = format!("fetch {} --count 5 -m sequential", server.url());
    let running = gaits(&command).env("TERM", "xterm").stderr_to(terminal).start();
    let (tell, told) = channel();
    let screen = watch(screen, move |text| {
        if text.contains("3/5") {
            let _ = tell.send(());
        }
    });
    server.wait_until_held(1);
    told.recv().unwrap();
    server.release();
    running.finish().expect_exit(0).records().expect_all_ok(5);
    let text = screen.recv().unwrap();
    assert!(text.contains("1 in flight"), "{text}");
    assert!(text.contains("5 of 5 ok") && text.contains(COLOUR), "{text}");
}

#[test]
fn the_time_left_is_known_from_the_rate_as_soon_as_one_is_asked_for() {
    for (options, wanted) in [
        ("--rate 1/h", "4 d 03 h left"),
        ("--total-rate 2/h", "2 d 01 h left"),
        ("--delay 1h", "4 d 03 h left"),
    ] {
        let (terminal, screen) = terminal();
        let command = format!("run wait 0 --count 100 {options} -m sequential");
        let running = gaits(&command).env("TERM", "xterm").stderr_to(terminal).start();
        let (tell, told) = channel();
        let screen = watch(screen, move |text| {
            if text.contains(wanted) {
                let _ = tell.send(());
            }
        });
        told.recv().unwrap();
        running.interrupt();
        running.finish().expect_exit(130).records().expect_all_ok(1);
        assert!(screen.recv().unwrap().contains("1/100"));
    }
}

#[test]
fn an_input_of_unknown_length_gets_a_spinner() {
    let server = Held::after(2);
    let (terminal, screen) = terminal();
    let running = gaits("fetch -i -")
        .stdin(format!("{0}\n{0}\n{0}\n", server.url()))
        .env("TERM", "xterm")
        .stderr_to(terminal)
        .start();
    let (tell, told) = channel();
    let screen = watch(screen, move |text| {
        if text.contains(" 2 ") && text.contains("1 in flight") {
            let _ = tell.send(());
        }
    });
    server.wait_until_held(1);
    told.recv().unwrap();
    server.release();
    running.finish().expect_exit(0).records().expect_all_ok(3);
    // As in "2/3"; "2/s" is a pace.
    let screen = screen.recv().unwrap();
    let is_of = |(at, _): (usize, &str)| {
        screen[..at].ends_with(char::is_numeric) && screen[at + 1..].starts_with(char::is_numeric)
    };
    assert!(!screen.match_indices('/').any(is_of), "{screen}");
}

#[test]
fn colour_is_used_where_it_is_wanted() {
    let origin = Origin::start(Config::default()).unwrap();
    let url = origin.url("/uuid");
    for (term, no_colour, options, wanted) in [
        ("xterm", "", "", true),
        ("xterm", "1", "", false),
        ("xterm", "", "--color never", false),
        ("xterm", "1", "--color always", true),
        ("dumb", "", "", false),
        ("dumb", "", "--color=always", true),
    ] {
        let (terminal, screen) = terminal();
        let screen = watch(screen, |_| {});
        let running = gaits(&format!("fetch nonsense {url} {options}"))
            .env("TERM", term)
            .env("NO_COLOR", no_colour)
            .stderr_to(terminal)
            .start();
        running.finish().expect_exit(1).records().expect_items(2);
        let text = screen.recv().unwrap();
        assert!(text.contains("1 of 2 ok"), "{text:?}");
        assert_eq!(text.contains(RED), wanted, "{term} {no_colour} {options}: {text:?}");
    }
}

#[test]
fn colour_that_is_asked_for_goes_to_a_pipe_too_and_else_none_does() {
    for command in ["fetch", "nosuch", "fetch --nosuch"] {
        for words in [format!("--color always {command}"), format!("{command} --color=always")] {
            let end = gaits(&words).run().expect_exit(2);
            assert!(end.stderr.contains('\u{1b}') && end.stderr.contains("error:"), "{end:?}");
        }
        let end = gaits(command).run().expect_refused("error: ");
        assert!(!end.stderr.contains('\u{1b}'), "{end:?}");
    }
    let race = "compare wait 0 -n 2 -m async --rounds 1";
    let end = gaits(&format!("{race} --color always")).run().expect_exit(0);
    assert!(end.stdout.contains('\u{1b}'), "{end:?}");
    let end = gaits(race).run().expect_exit(0);
    assert!(!end.stdout.contains('\u{1b}'), "{end:?}");
    let help = gaits("fetch -h --color always").run().expect_exit(0);
    assert!(help.stdout.contains('\u{1b}'), "{help:?}");
}

#[test]
fn a_dumb_terminal_gets_no_bar() {
    for command in ["run wait 0.3s -n 2 -m sequential", "compare wait 0.1s -m async --rounds 2"] {
        let (terminal, screen) = terminal();
        let screen = watch(screen, |_| {});
        gaits(command).env("TERM", "dumb").stderr_to(terminal).run().expect_exit(0);
        let text = screen.recv().unwrap();
        assert!(!text.contains('\u{1b}') && !text.contains("1/2"), "{text:?}");
        assert!(!text.trim_end_matches("\r\n").replace("\r\n", "").contains('\r'), "{text:?}");
    }
}

#[test]
fn quiet_is_quiet_on_a_terminal_too() {
    let origin = Origin::start(Config::default()).unwrap();
    let (terminal, screen) = terminal();
    let screen = watch(screen, |_| {});
    let running = gaits("fetch -q").arg(origin.url("/uuid")).stderr_to(terminal).start();
    running.finish().expect_exit(0).records().expect_all_ok(1);
    assert_eq!(screen.recv().unwrap(), "");
}

#[test]
fn records_on_the_terminal_are_not_muddled_by_a_bar() {
    let origin = Origin::start(Config::default()).unwrap();
    let (terminal, screen) = terminal();
    let screen = watch(screen, |_| {});
    let running = gaits(&format!("fetch {} --count 3", origin.url("/uuid")))
        .stdout_to(terminal.try_clone().unwrap())
        .stderr_to(terminal)
        .start();
    running.finish().expect_exit(0);
    let text = screen.recv().unwrap();
    let records = text.lines().filter(|line| line.starts_with("{\"index\":")).count();
    assert_eq!(records, 3, "{text}");
    assert!(!text.contains("in flight, "), "{text}");
}

#[test]
fn whoever_stops_a_run_over_a_huge_file_does_not_wait_until_it_is_counted() {
    let dir = Dir::new();
    let list = dir.file("urls.txt", "# what follows is a hole\n");
    File::options().write(true).open(&list).unwrap().set_len(1 << 38).unwrap();
    let (terminal, screen) = terminal();
    let screen = watch(screen, |_| {});
    let running = gaits("fetch -i").arg(list).stderr_to(terminal).start();
    eventually("it listens for signals", || listens(running.pid()));
    running.interrupt();
    running.finish().expect_exit(130).expect_no_stdout();
    assert!(screen.recv().unwrap().contains("none was done"));
}

#[test]
fn a_first_fetch_is_told_where_the_body_went_and_how_to_keep_it() {
    let origin = Origin::start(Config::default()).unwrap();
    let said = |options: &str| {
        let (terminal, screen) = terminal();
        let screen = watch(screen, |_| {});
        let command = format!("fetch {} {options}", origin.url("/json"));
        gaits(&command).env("TERM", "xterm").stderr_to(terminal).run().expect_exit(0);
        screen.recv().unwrap()
    };
    let hint = "the bodies were hashed and not kept; --body inline";
    assert!(said("").contains(hint));
    for options in ["-q", "--body none", "--body inline", "--extract x=/library", "-I"] {
        assert!(!said(options).contains(hint), "{options}");
    }
    let piped = gaits(&format!("fetch {}", origin.url("/json"))).run();
    piped.expect_exit(0).expect_stderr_lacks(hint);
}

#[test]
fn the_progress_line_fits_a_narrow_terminal() {
    let server = Held::after(3);
    let (terminal, screen) = terminal_of(14);
    let command = format!("fetch {} --count 5 -m sequential", server.url());
    let running = gaits(&command).env("TERM", "xterm").stderr_to(terminal).start();
    let (tell, told) = channel();
    let screen = watch(screen, move |text| {
        if text.contains("3/5") {
            let _ = tell.send(());
        }
    });
    server.wait_until_held(1);
    told.recv().unwrap();
    server.release();
    running.finish().expect_exit(0).records().expect_all_ok(5);
    let text = screen.recv().unwrap();
    assert!(!text.contains(", 1 in flight"), "{text}");
}

#[test]
fn ctrl_z_takes_the_bar_away_and_fg_draws_it_again() {
    let server = Held::after(3);
    let (terminal, screen) = terminal();
    let command = format!("fetch {} --count 5 -m sequential", server.url());
    let running = gaits(&command).env("TERM", "xterm").stderr_to(terminal).start();
    let (tell, told) = channel();
    let screen = watch(screen, move |text| {
        let _ = tell.send(text.to_owned());
    });
    server.wait_until_held(1);
    let wait_for = |so: &dyn Fn(&str) -> bool| while !so(&told.recv().unwrap()) {};
    wait_for(&|text| text.contains("3/5"));
    running.ctrl_z();
    eventually("it is stopped", || is_stopped(running.pid()));
    // The line is cleared, and nothing is drawn on it after that.
    wait_for(&|text| text.ends_with("\u{1b}[2K") || text.ends_with('\r'));
    running.fg();
    wait_for(&|text| text.rfind("3/5") > text.rfind("\u{1b}[2K"));
    server.release();
    running.finish().expect_exit(0).records().expect_all_ok(5);
    assert!(screen.recv().unwrap().contains("5 of 5 ok"));
}

#[test]
fn what_a_file_says_cannot_command_the_terminal() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run();
    dir.file("sitemap.xml", "<\u{1b}]0;owned\u{7}\u{1b}[31mhtml>x</html>");
    run("run wait 0 -o r.jsonl -q").expect_exit(0);
    let good = fs::read_to_string(dir.at("r.jsonl")).unwrap();
    dir.file("bad.jsonl", good.replace("\"ok\"", "\"\\u001b[31mX\""));
    run("compare wait 0 -m async -q --rounds 1 --save one").expect_exit(0);
    let race = fs::read_to_string(dir.at("one/race.json")).unwrap();
    for (name, from, to) in [
        ("two", "\"hostname\": \"", "\"hostname\": \"\\u001b[31mX"),
        (
            "newer",
            "\"format\": 1,\n  \"gaits\": \"",
            "\"format\": 99,\n  \"gaits\": \"\\u001b[31mX",
        ),
    ] {
        fs::create_dir(dir.at(name)).unwrap();
        assert!(race.contains(from), "{race}");
        dir.file(&format!("{name}/race.json"), race.replacen(from, to, 1));
    }
    for (command, code, wanted) in [
        ("fetch --sitemap sitemap.xml --dry-run", 2, "<\u{fffd}]0;owned\u{fffd}\u{fffd}[31mhtml>"),
        ("report bad.jsonl", 2, "\u{fffd}[31mX"),
        ("report newer", 2, "was saved by gaits \u{fffd}[31mX"),
        ("report --against one two", 0, "machine: \u{fffd}[31mX"),
    ] {
        let end = run(command).expect_exit(code);
        let said = end.stdout + &end.stderr;
        assert!(said.contains(wanted) && !said.contains(['\u{1b}', '\u{7}']), "{said:?}");
    }
}
