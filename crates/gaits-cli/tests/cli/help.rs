//! Help, version, completions and the manual page.

use crate::harness::{Dir, gaits};

/// Every command, with those below it.
const COMMANDS: [&str; 22] = [
    "",
    "fetch",
    "run",
    "run http",
    "run cpu",
    "run wait",
    "run command",
    "compare",
    "compare http",
    "compare cpu",
    "compare wait",
    "compare command",
    "sweep",
    "sweep http",
    "sweep cpu",
    "sweep wait",
    "sweep command",
    "report",
    "export",
    "origin",
    "completions",
    "man",
];

#[test]
fn short_help_fits_a_terminal_of_80_columns_and_24_lines() {
    for command in COMMANDS {
        let end = gaits(&format!("{command} -h")).env("COLUMNS", "80").run().expect_exit(0);
        let lines = end.stdout.lines().count();
        let columns = end.stdout.lines().map(|line| line.chars().count()).max();
        assert!(lines <= 24 && columns <= Some(80), "{command}: {lines} × {columns:?}: {end:?}");
        assert!(end.stdout.contains("Usage: gaits"), "{end:?}");
        assert!(
            end.stdout.contains("--help"),
            "{command} does not tell where the rest is: {end:?}"
        );
        end.expect_stderr("");
    }
}

#[test]
fn options_stand_in_groups_and_long_help_has_all() {
    for option in ["-h", "--help"] {
        let end = gaits(&format!("fetch {option}")).run().expect_exit(0);
        let mut rest = &*end.stdout;
        for part in [
            "\nInput:",
            "\n  [URL]...",
            "--input <",
            "--count <",
            "\nRequest:",
            "--header <",
            "\nOutput:",
            "--output <",
            "--bodies <",
            "\nRunning:",
            "--model <",
            "--concurrency <",
        ] {
            let at =
                rest.find(part).unwrap_or_else(|| panic!("{part} is not in its place: {end:?}"));
            rest = &rest[at..];
        }
    }
    let long = gaits("fetch --help").run().expect_exit(0);
    for option in ["--retry-failed", "--cookies", "--stop-on", "--deadline", "--color", "--quiet"] {
        assert!(long.stdout.contains(option), "{option}: {long:?}");
    }
    let race = gaits("compare http --help").run().expect_exit(0);
    for option in ["--bodies <", "--retry-on <", "--stop-on <"] {
        assert!(!race.stdout.contains(option), "{option} means nothing in a race: {race:?}");
    }
}

#[test]
fn long_help_explains_models_and_exit_codes() {
    let mut end = gaits("--help").run().expect_exit(0).expect_stdout_contains("Exit codes:");
    for form in gaits_engine::plan::Model::FORMS {
        end = end.expect_stdout_contains(form);
    }
    for code in ["  0 ", "  1 ", "  2 ", "  3 ", "  4 ", "  5 ", "  130 "] {
        end = end.expect_stdout_contains(code);
    }
}

#[test]
fn no_command_at_all_is_refused_with_help() {
    let end = gaits("").run().expect_refused("Usage: gaits");
    assert!(end.stderr.contains("compare"), "{end:?}");
}

#[test]
fn the_version_is_that_of_the_package() {
    for option in ["--version", "-V"] {
        let end = gaits(option).run().expect_exit(0);
        assert_eq!(end.stdout, concat!("gaits ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let end = gaits(&format!("completions {shell}")).run().expect_exit(0).expect_stderr("");
        end.expect_stdout_contains("fetch").expect_stdout_contains("compare");
    }
    gaits("completions cobol").run().expect_refused("bash");
}

#[test]
fn completions_know_the_models() {
    for shell in ["bash", "zsh", "fish"] {
        let end = gaits(&format!("completions {shell}")).run().expect_exit(0);
        for model in ["sequential", "threads/async", "async/threads"] {
            assert!(end.stdout.contains(model), "{shell}: {model}: {end:?}");
        }
    }
    // Other numbers than those that are offered are models as well.
    gaits("run wait 0 -q -m threads:10/async:3").run().expect_exit(0).records().expect_all_ok(1);
}

/// The titles of manual pages, in their order.
fn titles(text: &str) -> Vec<&str> {
    let titles = text.lines().filter_map(|line| line.strip_prefix(".TH "));
    titles.filter_map(|title| title.split(' ').next()).collect()
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let pages = COMMANDS.map(|command| match command {
        "" => "gaits".to_owned(),
        command => format!("gaits-{}", command.replace(' ', "-")),
    });
    let end = gaits("man").run().expect_exit(0).expect_stderr("");
    assert_eq!(titles(&end.stdout), pages);
    let dir = Dir::new();
    gaits("man --dir").arg(dir.at("pages")).run().expect_exit(0).expect_no_stdout();
    for page in pages {
        let text = std::fs::read_to_string(dir.at(&format!("pages/{page}.1"))).unwrap();
        assert_eq!(titles(&text), [page.as_str()]);
    }
}

#[test]
fn the_manual_of_one_command_explains_all_its_options() {
    for command in ["man run http", "man fetch"] {
        let end = gaits(command).run().expect_exit(0);
        assert_eq!(titles(&end.stdout).len(), 1, "{end:?}");
        // An option that -h leaves out.
        end.expect_stdout_contains("Accept any certificate, without checking it");
    }
    let of_all = gaits("man compare").run().expect_exit(0);
    assert_eq!(
        titles(&of_all.stdout),
        [
            "gaits-compare",
            "gaits-compare-http",
            "gaits-compare-cpu",
            "gaits-compare-wait",
            "gaits-compare-command"
        ]
    );
    gaits("man nosuch").run().expect_refused("gaits has no command `nosuch`");
    gaits("man fetch nosuch").run().expect_refused("gaits fetch has no command `nosuch`");
    gaits("man --dir /dev/null/x").run().expect_refused("can't write the manual to /dev/null/x");
}

#[test]
fn readers_who_have_seen_enough_cause_no_panic() {
    for command in ["--help", "-h", "--version", "man", "completions bash", "fetch --help"] {
        gaits(command).stdout_closed().run().expect_exit(0).expect_stderr("");
    }
}

#[test]
fn the_hidden_verb_is_not_for_people_and_says_so_without_a_panic() {
    for verb in ["__worker", "__guard"] {
        let end = gaits(verb).run().expect_no_stdout().expect_stderr_lacks("panicked");
        end.expect_exit(1).expect_stderr_contains(&format!("{verb} is for gaits' own use"));
    }
}
