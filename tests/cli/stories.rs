//! Single requests on the command line: `explain`, `diff-policy`, `--export trace`.

use super::{Place, err, out};

#[test]
fn the_story_of_a_request_as_text_and_as_json() {
    let p = Place::new();
    let o = p.geodes(&["explain", "small.toml", "--topology", "two", "--find", "retried"]);
    assert_eq!(o.status.code(), Some(0), "{}", err(&o));
    let number: u64 = out(&o).lines().nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    let n = number.to_string();
    let o = p.geodes(&["explain", "small.toml", "--topology", "two", "--request", &n]);
    assert_eq!(o.status.code(), Some(0), "{}", err(&o));
    let text = out(&o);
    assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
    for part in
        [&format!("Request {n} of \"Small\""), "topology two", "the user's program tries again", "virginia down", "! "]
    {
        assert!(text.contains(part), "{part} is missing from\n{text}");
    }
    let json = out(&p.geodes(&["explain", "small.toml", "--topology", "two", "--request", &n, "--format", "json"]));
    let v: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&v["request"], &v["format_version"]), (&number.into(), &1.into()));
    let steps = v["steps"].as_array().unwrap();
    assert_eq!((&steps[0]["step"], &steps[0]["at_ms"]), (&"try".into(), &0.0.into()));
    assert!(steps.iter().any(|s| s["kind"] == "unknown" && s["step"] == "unseen_region_fault"), "{json}");
    assert_eq!(steps.last().unwrap()["step"], "ends");
}

#[test]
fn a_story_that_cannot_be_told_says_why() {
    let p = Place::new();
    for (args, code, words) in [
        (&["--request", "1000000"][..], 2, "there is no request 1000000: the run has"),
        (&["--request", "0"], 2, "0 is not in 1.."),
        (&["--request", "7", "--topology", "towo"], 2, "did you mean `two`?"),
        (&[], 2, "--request <N>"),
        (&["--find", "odd"], 2, "possible values: failed, slow, degraded"),
        (&["--find", "hedged"], 4, "no such request"),
    ] {
        let o = p.geodes(&[&["explain", "small.toml"], args].concat());
        assert_eq!(o.status.code(), Some(code), "{args:?}: {}", err(&o));
        assert!(err(&o).contains(words), "{args:?}: {}", err(&o));
        assert!(out(&o).is_empty());
    }
}

#[test]
fn two_policies_are_compared_as_text_json_and_csv() {
    let p = Place::new();
    let run = |args: &[&str]| p.geodes(&[&["diff-policy"], args].concat());
    let o = run(&["small.toml:one", "two"]);
    assert_eq!(o.status.code(), Some(1), "{}", err(&o));
    let text = out(&o);
    assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
    for part in ["A = one, B = two", "the decision changed for", "another region: ", "for example "] {
        assert!(text.contains(part), "{part} is missing from\n{text}");
    }
    let json = out(&run(&["small.toml", "small.toml:two", "--format", "json", "--list", "3"]));
    let v: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&v["a"]["topology"], &v["b"]["topology"]), (&"one".into(), &"two".into()));
    assert_eq!(v["changes"].as_array().unwrap().len(), 3);
    assert!(v["groups"][0]["requests"].as_u64().unwrap() > 0 && v["groups"][0]["token_cost_usd"].is_number());
    let csv = out(&run(&["small.toml", "two", "--format", "csv"]));
    assert!(csv.starts_with("reason,user,sent_s,request_a,request_b,"), "{csv}");
    assert_eq!(csv.lines().count() as u64, v["changed"].as_u64().unwrap() + 1);
    let same = run(&["small.toml:one", "one"]);
    assert_eq!((same.status.code(), out(&same).contains("changed for 0")), (Some(0), true));
    for (args, code, words) in [
        (["small.toml", "tow"], 2, "did you mean `two`?"),
        (["small.toml:tow", "two"], 2, "did you mean `two`?"),
        (["absent.toml", "two"], 3, "absent.toml"),
        (["nothing", "two"], 3, "there is no file nothing"),
    ] {
        let o = run(&args);
        assert_eq!(o.status.code(), Some(code), "{args:?}: {}", err(&o));
        assert!(err(&o).contains(words), "{args:?}: {}", err(&o));
    }
}

#[test]
fn a_trace_is_written_beside_a_run() {
    let p = Place::new();
    let args = ["run", "small.toml", "--no-files", "--quiet", "--export", "trace=t.json", "--sample", "7"];
    let o = p.geodes(&args);
    assert_eq!(o.status.code(), Some(0), "{}", err(&o));
    let first = std::fs::read_to_string(p.path().join("t.json")).unwrap();
    let v: serde_json::Value = serde_json::from_str(&first).unwrap();
    let requests = v["traceEvents"].as_array().unwrap().iter().filter(|e| e["cat"] == "request" && e["ph"] == "X");
    assert_eq!(requests.count(), 2 * 7);
    // the same sample again, and what is printed does not depend on it
    assert_eq!(out(&o), out(&p.geodes(&args[..4])));
    p.geodes(&args);
    assert_eq!(first, std::fs::read_to_string(p.path().join("t.json")).unwrap());
    assert_eq!(p.geodes(&["run", "small.toml", "--export", "movie=x"]).status.code(), Some(2));
}
