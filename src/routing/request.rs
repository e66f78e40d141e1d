//! What a gateway knows of a request before it is answered.

/// One request, as the gateway that routes it sees it. The true length of the answer is not among what it sees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Request<'a> {
    /// Whether the answer is streamed.
    pub streams: bool,
    /// Prompt tokens, as the gateway counts them.
    pub input_tokens: u32,
    /// The request's bound on the answer's tokens (`max_tokens`); `None` when it sets none.
    pub max_output: Option<u32>,
    /// Hash of what keeps requests together (conversation, user or tenant): the key of consistent hashing and of
    /// sticky choices.
    pub affinity: u64,
    /// Chained hashes of the prompt's blocks, first block first: two prompts share as many blocks as their lists share
    /// leading entries. Empty for a gateway that does not look into prompts.
    pub blocks: &'a [u64],
}
