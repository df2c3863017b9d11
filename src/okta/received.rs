//! The body of an answer as it comes: within a bound, and in memory once only.

use super::answer::{Size, Trouble};

/// Largest body, decompressed: it is in memory as a whole.
const MOST_BODY_BYTES: usize = 64 << 20;

/// The body as it comes, so that it is in memory once only, and counted as it comes: a small one may become a large
/// one when it is decompressed.
pub(super) async fn text_of(mut response: reqwest::Response) -> Result<String, Trouble> {
    let cut = |error: reqwest::Error| Trouble { text: innermost(&error.without_url()), size: Size::Suspect };
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(cut)? {
        if bytes.len() + piece.len() > MOST_BODY_BYTES {
            let text = format!("the answer is larger than {} MiB", MOST_BODY_BYTES >> 20);
            return Err(Trouble { text, size: Size::TooMuch });
        }
        bytes.extend_from_slice(&piece);
    }
    bytes.shrink_to_fit();
    Ok(String::from_utf8(bytes).unwrap_or_else(|odd| String::from_utf8_lossy(odd.as_bytes()).into_owned()))
}

/// The last cause of an error: what reqwest says above it repeats the request.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
