//! Commands of curl: as items, as a template of requests, and as what gaits shows of its own requests.

use crate::harness::{Dir, gaits};
use gaits_core::ErrorKind;
use gaits_origin::{Config, Origin};
use serde_json::{Value, json};

fn origin() -> Origin {
    Origin::start(Config::default()).unwrap()
}

fn parsed(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn commands_that_browsers_copy_are_requests() {
    let origin = origin();
    let post = origin.url("/anything?x=1");
    let bash = format!(
        "# copied\ncurl '{post}' \\\n  -H 'accept: application/json' \\\n  -H 'X-Token: s3cret' \\\n  -b 'a=1; b=2' --compressed \\\n  \
         --data-raw $'{{\"name\":\"it\\'s \\u00e9\\n\"}}' ;\n\ncurl -sGL {0} -d q=1 --data-urlencode 'r=a b' -u me:pw\n",
        origin.url("/get")
    );
    let end =
        gaits("fetch --body json -m sequential --from-curl -").stdin(bash).run().expect_exit(0);
    let records = parsed(&end.stdout);
    let echo = &records[0]["http"]["body"];
    assert_eq!(echo["method"], "POST", "{end:?}");
    assert_eq!(echo["data"].as_str().unwrap_or_default(), "", "{echo}");
    assert!(echo["form"].to_string().contains("it's é"), "{echo}");
    assert!(echo["headers"].to_string().contains("a=1; b=2"), "{echo}");
    assert!(!records[0]["item"].to_string().contains("s3cret"), "{}", records[0]["item"]);
    let echo = &records[1]["http"]["body"];
    assert_eq!(echo["args"], serde_json::json!({"q": "1", "r": "a b"}));
    assert!(echo["headers"].to_string().contains("Basic bWU6cHc="), "{echo}");
    let cmd = format!(
        "curl ^\"{post}^\" ^\r\n  -H ^\"content-type: application/json^\" ^\r\n  --data-raw ^\"^{{^\\^\"a^\\^\":^\\^\"b ^%^ c^\\^\"^}}^\"\r\n"
    );
    let two = format!("{} &\r\n{cmd}", cmd.trim_end());
    let end = gaits("fetch --body json --from-curl -").stdin(two).run().expect_exit(0);
    let records = parsed(&end.stdout);
    for record in &records {
        assert_eq!(record["http"]["body"]["json"], serde_json::json!({"a": "b % c"}));
    }
    assert_eq!(records.len(), 2);
}

#[test]
fn commands_that_can_not_be_followed_say_which_option_and_where() {
    let dir = Dir::new();
    let list = "curl http://127.0.0.1:1/ \\\n -k\n\nwget http://a/\ncurl http://a/ -o f\ncurl http://a/ http://b/\n\
                curl http://a/ -H \"A: $TOKEN\"\ncurl http://a/ --frob\ncurl -X\ncurl http://a/ --noproxy '*'\n\
                curl http://a/ -r 0-9\ncurl http://a/ -x p:1 -o f --digest -m 3 -x q:1 -sk --frob\ncurl 'http://a/ -H s3cret";
    dir.file("c.txt", list);
    let end = gaits("fetch --from-curl c.txt -m sequential").dir(dir.path()).run().expect_exit(1);
    let mut records = parsed(&end.stdout);
    records.sort_by_key(|record| record["index"].as_u64());
    for (record, why) in records.iter().zip([
        "c.txt:1: -k holds for all requests: give it to gaits as well",
        "c.txt:4: not a curl command",
        "c.txt:5: -o writes a file",
        "c.txt:6: it asks for two URLs",
        "c.txt:7: it has a $ that a shell would act on",
        "c.txt:8: --frob is no option of curl that is known",
        "c.txt:9: -X lacks its value",
        "c.txt:10: --noproxy can't be of one request only",
        "c.txt:11: -r is a header here",
        "c.txt:12: -x, -m can't be of one request only; gaits has an option for all of them: see `gaits fetch --help`; \
         -o writes a file; gaits has --bodies for all requests; \
         --digest is a way to log in that gaits does not know; \
         -k holds for all requests: give it to gaits as well; --frob is no option of curl that is known",
        "c.txt:13: a quote is opened in it that never ends: close it",
    ]) {
        let message = record["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(why), "{message}");
    }
    assert_eq!(records.len(), 11);
    assert!(!end.stdout.contains("s3cret"), "{}", end.stdout);
    let end = gaits("fetch -k --from-curl c.txt --limit 1").dir(dir.path()).run().expect_exit(1);
    end.records().expect_one_failure(ErrorKind::Connect);
}

#[test]
fn a_form_with_parts_is_sent_as_curl_sends_it() {
    let origin = origin();
    let dir = Dir::new();
    dir.file("f.txt", "content\n");
    let list = format!("curl {} -F a=1 -F 'f=@f.txt;type=text/plain'\n", origin.url("/post"));
    let end =
        gaits("fetch --body json --from-curl -").stdin(list).dir(dir.path()).run().expect_exit(0);
    let echo = &parsed(&end.stdout)[0]["http"]["body"];
    assert_eq!(
        (&echo["form"]["a"], &echo["files"]["f"]),
        (&"1".into(), &"content\n".into()),
        "{echo}"
    );
    // A content type of the user's is sent with what separates the parts, and none can take its place.
    let command = format!("curl {}?{{id}} -F a=1", origin.url("/post"));
    dir.file("t.csv", "id\n7\n");
    dir.file("c.txt", format!("{command} -H 'Content-Type: multipart/form-data'"));
    let fetch = "fetch --body json -i t.csv --from-curl c.txt";
    let end = gaits(fetch).dir(dir.path()).run().expect_exit(0);
    let echo = &parsed(&end.stdout)[0]["http"]["body"];
    assert_eq!((&echo["form"]["a"], &echo["args"]["7"]), (&json!("1"), &json!("")), "{echo}");
    let end = gaits(fetch).args(["-H", "content-type: a/b"]).dir(dir.path()).run();
    end.expect_refused("leave out -H Content-Type");
}

#[test]
fn a_line_of_curl_comes_back_as_the_same_request() {
    let list =
        r#"{"url":"http://h/a?b=1","method":"PUT","headers":{"X-A":"it's"},"body":"x\u0001'y\n"}"#;
    let curl = gaits("fetch -i - --print-curl=secrets").stdin(list).run().expect_exit(0).stdout;
    let again = gaits("fetch --from-curl - --print-curl=secrets").stdin(&curl).run().expect_exit(0);
    assert_eq!(again.stdout, curl);
}

#[test]
fn a_line_of_curl_sends_the_header_fields_that_gaits_sends() {
    let line = |words: &[&str]| {
        let end = gaits("fetch http://h/ --print-curl=secrets").args(words).run().expect_exit(0);
        end.stdout
    };
    let usual = line(&[]);
    assert!(usual.contains(" --compressed ") && !usual.contains("accept-encoding"), "{usual}");
    let codings = line(&["-H", "Accept-Encoding: identity"]);
    assert!(codings.contains(" -H 'accept-encoding: identity'"), "{codings}");
    assert!(!codings.contains("--compressed"), "{codings}");
    let empty = line(&["-H", "X-A;", "-H", "Accept;"]);
    assert!(empty.contains(" -H 'x-a;'") && empty.contains(" -H 'accept;'"), "{empty}");
    let without = line(&["-H", "X-A:", "-H", "Accept:", "-H", "accept-encoding:"]);
    assert!(!without.contains("x-a") && !without.contains("--compressed"), "{without}");
    assert!(without.contains(" -H 'accept:'"), "{without}");
    let without = line(&["-H", "Accept:"]);
    let again = gaits("fetch --from-curl - --print-curl=secrets").stdin(&without).run();
    assert_eq!(again.expect_exit(0).stdout, without);
    let nameless = line(&["--user-agent", ""]);
    assert!(nameless.contains(" -H 'user-agent:'"), "{nameless}");
    let again = gaits("fetch --from-curl - --print-curl=secrets").stdin(&nameless).run();
    assert_eq!(again.expect_exit(0).stdout, nameless);
    // curl takes a field without a value for one that it is to leave out, and `;` for an empty one.
    for (command, shown) in [
        ("curl http://h/ -H 'x: '", ""),
        ("curl http://h/ -H 'x:'", ""),
        ("curl http://h/ -H 'x;'", " -H 'x;'"),
    ] {
        let end = gaits("fetch --from-curl - --print-curl=secrets").stdin(command).run();
        let again = end.expect_exit(0).stdout;
        assert_eq!(again, usual.replace(" -L", &format!("{shown} -L")), "{command}");
    }
}

#[test]
fn a_line_of_curl_sends_a_nul_as_it_is() {
    let dir = Dir::new();
    dir.file("nul", b"it's\0 100% \\ \xff\n");
    let command = "fetch http://h/ --print-curl=secrets -d @nul";
    let line = gaits(command).dir(dir.path()).run().expect_exit(0).stdout;
    let (_, word) = line.split_once(" --data-binary @<(").unwrap();
    let (printf, _) = word.split_once(") -L").unwrap();
    let said = std::process::Command::new("bash").args(["-c", printf]).output().unwrap();
    assert_eq!(said.stdout, std::fs::read(dir.path().join("nul")).unwrap(), "{line}");
}

#[test]
fn a_command_is_the_template_of_a_request_for_each_row() {
    let origin = origin();
    let dir = Dir::new();
    dir.file("t.csv", "id,name\n7,a b\n8,\"it's \"\"x\"\"\"\n");
    let command = format!(
        "# from the browser\ncurl '{}' \\\n  -H 'content-type: application/json' -H 'x-id: {{id}}' -b 'k=s3cret' \\\n  \
         --data-raw '{{\"id\":{{id}},\"name\":\"{{name}}\",\"in\":{{\"x\":[]}}}}'\n",
        origin.url(r"/anything/{id}?n={name}&f\[\]=\{1\}")
    );
    dir.file("c.txt", &command);
    let fetch = |more: &str| {
        gaits("fetch -i t.csv --body json -m sequential --from-curl c.txt")
            .args(more.split_whitespace())
            .dir(dir.path())
            .run()
    };
    let end = fetch("").expect_exit(0);
    let records = parsed(&end.stdout);
    for (record, (id, name)) in records.iter().zip([(7, "a b"), (8, "it's \"x\"")]) {
        let echo = &record["http"]["body"];
        assert_eq!(echo["method"], "POST");
        assert_eq!(echo["json"], json!({"id": id, "name": name, "in": {"x": []}}));
        assert_eq!(echo["args"], json!({"n": name, "f[]": "{1}"}));
        assert!(echo["url"].as_str().unwrap().contains(&format!("/anything/{id}?")));
        assert!(echo["headers"].to_string().contains("k=s3cret"), "{echo}");
        assert_eq!(record["input"]["name"], name);
        assert!(!record["item"].to_string().contains("s3cret"));
    }
    assert_eq!(records.len(), 2);
    // A field of the command line takes the place of one of the command.
    let end = gaits("fetch -i t.csv --body json --limit 1 --from-curl c.txt -H")
        .arg("X-Id: mine")
        .dir(dir.path())
        .run();
    let echo = &parsed(&end.expect_exit(0).stdout)[0]["http"]["body"];
    assert!(echo["headers"].to_string().contains("mine"), "{echo}");

    fetch("-d x").expect_refused("the command of --from-curl says the method and what is sent");
    dir.file("c.txt", "curl http://127.0.0.1:9/\n");
    fetch("").expect_refused("the template names no column, in its URL or in what is sent");
    dir.file("c.txt", format!("{command}curl http://a/\n"));
    fetch("").expect_refused("c.txt:5: another command begins");
    dir.file("c.txt", "curl http://127.0.0.1:9/{id} -d {none}\n");
    fetch("").expect_refused("none");
    dir.file("c.txt", "\ncurl http://127.0.0.1:9/{id} -o f\n");
    fetch("").expect_refused("c.txt:2: -o writes a file");
}

#[test]
fn what_is_sent_may_be_all_that_a_row_fills() {
    let origin = origin();
    let dir = Dir::new();
    dir.file("t.csv", "id\n7\n8\n");
    dir.file("b.json", r#"{"id": {id}}"#);
    let url = origin.url("/anything");
    let sent = |options: &str| -> Vec<Value> {
        let end = gaits(&format!("fetch -i t.csv --body json {options}")).dir(dir.path()).run();
        let records = parsed(&end.expect_exit(0).stdout);
        records.iter().map(|record| record["http"]["body"]["json"]["id"].clone()).collect()
    };
    assert_eq!(sent(&format!("--template {url} --json @b.json")), [7, 8]);
    for data in ["--json @b.json", "--data-binary @b.json -H 'content-type: text/json'"] {
        dir.file("c.txt", format!("curl {url} {data}\n"));
        assert_eq!(sent("--from-curl c.txt"), [7, 8], "{data}");
    }
}

#[test]
fn no_row_can_add_a_part_to_a_form() {
    let origin = origin();
    let dir = Dir::new();
    let url = origin.url("/anything");
    dir.file("c.txt", format!("curl '{url}' -F 'a={{v}}' -F 'role=user'\n"));
    let boundary = |list: &str| {
        dir.file("t.csv", list);
        let end = gaits("fetch -i t.csv --body json --from-curl c.txt").dir(dir.path()).run();
        let echo = parsed(&end.expect_exit(0).stdout)[0]["http"]["body"].clone();
        assert_eq!(echo["form"]["role"], "user", "{echo}");
        let kind = echo["headers"]["Content-Type"].as_str().unwrap();
        kind.split_once("boundary=").unwrap().1.to_owned()
    };
    let known = boundary("v\nx\n");
    let part = "Content-Disposition: form-data; name=\"\"role\"\"\r\n\r\nadmin";
    assert_ne!(boundary(&format!("v\n\"x\r\n--{known}\r\n{part}\"\n")), known);
}

#[test]
fn options_that_say_what_is_sent_are_refused_beside_commands() {
    let dir = Dir::new();
    dir.file("c.txt", "curl http://127.0.0.1:9/\n");
    for option in ["-d x", "--json {}", "--form a=b", "-X PUT", "-I", "-T c.txt"] {
        gaits(&format!("fetch --from-curl c.txt {option}"))
            .dir(dir.path())
            .run()
            .expect_refused("the command of --from-curl says the method and what is sent");
    }
}

#[test]
fn a_file_is_uploaded_for_each_row_as_a_command_says() {
    let origin = origin();
    let dir = Dir::new();
    dir.file("a", "of a");
    dir.file("t.csv", "name\na\n");
    dir.file("c.txt", format!("curl -T './{{name}}' {}", origin.url("/anything/")));
    let end = gaits("fetch -i t.csv --body json --from-curl c.txt").dir(dir.path()).run();
    let echo = parsed(&end.expect_exit(0).stdout)[0]["http"]["body"].clone();
    assert_eq!((&echo["method"], &echo["data"]), (&json!("PUT"), &json!("of a")));
    assert!(echo["url"].as_str().unwrap().ends_with("/anything/a"), "{echo}");
}

#[test]
fn a_file_of_any_size_and_content_is_sent_as_it_is() {
    let origin = origin();
    let dir = Dir::new();
    let bytes = b"\xff\0\r\n".repeat(25_000);
    dir.file("f", &bytes);
    let lines = format!(
        "curl {0} --data-binary @f\ncurl {0} -H 'content-type: a/b' --data-binary @f\n",
        origin.url("/anything")
    );
    let end = gaits("fetch --from-curl - --body json -m sequential")
        .stdin(lines)
        .dir(dir.path())
        .run()
        .expect_exit(0);
    let records = parsed(&end.stdout);
    let types = ["application/x-www-form-urlencoded", "a/b"];
    for (record, kind) in records.iter().zip(types) {
        let headers = record["http"]["body"]["headers"].to_string();
        assert!(headers.contains(kind) && headers.contains("\"100000\""), "{headers}");
        assert_eq!(record["http"]["body"]["method"], "POST");
    }
    assert_eq!(records.len(), 2);
}

#[test]
fn what_curl_would_take_for_several_urls_is_named() {
    let origin = origin();
    let lines =
        format!("curl {0}[1-3]\ncurl {0}{{a,b}}\ncurl -g {0}{{a,b}}\n", origin.url("/anything?a="));
    let end = gaits("fetch --from-curl - --body json -m sequential").stdin(lines).run();
    let records = parsed(&end.expect_exit(1).stdout);
    let why = |at: usize| records[at]["error"]["message"].as_str().unwrap();
    assert!(why(0).contains("would take the brackets in its URL for a range"), "{}", why(0));
    assert!(why(1).contains("would take the braces in its URL for several"), "{}", why(1));
    assert_eq!(records[2]["http"]["body"]["args"], json!({"a": "{a,b}"}));
}

#[test]
fn a_line_of_curl_goes_the_way_that_gaits_goes() {
    let line = |options: &str| {
        let end = gaits("fetch -g http://h.example/?a[]=1 --print-curl")
            .args(options.split_whitespace())
            .run();
        end.expect_exit(0).stdout
    };
    let version = env!("CARGO_PKG_VERSION");
    let usual = format!(
        "curl -g 'http://h.example/?a[]=1' --compressed -H 'user-agent: gaits/{version}' -L\n"
    );
    assert_eq!(line(""), usual);
    for (options, wanted) in [
        ("-x http://me:s3cret@127.0.0.1:3128", " -x http://127.0.0.1:3128 "),
        ("--resolve h.example:80:127.0.0.1", " --resolve h.example:80:127.0.0.1 "),
        ("--unix-socket /run/s", " --unix-socket /run/s "),
        ("-4 --http1", " -4 --http1.1 "),
        ("--http2", " --http2-prior-knowledge "),
        ("--timeout 90s --connect-timeout 1500ms", " -m 90 --connect-timeout 1.5 "),
        ("--cookies", " -b '' "),
        ("--max-redirects 3", " --max-redirs 3 "),
    ] {
        let line = line(options);
        assert!(line.contains(wanted) && !line.contains("s3cret"), "{options}: {line}");
    }
    // A password need not stand on the command line.
    let dir = Dir::new();
    dir.file("proxy", "http://me:s3cret@127.0.0.1:3128\n");
    for proxy in ["env:THROUGH", "@proxy"] {
        let end = gaits("fetch http://h.example/ --print-curl=secrets -x")
            .arg(proxy)
            .env("THROUGH", "http://me:s3cret@127.0.0.1:3128")
            .dir(dir.path())
            .run();
        end.expect_exit(0).expect_stdout_contains(" -x http://me:s3cret@127.0.0.1:3128 ");
    }
    let end = gaits("fetch http://h.example/ --print-curl -x env:NO_SUCH_VARIABLE_HERE").run();
    end.expect_refused("can't take the secret of --proxy");
}
