//! Whether a request may see what it asks for: its token, the token's scope, and what tests deny besides.

use crate::clients::AccessToken;
use crate::faults::Matcher;
use crate::message::Request;
use crate::org::Org;
use crate::refusal::Refusal;
use crate::routes::Call;

/// Why a path is refused, or answers less, although token and scope are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The principal has no admin role for it: 403 E0000006.
    AdminRole,
    /// The org does not have the feature: 401 E0000015.
    Feature,
    /// A weak admin role: lists end after so many objects, without an error.
    Short(u64),
}

impl Org {
    /// Denies the paths of a matcher until [`Org::allow_all`].
    pub fn deny(&mut self, matcher: impl Into<Matcher>, denial: Denial) {
        self.denials.push((matcher.into(), denial));
    }

    /// Lifts every denial.
    pub fn allow_all(&mut self) {
        self.denials.clear();
    }

    pub(crate) fn check_access(&mut self, call: &Call<'_>) -> Result<(), Refusal> {
        let Some(scope) = call.route.scope else {
            return Ok(());
        };
        self.check_token(call.request, scope)?;
        match self.denial(call.request) {
            Some(Denial::AdminRole) => Err(Refusal::forbidden()),
            Some(Denial::Feature) => Err(Refusal::feature_off()),
            Some(Denial::Short(_)) | None => Ok(()),
        }
    }

    pub(crate) fn denial(&self, request: &Request) -> Option<&Denial> {
        self.denials
            .iter()
            .find(|(matcher, _)| matcher.matches(request))
            .map(|(_, denial)| denial)
    }

    fn check_token(&mut self, request: &Request, scope: &str) -> Result<(), Refusal> {
        let header = request.header_value("authorization").unwrap_or_default();
        match header.split_once(' ') {
            Some(("SSWS", token)) => self.check_api_token(token),
            Some(("Bearer", token)) => self.check_bearer(request, token, scope),
            Some(("DPoP", token)) => self.check_bound(request, token, scope),
            _ => Err(Refusal::api(403, "E0000005", "Invalid session")),
        }
    }

    fn check_api_token(&self, token: &str) -> Result<(), Refusal> {
        let known = self.credentials.api_tokens.contains(token);
        if known {
            Ok(())
        } else {
            Err(Refusal::invalid_token().with("WWW-Authenticate", "SSWS"))
        }
    }

    fn check_bearer(&self, request: &Request, token: &str, scope: &str) -> Result<(), Refusal> {
        let token = self.live_token(request, token, "Bearer")?;
        if token.thumbprint.is_some() {
            return Err(self.challenge(
                request,
                "Bearer",
                "invalid_token",
                "The access token is bound to a DPoP key.",
            ));
        }
        self.check_scope(request, token, "Bearer", scope)
    }

    fn check_bound(&mut self, request: &Request, token: &str, scope: &str) -> Result<(), Refusal> {
        let access = self.live_token(request, token, "DPoP")?.clone();
        self.verify_api_proof(request, token, access.thumbprint.as_deref())?;
        self.check_scope(request, &access, "DPoP", scope)
    }

    fn live_token(
        &self,
        request: &Request,
        token: &str,
        scheme: &str,
    ) -> Result<&AccessToken, Refusal> {
        let refused = |why| self.challenge(request, scheme, "invalid_token", why);
        let token = self
            .credentials
            .access_tokens
            .get(token)
            .ok_or_else(|| refused("The token is invalid."))?;
        if token.expires <= self.now() {
            return Err(refused("The token is expired."));
        }
        if !self.credentials.clients.contains_key(&token.client_id) {
            return Err(refused("The client is unknown."));
        }
        Ok(token)
    }

    fn check_scope(
        &self,
        request: &Request,
        token: &AccessToken,
        scheme: &str,
        scope: &str,
    ) -> Result<(), Refusal> {
        if token.scopes.iter().any(|granted| granted == scope) {
            return Ok(());
        }
        let why = "The access token provided does not contain the required scopes.";
        let challenge = format!(
            "{}, scope=\"{scope}\"",
            self.challenge_text(request, scheme, "insufficient_scope", why)
        );
        Err(Refusal::empty(403).with("WWW-Authenticate", challenge))
    }

    fn challenge(&self, request: &Request, scheme: &str, error: &str, why: &str) -> Refusal {
        Refusal::invalid_token().with(
            "WWW-Authenticate",
            self.challenge_text(request, scheme, error, why),
        )
    }

    fn challenge_text(&self, request: &Request, scheme: &str, error: &str, why: &str) -> String {
        let domain = &self.options.domain;
        format!(
            "{scheme} authorization_uri=\"{domain}/oauth2/v1/authorize\", realm=\"{domain}\", error=\"{error}\", \
             error_description=\"{why}\", resource=\"{}\"",
            request.path
        )
    }
}
