//! What is possible and probably not meant: warnings.

use super::common::GOOD;
use geodes::scenario::{Loaded, from_str};

#[test]
fn records_for_nobody_are_warned_of() {
    let text = GOOD.replace(
        "chain = [\"gpt\"]",
        "chain = [\"gpt\"]\nsteering.dns_geolocation = { default = \"aws:us-east-1\", continents = { africa = \"aws:us-east-1\" } }",
    );
    let Loaded { warnings, .. } = from_str(&text, "test.toml", None).unwrap();
    assert!(warnings.to_string().contains("no users are in `africa`"), "{warnings}");
    assert!(warnings.to_string().contains("one region, so `dns_geolocation` has nowhere to go"), "{warnings}");
}

#[test]
fn health_checks_that_nobody_looks_at_are_warned_of() {
    let warned = |lines: &str| {
        let text = GOOD
            .replace("regions = [\"aws:us-east-1\"]", "regions = [\"aws:us-east-1\", \"aws:eu-west-1\"]")
            .replace("chain = [\"gpt\"]", &format!("chain = [\"gpt\"]\n{lines}"));
        from_str(&text, "test.toml", None).unwrap_or_else(|e| panic!("{e}")).warnings.to_string()
    };
    let client = warned("steering = \"client_probing\"\nhealth.check = \"deep\"");
    assert!(client.contains("`health` says nothing with `client_probing`"), "{client}");
    let door = warned("steering = \"azure_front_door\"\nhealth = { interval = \"20 s\", check = \"deep\" }");
    assert!(
        door.contains("`interval` says nothing with `azure_front_door`") && door.contains("probe_interval"),
        "{door}"
    );
    let weights = warned("steering.azure_front_door.origins = { \"aws:eu-west-1\" = { weight = 9 } }");
    assert!(weights.contains("weights say nothing while only the fastest origin is used"), "{weights}");
    assert_eq!(warned("steering = \"azure_front_door\"\nhealth.check = \"deep\""), "");
}

#[test]
fn odd_but_possible_scenarios_load_with_warnings() {
    let text = format!(
        "{GOOD}\n[residency.eu]\ncontinents = [\"europe\"]\n[pool.spare]\ndeployments = [\"gpt\"]\nweights = {{ gpt = 2 }}\n[objectives]\nall = [\"availability < 90 %\"]\n"
    );
    let loaded = from_str(&text, "test.toml", None).unwrap_or_else(|e| panic!("{e}"));
    let messages: Vec<&str> = loaded.warnings.list().iter().map(|d| d.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "no users have the residency class `eu`",
            "no topology uses the pool `spare`",
            "weights have no effect",
            "`availability < 90 %` asks for the worse"
        ]
    );
}

/// Each edit of a scenario without warnings gives exactly one.
#[test]
fn what_has_no_effect_is_warned_of() {
    let base = GOOD.replace(
        "region = \"azure:eastus2\"",
        "region = \"azure:eastus2\"\nquota.token_bucket.tokens = \"9k tokens/min\"",
    );
    assert!(from_str(&base, "test.toml", None).unwrap().warnings.is_empty());
    let fault = |when: &str| {
        format!("{base}[[fault]]\nname = \"f\"\n{when}\nwhat.region_down = {{ region = \"aws:us-east-1\" }}\n")
    };
    let second = |chain: &str, more: &str| {
        let pools = "[pool.again]\ndeployments = [\"gpt\"]\n";
        format!("{}{pools}{more}", base.replace("chain = [\"gpt\"]", chain))
    };
    for (text, at, message) in [
        (fault("at = \"50 min\"\nlasts = \"11 min\""), "\"11 min\"", "the fault ends 1 min after the horizon"),
        (
            fault("recurring = { mean_up = \"30 d\", mean_down = \"1 h\" }"),
            "\"30 d\"",
            "a failure in 720 h on average: the fault probably never strikes",
        ),
        (
            base.replace("share = 0.6 }", "share = 0.6 }\nparis = { city = \"Paris\", share = 0 }"),
            "0 }",
            "users `paris` have no share, so nobody belongs to them",
        ),
        (
            format!("{base}[topology.spare]\nabstract = true\n"),
            "spare",
            "nothing extends the abstract topology `spare`",
        ),
        (
            format!("{base}[deployment.spare]\nabstract = true\n"),
            "spare",
            "nothing extends the abstract deployment `spare`",
        ),
        (
            second("chain = [\"gpt\", \"again\"]", ""),
            "\"again\"]",
            "the pool `again` falls back to deployments that have just failed",
        ),
        (
            format!(
                "{}[residency.eu]\ncontinents = [\"europe\"]\n[deployment.eu]\nextends = \"gpt\"\nregion = \"azure:swedencentral\"\n",
                base.replace("city = \"Berlin\"", "city = \"Berlin\", residency = \"eu\"")
                    .replace("city = \"Tokyo\"", "city = \"Tokyo\", residency = \"eu\"")
                    .replace("[\"aws:us-east-1\"]", "[\"aws:eu-west-1\"]")
                    .replace("deployments = [\"gpt\"]", "deployments = [\"gpt\", \"eu\"]"),
            ),
            "gpt]\nprovider",
            "residency keeps the data of all users out of the deployment `gpt`",
        ),
        (
            format!(
                "{}[residency.eu]\ncontinents = [\"europe\"]\ncountries = [\"US\"]\n",
                base.replace("city = \"Berlin\"", "city = \"Berlin\", residency = \"eu\"")
                    .replace("city = \"Tokyo\"", "city = \"Tokyo\", residency = \"eu\"")
                    .replace("[\"aws:us-east-1\"]", "[\"aws:us-east-1\", \"aws:ap-northeast-1\"]"),
            ),
            "\"aws:ap-northeast-1\"",
            "residency keeps all users out of `aws:ap-northeast-1`",
        ),
        (
            base.replace("chain =", "health.interval = \"1 h\"\nchain ="),
            "\"1 h\"\nchain",
            "3 failed checks, 1 h apart, make a region unhealthy, but the run is over after 1 h",
        ),
        (
            base.replace("2 sessions/s", "0.9 sessions/h"),
            "\"0.9 sessions/h\"",
            "`chat` has 0.9 sessions on average, so probably none",
        ),
        (
            base.replace("50 tokens", "2k tokens"),
            "\"2k tokens\"",
            "all answers of `chat` are cut at `max_output`, 1024 tokens",
        ),
        (
            base.replace("sizes.fixed = {", "context.growing = { max = \"10k tokens\" }\nturns.fixed = 3\nthink_time.constant = \"1 s\"\nsizes.fixed = {"),
            "\"9k tokens/min\"",
            "the quota lets 9000 tokens through at most, but a turn of `chat` may ask for 11024: such turns would always be refused",
        ),
        (
            format!(
                "{}[deployment.slow]\nextends = \"gpt\"\nlatency = {{ ttft.constant = \"11 s\", per_output_token.constant = \"1 ms\" }}\n",
                base.replace("deployments = [\"gpt\"]", "deployments = [\"gpt\", \"slow\"]"),
            ),
            "slow]\n",
            "a first token of `slow` takes 11.007 s or more, but the gateways give up after 10 s",
        ),
        (
            base.replace("price = { input = \"$2 / Mtok\", output = \"$8 / Mtok\" }", "price.catalog = \"azure/gpt-4\"")
                .replace("9k tokens/min", "1M tokens/min")
                .replace("arrivals.poisson = { rate = \"2 sessions/s\" }", "arrivals.replay = { trace = \"mooncake-conversation\" }")
                .replace("sizes.fixed = { input = \"100 tokens\", output = \"50 tokens\" }", "sizes = \"replayed\""),
            "\"replayed\"",
            "5411 of the 12031 rows of `mooncake-conversation` are longer than the 8192 tokens a model reads",
        ),
    ] {
        let loaded = from_str(&text, "test.toml", None).unwrap_or_else(|e| panic!("{e}"));
        let [only] = loaded.warnings.list() else { panic!("{}\n{message}", loaded.warnings) };
        assert_eq!(only.message, message);
        assert_eq!(only.loc.start, text.rfind(at).unwrap(), "{}", loaded.warnings);
    }
}

/// Retry settings that can never act are warned of, and no more once they can.
#[test]
fn retries_that_can_never_act_are_warned_of() {
    let second = "[deployment.other]\nextends = \"gpt\"\nregion = \"azure:swedencentral\"\n\n[pool.gpt]\ndeployments = [\"gpt\", \"other\"]";
    let two = GOOD.replace("[pool.gpt]\ndeployments = [\"gpt\"]", second);
    let with = |base: &str, keys: &str| {
        let text = base.replace("chain = ", &format!("{keys}\nchain = "));
        let warnings = from_str(&text, "test.toml", None).unwrap_or_else(|e| panic!("{e}")).warnings;
        warnings.list().iter().map(|d| d.message.clone()).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    let once = ["every pool is tried once, so this pause is never made"];
    assert_eq!(with(GOOD, "retry = { attempts_per_pool = 1, backoff = \"openai\" }"), once);
    assert_eq!(with(GOOD, "retry = { attempts_per_pool = 2, backoff = \"openai\" }"), none);
    let other = ["each of the 2 attempts in a pool finds another deployment, so this pause is never made"];
    let (pause, alone) = ("retry = { attempts_per_pool = 2, backoff = \"openai\" }", "cooldown.enabled = false");
    assert_eq!(with(&two, &format!("{pause}\n{alone}")), other);
    // a cool-down takes members away, and three attempts are more than two members
    assert_eq!(with(&two, pause), none);
    assert_eq!(with(&two, &format!("{}\n{alone}", pause.replace("= 2", "= 3"))), none);
    let choosy = two.replace("\"other\"]", "\"other\"]\nchoose = \"envoy\"");
    assert_eq!(with(&choosy, &format!("{pause}\n{alone}")), none);
    let budget = ["one attempt in one pool: there is no retry that the budget could refuse"];
    assert_eq!(with(GOOD, "retry = { attempts_per_pool = 1, budget = \"finagle\" }"), budget);
    assert_eq!(with(GOOD, "retry = { attempts_per_pool = 2, budget = \"finagle\" }"), none);
    let chain = "[pool.next]\ndeployments = [\"other\"]\n\n[topology.one]";
    let chain = two
        .replace("deployments = [\"gpt\", \"other\"]", "deployments = [\"gpt\"]")
        .replace("[topology.one]", chain)
        .replace("chain = [\"gpt\"]", "chain = [\"gpt\", \"next\"]");
    assert_eq!(with(&chain, "retry = { attempts_per_pool = 1, budget = \"finagle\" }"), none);
    // errors that nobody answers; those that every list has are left in peace
    let on = "retry.on = [\"429\", \"500\", \"503\", \"content_policy\"]";
    assert_eq!(with(GOOD, on), ["no deployment of the chain ever answers `content_policy`"]);
    let answers = GOOD.replace("model = ", "error_rate = 0.1\nerror = \"content_policy\"\nmodel = ");
    assert_eq!(with(&answers, on), none);
    let fault = "[[fault]]\nname = \"f\"\nat = \"5 min\"\nlasts = \"5 min\"\nwhat.provider_down = { deployments = [\"gpt\"], error = \"content_policy\" }\n";
    assert_eq!(with(&format!("{GOOD}\n{fault}"), on), none);
    // what is inherited may act elsewhere
    let base = "[topology.base]\nabstract = true\nretry.budget = \"finagle\"\n\n[topology.one]\nextends = \"base\"";
    assert_eq!(with(&GOOD.replace("[topology.one]", base), "retry.attempts_per_pool = 1"), none);
}
