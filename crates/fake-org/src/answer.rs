//! The way of a request through the org: faults, limits, access, route.

use crate::clock::http_date;
use crate::control;
use crate::counts::JournalEntry;
use crate::faults::too_many;
use crate::limits::{Announced, Class};
use crate::message::{Request, Response};
use crate::org::Org;
use crate::refusal::Refusal;
use crate::routes::{Call, TOKEN_PATH};

impl Org {
    /// Answers one request, deterministically but for the real clock.
    pub fn answer(&mut self, request: &Request) -> Response {
        if let Some(response) = control::answer(self, request) {
            return response;
        }
        self.live();
        self.release_due();
        let call = Call::find(request);
        let failure = self.faults.meet(request);
        let instead = failure
            .as_ref()
            .and_then(|failure| failure.instead(self.now().as_second()));
        let (mut response, announced) = match instead {
            // It says what the test wants it to say, and no more.
            Some((response, None)) if response.status == 429 => (response, None),
            Some((response, announced)) => (
                response,
                announced.or_else(|| self.count(request, call.as_ref()).ok()),
            ),
            None => self.regular(request, call.as_ref()),
        };
        if let Some(failure) = failure {
            response = failure.spoil(response);
        }
        self.finish(request, call.as_ref(), response, announced)
    }

    fn count(
        &mut self,
        request: &Request,
        call: Option<&Call<'_>>,
    ) -> Result<Announced, Announced> {
        let token = request.path == TOKEN_PATH;
        let class = if token {
            Class::Token
        } else {
            call.map_or(Class::Other, |call| call.route.class)
        };
        let now = self.now();
        if self
            .options
            .limits
            .concurrency
            .is_some_and(|most| self.in_flight > most)
        {
            return Err(Announced {
                limit: 0,
                remaining: 0,
                reset: now.as_second() + 120,
            });
        }
        self.windows.take(&self.options.limits, class, now)
    }

    fn regular(
        &mut self,
        request: &Request,
        call: Option<&Call<'_>>,
    ) -> (Response, Option<Announced>) {
        let announced = match self.count(request, call) {
            Ok(announced) => announced,
            Err(announced) => return (too_many(), Some(announced)),
        };
        let response = self
            .route(request, call)
            .unwrap_or_else(Refusal::into_response);
        (response, Some(announced))
    }

    fn route(&mut self, request: &Request, call: Option<&Call<'_>>) -> Result<Response, Refusal> {
        if request.path == TOKEN_PATH {
            return self.answer_token(request);
        }
        let call = call.ok_or_else(Refusal::unknown_path)?;
        if request.method != "GET" {
            return Err(Refusal::wrong_method());
        }
        self.check_access(call)?;
        if call.route.class == Class::Logs {
            return (call.route.handler)(self, call);
        }
        self.as_seen(|org| (call.route.handler)(org, call))
    }

    fn finish(
        &mut self,
        request: &Request,
        call: Option<&Call<'_>>,
        mut response: Response,
        announced: Option<Announced>,
    ) -> Response {
        let now = self.now();
        self.answered += 1;
        response.headers.push(("Date".into(), http_date(now)));
        response.headers.push((
            "X-Okta-Request-Id".into(),
            format!("{:032x}", self.answered),
        ));
        if let Some(announced) = announced {
            announced.write(&mut response, self.options.limits.duplicate_headers);
        }
        let path = call.map_or(request.path.as_str(), |call| call.route.template);
        self.counts
            .add(format!("{} {path}", request.method), &response);
        if self.options.journal {
            self.journal
                .push(JournalEntry::new(self.answered, now, request, &response));
        }
        response
    }
}
