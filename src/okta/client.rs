//! One page of one org.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use reqwest::Method;

use super::answer::{self, AnswerTrouble, Meaning, Raw};
use super::asked::Asked;
use super::auth::{Access, Session};
use super::full::Full;
use super::link;
use super::pace::kind_of;
use super::tally::Use;
use super::transport::Transport;
use super::tries::{Next, Tries};
use super::{Error, Within};
use crate::body::Body;

/// An org that pages can be read of.
#[derive(Debug, Clone)]
pub struct Org {
    transport: Arc<Transport>,
    session: Arc<Session>,
    learned: Arc<Mutex<Learned>>,
}

/// Knowledge of an org that lasts for a run.
#[derive(Debug, Default)]
struct Learned {
    /// Where and when a request with the credentials was last accepted.
    accepted: Option<(String, Timestamp)>,
    /// Whether `okta-response` was refused: it is not asked for again.
    is_plain: bool,
    /// Listings that have lost a position: of another one there is no doubt.
    lost: BTreeSet<String>,
}

/// Requests that may wait for their limits beside those that are under way: one of each limit, about.
const WAITING: usize = 16;

/// Where credentials are tried that one endpoint refuses, before anything has accepted them: each is for a scope of its
/// own.
const PROBES: [&str; 2] = ["/api/v1/users", "/api/v1/logs"];

/// A request whose credentials were refused.
#[derive(Debug, Clone, Copy)]
struct Refused<'a> {
    asked: &'a Asked,
    sent_at: Timestamp,
    /// The time that is left for it.
    again: Within,
}

/// An answer to a GET.
#[derive(Debug)]
pub struct Page {
    /// JSON text.
    pub body: Body,
    /// Path and query of the next page.
    pub next: Option<String>,
}

impl Org {
    /// The org that `transport` connects to.
    #[must_use]
    pub fn new(transport: Arc<Transport>, session: Arc<Session>) -> Self {
        Self {
            transport,
            session,
            learned: Arc::default(),
        }
    }

    /// The scopes that the org grants (see [`Session`]); `None` where it does not say.
    ///
    /// # Errors
    /// [`Error::Rejected`] where it grants no token at all.
    pub async fn granted(&self, until: Timestamp) -> Result<Option<BTreeSet<String>>, Error> {
        self.session.granted(&self.transport, until).await
    }

    /// Why a scope is not granted, and the remedy.
    pub async fn missing(&self, scope: &str) -> String {
        self.session.missing(scope).await
    }

    /// Requests, waits and rate limits since the run began.
    #[must_use]
    pub fn used(&self) -> Use {
        self.transport.used()
    }

    /// How many requests should be begun at once: those that may be under way, and some that wait for their limit.
    #[must_use]
    pub fn room(&self) -> usize {
        self.transport.room() + WAITING
    }

    /// The number of the rate limit that a path counts against, as far as its answers have shown.
    #[must_use]
    pub fn limit_of(&self, path: &str) -> usize {
        self.transport.bucket_of(path)
    }

    /// Whether a request for a path should be begun beside so many that count against its limit (see
    /// [`Org::limit_of`]), and so many of its kind (see [`Org::kind_of`]).
    #[must_use]
    pub fn has_room(&self, path: &str, of_limit: usize, of_kind: usize) -> bool {
        self.transport.has_room(path, (of_limit, of_kind))
    }

    /// A path without its ids and its query: paths of one kind count against one limit.
    #[must_use]
    pub fn kind_of(path: &str) -> String {
        kind_of(path)
    }

    /// Fetches a path (with its query). `omits`: what the answer may come without, in the words of
    /// Okta's `okta-response`; empty for nothing. Where Okta fails on a page the same position is asked for with
    /// a smaller `limit`, and at last without `omits` and `expand=stats`; the next link carries what worked. A last page
    /// that is exactly full is asked on (see `Full`), so that no link means the end.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, path: &str, omits: &str, within: Within) -> Result<Page, Error> {
        let (mut page, target) = self.fetch(path, omits, within, false).await?;
        if page.next.is_none()
            && let Some(full) = Full::read(&target, &page.body)
        {
            page.next = self.asked_on(full, omits, within.until).await?;
        }
        Ok(page)
    }

    /// The position after a full page that names no next one; `None` where nothing new does, or Okta does not page so.
    async fn asked_on(
        &self,
        full: Full,
        omits: &str,
        until: Timestamp,
    ) -> Result<Option<String>, Error> {
        let follows = match self.fetch(&full.behind, omits, until.into(), true).await {
            Ok((page, _)) => full.is_followed_by(&page.body),
            Err(Error::Refused(_) | Error::Expired | Error::Gone) => false,
            Err(error) => return Err(error),
        };
        if follows {
            let path = full.behind.as_str();
            tracing::warn!(path, "a page had no next link though more follows");
        }
        Ok(follows.then_some(full.behind))
    }

    /// A page as it is answered, and the path that it was asked by at last. `is_trial`: nobody knows whether Okta takes
    /// the position, so that its word against it is no doubt.
    async fn fetch(
        &self,
        path: &str,
        omits: &str,
        within: Within,
        is_trial: bool,
    ) -> Result<(Page, String), Error> {
        let is_plain = self.learned(|learned| learned.is_plain);
        let omits = if is_plain { "" } else { omits };
        let (mut asked, mut tries) = (self.asked(path, omits), Tries::default());
        let again = Within::from(within.until);
        loop {
            let access = self.access(within.until).await?;
            let sent_at = self.transport.now();
            let time = if tries.is_first() { within } else { again };
            let raw = match self.ask(&asked, &access, time).await {
                Ok(Ok(raw)) => raw,
                Err(error) => return Err(tries.verdict(error, &asked)),
                Ok(Err(trouble)) => {
                    self.ease(&mut tries, &mut asked, trouble, within.until)
                        .await?;
                    continue;
                }
            };
            self.session.note_nonce(&raw).await;
            match answer::meaning(&raw, &asked, self.session.way(), self.transport.host()) {
                Meaning::Page => {
                    self.accept(&asked, sent_at, omits);
                    return Ok((page(raw, &asked)?, asked.target().to_owned()));
                }
                Meaning::Trouble(trouble) => {
                    self.ease(&mut tries, &mut asked, trouble, within.until)
                        .await?
                }
                Meaning::Final(error) => return Err(error),
                Meaning::Doubtful(error) if is_trial => return Err(error),
                Meaning::Doubtful(error) => self.doubt(&mut tries, &asked, error, again).await?,
                Meaning::Undecorated(error) => undecorate(&mut asked, error)?,
                Meaning::NewProof(error) => {
                    self.prove_again(&mut tries, &raw, &access, error).await?
                }
                Meaning::LargePage(error) => self.shorten(path, &mut asked, error)?,
                Meaning::NewToken(error) => {
                    let asked = &asked;
                    let refused = Refused {
                        asked,
                        sent_at,
                        again,
                    };
                    self.renew(&mut tries, &access, error, refused).await?
                }
            }
        }
    }

    /// What to ask for at first: no larger page than Okta is known to take.
    fn asked(&self, path: &str, omits: &str) -> Asked {
        let mut asked = Asked::new(path, omits);
        if let Some(most) = self.transport.largest_page(path) {
            asked.at_most(most);
        }
        asked
    }

    /// Waits before an answer that is hard to believe is asked for again.
    async fn doubt(
        &self,
        tries: &mut Tries,
        asked: &Asked,
        error: Error,
        again: Within,
    ) -> Result<(), Error> {
        if !tries.doubt() || self.is_beyond_doubt(&error, asked) {
            return Err(error);
        }
        self.transport.pause(1, again.until).await
    }

    async fn access(&self, until: Timestamp) -> Result<Access, Error> {
        self.session.authorize(&self.transport, until).await
    }

    /// Asks for half the page, and remembers that Okta takes no larger one.
    fn shorten(&self, path: &str, asked: &mut Asked, error: Error) -> Result<(), Error> {
        if !asked.halve() {
            return Err(error);
        }
        let limit = asked.limit().unwrap_or_default();
        self.transport.note_largest_page(path, limit);
        tracing::info!(path = asked.path(), limit, "Okta takes no larger page");
        Ok(())
    }

    /// Sends the request as it is asked now.
    async fn ask(
        &self,
        asked: &Asked,
        access: &Access,
        within: Within,
    ) -> Result<Result<Raw, AnswerTrouble>, Error> {
        let url = self.transport.url(asked.target())?;
        let build = |http: &reqwest::Client, now| {
            let mut request = http.get(url.clone()).header("accept", "application/json");
            if !asked.omits().is_empty() {
                let media = format!("application/json; okta-response=\"{}\"", asked.omits());
                request = request.header("content-type", media);
            }
            let request = access.put_on(request, &Method::GET, &url, now)?;
            request
                .build()
                .map_err(|error| Error::Failed(error.without_url().to_string()))
        };
        self.transport.send(asked.target(), within, build).await
    }

    /// Makes a request easier that has met trouble, and waits before it is sent again.
    async fn ease(
        &self,
        tries: &mut Tries,
        asked: &mut Asked,
        trouble: AnswerTrouble,
        until: Timestamp,
    ) -> Result<(), Error> {
        let before = asked.target().to_owned();
        match tries.fail_on(trouble, asked) {
            Next::Pause(failures) => {
                if asked.target() != before {
                    let (limit, trouble) = (link::limit_of(asked.target()), tries.trouble());
                    tracing::info!(path = asked.path(), trouble, limit, "asked again for less");
                }
                let paused = self.transport.pause(failures, until).await;
                paused.map_err(|error| tries.verdict(error, asked))
            }
            Next::GiveUp => Err(tries.verdict(Error::OutOfTime, asked)),
        }
    }

    /// Answers the refusal of a proof: first with the nonce and the clock of the answer, at last with a new token.
    /// <https://www.rfc-editor.org/rfc/rfc9449#section-9>
    async fn prove_again(
        &self,
        tries: &mut Tries,
        raw: &Raw,
        access: &Access,
        error: Error,
    ) -> Result<(), Error> {
        let Some(refused) = tries.prove() else {
            return Err(error);
        };
        self.session.set_clock(raw).await;
        let is_without_proof = !access.is_bound();
        if (refused > 1 || is_without_proof) && !self.session.forget(access).await {
            return Err(error);
        }
        Ok(())
    }

    /// Answers the refusal of a token: with another one, after a pause from the second time on. One that other endpoints
    /// take is not given up for this one.
    async fn renew(
        &self,
        tries: &mut Tries,
        access: &Access,
        error: Error,
        refused: Refused<'_>,
    ) -> Result<(), Error> {
        let Some(nth) = tries.renew().filter(|_| self.session.is_renewable()) else {
            return Err(self.refused(error, refused).await);
        };
        let pause = || self.transport.pause(2 * nth - 1, refused.again.until);
        if self.session.has_another(access).await {
            return if nth == 1 { Ok(()) } else { pause().await };
        }
        if nth == 1 {
            if self.is_accepted_since(refused) {
                return pause().await;
            }
            if self.session.forget(access).await {
                return Ok(());
            }
        }
        match self.refused(error, refused).await {
            // Another endpoint takes it: this one may yet.
            Error::Unavailable(_) if nth == 2 => pause().await,
            Error::Rejected(_) if self.session.forget(access).await => pause().await,
            error => Err(error),
        }
    }

    /// Whether another endpoint has accepted the credentials since a request was sent.
    fn is_accepted_since(&self, Refused { asked, sent_at, .. }: Refused<'_>) -> bool {
        self.learned(|learned| {
            let accepted = learned.accepted.as_ref();
            accepted.is_some_and(|(path, at)| path != asked.path() && *at >= sent_at)
        })
    }

    /// Whether a listing has lost positions before, so that this one is lost, too.
    fn is_beyond_doubt(&self, error: &Error, asked: &Asked) -> bool {
        *error == Error::Expired
            && self.learned(|learned| !learned.lost.insert(asked.path().to_owned()))
    }

    fn accept(&self, asked: &Asked, sent_at: Timestamp, omits: &str) {
        self.learned(|learned| {
            learned.accepted = Some((asked.path().to_owned(), sent_at));
            learned.is_plain |= !omits.is_empty() && asked.omits().is_empty();
        });
    }

    /// Why credentials are refused for good: by this endpoint alone, or altogether.
    async fn refused(&self, error: Error, refused: Refused<'_>) -> Error {
        let Refused {
            asked,
            sent_at,
            again: within,
        } = refused;
        let Error::Rejected(text) = error else {
            return error;
        };
        let accepted = self.learned(|learned| learned.accepted.clone());
        let elsewhere = accepted.filter(|(path, _)| path != asked.path());
        let is_accepted = match elsewhere {
            Some((_, at)) if at >= sent_at => true,
            Some((path, _)) => self.is_accepted_at(&path, within).await,
            None if self.session.is_renewable() => {
                let probe = PROBES
                    .into_iter()
                    .find(|probe| *probe != asked.path())
                    .unwrap_or(PROBES[0]);
                self.is_accepted_at(probe, within).await
            }
            None => false,
        };
        if is_accepted {
            return Error::Unavailable(format!(
                "this endpoint alone does not take the access: ask Okta's support ({text})"
            ));
        }
        Error::Rejected(text)
    }

    /// Whether an endpoint takes the credentials that another one does not.
    async fn is_accepted_at(&self, path: &str, within: Within) -> bool {
        let probe = Asked::new(&format!("{path}?limit=1"), "");
        let sent_at = self.transport.now();
        let Ok(access) = self.session.authorize(&self.transport, within.until).await else {
            return false;
        };
        let Ok(Ok(raw)) = self.ask(&probe, &access, within).await else {
            return false;
        };
        let is_accepted = answer::takes_access(&raw, &probe, self.session.way());
        if is_accepted {
            self.accept(&probe, sent_at, "");
        }
        is_accepted
    }

    fn learned<T>(&self, look: impl FnOnce(&mut Learned) -> T) -> T {
        look(&mut self.learned.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A page with its next link.
fn page(raw: Raw, asked: &Asked) -> Result<Page, Error> {
    match link::next_page(&raw.headers, &raw.body, asked.target()) {
        Ok(next) => Ok(Page {
            body: raw.body,
            next,
        }),
        Err(link::Unclear) => Err(Error::Failed(format!(
            "GET {}: the answer has a next link that names no page of the org",
            asked.path()
        ))),
    }
}

/// Retries without optional fields.
fn undecorate(asked: &mut Asked, error: Error) -> Result<(), Error> {
    if !asked.undecorate() {
        return Err(error);
    }
    tracing::warn!(path = asked.path(), %error, "asked again without what the answer can do without");
    Ok(())
}
