//! The tenant's apps.

use serde::Deserialize;
use serde_json::Value;

use super::{Api, Stop, Transport, Trouble};
use crate::failure::Failure;

/// Pages of apps that are looked through.
const MOST_APP_PAGES: usize = 100;
const APPS_PER_PAGE: usize = 100;
/// Attempts to create an app whose answers are lost.
const MOST_CREATIONS: u32 = 5;

/// An app as Authomize lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// Authomize's id of it.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub integration_name: Option<String>,
}

#[derive(Deserialize)]
struct AppList {
    data: Vec<App>,
    /// `{"total": …, "hasMore": …}`, both optional and of no use where they are not numbers and booleans.
    #[serde(default)]
    pagination: Value,
}

/// The app whose name gives this name's slug, one of exactly this name first.
#[must_use]
pub fn named<'a>(apps: &'a [App], name: &str) -> Option<&'a App> {
    let exactly = apps
        .iter()
        .find(|app| app.integration_name.as_deref() == Some(name));
    exactly.or_else(|| {
        apps.iter()
            .find(|app| app.integration_name.as_deref().map(slug) == Some(slug(name)))
    })
}

/// A name as it stands in object keys: lowercase, `-` between words.
#[must_use]
pub fn slug(name: &str) -> String {
    let words = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words
        .map(str::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .join("-")
}

impl<T: Transport> Api<'_, T> {
    /// The app of this id; `None` if there is none.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn app(&mut self, id: &str) -> Result<Option<App>, Stop> {
        let path = format!("/v2/apps/{id}");
        let answer = self.call("GET", &path, None).await?;
        match answer.status {
            404 => Ok(None),
            200 => read(&answer.body, "GET", &path)
                .map(|app: App| Some(app).filter(|app| app.id == id)),
            status => Err(endpoint("GET", &path, Trouble::Status { status })),
        }
    }

    /// Every app of the tenant.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn apps(&mut self) -> Result<Vec<App>, Stop> {
        let mut apps: Vec<App> = Vec::new();
        for _ in 0..MOST_APP_PAGES {
            let path = format!("/v2/apps?limit={APPS_PER_PAGE}&skip={}", apps.len());
            let answer = self.call("GET", &path, None).await?;
            if answer.status != 200 {
                let status = answer.status;
                return Err(endpoint("GET", &path, Trouble::Status { status }));
            }
            let listed: AppList = read(&answer.body, "GET", &path)?;
            let length = listed.data.len();
            apps.extend(listed.data);
            // A page may be shorter than asked for although there is more.
            let total = listed.pagination["total"].as_u64();
            let more = listed.pagination["hasMore"] == true
                || total.is_some_and(|total| total > apps.len() as u64);
            if length == 0 || (length < APPS_PER_PAGE && !more) {
                break;
            }
        }
        Ok(apps)
    }

    /// Creates an app. After each answer that was lost the app may be there, so it is looked for first.
    ///
    /// # Errors
    /// As [`call`](Self::call); `AppRefused`.
    pub async fn create_app(&mut self, name: &str) -> Result<App, Stop> {
        let body = serde_json::json!({"integrationName": name}).to_string();
        let mut attempts = 0;
        let answer = loop {
            attempts += 1;
            let body = Some(body.clone().into_bytes());
            match self.call_once("POST", "/v2/apps", body).await {
                Err(Stop::Endpoint { trouble, .. })
                    if trouble.may_pass() && attempts < MOST_CREATIONS =>
                {
                    self.pause(2_u32.pow(attempts)).await;
                    if let Some(app) = named(&self.apps().await?, name) {
                        return Ok(app.clone());
                    }
                }
                ended => break ended?,
            }
        };
        if !(200..=299).contains(&answer.status) {
            let message = format!(
                "Authomize refuses to create the app {name:?} ({}): create it there by that name",
                answer.status
            );
            return Err(Failure::new("AppRefused", message).into());
        }
        read(&answer.body, "POST", "/v2/apps")
    }
}

impl Trouble {
    fn may_pass(&self) -> bool {
        match self {
            Self::Status { status } => *status >= 500 || [408, 425].contains(status),
            Self::Throttled | Self::NoAnswer { .. } => true,
            Self::Foreign | Self::Other => false,
        }
    }
}

fn endpoint(method: &str, path: &str, trouble: Trouble) -> Stop {
    let request = format!("{method} {path}");
    Stop::Endpoint { request, trouble }
}

fn read<D: for<'de> Deserialize<'de>>(body: &[u8], method: &str, path: &str) -> Result<D, Stop> {
    serde_json::from_slice(body).map_err(|_| endpoint(method, path, Trouble::Foreign))
}
