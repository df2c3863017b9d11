//! `fake-org serve`: a fake Okta org on a local port.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::{Args, Parser, Subcommand, ValueEnum};
use fake_org::{
    BenchOptions, Clock, DEMO_API_TOKEN, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DemoOptions, Limits,
    Options, Org,
};
use jiff::{SignedDuration, Timestamp};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// A fake Okta org, for trying a collector without an org of one's own.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve an org and print one line of JSON when it is ready.
    Serve(Serve),
}

#[derive(Args)]
struct Serve {
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Of everything that is drawn.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// People of the demo company at its start.
    #[arg(long, default_value_t = 300)]
    people: u32,
    /// When the demo's System Log begins [default: midnight, 120 days before now].
    #[arg(long)]
    start: Option<Timestamp>,
    /// The time when the program starts; time goes on from there [default: the real time].
    #[arg(long)]
    now: Option<Timestamp>,
    /// A time at which a handful of changes happens; may be repeated.
    #[arg(long)]
    burst: Vec<Timestamp>,
    /// Serve the recorded objects (*.jsonl) of this directory instead of the demo company.
    #[arg(long, conflicts_with = "bench")]
    recorded: Option<PathBuf>,
    /// Serve a large org: 10,000 users, 50,000 events.
    #[arg(long)]
    bench: bool,
    /// Every answer takes this long.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Which rate limits hold.
    #[arg(long, value_enum, default_value_t = RateLimits::None)]
    rate_limits: RateLimits,
    /// Exit as soon as standard input ends, so that nothing is left behind.
    #[arg(long)]
    until_stdin_closes: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum RateLimits {
    /// Those of a Workforce org, of which one app may use half.
    Workforce,
    /// None; high ones are announced.
    None,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Command::Serve(serve) = Cli::parse().command;
    let listener = TcpListener::bind(serve.listen).await?;
    let org = org(&serve)?;
    let ready = serde_json::json!({
        "domain": org.options.domain,
        "client_id": DEMO_CLIENT_ID,
        "client_secret": DEMO_CLIENT_SECRET,
        "token": DEMO_API_TOKEN,
    });
    let server = fake_org::serve(Arc::new(Mutex::new(org)), listener).await;
    let mut line = serde_json::json!({"url": server.url});
    line.as_object_mut()
        .expect("an object was written")
        .extend(ready.as_object().cloned().unwrap_or_default());
    println!("{line}");
    if serve.until_stdin_closes {
        stdin_closed().await
    } else {
        std::future::pending().await
    }
    Ok(())
}

async fn stdin_closed() {
    let mut buffer = [0; 256];
    while tokio::io::stdin()
        .read(&mut buffer)
        .await
        .is_ok_and(|read| read > 0)
    {}
}

fn org(serve: &Serve) -> Result<Org, Box<dyn Error>> {
    let now = serve.now.unwrap_or_else(Timestamp::now);
    let mut org = if let Some(directory) = &serve.recorded {
        recorded(directory)?
    } else if serve.bench {
        Org::bench(&BenchOptions::large(now))
    } else {
        let start = serve
            .start
            .unwrap_or_else(|| midnight(now) - SignedDuration::from_hours(24 * 120));
        Org::demo(&DemoOptions {
            seed: serve.seed,
            people: serve.people,
            start,
            now,
            bursts: serve.burst.clone(),
        })
    };
    org.options.clock = serve.now.map_or(Clock::Real, |now| {
        Clock::Shifted(now.duration_since(Timestamp::now()))
    });
    org.options.latency_ms = serve.latency_ms;
    if let RateLimits::Workforce = serve.rate_limits {
        org.options.limits = Limits::workforce();
    }
    Ok(org)
}

fn recorded(directory: &std::path::Path) -> Result<Org, Box<dyn Error>> {
    let mut org = Org::new(Options::default());
    org.add_client(fake_org::Client::with_secret(
        DEMO_CLIENT_ID,
        DEMO_CLIENT_SECRET,
    ));
    org.add_api_token(DEMO_API_TOKEN);
    for (file, loaded) in org.load_recorded(directory)? {
        eprintln!(
            "{file}: {} read, {} of them again",
            loaded.read, loaded.duplicates
        );
    }
    Ok(org)
}

fn midnight(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(86_400)).unwrap_or(now)
}
