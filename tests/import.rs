//! `geodes import litellm`: real-looking configurations, what is printed and written, and that it runs.
#![cfg(feature = "cli")]

#[path = "import/files.rs"]
mod files;

use files::{configurations, folder};
use geodes::routing::litellm::config::{FailureCounting, Fallbacks, GroupKind, Strategy};
use geodes::scenario::from_str;
use geodes::scenario::import::litellm::scenario;
use geodes::scenario::model::{Gateway, LiteLlmGateway, Scenario};
use geodes::units::Span;
use geodes::world::run;
use std::path::Path;
use std::process::{Command, Output};

fn geodes(dir: &Path, args: &[&str]) -> Output {
    let mut geodes = Command::new(env!("CARGO_BIN_EXE_geodes"));
    geodes.args(args).current_dir(dir).env("NO_COLOR", "1").env_remove("COLUMNS").output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn imported(name: &str) -> Scenario {
    let source = std::fs::read_to_string(folder().join(name)).unwrap();
    let imported = scenario(&source, name).unwrap_or_else(|e| panic!("{e}"));
    from_str(&imported.scenario, "imported.toml", None).unwrap_or_else(|e| panic!("{e}")).scenario
}

fn gateway(s: &Scenario) -> &LiteLlmGateway {
    match &s.topologies[0].gateway {
        Gateway::LiteLlm(spec) => spec,
        other => panic!("{other:?}"),
    }
}

/// What each configuration prints. Accept changes with `INSTA_UPDATE=always` after reading them.
#[test]
fn transcripts() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("import/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let all = configurations();
    assert!(all.len() >= 7, "{all:?}");
    settings.bind(|| {
        for path in all {
            let name = path.file_name().unwrap().to_str().unwrap();
            let o = geodes(&folder(), &["import", "litellm", name]);
            let code = o.status.code().unwrap();
            let transcript = format!(
                "$ geodes import litellm {name}\n(exit code {code})\n\n{}\n---- standard output\n\n{}",
                text(&o.stderr),
                text(&o.stdout)
            );
            insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), transcript);
        }
    });
}

/// Everything that is a secret in the files has this word in it; names of variables and their references do not.
#[test]
fn no_secret_is_printed_or_written() {
    let dir = tempfile::tempdir().unwrap();
    for path in configurations() {
        let source = std::fs::read_to_string(&path).unwrap();
        let to = dir.path().join("out.toml");
        let config = path.to_str().unwrap();
        let o = geodes(dir.path(), &["import", "litellm", config, "--output", to.to_str().unwrap(), "--force"]);
        let written = std::fs::read_to_string(&to).unwrap_or_default();
        let secrets: Vec<&str> = source
            .split([' ', ',', '}', '\n', '"', '/', '@', ':'])
            .filter(|w| w.contains("secret") || w.contains("SECRET") || w.contains("-your-") || w.contains("hunter2"))
            // the name of a key, not a value
            .filter(|w| !w.contains("aws_secret") && *w != "LANGFUSE_SECRET_KEY")
            .collect();
        for shown in [text(&o.stdout), text(&o.stderr), &written] {
            for secret in &secrets {
                assert!(!shown.contains(secret), "{secret} of {config}:\n{shown}");
            }
        }
        if path.ends_with("everything.yaml") {
            assert!(secrets.len() >= 10, "{secrets:?}");
        }
        if source.contains("hunter2-injected") {
            assert!(written.contains("# api_key: os.environ/KEY") && !written.contains("5 h"), "{written}");
        }
        if path.ends_with("everything.yaml") {
            assert!(
                written.contains("os.environ/AZURE_KEY_SWEDEN") && written.contains("os.environ/ANTHROPIC_API_KEY")
            );
        }
    }
}

#[test]
fn a_file_is_written_once_and_runs() {
    let dir = tempfile::tempdir().unwrap();
    let config = folder().join("everything.yaml");
    let import = |more: &[&str]| {
        let mut args = vec!["import", "litellm", config.to_str().unwrap(), "--output", "proxy.toml"];
        args.extend(more);
        geodes(dir.path(), &args)
    };
    let first = import(&[]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    assert!(text(&first.stdout).contains("geodes run proxy.toml"));
    let written = std::fs::read(dir.path().join("proxy.toml")).unwrap();
    std::fs::write(dir.path().join("proxy.toml"), "mine").unwrap();
    let second = import(&[]);
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("--force"), "{}", text(&second.stderr));
    assert_eq!(std::fs::read(dir.path().join("proxy.toml")).unwrap(), b"mine");
    assert_eq!(import(&["--force"]).status.code(), Some(0));
    assert_eq!(std::fs::read(dir.path().join("proxy.toml")).unwrap(), written);
    let ran = geodes(dir.path(), &["run", "proxy.toml", "--no-files", "--quiet"]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert!(text(&ran.stdout).contains("azure-gpt-4o-prod"), "{}", text(&ran.stdout));
    let missing = geodes(dir.path(), &["import", "litellm", "nowhere.yaml"]);
    assert_eq!(missing.status.code(), Some(3));
    std::fs::write(dir.path().join("latin.yaml"), b"model_list: [\xe9]").unwrap();
    assert_eq!(geodes(dir.path(), &["import", "litellm", "latin.yaml"]).status.code(), Some(3));
}

/// Settings arrive where they decide: the router of the scenario is told what the file says.
#[test]
fn settings_reach_the_router() {
    let s = imported("everything.yaml");
    let spec = gateway(&s);
    let c = &spec.config;
    assert_eq!(
        (c.strategy, c.strategy_args.ttl, c.strategy_args.lowest_latency_buffer),
        (Strategy::Latency, Span::from_secs(600), 0.2)
    );
    assert_eq!((c.num_retries, c.allowed_fails, c.cooldown_time), (3, 5, Span::from_secs(20)));
    assert_eq!((c.timeout, c.pre_call_checks, c.counting), (Some(Span::from_secs(90)), true, FailureCounting::Proxy));
    assert_eq!(c.retry_policy.unwrap().rate_limit, Some(2));
    assert_eq!(c.aliases, [("gpt-4".into(), "gpt-4o".into()), ("hidden".into(), "claude".into())]);
    assert_eq!(c.provider_budgets[0].1, Some(50.0));
    let Some(Fallbacks::Chains(chains)) = &c.fallbacks else { panic!("{:?}", c.fallbacks) };
    let of = |name: &str| {
        let chain = chains.iter().find(|(m, _)| m == name).unwrap();
        chain.1.iter().map(|t| t.model.clone().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(
        (of("gpt-4o"), of("claude"), of("*")),
        (vec!["claude".into(), "local".into()], vec!["gpt-4o".into()], vec!["local".to_owned()])
    );
    let first = &c.deployments[0];
    assert_eq!(
        (first.id.as_str(), first.weight, first.rpm.params, first.tpm.params),
        ("gpt-4o-sweden", Some(3.0), Some(600), Some(450_000))
    );
    assert_eq!((first.timeout, first.stream_timeout), (Some(Span::from_secs(60)), Some(Span::from_secs(20))));
    assert_eq!((first.max_parallel_requests, first.max_input_tokens), (Some(200), Some(128_000)));
    assert_eq!(first.tags, ["paid", "eu"]);
    assert_eq!((c.deployments[1].order, c.deployments[1].cooldown_time), (Some(2), Some(Span::from_secs(30))));
    assert_eq!((c.deployments[2].budget.unwrap().max, c.deployments[2].num_retries), (100.0, Some(1)));
    let region = |i: usize| s.places[s.deployments[i].place.ix()].id.as_str();
    assert_eq!([region(0), region(1), region(2)], ["azure:swedencentral", "azure:eastus2", "aws:eu-central-1"]);

    let s = imported("groups.yaml");
    let c = &gateway(&s).config;
    assert_eq!((c.allowed_fails, c.library_allowed_fails, c.max_fallbacks), (7, 7, 2));
    assert!(c.tag_filtering && !c.tag_match_any && c.enforce_rate_limits && c.weighted_failover && c.disable_cooldowns);
    assert_eq!(c.routing_groups[0].kind, GroupKind::Priority(vec![1, 2]));
    assert_eq!(c.tag_budgets[0].1.max, 20.0);
    assert_eq!(
        (c.deployments[1].allowed_fails, c.deployments[2].allowed_fails_policy.unwrap().rate_limit),
        (Some(2), Some(10))
    );
    assert_eq!((c.deployments[3].itpm, c.deployments[3].otpm), (Some(100_000), Some(20_000)));
    assert_eq!(gateway(&s).asks[0].model, "fast");

    // entries that make the same call are one deployment
    let s = imported("anchors.yaml");
    assert_eq!((s.deployments.len(), gateway(&s).entries.len()), (2, 3));
    assert_eq!(gateway(&s).entries[0].deployment, gateway(&s).entries[2].deployment);
    // of keys that stand twice the last counts
    let c = gateway(&imported("duplicates.yaml")).config.clone();
    assert_eq!((c.num_retries, c.deployments[0].rpm.params), (4, Some(20)));
}

#[test]
fn imported_scenarios_run() {
    for name in ["small.yaml", "everything.yaml", "anchors.yaml", "groups.yaml", "duplicates.yaml"] {
        let mut s = imported(name);
        s.horizon = Span::from_mins(5);
        s.warmup = Span::ZERO;
        let r = run(&s, 0, 0);
        assert!(r.requests() > 100 && r.failed() < r.requests(), "{name}: {} of {}", r.failed(), r.requests());
    }
}
