//! What a deployment of a scenario has and an entry of `model_list` says only indirectly, or not at all: provider, region,
//! price, speed. What the file does not say gets a default that is told.

use crate::catalog;
use crate::routing::litellm::config::Deployment;
use crate::routing::litellm::names;
use crate::scenario::import::secrets::{environment, name};
use crate::scenario::import::{Node, Value};

/// Something that an importer needs and a file may not say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Guess {
    /// As it is written into the scenario.
    pub value: String,
    /// Where it is from, if the file says it; otherwise why this was taken.
    pub why: String,
    /// The file says it.
    pub said: bool,
}

impl Guess {
    fn said(value: impl Into<String>, why: impl Into<String>) -> Guess {
        Guess { value: value.into(), why: why.into(), said: true }
    }
    fn assumed(value: impl Into<String>, why: impl Into<String>) -> Guess {
        Guess { value: value.into(), why: why.into(), said: false }
    }
}

const BASE_MODEL: &str = "`base_model`";

/// What a call of an entry meets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Endpoint {
    /// Name of the provider.
    pub provider: Guess,
    /// Name of the model.
    pub model: String,
    /// Region of the catalogue.
    pub region: Guess,
    /// Value of `price`.
    pub price: Guess,
    /// Preset of the catalogue.
    pub latency: Guess,
    /// Keys of the entry that the region or the price was taken from.
    pub used: Vec<&'static str>,
    /// Settings that are kept as references to environment variables: key and name of the variable.
    pub references: Vec<(String, String)>,
}

/// The text of a parameter; a reference to an environment variable is none.
fn text<'a>(params: &'a Node, key: &str) -> Option<&'a str> {
    match params.get(key).map(|n| &n.value) {
        Some(Value::Str(s)) if environment(s).is_none() => Some(s),
        _ => None,
    }
}

/// What the entry's call meets. `node` is the entry, `d` what was read of it.
pub(super) fn endpoint(node: &Node, d: &Deployment) -> Endpoint {
    let nothing = Node::of(Value::Null);
    let params = node.get("litellm_params").unwrap_or(&nothing);
    let mut used = Vec::new();
    let litellm = d.provider.clone().or_else(|| names::provider_of(&d.model).map(str::to_owned));
    let provider = provider(litellm.as_deref(), params);
    let region = region(litellm.as_deref(), d, params, &mut used);
    let model = match environment(&d.model) {
        Some(_) => "model".to_owned(),
        None => names::without_provider(&d.model).unwrap_or(&d.model).to_owned(),
    };
    let of_info = node.get("model_info").and_then(|i| text(i, "base_model"));
    let base_model = of_info.or_else(|| text(params, "base_model"));
    let price = price(d, base_model);
    let latency = latency(base_model, &model);
    if price.why == BASE_MODEL || latency.why == BASE_MODEL {
        used.push(if of_info.is_some() { "model_info.base_model" } else { "litellm_params.base_model" });
    }
    let mut references = Vec::new();
    if let Value::Map(entries) = &params.value {
        for e in entries {
            if let Value::Str(s) = &e.node.value
                && let Some(variable) = environment(s)
            {
                references.push((name(&e.key).to_owned(), variable.to_owned()));
            }
        }
    }
    Endpoint { provider, model, region, price, latency, used, references }
}

fn full(key: &str) -> &'static str {
    match key {
        "aws_region_name" => "litellm_params.aws_region_name",
        "vertex_location" => "litellm_params.vertex_location",
        _ => "litellm_params.region_name",
    }
}

fn provider(litellm: Option<&str>, params: &Node) -> Guess {
    let base = text(params, "api_base").or_else(|| text(params, "base_url"));
    match (litellm, base) {
        // any server can speak OpenAI's protocol: it is not OpenAI that is down when it is
        (Some("openai"), Some(base)) if !host(base).ends_with("openai.com") => {
            Guess::assumed("openai-compatible", "`api_base` leads elsewhere than to OpenAI")
        }
        (Some(known), _) => Guess::said(known, "`model`"),
        (None, _) => Guess::assumed("unknown", "`model` names no provider that LiteLLM knows"),
    }
}

/// The host of an address, without user, port and path.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    host.split(':').next().unwrap_or("")
}

fn region(litellm: Option<&str>, d: &Deployment, params: &Node, used: &mut Vec<&'static str>) -> Guess {
    let (cloud, fallback) = match litellm {
        Some("azure" | "azure_ai" | "azure_text") => ("azure", "azure:eastus2"),
        Some("vertex_ai" | "vertex_ai_beta" | "gemini") => ("gcp", "gcp:us-central1"),
        _ => ("aws", "aws:us-east-1"),
    };
    let known = |name: &str| {
        let id = format!("{cloud}:{}", name.trim().to_lowercase().replace(' ', ""));
        catalog::region(&id).map(|r| r.id.clone())
    };
    for key in ["aws_region_name", "vertex_location", "region_name"] {
        let Some(node) = params.get(key) else { continue };
        if let Value::Str(s) = &node.value {
            match environment(s) {
                None => {
                    if let Some(id) = known(s) {
                        used.push(full(key));
                        return Guess::said(id, format!("`{key}`"));
                    }
                }
                Some(name) => {
                    let why = format!("`{key}` is the environment variable {name}, which is not known here");
                    return Guess::assumed(fallback, why);
                }
            }
        }
    }
    // bedrock/REGION/model
    if let Some(id) = d.model.split('/').skip(1).find_map(known) {
        return Guess::said(id, "`model`");
    }
    if cloud == "azure"
        && let Some(base) = text(params, "api_base").or_else(|| text(params, "base_url"))
    {
        let host = host(base);
        let first = host.split('.').next().unwrap_or("");
        if host.ends_with(".api.cognitive.microsoft.com")
            && let Some(id) = known(first)
        {
            used.push("litellm_params.api_base");
            return Guess::said(id, "the host of `api_base`");
        }
        let mut parts = first.split(['-', '_']).filter_map(known);
        if let (Some(id), None) = (parts.next(), parts.next()) {
            return Guess::assumed(id, "the name of the resource in `api_base` has this region in it");
        }
    }
    Guess::assumed(fallback, "the file does not say where it is")
}

fn price(d: &Deployment, base_model: Option<&str>) -> Guess {
    if let (Some(input), Some(output)) = (d.input_cost_per_token, d.output_cost_per_token) {
        let value = format!("{{ input = \"{}\", output = \"{}\" }}", per_mtok(input), per_mtok(output));
        return Guess::said(value, "`input_cost_per_token` and `output_cost_per_token`");
    }
    let stripped = names::without_provider(&d.model);
    // bedrock/REGION/model
    let last = d.model.rsplit('/').next();
    let named = |key: &str| format!("{{ catalog = {} }}", super::write::quoted(key));
    if let Some(key) = base_model.filter(|m| catalog::token_price(m).is_some()) {
        return Guess::said(named(key), BASE_MODEL);
    }
    for key in [Some(d.model.as_str()), stripped, last].into_iter().flatten() {
        if catalog::token_price(key).is_some() {
            return Guess::said(named(key), "`model`, in the catalogue");
        }
    }
    Guess::assumed(named("azure/gpt-4.1"), "the catalogue has no price of the model; that of GPT-4.1")
}

/// Dollars per token as a price of a million.
pub(super) fn per_mtok(dollars: f64) -> String {
    format!("${} / Mtok", super::write::decimal(dollars * 1e6, 6))
}

/// The preset of the same model, or that of GPT-4.1.
fn latency(base_model: Option<&str>, model: &str) -> Guess {
    const MEASURED: [(&str, &str); 6] = [
        ("gpt-4.1-mini", "gpt-4.1-mini-2026"),
        ("gpt-4.1-nano", ""),
        ("gpt-4.1", "gpt-4.1-2026"),
        ("gpt-5.2", "gpt-5.2-2026"),
        ("claude-opus-4-5", "claude-opus-4-5-2026"),
        ("claude-opus-4.5", "claude-opus-4-5-2026"),
    ];
    let named = base_model.unwrap_or(model);
    let found = MEASURED.iter().find(|(name, _)| named.contains(name)).map(|(_, preset)| *preset);
    match found.filter(|p| catalog::latency_preset(p).is_some()) {
        Some(preset) => {
            Guess::said(preset, if base_model.is_some() { BASE_MODEL } else { "`model`, in the catalogue" })
        }
        None => Guess::assumed("gpt-4.1-2026", "nothing was measured of the model; the speed of GPT-4.1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(params: &str, model: &str) -> Endpoint {
        let node = Node::parse(&format!("litellm_params: {params}\n")).unwrap();
        endpoint(&node, &Deployment { model: model.to_owned(), ..Deployment::default() })
    }

    #[test]
    fn regions_are_read_where_they_stand() {
        let of = |params: &str, model: &str| {
            let g = guess(params, model).region;
            (g.value, g.said)
        };
        let said = |id: &str| (id.to_owned(), true);
        let assumed = |id: &str| (id.to_owned(), false);
        assert_eq!(of("{aws_region_name: eu-central-1}", "bedrock/anthropic.claude-v2"), said("aws:eu-central-1"));
        assert_eq!(of("{}", "bedrock/us-west-2/anthropic.claude-v2"), said("aws:us-west-2"));
        assert_eq!(of("{vertex_location: europe-west4}", "vertex_ai/gemini-2.5-pro"), said("gcp:europe-west4"));
        assert_eq!(of("{region_name: swedencentral}", "azure/gpt"), said("azure:swedencentral"));
        assert_eq!(of("{region_name: eu}", "azure/gpt"), assumed("azure:eastus2"));
        assert_eq!(
            of("{api_base: 'https://westeurope.api.cognitive.microsoft.com/'}", "azure/gpt"),
            said("azure:westeurope")
        );
        assert_eq!(
            of("{api_base: 'https://acme-francecentral.openai.azure.com'}", "azure/gpt"),
            assumed("azure:francecentral")
        );
        assert_eq!(of("{api_base: 'https://acme.openai.azure.com'}", "azure/gpt"), assumed("azure:eastus2"));
        assert_eq!(of("{aws_region_name: os.environ/AWS_REGION}", "bedrock/x"), assumed("aws:us-east-1"));
        assert_eq!(of("{}", "openai/gpt-4o"), assumed("aws:us-east-1"));
    }

    #[test]
    fn providers_and_prices() {
        let e = guess("{api_base: 'http://user:sk-1@vllm.internal:8000/v1', api_key: os.environ/KEY}", "openai/llama");
        assert_eq!((e.provider.value.as_str(), e.provider.said), ("openai-compatible", false));
        assert_eq!(e.references, [("api_key".to_owned(), "KEY".to_owned())]);
        assert!(!format!("{e:?}").contains("sk-1"));
        assert_eq!(guess("{}", "gpt-4o").price.value, "{ catalog = \"gpt-4o\" }");
        assert_eq!(guess("{}", "openai/gpt-4o").price.value, "{ catalog = \"gpt-4o\" }");
        assert!(!guess("{}", "azure/my-deployment").price.said);
        let node = Node::parse("{litellm_params: {}, model_info: {base_model: azure/gpt-4.1}}\n").unwrap();
        let d = Deployment { model: "azure/prod".to_owned(), ..Deployment::default() };
        assert_eq!(endpoint(&node, &d).price.value, "{ catalog = \"azure/gpt-4.1\" }");
        assert_eq!(endpoint(&node, &d).latency.value, "gpt-4.1-2026");
        assert_eq!(per_mtok(0.000_002_5), "$2.5 / Mtok");
    }
}
