//! A stateful fake of an Okta org, for tests, the demo and benchmarks.
//!
//! [`Org::answer`] is the whole org without IO: a [`Request`] goes in, a [`Response`] comes out, and time is what the
//! org's [`Clock`] says. [`serve`] puts HTTP around it. Tests change the org through its mutations
//! (`create_user`, `add_member`, …), which log what Okta would log; inside [`Org::silently`] they log nothing.
//!
//! ```text
//! Request ─ faults ─ limits ─ access (token, scope) ─ routes ─ users, groups, apps, … ─ paging ─ Response
//! ```

mod access;
mod answer;
mod apps;
mod bench;
mod change;
mod clients;
mod clock;
mod control;
mod counts;
mod demo;
mod event;
mod event_names;
mod factors;
mod faults;
mod filter;
mod groups;
mod http;
mod iam;
mod idps;
mod ids;
mod limits;
mod log;
mod logs;
mod message;
mod mishaps;
mod org;
mod paging;
mod proof;
mod recorded;
mod refusal;
mod roles;
mod routes;
mod state;
mod streamed;
mod table;
mod token;
mod unseen;
mod users;

pub use access::Denial;
pub use bench::{BenchOptions, Change};
pub use change::{NewApp, Targets};
pub use clients::Client;
pub use clock::Clock;
pub use counts::{Counts, JournalEntry};
pub use demo::{DEMO_API_TOKEN, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DemoOptions};
pub use event::{Event, Origin, Party};
pub use faults::{Failure, Fault, Matcher};
pub use http::{Server, serve};
pub use limits::{Class, Limits, WindowUse};
pub use message::{Request, Response};
pub use org::{Options, Org};
pub use paging::{LinkForm, LinkHost, Links};
pub use recorded::Loaded;
pub use state::State;
pub use users::NewUser;
