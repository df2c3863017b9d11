//! `load`: brings a bucket, or a copy of one, into Authomize from the command line. `make load` uses it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use loader::authomize::{Http, http_client};
use loader::clock::Clock;
use loader::config::origin;
use loader::event::{Mode, Request};
use loader::failure::Failure;
use loader::load::{Loader, Settings};
use loader::purge::Wishes;
use loader::report::{Outcome, Refused, Report};
use loader::secret::{SecretFile, Tenant};
use loader::store::{Folder, Store};

/// Brings what the collector committed into Authomize
#[derive(Parser)]
struct Arguments {
    /// What to do
    #[arg(value_enum, default_value_t = Wish::Incremental)]
    mode: Wish,
    /// Copy of the bucket; or use --bucket
    #[arg(long, default_value = "out")]
    dir: PathBuf,
    /// Bucket in S3, instead of a copy
    #[arg(long, env = "BUCKET")]
    bucket: Option<String>,
    /// Key prefix
    #[arg(long, default_value = "okta")]
    prefix: String,
    /// Integration; needed where there are several
    #[arg(long)]
    integration: Option<String>,
    /// File with {"token": "…", "base_url": "https://…"}
    #[arg(long, env = "AUTHOMIZE_SECRET")]
    secret: Option<String>,
    /// Let a full load purge although it posts far fewer items than the last one
    #[arg(long)]
    accept_shrink: bool,
    /// Let a full load purge items of the app that this loader did not post
    #[arg(long)]
    adopt: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Wish {
    /// Post what has changed, and everything if that is due
    Incremental,
    /// Post everything, and purge
    Full,
    /// Send nothing; show what would be sent
    Plan,
}

/// Invocations in a row that go on with one load.
const MOST_INVOCATIONS: usize = 40;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let ended = match arguments.bucket.clone() {
        Some(bucket) => run(&arguments, aws::clients().await.bucket(bucket)).await,
        None => run(&arguments, Folder::new(arguments.dir.clone())).await,
    };
    match ended {
        Ok(report) => {
            show(&arguments, &report);
            ExitCode::from(u8::from(report.outcome == Outcome::Partial))
        }
        Err(failure) => {
            eprintln!("load: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments, store: impl Store) -> Result<Report, Failure> {
    let client = http_client()?;
    let connect = move |tenant: Tenant| Http::new(client.clone(), tenant);
    let loader = Loader::new(
        settings(arguments)?,
        store,
        SecretFile,
        connect,
        Clock::new(Timestamp::now),
    );
    let integration = match &arguments.integration {
        Some(integration) => integration.clone(),
        None => only(&loader.integrations().await?)?,
    };
    let mode = match arguments.mode {
        Wish::Incremental => Mode::Incremental,
        Wish::Full => Mode::Full,
        Wish::Plan => Mode::Plan,
    };
    if mode != Mode::Plan && arguments.secret.is_none() {
        return Err(Failure::new(
            "SecretNotNamed",
            "name a file with Authomize's token: --secret, or AUTHOMIZE_SECRET",
        ));
    }
    let mut request = Request {
        integration,
        mode,
        wishes: Wishes {
            accept_shrink: arguments.accept_shrink,
            adopt: arguments.adopt,
        },
    };
    let mut report = loader.load(&request, deadline()).await?;
    for _ in 1..MOST_INVOCATIONS {
        if !report.go_on {
            break;
        }
        request.mode = Mode::Incremental;
        report = loader.load(&request, deadline()).await?;
    }
    Ok(report)
}

fn settings(arguments: &Arguments) -> Result<Settings, Failure> {
    let api_url = std::env::var("AUTHOMIZE_API_URL")
        .unwrap_or_else(|_| "https://api.authomize.com".to_owned());
    let api_url = origin(&api_url)
        .map_err(|problem| Failure::new("InitFailed", format!("AUTHOMIZE_API_URL {problem}")))?;
    Ok(Settings {
        prefix: arguments.prefix.clone(),
        secret_id: arguments.secret.clone().unwrap_or_default(),
        api_url,
        full_load_interval: SignedDuration::from_hours(24),
        pause: Duration::from_millis(500),
    })
}

fn deadline() -> Timestamp {
    Timestamp::now() + SignedDuration::from_mins(15)
}

fn only(integrations: &[String]) -> Result<String, Failure> {
    match integrations {
        [integration] => Ok(integration.clone()),
        [] => Err(Failure::new(
            "NothingCommitted",
            "there is no integration: run `make run` first, or give --dir or --bucket",
        )),
        several => Err(Failure::new(
            "IntegrationNotNamed",
            format!("name one with --integration: {}", several.join(", ")),
        )),
    }
}

fn show(arguments: &Arguments, report: &Report) {
    if arguments.json {
        println!(
            "{}",
            serde_json::to_string_pretty(report)
                .expect("plain structs with text keys always serialize")
        );
        return;
    }
    let planned = matches!(arguments.mode, Wish::Plan);
    let outcome = format!("{:?}", report.outcome).to_lowercase();
    let verb = if planned { "would be posted" } else { "posted" };
    println!(
        "  {} load of {:?} up to manifest {}: {}",
        report.load,
        report.integration,
        report.sequence,
        if planned { "planned" } else { &outcome }
    );
    for (kind, number) in &report.items {
        println!("  {number:>9}  {kind} {verb}");
    }
    println!(
        "  {} requests, {} bytes, {} ms",
        report.requests, report.bytes, report.duration_ms
    );
    show_purge(report, planned);
}

/// Deletions, those that wait, and why.
fn show_purge(report: &Report, planned: bool) {
    let removed = if report.swept {
        "purged: Authomize holds nothing else"
    } else {
        "not purged"
    };
    println!(
        "  {removed}; {} removed items wait for a purge, {} left out, {} refused",
        report.removals_pending, report.left_out, report.refused_total
    );
    if let Some(strangers) = report.strangers.filter(|strangers| *strangers > 0) {
        println!("  the app holds {strangers} items that this loader did not post");
    }
    print_items("refused", &report.refused);
    print_items("left out", &report.left_out_items);
    for reason in &report.held {
        println!(
            "  the purge {}: {reason}",
            if planned { "would wait" } else { "waits" }
        );
    }
}

/// Items that were not loaded, each with the reason.
fn print_items(verb: &str, items: &[Refused]) {
    for item in items {
        println!(
            "  {verb} {} {}: {}",
            item.kind,
            item.ids.join(" "),
            item.reason
        );
    }
}
