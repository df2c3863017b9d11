//! The body of an answer as it comes: within a bound, and in memory once only.

use tokio::sync::Semaphore;

use super::answer::{AnswerTrouble, Size};

/// Largest body, decompressed: it is in memory as a whole. Pages of 1,000 real members are under 5 MiB;
/// a page that is larger is asked for in halves.
const MOST_BODY_BYTES: usize = 8 << 20;
/// Bodies up to this size are received as they come; of larger ones one at a time.
const SMALL_BODY_BYTES: usize = 1 << 20;
/// The receiver of a larger body.
static LARGE: Semaphore = Semaphore::const_new(1);

/// The body as it comes, so that it is in memory once only, and counted as it comes: a small one may become a large
/// one when it is decompressed.
pub(super) async fn text_of(mut response: reqwest::Response) -> Result<String, AnswerTrouble> {
    let cut = |error| broken(error, Size::Suspect);
    let mut bytes = Vec::new();
    let mut large = None;
    while let Some(piece) = response.chunk().await.map_err(cut)? {
        if bytes.len() + piece.len() > MOST_BODY_BYTES {
            let text = format!("the answer is larger than {} MiB", MOST_BODY_BYTES >> 20);
            return Err(AnswerTrouble {
                text,
                size: Size::TooMuch,
            });
        }
        if large.is_none() && bytes.len() + piece.len() > SMALL_BODY_BYTES {
            large = LARGE.acquire().await.ok();
        }
        bytes.extend_from_slice(&piece);
    }
    bytes.shrink_to_fit();
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|odd| String::from_utf8_lossy(odd.as_bytes()).into_owned()))
}

/// An exchange that broke off; `size` where it was not for slowness.
pub(super) fn broken(error: reqwest::Error, size: Size) -> AnswerTrouble {
    let is_slow = error.is_timeout() && !error.is_connect();
    AnswerTrouble {
        text: innermost(&error.without_url()),
        size: if is_slow { Size::Slow } else { size },
    }
}

/// The last cause of an error: what reqwest says above it repeats the request.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
