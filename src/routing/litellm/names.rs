//! Names that stand for other names: providers in front of a model, and wildcard routes.
//!
//! Source: LiteLLM 1.106.2, `router_utils/pattern_match_deployments.py`, `types/utils.py: LlmProviders`,
//! `litellm_core_utils/get_llm_provider_logic.py`.

/// The providers that LiteLLM 1.106.2 knows by name (`litellm.provider_list`).
const PROVIDERS: &str = "openai chatgpt openai_like jina_ai xai zai custom_openai text-completion-openai cohere \
    cohere_chat clarifai anthropic anthropic_text bytez replicate reducto aws_textract runwayml aws_polly transcribe \
    huggingface together_ai openrouter datarobot vertex_ai vertex_ai_beta gemini ai21 baseten black_forest_labs azure \
    azure_text azure_ai sagemaker sagemaker_chat sagemaker_nova bedrock vllm nlp_cloud petals oobabooga ollama \
    ollama_chat deepinfra perplexity typesafe strands_decider mistral milvus groq a2a gigachat nvidia_nim nvidia_riva \
    soniox cerebras nadir ai21_chat volcengine codestral text-completion-codestral dashscope qwencloud \
    qwen_ai_platform modelscope moonshot publicai v0 morph lambda_ai inception text-completion-inception deepseek \
    sambanova maritalk voyage cloudflare xinference fireworks_ai friendliai featherless_ai watsonx watsonx_text triton \
    predibase databricks empower github ragflow compactifai docker_model_runner custom litellm_proxy hosted_vllm \
    tencent llamafile lm_studio galadriel nebius infinity deepgram elevenlabs novita aiohttp_openai langfuse humanloop \
    topaz sap assemblyai azure_speech charity_engine github_copilot snowflake gradient_ai meta_llama nscale pg_vector \
    s3_vectors valkey mongodb helicone hyperbolic recraft fal_ai stability heroku aiml cometapi oci auto_router \
    vercel_ai_gateway edenai dotprompt manus wandb ovhcloud scaleway lemonade amazon_nova a2a_agent langgraph langflow \
    minimax synthetic apertis nano-gpt poe chutes neosantara parasail xiaomi_mimo tensormesh libertai pinstripes \
    cognition cortecs scx-ai prism darkbloom meta sail reka litellm_agent cursor bedrock_mantle gdc";

/// Whether LiteLLM knows a provider of that name.
pub fn is_provider(name: &str) -> bool {
    PROVIDERS.split_whitespace().any(|p| p == name)
}

/// The provider of a model: the part before the first slash if that is a provider, else by the family of the name.
///
/// LiteLLM looks names without a slash up in its price list. Only the families whose names leave no doubt are told here;
/// for the others this is `None`, as it is in LiteLLM for a name that the list does not hold.
pub fn provider_of(model: &str) -> Option<&str> {
    const FAMILIES: [(&str, &str); 11] = [
        ("gpt-", "openai"),
        ("chatgpt-", "openai"),
        ("o1", "openai"),
        ("o3", "openai"),
        ("o4", "openai"),
        ("text-embedding-", "openai"),
        ("dall-e", "openai"),
        ("whisper-", "openai"),
        ("tts-", "openai"),
        ("omni-moderation", "openai"),
        ("claude-", "anthropic"),
    ];
    match model.split_once('/') {
        Some((head, _)) => is_provider(head).then_some(head),
        None => FAMILIES.iter().find(|(prefix, _)| model.starts_with(prefix)).map(|(_, provider)| *provider),
    }
}

/// The model's name without a provider in front of it, if LiteLLM knows the provider (`_check_stripped_model_group`).
pub fn without_provider(model: &str) -> Option<&str> {
    model.split_once('/').filter(|(head, _)| is_provider(head)).map(|(_, rest)| rest)
}

/// Whether a name begins with something that matches a wildcard route: `*` stands for any text, and text after the last
/// literal part may follow, because LiteLLM anchors its pattern at the start only.
pub fn matches_route(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// How specific a wildcard route is: length and number of operators of its regular expression, which LiteLLM sorts by,
/// highest first.
pub fn route_specificity(pattern: &str) -> (usize, usize) {
    let mut length = 0;
    let mut operators = 0;
    for c in pattern.chars() {
        match c {
            // becomes (.*)
            '*' => {
                length += 4;
                operators += 3;
            }
            // Python's re.escape puts a backslash before these; some count as operators themselves
            '+' | '?' | '\\' | '^' | '$' | '|' | '(' | ')' => {
                length += 2;
                operators += 2;
            }
            '[' | ']' | '{' | '}' | '-' | '.' | '&' | '~' | '#' | ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' => {
                length += 2;
                operators += 1;
            }
            _ => length += 1,
        }
    }
    (length, operators)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_and_families() {
        assert_eq!(PROVIDERS.split_whitespace().count(), 166);
        assert_eq!(provider_of("azure/gpt-4o"), Some("azure"));
        assert_eq!(provider_of("gpt-4o"), Some("openai"));
        assert_eq!(provider_of("mine/gpt-4o"), None);
        assert_eq!(provider_of("llama3"), None);
        assert_eq!((without_provider("openai/gpt-4"), without_provider("mine/gpt-4")), (Some("gpt-4"), None));
    }

    #[test]
    fn wildcard_routes() {
        assert!(matches_route("openai/*", "openai/gpt-4"));
        assert!(!matches_route("openai/*", "azure/gpt-4"));
        assert!(matches_route("*meta.llama3*", "hello-meta.llama3-70b"));
        assert!(matches_route("openai/fo::*::static::*", "openai/fo::a::static::b"));
        assert!(matches_route("a*b", "a-b-and-more"));
        assert!(!matches_route("a*b", "a-c"));
        // re.escape("openai/*") is openai/\*, which becomes openai/(.*): 11 characters, three operators
        assert_eq!(route_specificity("openai/*"), (11, 3));
        assert_eq!(route_specificity("gpt-*"), (9, 4));
    }
}
