//! The loader's rules, one theme per file. Authomize is `conformance/authomize_fake.py` over real HTTP.

mod alarms;
mod fake;
mod guards;
mod history;
mod lambda;
mod loads;
mod memory;
mod permissions;
mod property;
mod rig;
mod trouble;
mod trust;

#[path = "../../../../tests/support/enforcing.rs"]
#[allow(dead_code, reason = "the root package's rules use more of it")]
mod enforcing;
#[path = "../../../../tests/support/http.rs"]
#[allow(dead_code, reason = "the root package's rules use more of it")]
mod http;
#[path = "../../../../tests/support/moto.rs"]
#[allow(dead_code, reason = "the root package's rules use more of it")]
mod moto;
#[path = "../../../../tests/support/runtime.rs"]
#[allow(dead_code, reason = "the root package's rules use more of it")]
mod runtime;
#[path = "../../../../tests/support/template.rs"]
#[allow(dead_code, reason = "the root package's rules use more of it")]
mod template;
