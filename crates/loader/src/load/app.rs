//! The integration's app at Authomize.

use super::End;
use super::run::Load;
use crate::authomize::{Api, App, Stop, Transport, named, slug};
use crate::failure::Failure;
use crate::purge::{Evidence, Reason, Standpoint};
use crate::record::{Record, UnderWay};
use crate::secret::{Secrets, Tenant};
use crate::store::Store;

/// Looks at the list of apps before another app is made: one empty answer is no proof.
const LOOKS: u32 = 2;

impl<S, V, C, T> Load<'_, S, V, C>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    /// The integration's shown name.
    pub(super) fn app_name(&self) -> String {
        let integration = &self.request.integration;
        let shown = self
            .status
            .as_ref()
            .filter(|status| status.integration == *integration)
            .map(|status| status.name.clone());
        shown
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| integration.clone())
    }

    /// The integration's app, found or created. If it is not the app of the last load, everything is loaded anew.
    pub(super) async fn app(&mut self, api: &mut Api<'_, T>) -> Result<Standpoint, End> {
        let name = self.app_name();
        let app = match self.find(api, &name).await? {
            Some(app) => {
                if self.held.record.app_id.as_ref() != Some(&app.id) {
                    self.begin_anew(&app, false).await?;
                }
                app
            }
            None => {
                // The last look whether another loader is about to create it.
                self.save().await?;
                let app = api.create_app(&name).await?;
                self.begin_anew(&app, true).await?;
                app
            }
        };
        Ok(self.standpoint(app, name))
    }

    fn standpoint(&self, app: App, name: String) -> Standpoint {
        let called = app.integration_name.unwrap_or_default();
        let renamed = (called != name && slug(&called) != self.request.integration).then(|| {
            Reason::AppRenamed {
                app_id: app.id.clone(),
                called,
                expected: name,
            }
        });
        Standpoint {
            app_id: app.id,
            made: self.held.record.app_made,
            renamed,
        }
    }

    /// The app of the last load by its id, else one of the integration's name.
    pub(super) async fn find(&self, api: &mut Api<'_, T>, name: &str) -> Result<Option<App>, Stop> {
        let known = self.held.record.app_id.as_deref();
        if let Some(id) = known {
            match api.app(id).await {
                Ok(Some(app)) => return Ok(Some(app)),
                // The list may know it all the same.
                Ok(None) | Err(Stop::Endpoint { .. }) => {}
                Err(stop) => return Err(stop),
            }
        }
        for look in 1..=LOOKS {
            let apps = api.apps().await?;
            let same = apps.iter().find(|app| Some(app.id.as_str()) == known);
            if let Some(app) = same {
                return Ok(Some(app.clone()));
            }
            if let Some(id) = known
                && let Some(app) = api.app(id).await?
            {
                return Ok(Some(app));
            }
            if let Some(app) = named(&apps, name) {
                return Ok(Some(app.clone()));
            }
            if look < LOOKS {
                api.pause(1).await;
            }
        }
        Ok(None)
    }

    async fn begin_anew(&mut self, app: &App, made: bool) -> Result<(), End> {
        self.all = true;
        let newest = self.history.newest();
        let record = &mut self.held.record;
        let under_way = record.under_way.take().map(|under_way| UnderWay {
            sequence: newest,
            all: true,
            done: 0,
            evidence: Evidence::default(),
            inquiry: crate::purge::Inquiry::default(),
            ..under_way
        });
        *record = Record {
            schema: record.schema,
            integration: record.integration.clone(),
            api: record.api.take(),
            margin: record.margin,
            under_way,
            app_id: Some(app.id.clone()),
            app_made: made,
            ..Record::default()
        };
        self.removals = crate::purge::Removals::default();
        self.save().await
    }
}
