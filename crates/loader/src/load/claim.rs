//! Claims a load for this loader, and finds its app.

use jiff::Timestamp;
use uuid::Uuid;

use super::End;
use super::one::Load;
use crate::authomize::{Api, App, Transport, named, slug};
use crate::failure::Failure;
use crate::record::{Record, UnderWay};
use crate::secret::{Secrets, Tenant};
use crate::store::Store;

impl<S, V, C, T> Load<'_, S, V, C>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    /// Takes over, also from a loader that is at work: an unfinished load of the same kind goes on where it was.
    pub(super) async fn claim(&mut self, host: &str, deadline: Timestamp) -> Result<(), End> {
        let now = (self.loader.clock)();
        let newest = self.history.newest();
        let record = &mut self.held.record;
        if record.api.as_deref() != Some(host) {
            // Another tenant holds nothing of what was posted.
            let fresh = Record {
                schema: record.schema,
                integration: record.integration.clone(),
                ..Record::default()
            };
            *record = Record {
                api: Some(host.to_owned()),
                ..fresh
            };
            self.all = true;
        }
        let fresh = UnderWay {
            loader: Uuid::new_v4().to_string(),
            until: deadline,
            sequence: newest,
            all: self.all,
            done: 0,
            mark: None,
            unplaced: false,
            refused: Vec::new(),
            refused_total: 0,
        };
        let before = record.under_way.take();
        if let Some(before) = before.as_ref().filter(|before| before.until > now) {
            record.disturbed_until = record.disturbed_until.max(Some(before.until));
        }
        let goes_on = before.filter(|before| {
            before.sequence <= newest && before.sequence > 0 && before.all == self.all
        });
        record.under_way = Some(match goes_on {
            Some(before) => UnderWay {
                loader: fresh.loader,
                until: fresh.until,
                ..before
            },
            None => fresh,
        });
        self.save().await
    }

    pub(super) async fn save(&mut self) -> Result<(), End> {
        if self.held.write(&self.loader.store).await? {
            Ok(())
        } else {
            Err(End::TakenOver)
        }
    }

    /// The integration's app; where it is not the app of the last load, everything is loaded anew.
    pub(super) async fn app(&mut self, api: &mut Api<'_, T>) -> Result<App, End> {
        let integration = self.request.integration.clone();
        let shown = self
            .status
            .as_ref()
            .filter(|status| status.integration == integration);
        let name = shown
            .map(|status| status.name.clone())
            .filter(|name| !name.is_empty())
            .unwrap_or(integration.clone());
        let apps = api.apps().await?;
        let known = apps
            .iter()
            .find(|app| self.held.record.app_id.as_ref() == Some(&app.id));
        let anew = known.is_none();
        let app = match known.or_else(|| named(&apps, &name)) {
            Some(app) => app.clone(),
            None => {
                // The last look whether another loader is about to create it.
                self.save().await?;
                api.create_app(&name).await?
            }
        };
        let called = app.integration_name.as_deref().unwrap_or_default();
        if called != name && slug(called) != integration {
            self.doubts.push(format!(
                "Authomize calls app {} {called:?}, not {name:?}",
                app.id
            ));
        }
        let record = &mut self.held.record;
        if anew {
            self.all = true;
            let under_way = record.under_way.take().map(|under_way| UnderWay {
                sequence: self.history.newest(),
                all: true,
                done: 0,
                mark: None,
                ..under_way
            });
            let (api, integration) = (record.api.take(), record.integration.clone());
            *record = Record {
                schema: record.schema,
                integration,
                api,
                under_way,
                app_id: Some(app.id.clone()),
                ..Record::default()
            };
            self.save().await?;
        }
        Ok(app)
    }
}
