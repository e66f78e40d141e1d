//! Where every shipped figure comes from: one row per dataset. `NOTICE` is generated from this table.

use std::fmt::Write as _;

/// A file embedded in the program, under `src/catalog/data`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct File {
    /// Name in that folder.
    pub name: &'static str,
    /// Records behind the header.
    pub rows: usize,
    /// SHA-256 of the bytes as stored, hexadecimal.
    pub sha256: &'static str,
}

/// A dataset behind the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Source {
    /// Short name that rows refer to.
    pub id: &'static str,
    /// The embedded file; `None` where only derived figures stand in the program text.
    pub file: Option<File>,
    /// What it holds.
    pub what: &'static str,
    /// Repository, commit and path, or publisher.
    pub origin: &'static str,
    /// When the data were measured or published.
    pub date: &'static str,
    /// Licence and holder.
    pub licence: &'static str,
    /// What was changed against the origin.
    pub modified: &'static str,
}

/// All datasets: files first, then those of which only derived figures are used.
pub fn sources() -> &'static [Source] {
    &SOURCES
}

/// The dataset with this id.
pub fn source(id: &str) -> Option<&'static Source> {
    SOURCES.iter().find(|s| s.id == id)
}

/// The text of `NOTICE`: attribution for every dataset.
pub fn notice() -> String {
    let mut out = String::from(
        "geodes\n\nThis product contains data by others, in src/catalog/data and embedded in the program. Licence texts: LICENSE-MIT,\n\
         LICENSE-APACHE, https://creativecommons.org/licenses/by/4.0/ (CC-BY; no endorsement by the licensors is implied).\n\
         Data under MIT are under the terms of LICENSE-MIT with the copyright line named below.\n",
    );
    for s in SOURCES {
        let name = s.file.map_or("no file", |f| f.name);
        // writing to a String cannot fail
        let _ = write!(
            out,
            "\n{} ({name})\n  {}\n  Origin:   {}\n  Date:     {}\n  Licence:  {}\n  Modified: {}\n",
            s.id, s.what, s.origin, s.date, s.licence, s.modified
        );
    }
    out
}

const SOURCES: [Source; 29] = [
    Source {
        id: "cloud-regions",
        file: Some(File {
            name: "cloud_regions_geo.csv",
            rows: 267,
            sha256: "e0c86dc9b0cf16acdf848f30f033225372bff410fd50d9199fba87ec038fcd35",
        }),
        what: "Cloud regions with place, country, zones and status",
        origin: "jasonwilbur/mcp-server-cloud-regions@152e9e55, data/regions.json",
        date: "2026-01-21",
        licence: "MIT, Copyright (c) 2025 Jason Wilbur",
        modified: "from JSON to CSV",
    },
    Source {
        id: "rtt-azure-p95",
        file: Some(File {
            name: "rtt_azure_p95_2026-07-30.csv.gz",
            rows: 2862,
            sha256: "df4e3352309e8e3a993322d33befa29dbfb8a8a73766a6271f626bc5c4e8cd6f",
        }),
        what: "Round trips between Azure regions, 95th percentile of 30 days",
        origin: "MicrosoftDocs/azure-docs (mbender-ms/azure-docs@5b3e2055), articles/networking/azure-network-latency.md",
        date: "2026-07-30",
        licence: "CC-BY-4.0, Microsoft",
        modified: "transcribed from the page to one row per pair; packed",
    },
    Source {
        id: "rtt-aws-ping",
        file: Some(File {
            name: "rtt_aws_fantoch.csv",
            rows: 386,
            sha256: "11cb82a45d9921f67426958f7580953b347d900c3f7bbdd01b857d3f916fbfc9",
        }),
        what: "Pings between AWS regions",
        origin: "vitorenesduarte/fantoch@aea6e324, latency_aws",
        date: "2020-06-05 and 2021-02-13",
        licence: "Apache-2.0 OR MIT",
        modified: "from ping output to one row per pair",
    },
    Source {
        id: "rtt-gcp-ping",
        file: Some(File {
            name: "rtt_gcp_fantoch.csv",
            rows: 400,
            sha256: "0c80e3fb30e062b7b7ed6a9a2655f44f417b4a115ee4082092fe1fc40603a329",
        }),
        what: "Pings between GCP regions",
        origin: "vitorenesduarte/fantoch@aea6e324, latency_gcp",
        date: "2022 or earlier (not dated)",
        licence: "Apache-2.0 OR MIT",
        modified: "from ping output to one row per pair",
    },
    Source {
        id: "cities",
        file: Some(File {
            name: "cities_geonames_300k.csv",
            rows: 1389,
            sha256: "b94c10fa864cc1ae60f812b0c214219d77b9eb0d6d3f95d9f22052e344d3620b",
        }),
        what: "Cities of 300,000 people or more",
        origin: "GeoNames (https://www.geonames.org), extract in angelacoconuts/VoyInit@7311bd20, data/cities15000.txt",
        date: "2014",
        licence: "CC-BY, GeoNames",
        modified: "five columns, largest cities only",
    },
    Source {
        id: "countries",
        file: Some(File {
            name: "countries_internet_users.csv",
            rows: 240,
            sha256: "42d2a38477c3db62fb43cf1f411fa7a68a6df315ede7ea522b71e390539cca01",
        }),
        what: "Countries: population, Internet users, place, UTC offset",
        origin: "factbook/factbook.json@8662a8b1 (CIA World Factbook)",
        date: "2022 to 2024 by row",
        licence: "public domain (CC0)",
        modified: "from JSON to CSV; ISO codes and the product of population and share added",
    },
    Source {
        id: "tz-zones",
        file: Some(File {
            name: "zone1970.tab",
            rows: 312,
            sha256: "57194e43b001b8f832987b21b82953d997aeeaebeb53a8520140bc12d7d8cfcc",
        }),
        what: "IANA time zones: countries and principal places",
        origin: "tz database 2025",
        date: "2025",
        licence: "public domain",
        modified: "none",
    },
    Source {
        id: "token-prices",
        file: Some(File {
            name: "llm_token_prices.csv.gz",
            rows: 2156,
            sha256: "30b74411e368e2950edaf60fca0e1e7f2f5164165cd1e3c666e18f8987f372e1",
        }),
        what: "Token prices per model, provider and region scope",
        origin: "BerriAI/litellm model_prices_and_context_window.json, mirrored in RoCry/llm-api-price@8442b939",
        date: "2026-07-24",
        licence: "MIT, Copyright (c) 2023 Berri AI",
        modified: "from JSON to CSV; chat and responses rows with a price only, sorted by key; packed",
    },
    Source {
        id: "egress-aws",
        file: Some(File {
            name: "egress_aws_usd_per_gb.csv",
            rows: 674,
            sha256: "ff232c37f270430621191ec63bac20b313a909c7c470909eeeca6704d1a1a88b",
        }),
        what: "AWS data transfer prices between regions and to the Internet",
        origin: "skyplane-project/skyplane@4602d9ce, skyplane/data/aws_transfer_costs.csv",
        date: "about 2022 to 2024 (not dated)",
        licence: "Apache-2.0",
        modified: "none",
    },
    Source {
        id: "egress-gcp-azure",
        file: Some(File {
            name: "egress_gcp_azure_rules_usd_per_gb.csv",
            rows: 22,
            sha256: "6fb360aa6afaf9c4d64ccd27ba2ef895183f3cd9a6007e398502cdc889b9ab67",
        }),
        what: "GCP and Azure data transfer prices by continent, first tier",
        origin: "skyplane-project/skyplane@4602d9ce, constants in skyplane/compute",
        date: "about 2022 to 2024 (not dated)",
        licence: "Apache-2.0",
        modified: "transcribed from source code to one row per rule",
    },
    Source {
        id: "compute-aws-m5",
        file: Some(File {
            name: "compute_prices_aws_m5.csv",
            rows: 22,
            sha256: "52b38ad2a4b1a98dd4d1df3c800a8fd5ed76633312b3c3b0f3c1a49ad260e936",
        }),
        what: "AWS m5.12xlarge prices per region, on demand and spot",
        origin: "skypilot-org/skypilot-catalog@001367d2, catalogs/v7/aws/vms.csv",
        date: "about 2025 (not dated)",
        licence: "Apache-2.0 (SkyPilot project)",
        modified: "one instance type; median zone of the spot prices",
    },
    Source {
        id: "trace-azure-2023-code",
        file: Some(File {
            name: "trace_azure2023_code.csv.gz",
            rows: 8819,
            sha256: "271481528ad113bf2c32019b4c8310d92a7320898b4b1903ddee51b12b0b6be2",
        }),
        what: "Request trace of a code completion service: arrivals and tokens",
        origin: "Azure/AzurePublicDataset@b469a113, data/AzureLLMInferenceTrace_code.csv (Patel et al., Splitwise, ISCA 2024)",
        date: "2023-11",
        licence: "CC-BY-4.0, Microsoft",
        modified: "time stamps to seconds since the first request (0.1 ms); packed",
    },
    Source {
        id: "trace-mooncake-conversation",
        file: Some(File {
            name: "trace_mooncake_conversation.csv.gz",
            rows: 12031,
            sha256: "553ae47fa6bba2a3703ff64d2b0f81a5a7b00313547a36aff5003411a9cef4c2",
        }),
        what: "Request trace of a chat service: arrivals, tokens, shared prefixes",
        origin: "kvcache-ai/Mooncake@3b5a5941, FAST25-release/traces/conversation_trace.jsonl",
        date: "2024",
        licence: "Apache-2.0",
        modified: "block hashes reduced to counts; packed",
    },
    Source {
        id: "servegen-rate-m-small",
        file: Some(File {
            name: "servegen_rate_m-small.csv.gz",
            rows: 2016,
            sha256: "704c2297be5fa09c57ad1aa85c3cdf98dd517d9509b7662b38faf32a00c10f66",
        }),
        what: "Request rate of a production Qwen service (m-small), 14 days in windows of 600 s",
        origin: "alibaba/ServeGen@f891d118, data/language/m-small",
        date: "2025 (paper and release; the 14 days are not dated)",
        licence: "Apache-2.0",
        modified: "rates of all clients added up per window; packed",
    },
    Source {
        id: "servegen-rate-m-mid",
        file: Some(File {
            name: "servegen_rate_m-mid.csv.gz",
            rows: 2016,
            sha256: "f99de4ba62fcaf50b8ade1b3a8004e71a2a49ca78e8c4beb61d62c231f28477b",
        }),
        what: "Request rate of a production Qwen service (m-mid), 14 days in windows of 600 s",
        origin: "alibaba/ServeGen@f891d118, data/language/m-mid",
        date: "2025 (paper and release; the 14 days are not dated)",
        licence: "Apache-2.0",
        modified: "rates of all clients added up per window; packed",
    },
    Source {
        id: "servegen-rate-m-large",
        file: Some(File {
            name: "servegen_rate_m-large.csv.gz",
            rows: 2016,
            sha256: "bc35d5b0d5a7a27a9ea326016fd472c412d5a478779f448058e4c7af45b36546",
        }),
        what: "Request rate of a production Qwen service (m-large), 14 days in windows of 600 s",
        origin: "alibaba/ServeGen@f891d118, data/language/m-large",
        date: "2025 (paper and release; the 14 days are not dated)",
        licence: "Apache-2.0",
        modified: "rates of all clients added up per window; packed",
    },
    Source {
        id: "servegen-clients-m-small",
        file: Some(File {
            name: "servegen_clients_m-small.csv",
            rows: 43,
            sha256: "371b431bdc45362330bd4389a59846c4cde021916aba319a28da8f19600be869",
        }),
        what: "Clients of a production service (m-small): rates, burstiness, token lengths",
        origin: "alibaba/ServeGen@f891d118, data/language/m-small",
        date: "2025 (paper and release; the 14 days are not dated)",
        licence: "Apache-2.0",
        modified: "reduced to one summary row per client",
    },
    Source {
        id: "servegen-clients-m-mid",
        file: Some(File {
            name: "servegen_clients_m-mid.csv",
            rows: 109,
            sha256: "81ca25b57f02a363901aa0d0ca004b11da3cc377a255066d5a99344dfac1b8ab",
        }),
        what: "Clients of a production service (m-mid): rates, burstiness, token lengths",
        origin: "alibaba/ServeGen@f891d118, data/language/m-mid",
        date: "2025 (paper and release; the 14 days are not dated)",
        licence: "Apache-2.0",
        modified: "reduced to one summary row per client",
    },
    Source {
        id: "servegen-clients-m-large",
        file: Some(File {
            name: "servegen_clients_m-large.csv",
            rows: 162,
            sha256: "c9cad341ce27390c12750fdb5b98c43448daec40b15c6b6307e7fe37bb219d24",
        }),
        what: "Clients of a production service (m-large): rates, burstiness, token lengths",
        origin: "alibaba/ServeGen@f891d118, data/language/m-large",
        date: "2025 (paper and release; the 14 days are not dated)",
        licence: "Apache-2.0",
        modified: "reduced to one summary row per client",
    },
    Source {
        id: "servegen-clients-deepseek-r1",
        file: Some(File {
            name: "servegen_clients_deepseek-r1.csv",
            rows: 73,
            sha256: "4c04089103e60a23a1b66115a2fbed863a9f10cf6049118299187eabaa6cbf47",
        }),
        what: "Clients of a production service (deepseek-r1): rates, burstiness, token lengths",
        origin: "alibaba/ServeGen@f891d118, data/reason/deepseek-r1",
        date: "2025 (paper and release; the 14 days are not dated)",
        licence: "Apache-2.0",
        modified: "reduced to one summary row per client",
    },
    Source {
        id: "azure-openai-quotas",
        file: Some(File {
            name: "azure_openai_quotas_2025-07-11.csv",
            rows: 56,
            sha256: "26dddf99047bb0ea5954b91ee6cbbd687a15d717faaea02e8d9503a1d478daa3",
        }),
        what: "Azure OpenAI default quotas",
        origin: "MicrosoftDocs/azure-ai-docs@005fa2f1, articles/ai-foundry/openai/quotas-limits.md",
        date: "2025-07-11",
        licence: "CC-BY-4.0, Microsoft",
        modified: "transcribed from the page to one row per limit",
    },
    Source {
        id: "anthropic-rate-limits",
        file: Some(File {
            name: "anthropic_rate_limits.csv",
            rows: 12,
            sha256: "858c092b765257ed1a0aec318828268a5ed37c3f4b88a7757a356f54451e8fed",
        }),
        what: "Anthropic API rate limits",
        origin: "mirror of the official page (tier 1) and hivebook.wiki, a third party (tiers 1 to 4)",
        date: "2025-08 and 2026, by row",
        licence: "facts (no licence needed)",
        modified: "transcribed",
    },
    Source {
        id: "llmperf-2023",
        file: Some(File {
            name: "llmperf_presets_2023-12.csv",
            rows: 19,
            sha256: "f25657b501554c5a9d3a2f32812fa9479b7ebb954ad6491b939aee4ff2a5ac61",
        }),
        what: "Time to first token and per output token of 19 Llama 2 endpoints",
        origin: "ray-project/llmperf-leaderboard@27aa9b6a, raw_data/individual",
        date: "2023-12-19",
        licence: "Apache-2.0",
        modified: "percentiles over the successful requests of each endpoint",
    },
    Source {
        id: "wondernetwork-fit",
        file: None,
        what: "Path estimate of users and its jitter: three fitted parameters and quantiles",
        origin: "WonderNetwork pings in ConsenSys/wittgenstein@fe0414c0, core/src/main/resources/Data",
        date: "2018-11",
        licence: "data (c) WonderNetwork, terms not stated: derived figures only",
        modified: "derived figures in the program text",
    },
    Source {
        id: "cloudping-jitter",
        file: None,
        what: "Relative spread of round trips between AWS regions: quantiles",
        origin: "cloudping.co in rupc/aws-cross-region-latency@2deb93b2",
        date: "2024-04-19",
        licence: "none stated: derived figures only",
        modified: "derived figures in the program text",
    },
    Source {
        id: "llm-incidents",
        file: None,
        what: "Incidents of model providers: counts, times between, durations",
        origin: "FAILS dataset, atlarge-research/FAILS@a852259e",
        date: "2021-02 to 2025-01",
        licence: "none stated: derived figures only",
        modified: "derived figures in the program text",
    },
    Source {
        id: "llm-daily-outages",
        file: None,
        what: "Availability of model providers by minutes",
        origin: "atlarge-research/llm-service-analysis@36c45981, data/clean/outage",
        date: "2021-02 to 2024-08",
        licence: "none stated: derived figures only",
        modified: "derived figures in the program text",
    },
    Source {
        id: "cloud-incidents",
        file: None,
        what: "Incidents of AWS, Azure and GCP: counts, times between, durations",
        origin: "atlarge-research/cloud-uptime-archive@044a5cb3",
        date: "2018 to 2020",
        licence: "MIT; derived figures only",
        modified: "derived figures in the program text",
    },
    Source {
        id: "llm-ttft-2026",
        file: None,
        what: "Latency of hosted models seen from Seoul and the central United States: derived percentiles",
        origin: "golbin/llm-latency-bench@dfb43058",
        date: "2026-03-10, 2026-05-14 and 2026-08-15",
        licence: "none stated: derived figures only",
        modified: "derived figures in the program text",
    },
];
