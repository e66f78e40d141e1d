//! What is used where a scenario says nothing. Every value names its source with date, or says ASSUMPTION and why.
//! Values are written as in a scenario file and read by the same decoder; those that were used are part of the result.

/// A documented default.
#[derive(Debug)]
pub struct Default {
    /// Where it would be written.
    pub key: &'static str,
    /// The value, as TOML.
    pub value: &'static str,
    /// Source with date, or `ASSUMPTION:` and why.
    pub provenance: &'static str,
}

macro_rules! defaults {
    ($($name:ident: $key:literal = $value:literal, $provenance:literal;)*) => {
        $(
            #[doc = concat!("`", $key, " = ", $value, "`")]
            pub static $name: Default = Default { key: $key, value: $value, provenance: $provenance };
        )*
        /// All of them, in the order of the language.
        #[cfg(test)]
        pub static ALL: &[&Default] = &[$(&$name),*];
    };
}

defaults! {
    START: "start" = "\"2026-03-02T00:00:00Z\"",
        "ASSUMPTION: some Monday without a holiday or a change of clocks nearby";
    WARMUP: "warmup" = "\"10 min\"",
        "ASSUMPTION: several times the default time to live (60 s) and of the order of a conversation, so that caches, connections and sessions are in their usual mix";
    SEED: "seed" = "1", "any number; 1 so that runs repeat";
    REPLICATIONS: "replications" = "1", "one run answers at once; intervals need more";
    SLOW_OVER: "slow_over" = "\"2 s\"",
        "ASSUMPTION: a wait that people notice but most sit out; Nielsen, Usability Engineering (1993), puts an uninterrupted flow of thought at about 1 s and attention at 10 s";
    INTERVAL: "interval" = "\"1 min\"", "resolution of common cloud monitoring (Amazon CloudWatch detailed monitoring: 1 minute)";
    MAX_TURNS: "max_turns" = "2000000000",
        "ASSUMPTION: about an hour at half a million turns per second on one core, the speed that the benchmark asks for";
    SYSTEM_PROMPT: "workload.*.context.growing.system" = "\"0 tokens\"", "no system prompt unless one is stated";
    TURNS: "workload.*.turns" = "{ fixed = 1 }", "single requests unless a conversation is stated";
    CONTEXT: "workload.*.context" = "\"fresh\"", "nothing is sent again unless a conversation is stated";
    MAX_OUTPUT: "workload.*.max_output" = "\"1024 tokens\"",
        "ASSUMPTION: a usual `max_tokens`; the 99th percentile of outputs is 251 tokens in the Azure 2023 code trace, and 95th percentiles of chat traces (Mooncake 2024: 698 tokens) lie below";
    STREAMED: "workload.*.streamed" = "true", "chat products show an answer as it is written; the time to first token is about those";
    LIMIT: "workload.*.limit" = "\"60 s\"",
        "default time-out of common proxies (nginx proxy_read_timeout and AWS Application Load Balancer idle time-out: 60 s, documentation of 2026)";
    CLIENT_CONNECT_TIMEOUT: "client.connect_timeout" = "\"3 s\"",
        "RFC 6298 (2011): the first SYN is repeated after 1 s and after 3 s; ASSUMPTION: a client gives up when the second repetition is due";
    CLIENT_TRIES: "client.tries" = "2", "ASSUMPTION: one more try after a failed connection, as browsers and HTTP libraries do";
    CLIENT_RETRY_PAUSE: "client.retry_pause" = "\"500 ms\"",
        "openai-python 1.x, _constants.py: INITIAL_RETRY_DELAY = 0.5 s";
    CLIENT_KEEP_ALIVE: "client.keep_alive" = "\"60 s\"",
        "AWS Application Load Balancer: default idle time-out 60 s (documentation of 2026)";
    CLIENT_HANDSHAKE: "client.handshake_round_trips" = "2", "TCP, RFC 9293 (2022): one; TLS 1.3, RFC 8446 (2018): one";
    DNS_RESOLVERS: "dns.resolvers_per_group" = "20",
        "ASSUMPTION: the resolvers of the large access networks of a city and the public ones, each caching for itself";
    DNS_EXTENDING_SHARE: "dns.extending_share" = "0.0874",
        "Bhowmick et al., TTL Violation of DNS Resolvers in the Wild, PAM 2023: 8.74 % of 8,524 resolvers";
    DNS_EXTENSION: "dns.extension" = "5.0",
        "ASSUMPTION: the measurement of PAM 2023 gives no factor; 5 turns a usual 60 s into the 300 s that resolver operators set as a floor";
    DNS_HIT: "dns.hit" = "\"28.7 ms\"",
        "Moura et al., Cache Me If You Can, IMC 2019: latency of a country's domain with long times to live";
    DNS_MISS: "dns.miss" = "\"183 ms\"",
        "Moura et al., Cache Me If You Can, IMC 2019: latency of the same domain with short times to live";
    PREFILL: "deployment.*.latency.prefill_per_token" = "\"76 us\"",
        "Splitwise measurements (2023): Llama 2 70B on eight H100, 1,024 tokens in 78 ms";
    CACHE_MINIMUM: "deployment.*.prompt_cache.minimum" = "\"0 tokens\"", "nothing is too short unless a preset or the file says so";
    CACHE_STEP: "deployment.*.prompt_cache.step" = "\"1 tokens\"", "to the token unless a preset or the file says otherwise";
    CACHE_ANSWERS: "deployment.*.prompt_cache.answers" = "false", "hosted services document that they keep prompts (Anthropic, OpenAI, Azure, Bedrock, 2026); engines keep answers too, and their preset says so";
    RETRY_AFTER: "deployment.*.quota.*.retry_after" = "true",
        "Azure OpenAI and Anthropic send Retry-After with 429 (rate limit documentation of both, 2026)";
    BEDROCK_RETRY_AFTER: "deployment.*.quota.bedrock.retry_after" = "false",
        "ASSUMPTION: the documentation of Amazon Bedrock (2026) describes ThrottlingException without promising a Retry-After";
    BEDROCK_PER_SOURCE: "deployment.*.quota.bedrock.per_source_region" = "false",
        "Amazon Bedrock User Guide (2026): on-demand quotas are per region that is called; only an inference profile is called in a region other than its models'";
    ENVOY_RETRY_AFTER: "deployment.*.quota.envoy.retry_after" = "false",
        "Envoy's rate limit filter: X-RateLimit headers are off unless they are enabled (documentation of 2026)";
    EVALUATED_OVER: "deployment.*.quota.*.evaluated_over" = "\"1 s\"",
        "Azure OpenAI quota documentation (2025): typically 1 or 10 seconds, with an example of one second";
    AZURE_REQUESTS: "deployment.*.quota.azure_openai.requests_per_1k_tokens" = "6.0",
        "Azure OpenAI quota documentation (2025): 6 RPM per 1,000 TPM; other ratios for newer models";
    PROVISIONED_WINDOW: "deployment.*.quota.azure_provisioned.window" = "\"1 min\"",
        "ASSUMPTION: what 100 % holds is not published; a minute, the period in which throughput per unit is stated";
    BURST: "deployment.*.quota.*.burst" = "\"1 min\"",
        "ASSUMPTION: the whole minute's requests at once; OpenAI and Anthropic say that shorter times may be enforced";
    OUTPUT_COUNTS: "deployment.*.quota.anthropic.output_counts" = "\"as_generated\"",
        "Anthropic rate limit documentation (2026): max_tokens does not factor in; that of 2025 reserved it";
    POOL_BURST: "deployment.*.quota.*.burst (shared pool)" = "\"1 s\"",
        "ASSUMPTION: a second of a pool's work is far larger than one request and far shorter than changes of its load";
    VERTEX_WINDOW: "deployment.*.quota.vertex_provisioned.window" = "\"30 s\"",
        "Google Cloud, Use Provisioned Throughput (2025): enforced over up to 30 seconds";
    OUTPUT_FACTOR: "deployment.*.output_factor" = "1.0", "answers as long as the workload's sizes say";
    MODEL_QUEUE: "deployment.*.queue" = "0", "hosted APIs answer 503 or 429 when they are full, they do not queue";
    REPLICA_START_UP: "deployment.*.replicas.start_up" = "\"180 s\"",
        "ASSUMPTION: instance, container and weights of a large model; SkyServe (EuroSys 2025) measures 183 s for a Llama-2-70B replica (figure as remembered, not read again)";
    REPLICA_NOTICE: "deployment.*.replicas.notice" = "\"0 s\"",
        "ASSUMPTION: a service that does not listen for notices, as SkyServe's do not; clouds give 2 min (AWS) or 30 s (Azure, Google Cloud; documentation of 2026)";
    SPREAD_EXTRA: "topology.*.fleet.*.placement.*.extra" = "0", "as many as are needed";
    SPOTHEDGE_EXTRA: "topology.*.fleet.*.placement.spothedge.extra" = "2", "SkyServe (Mao, Xia, Wu et al., EuroSys 2025): two extra replicas";
    ALWAYS_ON_DEMAND: "topology.*.fleet.*.placement.spothedge.always_on_demand" = "0",
        "SkyPilot, sky/serve: base_ondemand_fallback_replicas is 0 unless it is set (2026)";
    FLEET_INTERVAL: "topology.*.fleet.*.interval" = "\"20 s\"", "SkyPilot, sky/serve/constants.py: AUTOSCALER_DEFAULT_DECISION_INTERVAL_SECONDS (2026)";
    ERROR_RATE: "deployment.*.error_rate" = "0.0", "faults are stated on their own";
    ERROR: "deployment.*.error" = "\"503\"", "RFC 9110 (2022), 15.6.4: a server that cannot handle the request at present";
    ABSTRACT: "*.abstract" = "false", "what is written is used";
    CHOOSE: "pool.*.choose" = "\"nearest\"", "ASSUMPTION: what most people mean by several regions of one model";
    LEAST_CHOICES: "pool.*.choose.least_request.choice_count" = "2", "Envoy, least_request.proto (2026)";
    LEAST_BIAS: "pool.*.choose.least_request.active_request_bias" = "1.0", "Envoy, least_request.proto (2026)";
    RING_SIZE: "pool.*.choose.ring_hash.minimum_ring_size" = "1024", "Envoy, ring_hash.proto (2026)";
    REPORTED_EVERY: "pool.*.choose.reported_load.every" = "\"10 s\"", "Envoy, client_side_weighted_round_robin.proto (2026): oob_reporting_period";
    EWMA_DECAY: "pool.*.choose.peak_ewma.decay" = "\"10 s\"", "Kong, ewma.lua (2026)";
    MAGLEV_SIZE: "pool.*.choose.maglev.table_size" = "65537", "Envoy, maglev.proto (2026)";
    ENVOY_HOSTS: "pool.*.choose.envoy.hosts" = "\"round_robin\"", "Envoy, cluster.proto (2026): lb_policy ROUND_ROBIN";
    ENVOY_PANIC: "pool.*.choose.envoy.panic_threshold" = "50", "Envoy, common.proto (2026): healthy_panic_threshold 50 %";
    ENVOY_FAIL_ON_PANIC: "pool.*.choose.envoy.fail_traffic_on_panic" = "false", "Envoy, common.proto (2026)";
    ENVOY_OVERPROVISIONING: "pool.*.choose.envoy.overprovisioning_factor" = "140", "Envoy, endpoint.proto (2026)";
    ENVOY_MIN_CLUSTER: "pool.*.choose.envoy.localities.zone_aware.min_cluster_size" = "6", "Envoy, common.proto (2026)";
    ENVOY_AGGRESSION: "pool.*.choose.envoy.slow_start.aggression" = "1.0", "Envoy, common.proto, SlowStartConfig (2026)";
    ENVOY_MIN_WEIGHT: "pool.*.choose.envoy.slow_start.min_weight_percent" = "10.0", "Envoy, common.proto, SlowStartConfig (2026)";
    EPP_PICKER: "pool.*.choose.inference.picker" = "\"max_score\"", "llm-d inference scheduler at 520af47 (2026)";
    EPP_QUEUE: "pool.*.choose.inference.saturation.queue" = "5.0", "llm-d inference scheduler at 520af47 (2026), utilization detector";
    EPP_UTILISATION: "pool.*.choose.inference.saturation.utilisation" = "0.8", "llm-d inference scheduler at 520af47 (2026), utilization detector";
    EPP_STALE: "pool.*.choose.inference.saturation.stale_after" = "\"200 ms\"", "llm-d inference scheduler at 520af47 (2026), utilization detector";
    EPP_REFUSE: "pool.*.choose.inference.saturation.refuse" = "false", "llm-d inference scheduler (2026): only requests of negative priority are shed";
    EPP_REFRESH: "pool.*.choose.inference.refresh" = "\"50 ms\"", "llm-d inference scheduler, refresh-metrics-interval; ASSUMPTION: its default, as remembered";
    EPP_LRU: "pool.*.choose.inference.lru_blocks" = "31250", "llm-d inference scheduler at 520af47 (2026), approximate prefix index";
    GORGO_PREFILL: "pool.*.choose.network_cost.prefill_per_token" = "\"93.8 us\"", "GORGO, arXiv 2602.11688 (2026): 0.0938 ms per uncached token";
    PUSH_REFRESH: "pool.*.choose.selective_push.refresh" = "\"50 ms\"", "ASSUMPTION: as often as an endpoint picker asks (llm-d, refresh-metrics-interval)";
    PUSH_WAIT: "pool.*.choose.selective_push.max_wait" = "\"30 s\"", "ASSUMPTION: three times the limit of a person's attention (Nielsen 1993: 10 s)";
    PUSH_CROSS: "pool.*.choose.selective_push.cross_region" = "true", "SkyWalker, EuroSys 2026: cross-region offload";
    DEGRADED: "pool.*.degraded" = "false", "answers are as good as any unless it is said that they are not";
    STEERING: "topology.*.steering" = "\"dns_latency\"", "ASSUMPTION: the usual record for several active regions (Route 53 latency records)";
    TTL: "topology.*.steering.ttl" = "\"60 s\"",
        "Route 53 documentation (2026) recommends 60 s or less for records with health checks";
    EDGE_RTT: "topology.*.steering.edge_rtt" = "\"15 ms\"",
        "ASSUMPTION: an edge location in the city of the users, so the median of the last mile (see docs/data.md)";
    ANYCAST_NETWORKS: "topology.*.steering.anycast.networks_per_group" = "20",
        "ASSUMPTION: as many as resolvers: the large access networks of a city";
    ANYCAST_INFLATED: "topology.*.steering.anycast.inflated_share" = "0.2",
        "Calder et al., Analyzing the Performance of an Anycast CDN, IMC 2015: roughly 20 % of clients go to a suboptimal front-end";
    ANYCAST_CONVERGENCE: "topology.*.steering.anycast.convergence" = "{ lognormal = { p50 = \"3.2 s\", p95 = \"30 s\" } }",
        "Wullink et al., An Empirical Characterization of Anycast Convergence Time, ANRW 2024: 80 % of networks within about 10 s, and a long tail; ASSUMPTION: its 95th percentile is one MinRouteAdvertisementInterval of RFC 4271 (30 s), the median follows from both";
    WATERFALL_CAPACITY: "topology.*.steering.google_waterfall.capacity" = "{ utilization = 0.8 }",
        "Google Cloud backend services (documentation of 2026): maximum utilization 0.8 unless stated";
    WATERFALL_INTERVAL: "topology.*.steering.google_waterfall.interval" = "\"10 s\"",
        "ASSUMPTION: not published; load reports are said to lag by seconds";
    WATERFALL_LAG: "topology.*.steering.google_waterfall.lag" = "\"5 s\"",
        "ASSUMPTION: not published; half of the interval to collect reports and to spread new shares";
    FRONT_DOOR_BAND: "topology.*.steering.azure_front_door.additional_latency" = "\"0 ms\"",
        "Azure Front Door, traffic routing methods (2022): latency sensitivity 0 ms by default";
    FRONT_DOOR_INTERVAL: "topology.*.steering.azure_front_door.probe_interval" = "\"30 s\"",
        "Azure Front Door, health probes (2025): default probe frequency of 30 seconds";
    FRONT_DOOR_SAMPLES: "topology.*.steering.azure_front_door.sample_size" = "4",
        "Az.FrontDoor, New-AzFrontDoorLoadBalancingSettingObject (2024): SampleSize 4";
    FRONT_DOOR_SUCCESSES: "topology.*.steering.azure_front_door.successful_samples" = "2",
        "Az.FrontDoor, New-AzFrontDoorLoadBalancingSettingObject (2024): SuccessfulSamplesRequired 2";
    ORIGIN_PRIORITY: "topology.*.steering.azure_front_door.origins.*.priority" = "1",
        "Azure Front Door, traffic routing methods (2022): origins of equal priority by default";
    ORIGIN_WEIGHT: "topology.*.steering.azure_front_door.origins.*.weight" = "50",
        "Azure Front Door, traffic routing methods (2022): default weight 50";
    PROBING_EXPLORE: "topology.*.steering.client_probing.explore" = "0.05",
        "ASSUMPTION: one turn in twenty is little enough to lose and soon finds out";
    PROBING_WINDOW: "topology.*.steering.client_probing.window" = "10",
        "LiteLLM lowest_latency.py (2026): max_latency_list_size = 10";
    PROBING_PENALTY: "topology.*.steering.client_probing.penalty" = "\"10 s\"",
        "ASSUMPTION: the limit of a person's attention (Nielsen 1993: 10 s)";
    PROBING_CLIENTS: "topology.*.steering.client_probing.clients_per_group" = "20",
        "ASSUMPTION: few enough that each one sees a conversation's worth of turns";
    HEALTH_INTERVAL: "topology.*.health.interval" = "\"10 s\"", "Route 53 documentation (2026): fast interval, 10 s";
    HEALTH_FAIL_AFTER: "topology.*.health.fail_after" = "3", "Route 53 documentation (2026): default failure threshold 3";
    HEALTH_PASS_AFTER: "topology.*.health.pass_after" = "3", "Route 53 documentation (2026): the failure threshold counts in both directions";
    HEALTH_CONNECT: "topology.*.health.connect_timeout" = "\"4 s\"",
        "Route 53 documentation (2026): the connection must be made within four seconds";
    HEALTH_CHECK: "topology.*.health.check" = "\"shallow\"",
        "ASSUMPTION: what a check does unless somebody has written a deeper one";
    QUORUM_CHECKERS: "topology.*.health.quorum.checkers" = "15",
        "usual number of Route 53 checkers when all regions are used, as users report it (2025); ASSUMPTION: the documentation gives none";
    QUORUM_ABOVE: "topology.*.health.quorum.above" = "0.18",
        "Route 53 documentation (2026): healthy if more than 18 % of the checkers say so";
    DEEP_DATABASE: "topology.*.health.check.deep.database" = "\"2 s\"",
        "Route 53 documentation (2026): the answer must come within two seconds of connecting; ASSUMPTION: the database takes all of it";
    DEEP_CACHE: "topology.*.health.check.deep.cache" = "\"1 s\"", "ASSUMPTION: a cache that takes longer than a database is of no use; half of it";
    DEEP_MODEL: "topology.*.health.check.deep.model" = "\"5 s\"",
        "ASSUMPTION: four times the slowest median time to first token of a hosted 70B model in LLMPerf (December 2023: 1.19 s)";
    ATTEMPTS: "topology.*.retry.attempts_per_pool" = "3", "openai-python 1.x, _constants.py: DEFAULT_MAX_RETRIES = 2, so three attempts";
    BACKOFF: "topology.*.retry.backoff" = "{ full_jitter = { base = \"500 ms\", cap = \"8 s\" } }",
        "openai-python 1.x, _constants.py: 0.5 s doubling to 8 s; full jitter as in the AWS Architecture Blog, Exponential Backoff and Jitter (2015)";
    RETRY_ON: "topology.*.retry.on" = "[\"408\", \"409\", \"429\", \"500\", \"502\", \"503\", \"504\", \"529\", \"quota_exhausted\", \"timeout\", \"connection\"]",
        "openai-python 1.x README: connection errors, 408, 409, 429 (used-up credit is one) and 500 and above are retried";
    TIMEOUT_CONNECT: "topology.*.timeout.connect" = "\"5 s\"", "openai-python 1.x, _constants.py: connect time-out 5 s";
    TIMEOUT_FIRST_TOKEN: "topology.*.timeout.first_token" = "\"10 s\"",
        "ASSUMPTION: the limit of a person's attention (Nielsen 1993: 10 s)";
    TIMEOUT_TOTAL: "topology.*.timeout.total" = "\"60 s\"",
        "ASSUMPTION: the default limit of a turn; the client libraries' 600 s are longer than any user waits";
    COOLDOWN_ENABLED: "topology.*.cooldown.enabled" = "true", "LiteLLM router (2026): cool-downs are on by default";
    COOLDOWN_AFTER: "topology.*.cooldown.after" = "3", "LiteLLM constants.py (2026): DEFAULT_ALLOWED_FAILS = 3";
    COOLDOWN_LASTS: "topology.*.cooldown.lasts" = "\"5 s\"", "LiteLLM constants.py (2026): DEFAULT_COOLDOWN_TIME_SECONDS = 5";
    COOLDOWN_429: "topology.*.cooldown.on_429_at_once" = "true", "LiteLLM router (2026): a 429 cools a deployment down at once";
    ENVOY_BASE: "topology.*.retry.backoff.envoy.base" = "\"25 ms\"", "Envoy retry policy (2026): base interval 25 ms";
    FINAGLE_TTL: "topology.*.retry.budget.finagle.ttl" = "\"10 s\"", "twitter/finagle, RetryBudget.scala (2026)";
    FINAGLE_MIN: "topology.*.retry.budget.finagle.min_retries_per_sec" = "10", "twitter/finagle, RetryBudget.scala (2026)";
    FINAGLE_PERCENT: "topology.*.retry.budget.finagle.percent" = "20", "twitter/finagle, RetryBudget.scala (2026)";
    GRPC_TOKENS: "topology.*.retry.budget.grpc.max_tokens" = "10", "grpc/proposal A6 (2024), the example";
    GRPC_RATIO: "topology.*.retry.budget.grpc.token_ratio" = "0.1", "grpc/proposal A6 (2024), the example";
    ENVOY_MIN_RETRIES: "topology.*.retry.budget.envoy.min_retry_concurrency" = "3", "Envoy circuit_breaker.proto (2026)";
    ENVOY_RETRY_PERCENT: "topology.*.retry.budget.envoy.budget_percent" = "20", "Envoy circuit_breaker.proto (2026)";
    OUTLIER_5XX: "topology.*.outlier.consecutive_5xx" = "5", "Envoy outlier_detection.proto (2026)";
    OUTLIER_GATEWAY: "topology.*.outlier.consecutive_gateway_failure" = "0",
        "Envoy outlier_detection.proto (2026): 5, but not enforced";
    OUTLIER_INTERVAL: "topology.*.outlier.interval" = "\"10 s\"", "Envoy outlier_detection.proto (2026)";
    OUTLIER_BASE: "topology.*.outlier.base_ejection_time" = "\"30 s\"", "Envoy outlier_detection.proto (2026)";
    OUTLIER_MAX: "topology.*.outlier.max_ejection_time" = "\"5 min\"", "Envoy outlier_detection.proto (2026)";
    OUTLIER_PERCENT: "topology.*.outlier.max_ejection_percent" = "10", "Envoy outlier_detection.proto (2026)";
    OUTLIER_ALWAYS: "topology.*.outlier.always_eject_one_host" = "false", "Envoy outlier_detection.proto (2026)";
    OUTLIER_SUCCESS_RATE: "topology.*.outlier.success_rate.enabled" = "true",
        "Envoy outlier_detection.proto (2026): enforced by default";
    OUTLIER_SUCCESS_HOSTS: "topology.*.outlier.success_rate.minimum_hosts" = "5", "Envoy outlier_detection.proto (2026)";
    OUTLIER_SUCCESS_VOLUME: "topology.*.outlier.success_rate.request_volume" = "100", "Envoy outlier_detection.proto (2026)";
    OUTLIER_STDEV: "topology.*.outlier.success_rate.stdev_factor" = "1.9", "Envoy outlier_detection.proto (2026): 1900 thousandths";
    OUTLIER_FAILURE_PERCENTAGE: "topology.*.outlier.failure_percentage.enabled" = "false",
        "Envoy outlier_detection.proto (2026): not enforced by default";
    OUTLIER_FAILURE_THRESHOLD: "topology.*.outlier.failure_percentage.threshold" = "85", "Envoy outlier_detection.proto (2026)";
    OUTLIER_FAILURE_HOSTS: "topology.*.outlier.failure_percentage.minimum_hosts" = "5", "Envoy outlier_detection.proto (2026)";
    OUTLIER_FAILURE_VOLUME: "topology.*.outlier.failure_percentage.request_volume" = "50", "Envoy outlier_detection.proto (2026)";
    R4J_FAILURE: "topology.*.breaker.resilience4j.failure_rate" = "50", "resilience4j, CircuitBreakerConfig.java (2026)";
    R4J_SLOW: "topology.*.breaker.resilience4j.slow_call_rate" = "100", "resilience4j, CircuitBreakerConfig.java (2026)";
    R4J_SLOW_CALL: "topology.*.breaker.resilience4j.slow_call" = "\"60 s\"", "resilience4j, CircuitBreakerConfig.java (2026)";
    R4J_WINDOW: "topology.*.breaker.resilience4j.window" = "100", "resilience4j, CircuitBreakerConfig.java (2026)";
    R4J_MINIMUM: "topology.*.breaker.resilience4j.minimum_calls" = "100", "resilience4j, CircuitBreakerConfig.java (2026)";
    R4J_WAIT: "topology.*.breaker.resilience4j.wait_open" = "\"60 s\"", "resilience4j, CircuitBreakerConfig.java (2026)";
    R4J_HALF_OPEN: "topology.*.breaker.resilience4j.half_open_calls" = "10", "resilience4j, CircuitBreakerConfig.java (2026)";
    HYSTRIX_VOLUME: "topology.*.breaker.hystrix.request_volume" = "20", "Netflix Hystrix wiki, Configuration (2018)";
    HYSTRIX_PERCENT: "topology.*.breaker.hystrix.error_percent" = "50", "Netflix Hystrix wiki, Configuration (2018)";
    HYSTRIX_WINDOW: "topology.*.breaker.hystrix.window" = "\"10 s\"", "Netflix Hystrix wiki, Configuration (2018)";
    HYSTRIX_SLEEP: "topology.*.breaker.hystrix.sleep" = "\"5 s\"", "Netflix Hystrix wiki, Configuration (2018)";
    SRE_K: "topology.*.throttle.sre.k" = "2.0", "Site Reliability Engineering (2016), Handling Overload: K = 2";
    SRE_WINDOW: "topology.*.throttle.sre.window" = "\"2 min\"", "Site Reliability Engineering (2016), Handling Overload: two minutes";
    LITELLM_STRATEGY: "topology.*.gateway.litellm.routing_strategy" = "\"simple-shuffle\"", "LiteLLM 1.106.2, router.py: Router.__init__";
    LITELLM_TTL: "topology.*.gateway.litellm.routing_strategy_args.ttl" = "\"1 h\"", "LiteLLM 1.106.2, lowest_latency.py: RoutingArgs";
    LITELLM_BUFFER: "topology.*.gateway.litellm.routing_strategy_args.lowest_latency_buffer" = "0.0",
        "LiteLLM 1.106.2, lowest_latency.py: RoutingArgs";
    LITELLM_SAMPLES: "topology.*.gateway.litellm.routing_strategy_args.max_latency_list_size" = "10",
        "LiteLLM 1.106.2, lowest_latency.py: RoutingArgs";
    LITELLM_RETRIES: "topology.*.gateway.litellm.num_retries" = "2", "LiteLLM 1.106.2, router.py: the OpenAI client's DEFAULT_MAX_RETRIES";
    LITELLM_RETRY_AFTER: "topology.*.gateway.litellm.retry_after" = "\"0 s\"", "LiteLLM 1.106.2, router.py: Router.__init__";
    LITELLM_ALLOWED_FAILS: "topology.*.gateway.litellm.allowed_fails" = "3", "LiteLLM 1.106.2, __init__.py: allowed_fails";
    LITELLM_LIBRARY_ALLOWED_FAILS: "topology.*.gateway.litellm.library_allowed_fails" = "3", "LiteLLM 1.106.2, __init__.py: allowed_fails";
    LITELLM_COOLDOWN: "topology.*.gateway.litellm.cooldown_time" = "\"5 s\"", "LiteLLM 1.106.2, constants.py: DEFAULT_COOLDOWN_TIME_SECONDS";
    LITELLM_MAX_FALLBACKS: "topology.*.gateway.litellm.max_fallbacks" = "5", "LiteLLM 1.106.2, constants.py: ROUTER_MAX_FALLBACKS";
    LITELLM_COUNTING: "topology.*.gateway.litellm.failure_counting" = "\"proxy\"",
        "LiteLLM 1.106.2: its proxy gives a request one logging object; a gateway of a region is a proxy";
    PORTKEY_WEIGHT: "topology.*.gateway.portkey.target.*.weight" = "1.0", "Portkey-AI/gateway 669825c, handlerUtils.ts: tryTargetsRecursively";
    PORTKEY_RETRY_ON: "topology.*.gateway.portkey.retry.on_status_codes" = "[429, 500, 502, 503, 504]",
        "Portkey-AI/gateway 669825c, globals.ts: RETRY_STATUS_CODES";
    BIFROST_KEY_WEIGHT: "topology.*.gateway.bifrost.provider.*.keys.weight" = "1.0", "ASSUMPTION: keys of one weight; the examples of Bifrost's documentation (2026) state 1.0";
    BIFROST_RETRIES: "topology.*.gateway.bifrost.provider.*.max_retries" = "0", "maximhq/bifrost, core/schemas/provider.go: DefaultMaxRetries (2026)";
    BIFROST_BACKOFF: "topology.*.gateway.bifrost.provider.*.retry_backoff_initial" = "\"500 ms\"",
        "maximhq/bifrost, core/schemas/provider.go: DefaultRetryBackoffInitial (2026)";
    BIFROST_BACKOFF_MAX: "topology.*.gateway.bifrost.provider.*.retry_backoff_max" = "\"5 s\"",
        "maximhq/bifrost, core/schemas/provider.go: DefaultRetryBackoffMax (2026)";
    BIFROST_TIMEOUT: "topology.*.gateway.bifrost.provider.*.default_request_timeout" = "\"30 s\"",
        "maximhq/bifrost, core/schemas/provider.go: DefaultRequestTimeoutInSeconds (2026)";
    STATE: "topology.*.state" = "\"replicated\"", "asynchronous replication, the usual mode of multi-region stores";
    STATE_LAG: "topology.*.state.replicated.lag" = "{ lognormal = { p50 = \"250 ms\", p95 = \"1 s\" } }",
        "DynamoDB global tables documentation (2026): usually within a second; ASSUMPTION: that is the 95th percentile, the median a quarter";
    STATE_READ: "topology.*.state.replicated.read" = "{ lognormal = { p50 = \"4 ms\", p95 = \"7.6 ms\" } }",
        "Azure Cosmos DB documentation (2026): reads in the region at most 4 ms at the median and 10 ms at the 99th percentile; the log-normal through both";
    STATE_WRITE: "topology.*.state.replicated.write" = "{ lognormal = { p50 = \"5 ms\", p95 = \"8.2 ms\" } }",
        "Azure Cosmos DB documentation (2026): writes in the region at most 5 ms at the median and 10 ms at the 99th percentile; the log-normal through both";
    BYTES_PER_TOKEN: "topology.*.state.replicated.bytes_per_token" = "4", "OpenAI help centre, What are tokens (2026): about four characters of English";
    SERVERS: "topology.*.app.servers" = "4", "ASSUMPTION: small enough to be cheap, large enough to lose one";
    SLOTS: "topology.*.app.slots_per_server" = "100",
        "ASSUMPTION: streaming turns mostly wait, so a small server holds about a hundred";
    QUEUE: "topology.*.app.queue" = "100", "ASSUMPTION: as many as one server holds; longer queues only delay refusals";
    OVERHEAD: "topology.*.app.overhead" = "{ lognormal = { p50 = \"10 ms\", p95 = \"30 ms\" } }",
        "ASSUMPTION: authentication, prompt assembly and logging, without a call of another service";
    DOWN_ERROR: "fault.what.provider_down.error" = "\"503\"", "RFC 9110 (2022), 15.6.4: a server that cannot handle the request at present";
    SLOWER: "fault.what.provider_brown_out.slower" = "1.0", "only errors unless a slow-down is stated";
    BROWN_OUT_ERRORS: "fault.what.provider_brown_out.error_rate" = "0.0", "only slow unless errors are stated";
    BROWN_OUT_ERROR: "fault.what.provider_brown_out.error" = "\"503\"", "RFC 9110 (2022), 15.6.4: a server that cannot handle the request at present";
}
