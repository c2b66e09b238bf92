//! Help, version, completions and the manual page.

use crate::harness::gaits;

#[test]
fn short_help_fits_a_screen() {
    for command in ["", "fetch", "run", "run http", "run cpu", "run wait", "compare", "origin"] {
        let end = gaits(&format!("{command} -h")).run().expect_exit(0).expect_stderr("");
        let lines = end.stdout.lines().count();
        assert!(lines <= 40, "{command}: {lines} lines: {end:?}");
        assert!(end.stdout.contains("Usage: gaits"), "{end:?}");
    }
}

#[test]
fn long_help_explains_models_and_exit_codes() {
    let mut end = gaits("--help").run().expect_exit(0).expect_stdout_contains("Exit codes:");
    for form in gaits_engine::plan::Model::FORMS {
        end = end.expect_stdout_contains(form);
    }
    for code in ["  0 ", "  1 ", "  2 ", "  3 ", "  4 ", "  130 "] {
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
fn the_manual_page_knows_the_commands() {
    let end = gaits("man").run().expect_exit(0).expect_stderr("");
    end.expect_stdout_contains(".TH gaits").expect_stdout_contains("compare");
}

#[test]
fn readers_who_have_seen_enough_cause_no_panic() {
    for command in ["--help", "-h", "--version", "man", "completions bash", "fetch --help"] {
        gaits(command).stdout_closed().run().expect_exit(0).expect_stderr("");
    }
}

#[test]
fn the_hidden_verb_is_not_for_people_and_says_so_without_a_panic() {
    let end = gaits("__worker").run().expect_no_stdout().expect_stderr_lacks("panicked");
    end.expect_exit_one_of(&[1, 2]);
}
