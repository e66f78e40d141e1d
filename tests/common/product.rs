//! Products before three deployments: what the tests of gateways share.

use super::common::good;
use geodes::scenario::model::Scenario;

/// Users in Berlin, an application in Virginia, deployments `a`, `b` and `c` beside it that answer 10 tokens at 10 ms each
/// after 200 ms, and what a test adds: topologies, faults.
pub fn text(more: &str) -> String {
    format!(
        r#"
name = "Gateways"
horizon = "10 min"
warmup = "0"

[users.berlin]
city = "Berlin"
share = 1.0

[workload.chat]
arrivals.poisson = {{ rate = "5 sessions/s" }}
sizes.fixed = {{ input = "100 tokens", output = "10 tokens" }}

[deployment.a]
provider = "azure"
model = "gpt"
region = "aws:us-east-1"
price = {{ input = "$2 / Mtok", output = "$8 / Mtok" }}
latency = {{ ttft.constant = "200 ms", prefill_per_token = "0 s", per_output_token.constant = "10 ms" }}
[deployment.b]
extends = "a"
[deployment.c]
extends = "a"
provider = "openai"

{more}"#
    )
}

/// A topology with a product before all three deployments, and what a test adds to it.
pub fn product(product: &str, gateway: &str, more: &str) -> Scenario {
    good(&product_text(product, gateway, more))
}

/// The same as text.
pub fn product_text(product: &str, gateway: &str, more: &str) -> String {
    text(&format!(
        r#"
[topology.proxy]
regions = ["aws:us-east-1"]
[topology.proxy.gateway.{product}]
{gateway}

{more}"#
    ))
}

/// Half of the requests come while `a` refuses everything with 503.
pub const DOWN: &str = r#"
[[fault]]
name = "down"
at = "2 min"
lasts = "5 min"
what.provider_down = { deployments = ["a"] }
"#;
